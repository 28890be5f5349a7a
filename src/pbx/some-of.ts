/** `1001, 1002 and 3 more`: a sentence that names what it is about, and does not grow with it. */
export function someOf(names: readonly string[], most = 10): string {
  const more = names.length - most
  return `${names.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
