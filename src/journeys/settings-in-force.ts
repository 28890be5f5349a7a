import type { Handset } from '../domain/handset.ts'
import { type EffectiveSetting, effectivePhoneSettings, type PhoneSetting } from '../domain/phone-setting.ts'
import { defaultId } from '../domain/site.ts'
import type { Catalogue } from '../phones/phone-port.ts'
import { phoneOf } from './file-values.ts'

/** What would hold for a handset with these settings. Sorted once: thousands of handsets may have settings of their own. */
export function settingsInForce(
  rows: readonly PhoneSetting[],
  catalogue: Catalogue,
): (handset: Pick<Handset, 'id' | 'model'>) => readonly EffectiveSetting[] {
  const shelves = Map.groupBy(rows, ({ layer, scope }) => `${layer}/${scope}`)
  return (handset) => {
    const { id, model, vendor } = phoneOf(catalogue, handset)
    const scopes = { site: defaultId, model, handset: id }
    const theirs = Object.entries(scopes).flatMap(([layer, scope]) => shelves.get(`${layer}/${scope}`) ?? [])
    return effectivePhoneSettings(theirs, { ...scopes, vendor })
  }
}

/** As a file's values have them. */
export function plainSettings(settings: readonly EffectiveSetting[]): Readonly<Record<string, string>> {
  return Object.fromEntries(settings.map(({ name, value }) => [name, value]))
}
