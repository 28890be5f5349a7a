/** What the employee's page says: templates/messages/<language>/join.json. One more of these is one more language. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Html, html } from '../html.ts'

const folder = fileURLToPath(new URL('../../../templates/messages/', import.meta.url))

/** What the reader gets who asked for none of ours. */
const fallback = 'en'

export interface Messages {
  /** By its code, in alphabetical order. */
  readonly languages: readonly { readonly code: string; readonly name: string }[]
  speaker(language: string): Speaker
}

/** `**bold**` becomes strong; values stand in for `{name}`, escaped like everything. */
export interface Speaker {
  readonly language: string
  say(key: string, values?: Readonly<Record<string, string | Html>>): Html
  /** For attributes; without marks. */
  text(key: string, values?: Readonly<Record<string, string>>): string
}

/** @throws when a file is no JSON, or English misses a key that the code asks for, which a test holds */
export function readMessages(): Messages {
  const names = globSync('[a-z][a-z]/join.json', { cwd: folder }).sort()
  const books = new Map(
    names.map((name) => [
      name.slice(0, 2),
      JSON.parse(readFileSync(join(folder, name), 'utf8')) as Readonly<Record<string, string>>,
    ]),
  )
  const english = books.get(fallback)!
  return {
    languages: [...books].map(([code, book]) => ({ code, name: book.language ?? code })),
    speaker(language) {
      const book = books.get(language) ?? english
      const raw = (key: string): string => {
        const sentence = book[key] ?? english[key]
        if (sentence === undefined) throw new Error(`no message is called ${key}`)
        return sentence
      }
      return {
        language: books.has(language) ? language : fallback,
        say: (key, values = {}) => html`${pieces(raw(key), values)}`,
        text: (key, values = {}) =>
          raw(key)
            .replaceAll('**', '')
            .replace(/\{(\w+)\}/g, (_, name) => values[name] ?? ''),
      }
    },
  }
}

function pieces(sentence: string, values: Readonly<Record<string, string | Html>>): readonly Html[] {
  return sentence.split('**').map((part, index) => {
    const filled = part.split(/\{(\w+)\}/).map((text, at) => (at % 2 === 1 ? (values[text] ?? '') : text))
    return index % 2 === 1 ? html`<strong>${filled}</strong>` : html`${filled}`
  })
}

/** The one of ours that a browser likes best (RFC 9110 section 12.5.4); `wanted` was chosen on the page. */
export function chosenLanguage(
  { languages }: Pick<Messages, 'languages'>,
  wanted: string | null,
  acceptLanguage: string | undefined,
): string {
  const known = new Set(languages.map(({ code }) => code))
  if (wanted !== null && known.has(wanted)) return wanted
  const liked = (acceptLanguage ?? '')
    .slice(0, 500)
    .split(',')
    .map((entry) => {
      const [tag = '', ...parameters] = entry.trim().toLowerCase().split(';')
      const quality = parameters.map((text) => /^\s*q=([0-9.]+)$/.exec(text)?.[1]).find((text) => text !== undefined)
      return { code: tag.split('-')[0]!, quality: quality === undefined ? 1 : Number(quality) }
    })
    .filter(({ code, quality }) => known.has(code) && quality > 0)
    .sort((one, other) => other.quality - one.quality)
  return liked[0]?.code ?? fallback
}
