import { createHash } from 'node:crypto'
import type { VendorManifest } from './manifest.ts'
import type { FileValues } from './phone-port.ts'
import { VendorLines } from './vendor-lines.ts'
import { zoneClock } from './zone-clock.ts'

/** What a vendor's manifest says of how its phones want settings. */
export type SettingWords = Pick<VendorManifest, 'polling' | 'languages' | 'timezones'>

const usualPollMinutes = 60

/** Admins' settings as templates see them: null where nothing is set, or where this vendor has no word for it. */
export function settingScope(values: FileValues, { polling, languages, timezones }: SettingWords): object {
  const { label, timezone, language, voicemail, vlan, firmware, emergencyNote, extraLines } = values.settings
  const minutes = Math.max(Number(values.settings.pollMinutes ?? usualPollMinutes), polling.minimumMinutes ?? 1)
  // A tenth of the interval, the same for the same phone, so that a site after a power cut does not ask in one breath.
  const spread = spreadOf(values.mac ?? values.sip.username)
  return {
    label: label ?? null,
    get timezone() {
      return timezone === undefined ? null : zoneClock(timezone)
    },
    timezoneWord: (timezone !== undefined && timezones?.words[timezone]) || null,
    language: (language !== undefined && wordFor(language, languages?.words ?? {})) || null,
    voicemail: voicemail ?? null,
    vlan: vlan === undefined ? null : Number(vlan),
    firmware: firmware ?? null,
    /** Without scheme, for phones that want them apart. */
    firmwarePath: firmware?.replace('https://', '') ?? null,
    poll: {
      minutes,
      spreadMinutes: minutes + Math.floor((spread * minutes) / 10),
      spreadSeconds: minutes * 60 + Math.floor(spread * minutes * 6),
      days: Math.ceil(minutes / 1_440),
      hours: Math.ceil(minutes / 60),
    },
    emergencyNote: emergencyNote ?? null,
    extraLines: extraLines === undefined ? null : new VendorLines(extraLines),
  }
}

/** `de-AT`, else `de`. */
function wordFor(language: string, words: Readonly<Record<string, string>>): string | undefined {
  for (let tag = language; tag !== ''; tag = tag.slice(0, Math.max(tag.lastIndexOf('-'), 0)))
    if (Object.hasOwn(words, tag)) return words[tag]
  return undefined
}

/** 0 to 1, from what is the same for a phone as long as it is this phone. */
function spreadOf(phone: string): number {
  return createHash('sha256').update(`poll:${phone}`).digest().readUInt32BE() / 2 ** 32
}
