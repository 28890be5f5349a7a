import { AppError } from '../errors.ts'
import { canonicalSerial, positive, tag, time } from './der.ts'
import type { RevokedEntry } from './pki-port.ts'

/**
 * Joins entries, each serial once, and keeps what it joined. Entries that are only added are appended to the old bytes;
 * when some are gone (certificates run out every day) or dated anew, the kept bytes of the others are joined again.
 */
export function joinedEntries(): (entries: readonly RevokedEntry[]) => Buffer {
  let known = new Map<string, { readonly revokedAt: string; readonly der: Buffer; pass: number }>()
  let block: Buffer = Buffer.alloc(0)
  let pass = 0

  return (entries) => {
    pass += 1
    const added: typeof known = new Map()
    let kept = 0
    for (const entry of entries) {
      // The store's spelling is the canonical one, so the first look nearly always hits.
      const canonical = known.has(entry.serial) ? entry.serial : canonicalSerial(entry.serial)
      const before = known.get(canonical)
      if (before?.pass === pass || added.has(canonical)) continue
      if (before?.revokedAt === entry.revokedAt) {
        before.pass = pass
        kept += 1
      } else added.set(canonical, { revokedAt: entry.revokedAt, der: entryOf(entry), pass })
    }
    if (kept < known.size) {
      known = new Map([...known].filter(([, { pass: seen }]) => seen === pass))
      block = Buffer.concat(Array.from(known.values(), ({ der }) => der))
    }
    if (added.size > 0) {
      block = Buffer.concat([block, ...Array.from(added.values(), ({ der }) => der)])
      for (const [serial, item] of added) known.set(serial, item)
    }
    return block
  }
}

/**
 * One revoked certificate: `SEQUENCE { serial, time }`. Written straight into its buffer, since a first list may have
 * thousands; every length fits in one byte (at most 21 and 15).
 */
function entryOf({ serial, revokedAt }: RevokedEntry): Buffer {
  const at = new Date(revokedAt)
  if (!/^[0-9a-f]{1,40}$/i.test(serial) || Number.isNaN(at.getTime())) {
    throw new AppError(
      'INVALID_INPUT',
      `serial ${JSON.stringify(serial)} revoked at ${JSON.stringify(revokedAt)} cannot be listed`,
      {
        hint: 'a serial is 1 to 40 hex digits and a time ISO 8601; the database may be damaged',
      },
    )
  }
  const hex = positive(serial)
  const when = time(at)
  const serialLength = hex.length / 2
  const entry = Buffer.allocUnsafe(6 + serialLength + when.text.length)
  entry[0] = tag.sequence
  entry[1] = entry.length - 2
  entry[2] = tag.integer
  entry[3] = serialLength
  entry.write(hex, 4, 'hex')
  entry[4 + serialLength] = when.tag
  entry[5 + serialLength] = when.text.length
  entry.write(when.text, 6 + serialLength, 'latin1')
  return entry
}
