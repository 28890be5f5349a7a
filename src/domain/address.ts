/**
 * Addresses and prefixes of both families as canonical text, and the arithmetic to allot them.
 * ipaddr.js does the reading and writing; here is only what it lacks.
 */
import ipaddr from 'ipaddr.js'

export interface Prefix {
  readonly family: 4 | 6
  readonly base: bigint
  readonly length: number
}

/** `10.77.0.9/16` is read as the network 10.77.0.0/16. Null when it is neither IPv4 nor IPv6. */
export function parsePrefix(text: string): Prefix | null {
  const [address, length, ...rest] = text.trim().split('/')
  if (address === undefined || rest.length > 0 || !ipaddr.isValid(address)) return null
  // ipaddr.js also takes `10.1` and octal forms; a person never means those.
  if (!address.includes(':') && !/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) return null
  const parsed = ipaddr.parse(address)
  const bits = parsed.kind() === 'ipv4' ? 32 : 128
  const size = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : -1
  if (size < 0 || size > bits) return null
  const value = parsed.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  const host = BigInt(bits - size)
  return { family: bits === 32 ? 4 : 6, base: (value >> host) << host, length: size }
}

export function formatPrefix({ family, base, length }: Prefix): string {
  return `${formatAddress(family, base)}/${length}`
}

export function formatAddress(family: 4 | 6, value: bigint): string {
  const size = family === 4 ? 4 : 16
  const bytes = Array.from({ length: size }, (_, index) => Number((value >> BigInt(8 * (size - 1 - index))) & 0xffn))
  return ipaddr.fromByteArray(bytes).toString()
}

/** The canonical text of a prefix or address (`/32` or `/128` added), or null. */
export function canonicalPrefix(text: string): string | null {
  const prefix = parsePrefix(text)
  return prefix && formatPrefix(prefix)
}

export function overlap(one: Prefix, other: Prefix): boolean {
  if (one.family !== other.family) return false
  const length = Math.min(one.length, other.length)
  const shift = BigInt((one.family === 4 ? 32 : 128) - length)
  return one.base >> shift === other.base >> shift
}

/** The hub's own address in one of its subnets: the first. */
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
  const bits = subnet.family === 4 ? 32 : 128
  const count = pieceCount(subnet, length)
  if (index >= count) return null
  if (length === bits && (index < 2n || (subnet.family === 4 && index === count - 1n))) return null
  return formatPrefix({ family: subnet.family, base: subnet.base + (index << BigInt(bits - length)), length })
}

/** The address part of a prefix's text. */
export function addressOf(prefix: string): string {
  return prefix.split('/')[0]!
}
