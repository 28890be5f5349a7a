import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** An address range in CIDR form; `start` and `end` are inclusive and tell neighbours and overlaps apart by comparison. */
export interface Prefix {
  /** Canonical: host bits cleared, RFC 5952 for IPv6, the length always written. */
  readonly text: string
  readonly family: 4 | 6
  readonly start: bigint
  readonly end: bigint
  readonly length: number
}

/** Null when the text is no address or prefix. A bare address is a prefix of full length. The home of ipaddr.js. */
export function parsePrefix(text: string): Prefix | null {
  const [address = '', lengthText, ...rest] = text.trim().split('/')
  const family = isIP(address)
  // The zone of a scoped address (fe80::1%eth0) means something on one host only.
  if ((family !== 4 && family !== 6) || rest.length > 0 || address.includes('%')) return null
  const width = family === 4 ? 32 : 128
  if (lengthText !== undefined && !/^(0|[1-9][0-9]{0,2})$/.test(lengthText)) return null
  const length = lengthText === undefined ? width : Number(lengthText)
  if (length > width) return null
  const bits = BigInt(`0x${Buffer.from(ipaddr.parse(address).toByteArray()).toString('hex')}`)
  return prefixAt(family, bits, length)
}

/** The canonical spelling, or null. */
export function canonicalPrefix(text: string): string | null {
  return parsePrefix(text)?.text ?? null
}

/** The address that a hub takes in its subnet: the first after the network's own. Without length. */
export function firstAddress(subnet: Prefix): string {
  return addressText(subnet.family, subnet.start + 1n)
}

export function contains(outer: Prefix, inner: Prefix): boolean {
  return outer.family === inner.family && outer.start <= inner.start && inner.end <= outer.end
}

export function overlaps(one: Prefix, other: Prefix): boolean {
  return one.family === other.family && one.start <= other.end && other.start <= one.end
}

/** What is left of `from` without `taken`, as the fewest prefixes. */
export function subtract(from: Prefix, taken: Prefix): Prefix[] {
  if (!overlaps(from, taken)) return [from]
  if (contains(taken, from)) return []
  const length = from.length + 1
  const half = (from.end - from.start + 1n) / 2n
  const lower = prefixAt(from.family, from.start, length)
  const upper = prefixAt(from.family, from.start + half, length)
  return [...subtract(lower, taken), ...subtract(upper, taken)]
}

/** The fewest prefixes that make up a range, both ends included. */
export function prefixesOfRange(first: string, last: string): Prefix[] {
  const start = parsePrefix(first)
  const end = parsePrefix(last)
  if (!start || !end || start.family !== end.family) throw new RangeError(`${first}-${last} is not an address range`)
  const width = start.family === 4 ? 32 : 128
  const found: Prefix[] = []
  let at = start.start
  while (at <= end.start) {
    let length = width
    while (length > 0) {
      const wider = prefixAt(start.family, at, length - 1)
      if (wider.start !== at || wider.end > end.start) break
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
  entries.sort(([a], [b]) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
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
      if (entries[middle]![0].start <= wanted.end) low = middle + 1
      else high = middle
    }
    if (low === 0) return undefined
    const [prefix, owner] = entries[furthest[low - 1]!]!
    return prefix.end >= wanted.start ? owner : undefined
  }
}

function prefixAt(family: 4 | 6, bits: bigint, length: number): Prefix {
  const hostBits = BigInt((family === 4 ? 32 : 128) - length)
  const start = (bits >> hostBits) << hostBits
  return {
    text: `${addressText(family, start)}/${length}`,
    family,
    start,
    end: start + (1n << hostBits) - 1n,
    length,
  }
}

function addressText(family: 4 | 6, bits: bigint): string {
  const size = family === 4 ? 4 : 16
  const bytes = Buffer.from(bits.toString(16).padStart(size * 2, '0'), 'hex')
  return family === 4 ? bytes.join('.') : ipaddr.fromByteArray([...bytes]).toString()
}
