/**
 * The ids nearest to a mistyped one, best first; equally near ones by name, so that the answer is always the same. None
 * where nothing is near: a third of what was typed may be wrong, or it is a part of an id.
 */
export function nearestTo(typed: string, ids: readonly string[], count: number): readonly string[] {
  const wanted = typed.trim().toLowerCase().slice(0, 60)
  return ids
    .map((id) => ({ id, distance: wanted.length > 2 && id.includes(wanted) ? 0 : editDistance(wanted, id) }))
    .filter(({ distance }) => distance <= Math.max(2, wanted.length / 3))
    .sort((one, other) => one.distance - other.distance || (one.id < other.id ? -1 : 1))
    .slice(0, count)
    .map(({ id }) => id)
}

/** Levenshtein's: how many letters to add, take away or exchange. */
function editDistance(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let row = 1; row <= one.length; row++) {
    const line = [row]
    for (let column = 1; column <= other.length; column++) {
      const exchanged = above[column - 1]! + (one[row - 1] === other[column - 1] ? 0 : 1)
      line.push(Math.min(exchanged, above[column]! + 1, line[column - 1]! + 1))
    }
    above = line
  }
  return above[other.length]!
}
