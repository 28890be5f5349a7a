import type { TrafficOf } from '../domain/traffic.ts'

export const peerKinds = ['all', 'online', 'quiet', 'never', 'strange'] as const

export interface HubQuery {
  readonly show: (typeof peerKinds)[number]
  readonly offset: number
  readonly limit: number
}

export interface HubView {
  /** Since when this server counts. */
  readonly since: string
  readonly endpoint: string
  readonly subnets: readonly string[]
  readonly phoneSubnets: readonly string[]
  /** What the hub last said of itself; null before it answered. */
  readonly said: {
    readonly at: string
    readonly mode: 'kernel' | 'userspace' | 'preview'
    readonly interface: string
    readonly publicKey: string
    readonly listenPort: number
    readonly addresses: readonly string[]
    readonly did: readonly string[]
    readonly problems: readonly { readonly message: string; readonly hint: string }[]
  } | null
  /** Why it could not be asked the last time; null: it answered. */
  readonly failure: { readonly at: string; readonly message: string; readonly hint: string | null } | null
  readonly firewall: { readonly at: string; readonly rulesIntact: boolean; readonly admitted: number } | null
  /** Of the last complete listing; null before the first. */
  readonly listing: {
    readonly at: string
    readonly count: Readonly<Record<(typeof peerKinds)[number], number>>
    readonly matching: number
    readonly peers: readonly PeerView[]
  } | null
  readonly traffic: TrafficOf
  /** Newest first, in sentences. */
  readonly drift: readonly { readonly at: string; readonly text: string }[]
}

export interface PeerView {
  readonly publicKey: string
  readonly allowedIps: readonly string[]
  readonly lastHandshakeAt: string | null
  readonly endpoint: string | null
  /** Null: Ringfence did not issue it. */
  readonly owner: {
    readonly employeeId: string | null
    readonly name: string | null
    readonly handsetId: string | null
    /** Model of the handset, or kind of the home gateway. */
    readonly what: string
    /** A new key that waits for its first handshake. */
    readonly replacement: boolean
  } | null
  readonly traffic: TrafficOf | null
}
