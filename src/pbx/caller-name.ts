const sameLooking: Readonly<Record<string, string>> = {
  '"': "'",
  '\\': '/',
  ';': ',',
  '<': '(',
  '>': ')',
  '[': '(',
  ']': ')',
  '{': '(',
  '}': ')',
  $: 'S',
  '^': '~',
}

/**
 * A person's name as a caller's name. Letters of every script and emoji stay; characters with a meaning to the config
 * reader, to the name parser, to a table (`^3B`) or to a dialplan (`${…}`) are replaced by ones that look alike; control
 * characters and the marks that turn the direction of text, which could make a number look like another, go.
 * At most 79 bytes of UTF-8 on a character's edge: Asterisk keeps names in buffers of 80 (AST_MAX_EXTENSION).
 */
export function callerName(name: string): string {
  const plain = name
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu, '')
    .replace(/["\\;<>[\]{}$^]/g, (character) => sameLooking[character] ?? '')
    .replace(/\s+/gu, ' ')
    .trim()
  let kept = ''
  let bytes = 0
  for (const { segment } of new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(plain)) {
    bytes += Buffer.byteLength(segment)
    if (bytes > 79) break
    kept += segment
  }
  return kept.trim()
}
