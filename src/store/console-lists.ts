/** What the console's lists of handsets, fetches and events ask: filtered, sorted and cut by the database. */
import type { AuditKind } from '../domain/audit.ts'
import type { AuditEntry, DoorFetch, PeopleFilter } from './store.ts'

export interface ConsoleLists {
  /** Ids of one page of the handsets that match, and how many match; `limit` 0 only counts. */
  handsetPage(
    filter: HandsetFilter,
    order: HandsetOrder,
  ): Promise<{ readonly ids: readonly string[]; readonly total: number }>
  /** Which phones in use call themselves what. */
  seenKinds(): Promise<readonly SeenKind[]>
  /** How many of the handsets that match are of which model. */
  handsetModels(filter: HandsetFilter): Promise<readonly { readonly model: string; readonly count: number }[]>
  /** Newest first. */
  ledgerPage(filter: LedgerFilter): Promise<readonly LedgerRow[]>
  /** Newest first. */
  auditPage(filter: AuditFilter): Promise<readonly AuditRow[]>
  /** Position of the newest event: how many there are. */
  auditLength(): Promise<number>
  /** Of these public keys, those of tunnels in use, a waiting replacement too, with whoever holds them. */
  tunnelOwners(publicKeys: readonly string[]): Promise<readonly TunnelOwner[]>
  /** Of these public keys, those that no tunnel in use has. */
  strangeKeys(publicKeys: readonly string[]): Promise<readonly string[]>
}

/** All that is given must hold. */
export interface HandsetFilter {
  /** Words: each is part of the holder's name or address, of the model or MAC, or begins the extension. */
  readonly search?: string
  readonly ids?: readonly string[]
  readonly siteId?: string
  readonly state?: 'in-use' | 'waiting' | 'enrolled' | 'taken-back' | 'blanked' | 'not-blanked'
  readonly model?: string
  /** `none`: its own tunnel; `any`; or a kind of home gateway. */
  readonly gateway?: string
  readonly tunnel?: PeopleFilter['tunnel']
  /** As the phone told it; null: it never told one. */
  readonly firmware?: string | null
  /** In use, and another MAC than was handed out, or one of these. */
  readonly doubted?: readonly SeenKind[]
  /** One of its doors is stuck, or waits for somebody; behind a gateway also its part of the gateway's tunnel. */
  readonly openVerdicts?: true
  readonly certificateEndsBefore?: string
  /** In use and handed out before the time of its PBX, without a link for its holder since. */
  readonly staleSince?: readonly { readonly pbxId: string; readonly at: string }[]
}

export interface SeenKind {
  readonly model: string
  readonly seenModel: string | null
  readonly seenFirmware: string | null
}

export interface HandsetOrder {
  readonly sort: 'name' | 'extension' | 'model' | 'heard' | 'seen' | 'created'
  readonly descending: boolean
  readonly offset: number
  readonly limit: number
}

export interface LedgerFilter {
  readonly employeeId?: string
  readonly handsetId?: string
  /** The beginning of it. */
  readonly address?: string
  readonly outcome?: string
  /** Part of it. */
  readonly reason?: string
  readonly since?: string
  readonly until?: string
  /** Only lines with a smaller id. */
  readonly before?: string
  readonly limit: number
}

export interface LedgerRow extends DoorFetch {
  readonly model: string | null
  readonly mac: string | null
  readonly name: string | null
}

export interface AuditFilter {
  readonly employeeId?: string
  /** Of a handset, a tunnel, a token … */
  readonly subjectId?: string
  readonly kinds?: readonly AuditKind[]
  readonly since?: string
  readonly until?: string
  /** Only events at a lower position. */
  readonly before?: number
  readonly limit: number
}

export interface AuditRow extends AuditEntry {
  readonly name: string | null
  /** Of the handset that it is about. */
  readonly model: string | null
}

export interface TunnelOwner {
  readonly tunnelId: string
  readonly publicKey: string | null
  readonly nextPublicKey: string | null
  readonly employeeId: string | null
  readonly name: string | null
  readonly handsetId: string | null
  readonly model: string | null
  readonly gatewayKind: string | null
}
