/** The address of a list with these filters; the path alone without any. */
export function listAddress(
  path: string,
  asked: Readonly<Record<string, string | number | readonly string[] | undefined>>,
): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(asked))
    if (value !== undefined && value !== '' && !(name === 'page' && value === 1)) parameters.set(name, String(value))
  return parameters.size === 0 ? path : `${path}?${parameters}`
}
