import { bad, good, type Parsed } from './parse.ts'

/** Where the private key was made. Only `server` ones were ever known to us. */
export type KeyOrigin = 'server' | 'browser' | 'device'

export interface Tunnel {
  readonly id: string
  readonly hubId: string
  readonly carrierKind: 'handset' | 'gateway'
  readonly carrierId: string
  readonly keyOrigin: KeyOrigin
  /** Base64; null until somebody made one. */
  readonly publicKey: string | null
  /** A replacement that has not shaken hands yet (new invite); the old one works until it has. */
  readonly nextPublicKey: string | null
  /** Sealed with context `tunnel:<id>:key`: of `nextPublicKey` if there is one, else of `publicKey`. Erased at the first handshake or at `keyWindowEndsAt`. */
  readonly privateKeySealed: string | null
  /** Until then the link shows the sealed key or, of a `device` key, the router may tell its public one. */
  readonly keyWindowEndsAt: string | null
  /** Sealed with context `tunnel:<id>:psk`; erased once the door is proved shut. */
  readonly presharedKeySealed: string | null
  readonly generation: number
  readonly firstHandshakeAt: string | null
  readonly lastHandshakeAt: string | null
  readonly createdAt: string
  readonly closedAt: string | null
}

/** `handset`: the carrier's own address (/32 or /128). `phones`: the subnet behind a gateway. */
export interface TunnelAddress {
  readonly id: string
  readonly tunnelId: string
  readonly hubId: string
  readonly prefix: string
  readonly purpose: 'carrier' | 'phones'
  readonly allottedAt: string
  /** Set when the tunnel closed; the prefix goes to nobody else for 30 days after. */
  readonly releasedAt: string | null
}

/** Nobody gets a tunnel address that somebody else held less than this long ago (design 3.12). */
export const addressQuarantineDays = 30

/** A WireGuard public key: 32 bytes in base64, so 44 characters with one pad (wg(8)). */
export function parsePublicKey(input: unknown): Parsed<string> {
  const key = typeof input === 'string' ? input.trim() : ''
  const bytes = Buffer.from(key, 'base64')
  if (!/^[A-Za-z0-9+/]{43}=$/.test(key) || bytes.toString('base64') !== key || bytes.every((byte) => byte === 0)) {
    return bad('publicKey', 'this is not a WireGuard public key', 'it is 44 characters long and ends with =')
  }
  return good(key)
}
