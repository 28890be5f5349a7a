import { Secret } from '../domain/secret.ts'

/**
 * Secrets in what a PBX is asked. They stay wrapped up to the wire, so whoever sends a question knows which it carries; and
 * a PBX that repeats one of them in its answer does not bring it into an error, a log or a page.
 */

/** The one place where they become text: a body in JSON. */
export function revealedJson(value: unknown): string {
  // JSON.stringify asks `toJSON` first, so the replacer looks at where the value came from.
  return JSON.stringify(value, function (this: Record<string, unknown>, key, shown) {
    const held = this[key]
    return held instanceof Secret ? held.reveal() : shown
  })
}

/** Wherever they stand in it. */
export function secretsIn(value: unknown): readonly Secret[] {
  if (value instanceof Secret) return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(secretsIn)
}

/** Also as they stand in JSON that is quoted, as PHP and others write it. */
export function blotted(words: string, secrets: readonly Secret[]): string {
  let plain = words
  for (const secret of secrets) {
    const text = secret.reveal()
    const quoted = JSON.stringify(text).slice(1, -1)
    for (const form of new Set([quoted.replaceAll('/', '\\/'), quoted, text]))
      if (form !== '') plain = plain.replaceAll(form, '[secret]')
  }
  return plain
}
