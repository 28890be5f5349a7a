/** Our sentences begin small, so that they fit into others; on a page they stand alone. */
export function capital(sentence: string): string {
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`
}
