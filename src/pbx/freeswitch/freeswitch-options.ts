import type { Secret } from '../../domain/secret.ts'

export interface FreeswitchOptions {
  /** Challenge realm, and the domain that phones register in: the profile must have both fixed to this. */
  readonly realm: string
  /** Sofia profile that the phones reach. */
  readonly profile: string
  /** Dialplan context of people without a call class. */
  readonly context: string
  /** Contexts `<this>-blocked` to `<this>-international` are in the dialplan; null: there are no call classes. */
  readonly classContexts: string | null
  readonly eventSocket: EventSocketAddress
  readonly directory: DirectoryOptions
  /** What FreeSWITCH is told of whom; a file in the data folder, so that a restart answers at once. */
  readonly accountsFile: string
}

export interface EventSocketAddress {
  readonly host: string
  readonly port: number
  readonly password: Secret
  /** For each answer, default 10 000 ms. */
  readonly timeoutMs?: number
}

/** Where FreeSWITCH asks who may log in. */
export interface DirectoryOptions {
  readonly host: string
  /** 0 in tests: any. */
  readonly port: number
  readonly username: string
  readonly password: Secret
  /** Who may ask: addresses or prefixes. */
  readonly from: readonly string[]
  /** PEM. Null: plain HTTP, on loopback only. */
  readonly tls: { readonly cert: string; readonly key: string } | null
}
