/**
 * Makes a function that replaces a person's name and e-mail in a text, JSON or not, with `erased`.
 * The e-mail is replaced wherever it stands. The name is replaced where it is a whole word: `Li` leaves `Linphone` alone.
 */
export function eraseWords({ name, email }: { readonly name: string; readonly email: string }) {
  // In JSON a quote inside a name stands escaped.
  const spellings = [email, JSON.stringify(email).slice(1, -1), name, JSON.stringify(name).slice(1, -1)]
  const words = [...new Set(spellings)].filter((word) => word.length > 0).map(escaped)
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.join('|')})(?![\\p{L}\\p{N}])`, 'giu')
  return <T extends string | null>(text: T): T => (text === null ? text : (text.replaceAll(pattern, 'erased') as T))
}

/** As a literal part of a pattern with the `u` flag, which allows a backslash before these characters only. */
function escaped(text: string): string {
  return text.replace(/[\^$\\.*+?()[\]{}|/]/g, '\\$&')
}
