/** Sets of prefixes: what the peers' and the firewall's arithmetic needs beyond single ones. */
import { contains, overlaps, type Prefix, parsePrefix, prefixAt, widthOf } from '../domain/address.ts'

/** What is left of `from` without `taken`, as the fewest prefixes. */
export function subtract(from: Prefix, taken: Prefix): Prefix[] {
  if (!overlaps(from, taken)) return [from]
  if (contains(taken, from)) return []
  const length = from.length + 1
  const half = (from.end - from.base + 1n) / 2n
  const lower = prefixAt(from.family, from.base, length)
  const upper = prefixAt(from.family, from.base + half, length)
  return [...subtract(lower, taken), ...subtract(upper, taken)]
}

/** The fewest prefixes that make up a range, both ends included. */
export function prefixesOfRange(first: string, last: string): Prefix[] {
  const start = parsePrefix(first)
  const end = parsePrefix(last)
  if (!start || !end || start.family !== end.family) throw new RangeError(`${first}-${last} is not an address range`)
  const width = widthOf(start.family)
  const found: Prefix[] = []
  let at = start.base
  while (at <= end.base) {
    let length = width
    while (length > 0) {
      const wider = prefixAt(start.family, at, length - 1)
      if (wider.base !== at || wider.end > end.base) break
      length -= 1
    }
    const prefix = prefixAt(start.family, at, length)
    found.push(prefix)
    at = prefix.end + 1n
  }
  return found
}

/**
 * Finds overlaps with one of many prefixes in O(log n); `find` names the owner of some overlapping entry.
 * Entries may nest (a prefix within another): the running maximum of the ends keeps the search right then too.
 */
export function prefixIndex<Owner>(entries: Iterable<readonly [Prefix, Owner]>): (prefix: Prefix) => Owner | undefined {
  const families = { 4: [] as (readonly [Prefix, Owner])[], 6: [] as (readonly [Prefix, Owner])[] }
  for (const entry of entries) families[entry[0].family].push(entry)
  const indexes = { 4: indexOf(families[4]), 6: indexOf(families[6]) }
  return (prefix) => indexes[prefix.family](prefix)
}

function indexOf<Owner>(entries: (readonly [Prefix, Owner])[]): (prefix: Prefix) => Owner | undefined {
  entries.sort(([a], [b]) => (a.base < b.base ? -1 : a.base > b.base ? 1 : 0))
  const furthest: number[] = []
  entries.forEach(([prefix], at) => {
    const before = furthest[at - 1]
    furthest.push(before !== undefined && entries[before]![0].end > prefix.end ? before : at)
  })
  return (wanted) => {
    let low = 0
    let high = entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (entries[middle]![0].base <= wanted.end) low = middle + 1
      else high = middle
    }
    if (low === 0) return undefined
    const [prefix, owner] = entries[furthest[low - 1]!]!
    return prefix.end >= wanted.base ? owner : undefined
  }
}

/** Lists all of many prefixes that overlap a given one, in O(log n) and as many steps as there are; none of them nest. */
export function overlapsOf(entries: readonly Prefix[]): (prefix: Prefix) => readonly Prefix[] {
  const sorted = { 4: [] as Prefix[], 6: [] as Prefix[] }
  for (const entry of entries) sorted[entry.family].push(entry)
  for (const family of [4, 6] as const) sorted[family].sort((a, b) => (a.base < b.base ? -1 : a.base > b.base ? 1 : 0))
  return (wanted) => {
    const all = sorted[wanted.family]
    let low = 0
    let high = all.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (all[middle]!.end < wanted.base) low = middle + 1
      else high = middle
    }
    let end = low
    while (end < all.length && all[end]!.base <= wanted.end) end += 1
    return all.slice(low, end)
  }
}
