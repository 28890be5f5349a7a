import type { DialPlan } from '../../domain/call-policy.ts'
import type { Secret } from '../../domain/secret.ts'
import type { PbxDatabase } from '../pbx-database.ts'
import type { TlsPorts } from '../tls-ports.ts'

export interface KamailioOptions extends RegistrarPorts {
  /** The folder of our files, as seen from here and by Kamailio, such as `/etc/kamailio/ringfence`. */
  readonly folder: string
  readonly rpc: RpcAddress
  /** Asked for each time, because it may change; null: nobody has said yet what dialled numbers mean. */
  readonly dialPlan: () => Promise<DialPlan | null>
  /** The database that Kamailio's auth_db reads. */
  readonly database: PbxDatabase
  readonly revocationList: {
    /** Where the newest one is published, PEM. */
    readonly path: string
    /** What its bytes say; null when it is no list of our authority. */
    readonly read: (bytes: Buffer) => RevocationListContent | null
  }
}

export interface RevocationListContent {
  readonly number: number
  readonly nextUpdate: Date
  /** Lower-case hex. */
  readonly serials: ReadonlySet<string>
}

/** What the written script depends on; the address is the one that phones reach: Kamailio tells its two ports apart by it. */
export interface RegistrarPorts extends TlsPorts {
  /** Part of every stored digest, so it never changes. */
  readonly realm: string
}

/** Where Kamailio answers questions (module xhttp). */
export interface RpcAddress {
  readonly host: string
  readonly port: number
  readonly secret: Secret
  /** Null: plain HTTP, on this machine only. `ca`: PEM of a private authority; without it those of the system. */
  readonly tls: { readonly ca?: string } | null
}
