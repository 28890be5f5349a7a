/** Offsets such as +01:00 are zones to Intl, too, but know no summer time: only names. Null for what is none. */
export function timeZone(text: string): string | null {
  const typed = text.trim()
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,60}$/.test(typed)) return null
  try {
    const { timeZone: known } = new Intl.DateTimeFormat('en', { timeZone: typed }).resolvedOptions()
    return known.toLowerCase() === typed.toLowerCase() ? known : typed
  } catch {
    return null
  }
}
