import { markupText } from '../domain/markup.ts'
import { Secret } from '../domain/secret.ts'
import { AppError } from '../errors.ts'
import { VendorLines } from './vendor-lines.ts'

/**
 * One escape per file format, applied by the renderer to every value that a template prints: a template cannot forget it.
 *
 * Two kinds of value: what people typed (a name) is folded into what the format can hold, by the rules written at each
 * format. A Secret must arrive letter by letter or the phone cannot log in, so it is refused when it would have to change.
 */
export const formats = [
  'xml',
  'yealink-cfg',
  'mitel-cfg',
  'audiocodes-cfg',
  'ini',
  'baresip',
  'html',
  'router-script',
] as const

export type Format = (typeof formats)[number]

export function escapeFor(format: Format, value: unknown): string {
  if (format === 'router-script') return routerWord(value)
  if (value instanceof VendorLines) return value.asTheyStand()
  const { fold, encode } = rules[format]
  if (value instanceof Secret) {
    const text = value.reveal()
    if (text === '' || fold(text) !== text) {
      throw new AppError('TEMPLATE_INVALID', `a secret has characters that a ${format} file cannot carry unchanged`, {
        hint: 'set a new one from letters and digits',
      })
    }
    return encode(text)
  }
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  if (typeof value === 'string') return encode(fold(value))
  throw new AppError('TEMPLATE_INVALID', 'a template prints something that is neither text nor a number', {
    hint: 'put {% if … %} around a value that can be missing',
  })
}

/**
 * Router scripts (POSIX shell, UCI, RouterOS): addresses, names, keys and links only, which mean nothing but themselves in
 * each of these languages, quoted or not. Everything else is refused, since a folded one would set up the wrong thing.
 */
function routerWord(value: unknown): string {
  const text = value instanceof Secret ? value.reveal() : value
  if (typeof text === 'number' && Number.isSafeInteger(text)) return String(text)
  if (typeof text === 'string' && /^[A-Za-z0-9+/=_.:@[\]-]+$/.test(text)) return text
  throw new AppError('TEMPLATE_INVALID', 'a router script prints something that is no address, name, key or link')
}

interface Rules {
  /** What the reader of this format will see. Idempotent. */
  readonly fold: (text: string) => string
  /** How that is written down. */
  readonly encode: (text: string) => string
}

const rules: Readonly<Record<Exclude<Format, 'router-script'>, Rules>> = {
  xml: { fold: onOneLine, encode: markupText },
  html: { fold: onOneLine, encode: markupText },
  'yealink-cfg': { fold: foldYealink, encode: (text) => text },
  'mitel-cfg': { fold: foldMitel, encode: (text) => text },
  'audiocodes-cfg': { fold: foldAudioCodes, encode: (text) => text },
  ini: { fold: foldIni, encode: (text) => text },
  baresip: { fold: foldBaresip, encode: (text) => text },
}

// Cc: control characters; Zl, Zp: line and paragraph separators; Cs: halves of a character pair, which have no UTF-8.
const breaksLines = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]+/gu

// U+FEFF at the start of a text is read as a byte-order mark; the last two of a plane are outside XML's Char (XML 1.0, 2.2).
const notText = /[\uFEFF\uFFFE\uFFFF]/g

/**
 * Line breaks and control characters become one space. Also in XML, which could carry a line break: Linphone copies the
 * values into an INI file, where it would start a new setting.
 */
function onOneLine(text: string): string {
  return text.replace(notText, '').replace(breaksLines, ' ').trim()
}

/**
 * `key = value` lines without any known way to quote (none of the vendor's papers or open templates that we read has one), so
 * whatever may mean something is written as its look-alike:
 * - `%NULL%` resets a setting: its per cent signs become `％` wherever it stands, in any case
 * - a leading `#` may start a comment: `＃`
 * - quotation marks at either end might be taken off as wrapping: `"` and `'` there become `”` and `’`
 * - nothing left: `%NULL%`, since the meaning of an empty right-hand side is not known
 * Inside a value `"`, `'`, `#`, `;`, `=`, `<` stay as they are.
 */
function foldYealink(text: string): string {
  const folded = onOneLine(text)
    .replace(/%(?=NULL%)|(?<=%NULL)%/gi, '％')
    .replace(/^#/, '＃')
    .replace(/^["']+|["']+$/g, (marks) => marks.replace(/"/g, '”').replace(/'/g, '’'))
  return folded === '' ? '%NULL%' : folded
}

/**
 * Mitel's `key: value` lines, without any known way to quote; templates in use write comments behind a value:
 * - `#` anywhere might start one: `＃`
 * - quotation marks at either end might be taken off as wrapping: `"` and `'` there become `”` and `’`
 * - nothing left: `-`, since the meaning of an empty right-hand side is not known
 */
function foldMitel(text: string): string {
  const folded = onOneLine(text)
    .replace(/#/g, '＃')
    .replace(/^["']+|["']+$/g, (marks) => marks.replace(/"/g, '”').replace(/'/g, '’'))
  return folded === '' ? '-' : folded
}

/**
 * AudioCodes' `path/name=value` lines, without any known way to quote. In files that phones exported and open templates, `;`
 * and `#` begin comments and `<MAC>` stands for the phone's own address:
 * - `;` and `#` anywhere: `；` and `＃`
 * - `<` and `>`: `‹` and `›`
 * - quotation marks at either end might be taken off as wrapping: `"` and `'` there become `”` and `’`
 * - nothing left: `-`, since an empty right-hand side clears a setting
 */
function foldAudioCodes(text: string): string {
  const folded = onOneLine(text)
    .replace(/[;#<>]/g, (character) => audioCodesLookAlikes[character]!)
    .replace(/^["']+|["']+$/g, (marks) => marks.replace(/"/g, '”').replace(/'/g, '’'))
  return folded === '' ? '-' : folded
}

const audioCodesLookAlikes: Readonly<Record<string, string>> = { ';': '；', '#': '＃', '<': '‹', '>': '›' }

/**
 * `key=value` as Windows reads it (GetPrivateProfileString: spaces and one pair of quotation marks at the ends are taken off),
 * by an app that reads a file without a byte-order mark in the computer's own code page (MicroSIP settings.cpp) and puts a
 * name between quotation marks of a SIP header without escaping it (mainDlg.cpp). So only what is the same in every code page:
 * - letters lose their accents; what is then not ASCII becomes `?`
 * - `"` becomes `'`, `\` becomes `/`, `<` and `>` become `(` and `)`
 * - `'` at either end goes
 * - nothing left: `-`
 */
function foldIni(text: string): string {
  const folded = onOneLine(text)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^ -~]/gu, '?')
    .replace(/["\\<>]/g, (character) => iniLookAlikes[character]!)
    .replace(/^[ ']+|[ ']+$/g, '')
  return folded === '' ? '-' : folded
}

const iniLookAlikes: Readonly<Record<string, string>> = { '"': "'", '\\': '/', '<': '(', '>': ')' }

/**
 * baresip's accounts and config: a value ends at a space or `;` whatever stands around it, `<` and `>` frame the address, and
 * there is no quoting (baresip/re src/msg/param.c, src/sip/addr.c; baresip src/conf.c). Letters, digits and `._~@:/+=-` stay,
 * everything else becomes `_`; so does nothing.
 */
function foldBaresip(text: string): string {
  const folded = onOneLine(text).replace(/[^\p{L}\p{N}._~@:/+=-]/gu, '_')
  return folded === '' ? '_' : folded
}
