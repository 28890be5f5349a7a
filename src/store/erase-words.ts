/** Takes one person out of what was written about them. */
export interface Eraser {
  /** A sentence for people: the e-mail however it is spelt, the name as it was written and as whole words. */
  sentence<T extends string | null>(text: T): T
  /**
   * A JSON document, by its values and never by its text: a person may be called `Tunnel`, `kind` or `1001`, and the
   * words that machines read must stay. What is no JSON is taken for a sentence.
   */
  document<T extends string | null>(text: T): T
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** Fields that hold a person's name and nothing else. */
const nameFields = new Set(['name', 'displayName'])
/** Fields that hold sentences. Everything else holds words, ids and figures, where a name has no business. */
const sentenceFields = new Set(['summary', 'problem', 'hint', 'text', 'reason', 'label', 'note'])

export function eraserOf({ name, email }: { readonly name: string; readonly email: string }): Eraser {
  const address = pattern(email, 'giu', addressLetters)
  // A name without a letter (`1001`, `{`) cannot be told from figures and signs; it stands in name fields only. And in
  // sentences case counts: Mark is a name, "mark" is a verb.
  const called = /\p{L}/u.test(name) ? pattern(name, 'gu', letters) : null
  const withoutAddress = (text: string) => text.replaceAll(address, erased)
  const sentence = (text: string) => {
    const rest = withoutAddress(text)
    return called === null ? rest : rest.replaceAll(called, erased)
  }
  const sameAddress = (value: Json | undefined) =>
    typeof value === 'string' && value.toLowerCase() === email.toLowerCase()

  /** `others`: the nearest object around names somebody by another address. */
  function cleaned(value: Json, field: string, others: boolean): Json {
    if (typeof value === 'string') {
      if (nameFields.has(field)) return value === name && !others ? erased : withoutAddress(value)
      return sentenceFields.has(field) ? sentence(value) : withoutAddress(value)
    }
    if (Array.isArray(value)) return value.map((item: Json) => cleaned(item, field, others))
    if (!isObject(value)) return value
    const ofOthers = typeof value.email === 'string' ? !sameAddress(value.email) : others
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cleaned(inner, key, ofOthers)]))
  }

  return {
    sentence: <T extends string | null>(text: T): T => (text === null ? text : (sentence(text) as T)),
    document<T extends string | null>(text: T): T {
      if (text === null) return text
      const parsed = parsedJson(text)
      if (parsed === undefined) return sentence(text) as T
      const clean = JSON.stringify(cleaned(parsed, '', false))
      // Spelt as it was where nothing changed: what is compared byte by byte elsewhere stays the same.
      return (clean === JSON.stringify(parsed) ? text : clean) as T
    },
  }
}

const erased = 'erased'

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function parsedJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    // Not JSON, which the caller can live with.
    return undefined
  }
}

/** What a longer word goes on with: `Li` leaves `Linphone` alone. */
const letters = { before: '[\\p{L}\\p{N}]', after: '[\\p{L}\\p{N}]' }
/** What a longer address goes on with: `b@x.org` leaves `a-b@x.org` alone. The full stop that ends a sentence ends one. */
const addressLetters = { before: '[\\p{L}\\p{N}._+-]', after: '(?:[\\p{L}\\p{N}-]|\\.[\\p{L}\\p{N}])' }

/** The text where it is not a part of a longer one. */
function pattern(text: string, flags: string, { before, after }: typeof letters): RegExp {
  // As a literal; the `u` flag allows a backslash before these characters only.
  const literal = text.replace(/[\^$\\.*+?()[\]{}|/]/g, '\\$&')
  return new RegExp(`(?<!${before})${literal}(?!${after})`, flags)
}
