/** Names of settings as people mistype them. */

/** The name that was probably meant; null where none is near. */
export function meant(name: string, known: readonly string[]): string | null {
  const longer = known.filter((one) => one.startsWith(`${name}_`))
  if (longer.length === 1) return longer[0]!
  const near = known
    .map((one) => ({ one, far: distance(name, one) }))
    .filter(({ far }) => far <= Math.min(3, Math.floor(name.length / 4)))
  return near.sort((a, b) => a.far - b.far)[0]?.one ?? null
}

/** Levenshtein's: how many letters to add, drop or change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
