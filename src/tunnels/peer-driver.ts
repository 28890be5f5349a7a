/**
 * How the hub process speaks to one WireGuard interface. Internal to the hub: the server only knows the Hub port.
 * A driver does as it is told; what may be done is decided before, in peer-plan.ts.
 */
import type { Secret } from '../domain/secret.ts'
import type { Peer } from './hub-port.ts'

export interface PeerDriver {
  readonly mode: 'kernel' | 'userspace' | 'preview'
  /** Complete or an AppError. */
  read(signal: AbortSignal): Promise<Device>
  /** In this order; what is not named stays. Many steps may travel in several requests. */
  apply(steps: readonly PeerStep[], signal: AbortSignal): Promise<void>
  setPrivateKey(privateKey: Secret, signal: AbortSignal): Promise<void>
  setListenPort(port: number, signal: AbortSignal): Promise<void>
  close(): void
}

export interface Device {
  /** Base64; null while the interface has no key. */
  readonly publicKey: string | null
  readonly listenPort: number
  readonly peers: readonly DevicePeer[]
}

/** The preshared key never leaves the hub process. */
export interface DevicePeer extends Peer {
  readonly presharedKey: Secret | null
}

export type PeerStep =
  | { readonly kind: 'remove'; readonly publicKey: string }
  | {
      readonly kind: 'put'
      readonly publicKey: string
      /** Null leaves it. */
      readonly presharedKey: Secret | null
      /** The complete new list; null leaves it. */
      readonly allowedIps: readonly string[] | null
    }
