/** Phones as an office of 10,000 has them: desk phones of all makers, and apps. */
import type { Catalogue, Model } from '../../src/phones/phone-port.ts'
import type { FleetHandset } from './fleet.ts'

/** Of a hundred handsets. Makers with a file of many settings and those with many files are both well represented. */
const shares: Readonly<Record<string, number>> = {
  yealink: 28,
  grandstream: 14,
  snom: 11,
  fanvil: 8,
  poly: 8,
  mitel: 6,
  cisco: 5,
  gigaset: 2,
  htek: 2,
  audiocodes: 2,
  linphone: 9,
  baresip: 1,
  microsip: 2,
  gswave: 1,
  acrobits: 1,
}

/**
 * Which handset somebody has: the makers by their shares, their models in turn. All certificates are the same one, since
 * making 10,000 keys would take an hour and a phone door never looks into them.
 */
export function mixedHandsets(
  catalogue: Catalogue,
  certificate: NonNullable<FleetHandset['certificate']>,
): (index: number) => FleetHandset {
  const makers = Object.entries(shares).flatMap(([vendor, share]) => Array.from({ length: share }, () => vendor))
  if (makers.length !== 100) throw new Error(`the shares add up to ${makers.length}`)
  const models = Map.groupBy(catalogue.models, ({ vendor }) => vendor)
  const missing = [...models].filter(([vendor, [first]]) => first!.kind !== 'gateway' && !(vendor in shares))
  if (missing.length > 0) throw new Error(`no share for ${missing.map(([vendor]) => vendor).join(', ')}`)

  return (index) => {
    // 37 is prime to 100: neighbours have different phones.
    const own = models.get(makers[(index * 37) % 100]!)!
    const model = own[Math.floor(index / 100) % own.length]!
    return { model: model.id, mac: macOf(model, index), certificate: certificateOf(model) }
  }

  function certificateOf({ capabilities }: Model) {
    return capabilities.clientCertificate === 'none' ? null : certificate
  }
}

function macOf({ kind }: Model, index: number): string | null {
  // 02: an address that nobody's phone has from its maker.
  return kind === 'desk-phone' ? `0200${index.toString(16).padStart(8, '0')}` : null
}
