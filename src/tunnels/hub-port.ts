/**
 * One hub: the WireGuard interface that all handsets reach, with its firewall table. The server talks to it in these
 * words only; the hub process (src/hub) owns the interface, the private key and the table.
 *
 * Rules for every implementation (the contract suite test/contracts/hub.contract.ts runs on each):
 * - `apply…` changes by difference and is idempotent; peers and rules that it was not told about stay as they are, and a
 *   peer that is already as asked is not touched: no other phone needs a new handshake.
 * - A removed peer's last packet has passed at most milliseconds after the call returned.
 * - Refuses (HUB_REFUSED, nothing done) its own key as a peer, prefixes outside its subnets, the same prefix for two
 *   peers in one request, and a revision that is older than the last one it took.
 * - HUB_UNREACHABLE (retryable) when it cannot be asked. A list is complete or an error, never partial.
 */
export interface Hub {
  describe(signal: AbortSignal): Promise<HubDescription>
  listPeers(signal: AbortSignal): Promise<readonly Peer[]>
  /** Only these keys, for the quick look after an act; keys that are not there are absent from the answer. */
  readPeers(publicKeys: readonly string[], signal: AbortSignal): Promise<readonly Peer[]>
  applyPeers(change: PeerChange, signal: AbortSignal): Promise<void>
  readFirewall(signal: AbortSignal): Promise<FirewallState>
  applyFirewall(change: FirewallChange, signal: AbortSignal): Promise<void>
}

export interface HubDescription {
  /** `preview` moves no packets: it remembers what it was told, so that everything else can be tried. */
  readonly mode: 'kernel' | 'userspace' | 'preview'
  readonly interface: string
  readonly publicKey: string
  readonly listenPort: number
  readonly addresses: readonly string[]
  /** Of the last writer it obeyed; 0 before the first. A new writer takes a greater one. */
  readonly lease: number
  /** What it set up itself, in words (`made interface ringfence0 with wireguard-go`). */
  readonly did: readonly string[]
  /** What it could not do and the command that mends it. */
  readonly problems: readonly { readonly message: string; readonly hint: string }[]
}

export interface Peer {
  /** Base64. */
  readonly publicKey: string
  /** Canonical prefixes, sorted as strings. */
  readonly allowedIps: readonly string[]
  /** ISO 8601, null before the first handshake. */
  readonly lastHandshakeAt: string | null
  readonly receivedBytes: number
  readonly sentBytes: number
  /** `address:port` last seen, null before. */
  readonly endpoint: string | null
}

export interface PeerChange {
  /** Grows with each request of one writer; `<lease token>` is the upper part, so a deposed writer is refused. */
  readonly revision: Revision
  readonly put: readonly PeerSpec[]
  readonly remove: readonly string[]
}

export interface PeerSpec {
  readonly publicKey: string
  /** Base64; null leaves an existing one as it is. */
  readonly presharedKey: import('../domain/secret.ts').Secret | null
  /** The complete list; empty keeps the peer from passing anything. */
  readonly allowedIps: readonly string[]
}

/** Compared as (lease, number). */
export interface Revision {
  readonly lease: number
  readonly number: number
}

export interface FirewallState {
  /** Prefixes from which handsets may reach the PBX and the phone door; canonical, sorted. */
  readonly admitted: readonly string[]
  /** True when the table's rules are exactly those that the hub's settings ask for. */
  readonly rulesIntact: boolean
}

export interface FirewallChange {
  readonly revision: Revision
  /** Stays open or becomes so, also within what is expelled. */
  readonly admit: readonly string[]
  readonly expel: readonly string[]
}
