import { bad, good, type Parsed } from './parse.ts'
import type { PhoneSettingLayer } from './phone-setting.ts'
import { timeZone } from './time-zone.ts'

/** What can be set for phones' files: where, and what a value of it looks like. */
interface Kind {
  readonly layers: readonly PhoneSettingLayer[]
  /** The value as it is stored; null when it is none. */
  readonly read: (text: string) => string | null
  /** Completes "it is …". */
  readonly what: string
}

const everywhere = ['site', 'model', 'handset'] as const
// A firmware is made for a model, and lines in a vendor's format mean nothing to another vendor's phone.
const notSite = ['model', 'handset'] as const

const kinds: Readonly<Record<string, Kind>> = {
  timezone: { layers: everywhere, read: timeZone, what: 'the name of a zone, such as Europe/Berlin' },
  language: { layers: everywhere, read: language, what: 'a language tag, such as de or pt-BR' },
  label: { layers: everywhere, read: (text) => line(text, 40), what: 'one line of at most 40 characters' },
  voicemail: {
    layers: everywhere,
    read: (text) => whole(text, /^[0-9*#]{1,32}$/),
    what: 'a number to call, of digits, * and #, such as *97',
  },
  vlan: { layers: everywhere, read: (text) => number(text, 1, 4094), what: 'the number of a VLAN, 1 to 4094' },
  firmware: { layers: notSite, read: firmware, what: 'an https address, without a user name and spaces' },
  pollMinutes: { layers: everywhere, read: (text) => number(text, 1, 10_080), what: 'minutes, 1 to 10080 (a week)' },
  emergencyNote: { layers: everywhere, read: (text) => line(text, 200), what: 'one line of at most 200 characters' },
  extraLines: {
    layers: notSite,
    read: extraLines,
    what: "lines in the vendor's format, at most 8000 characters, without tabs and other control characters",
  },
}

/** Every vendor's own in the site layer. */
const vendorLines = /^extraLines\.[a-z0-9-]+$/

export const phoneSettingNames: readonly string[] = Object.keys(kinds)

/** The value as it is stored, or what is wrong with name, layer or value. */
export function parsePhoneSetting(layer: PhoneSettingLayer, name: string, text: string): Parsed<string> {
  const forVendor = vendorLines.test(name)
  const known = forVendor ? 'extraLines' : Object.hasOwn(kinds, name) ? name : null
  if (known === null) {
    return bad(
      'name',
      `${JSON.stringify(name.slice(0, 60))} is not a setting of phones`,
      `one of ${phoneSettingNames.join(', ')}`,
    )
  }
  const { layers, read, what } = kinds[known]!
  if (forVendor ? layer !== 'site' : !layers.includes(layer)) {
    return bad(
      'layer',
      `${name} cannot be set for a ${layer}`,
      forVendor
        ? 'for a model or a handset it is called extraLines'
        : `set it for a model or a handset${known === 'extraLines' ? ', or for the site by vendor: extraLines.yealink' : ''}`,
    )
  }
  const value = read(text)
  return value === null ? bad('value', `${shown(text)} cannot be the ${name} of a phone`, `it is ${what}`) : good(value)
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

function whole(text: string, pattern: RegExp): string | null {
  return pattern.test(text.trim()) ? text.trim() : null
}

function number(text: string, least: number, most: number): string | null {
  const value = /^[0-9]{1,6}$/.test(text.trim()) ? Number(text) : Number.NaN
  return value >= least && value <= most ? String(value) : null
}

// Cc: control characters; Zl, Zp end lines; Cs: halves of a character pair; U+FEFF, U+FFFE, U+FFFF are no text in XML 1.0.
const notOnALine = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\uFEFF\uFFFE\uFFFF]/u

function line(text: string, most: number): string | null {
  const value = text.trim()
  return value === '' || value.length > most || notOnALine.test(value) ? null : value
}

function extraLines(text: string): string | null {
  if (text.length > 16_000) return null
  const lines = text.split(/\r\n|\r|\n/).map((one) => one.trimEnd())
  const first = lines.findIndex((one) => one !== '')
  const last = lines.findLastIndex((one) => one !== '')
  const value = lines.slice(Math.max(first, 0), last + 1).join('\n')
  return value === '' || value.length > 8_000 || lines.some((one) => notOnALine.test(one)) ? null : value
}

function language(text: string): string | null {
  try {
    const [tag = ''] = Intl.getCanonicalLocales(text.trim())
    // Language, script and region; what else a tag may hold (calendars, private use) no phone knows.
    return whole(tag, /^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$/)
  } catch {
    return null
  }
}

function firmware(text: string): string | null {
  const typed = text.trim()
  if (typed.length > 500 || !/^https:\/\/[!-~]+$/.test(typed) || /["'<>\\^`{|}#]/.test(typed)) return null
  if (!URL.canParse(typed)) return null
  const { username, password } = new URL(typed)
  return username === '' && password === '' ? typed : null
}
