/**
 * Addresses and prefixes of both families as canonical text, and the arithmetic to allot them. The home of ipaddr.js,
 * which does the reading and writing; what is legal is decided here, because ipaddr.js also takes `10.1`, octal numbers
 * and scoped addresses, which a person never means.
 */
import ipaddr from 'ipaddr.js'

export interface Prefix {
  /** Canonical: host bits cleared, RFC 5952 for IPv6, the length always written. */
  readonly text: string
  readonly family: 4 | 6
  /** First and last address. */
  readonly base: bigint
  readonly end: bigint
  readonly length: number
}

/**
 * `10.77.0.9/16` is read as the network 10.77.0.0/16, a bare address as a prefix of full length. Null for anything else,
 * also for what would be one address in two spellings or one name for different things: leading zeros, `::ffff:10.0.0.1`
 * (IPv4 in IPv6 clothes would pass by every rule for IPv4), `fe80::1%eth0` (means something on one host only).
 */
export function parsePrefix(text: string): Prefix | null {
  const [address = '', lengthText, ...rest] = text.trim().split('/')
  const family = familyOf(address)
  if (family === null || rest.length > 0) return null
  const width = widthOf(family)
  if (lengthText !== undefined && !/^(0|[1-9][0-9]{0,2})$/.test(lengthText)) return null
  const length = lengthText === undefined ? width : Number(lengthText)
  if (length > width) return null
  const value = BigInt(`0x${Buffer.from(ipaddr.parse(address).toByteArray()).toString('hex')}`)
  if (family === 6 && value >> 32n === 0xffffn) return null
  return prefixAt(family, value, length)
}

const octet = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
const dotted = new RegExp(`^${octet}(\\.${octet}){3}$`)

function familyOf(address: string): 4 | 6 | null {
  if (dotted.test(address)) return 4
  const [head = '', tail] = address.split(/(?<=:)(?=[0-9]+\.)/)
  const isSix = /^[0-9a-fA-F]{0,4}(:[0-9a-fA-F]{0,4})+$/.test(head) && (tail === undefined || dotted.test(tail))
  return isSix && ipaddr.IPv6.isValid(address) ? 6 : null
}

/** The prefix of that length around an address. */
export function prefixAt(family: 4 | 6, value: bigint, length: number): Prefix {
  const hostBits = BigInt(widthOf(family) - length)
  const base = (value >> hostBits) << hostBits
  const end = base + (1n << hostBits) - 1n
  return { text: `${formatAddress(family, base)}/${length}`, family, base, end, length }
}

export function formatAddress(family: 4 | 6, value: bigint): string {
  const bytes = Buffer.from(value.toString(16).padStart(widthOf(family) / 4, '0'), 'hex')
  return family === 4 ? bytes.join('.') : ipaddr.fromByteArray([...bytes]).toString()
}

/** The canonical text of a prefix or address (`/32` or `/128` added), or null. */
export function canonicalPrefix(text: string): string | null {
  return parsePrefix(text)?.text ?? null
}

/** The canonical text of an address without a length, or null. */
export function canonicalAddress(text: string): string | null {
  const prefix = text.includes('/') ? null : parsePrefix(text)
  return prefix && addressOf(prefix.text)
}

export function contains(outer: Prefix, inner: Prefix): boolean {
  return outer.family === inner.family && outer.base <= inner.base && inner.end <= outer.end
}

export function overlaps(one: Prefix, other: Prefix): boolean {
  return one.family === other.family && one.base <= other.end && other.base <= one.end
}

/** The hub's own address in one of its subnets: the first after the network's. Without length. */
export function hubAddress(subnet: Prefix): string {
  return formatAddress(subnet.family, subnet.base + 1n)
}

/** How many pieces of `length` a subnet has. */
export function pieceCount(subnet: Prefix, length: number): bigint {
  return length < subnet.length ? 0n : 1n << BigInt(length - subnet.length)
}

/**
 * The `index`th piece of `length` bits in a subnet, or null where nobody may live: of single addresses the network's
 * own, the hub's, and in IPv4 the broadcast address.
 */
export function pieceAt(subnet: Prefix, length: number, index: bigint): string | null {
  const width = widthOf(subnet.family)
  const count = pieceCount(subnet, length)
  if (index < 0n || index >= count) return null
  if (length === width && (index < 2n || (subnet.family === 4 && index === count - 1n))) return null
  return prefixAt(subnet.family, subnet.base + (index << BigInt(width - length)), length).text
}

/** The address part of a prefix's text. */
export function addressOf(prefix: string): string {
  return prefix.split('/')[0]!
}

export function widthOf(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128
}

const loopback = [parsePrefix('127.0.0.0/8')!, parsePrefix('::1')!]

/** A host as it stands in a URL, by its own name: an IPv6 address has brackets there. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}

/** Whether only programs of this very machine can reach it. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const address = parsePrefix(host)
  return address !== null && loopback.some((prefix) => contains(prefix, address))
}
