/**
 * Our sentences begin small, so that they fit into others; on a page they stand alone. Only a word is made large: an
 * address, a model's id or an extension stays as it is written.
 */
export function capital(sentence: string): string {
  return /^\p{Ll}[\p{L}’'-]*(?:[\s,.:;?!)]|$)/u.test(sentence)
    ? `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`
    : sentence
}
