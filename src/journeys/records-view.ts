/** The audit log, the hub and what the environment says, as the console shows them. */
import type { AuditKind } from '../domain/audit.ts'
import type { HubQuery, HubView } from './hub-view.ts'

export interface RecordDeeds {
  readonly audit: (query: AuditQuery) => Promise<AuditPage>
  /** Position of the first link that does not hold, or null; and how many there are. */
  readonly verifyAudit: () => Promise<{ readonly brokenAt: number | null; readonly length: number }>
  /** What the hub last said, without asking it anew. */
  readonly hub: (query: HubQuery) => Promise<HubView>
  readonly installation: () => Promise<Installation>
}

export interface AuditQuery {
  /** An id, an e-mail address or an extension. */
  readonly who?: string
  readonly subject?: string
  /** One kind, or all that begin with it: `handset`, `handset.removed`. */
  readonly kind?: string
  readonly since?: string
  readonly until?: string
  readonly before?: number
  readonly limit: number
}

export interface AuditPage {
  readonly events: readonly AuditLine[]
  /** Where the next page begins; null on the last one. */
  readonly next: number | null
  /** What kinds begin with. */
  readonly groups: readonly string[]
  /** In the whole log. */
  readonly length: number
  /** Somebody was asked for whom nobody knows. */
  readonly unknown: boolean
}

export interface AuditLine {
  readonly id: string
  readonly position: number
  readonly at: string
  readonly kind: AuditKind
  readonly employee: { readonly id: string; readonly name: string | null } | null
  readonly subjectId: string | null
  readonly text: string
  /** Null: nobody asked, or it was erased. */
  readonly by: string | null
  readonly via: string | null
  /** As it was recorded; null when it was erased. */
  readonly detail: string | null
  readonly commitment: string
  readonly previousHash: string
  readonly hash: string
}

export interface Installation {
  readonly demo: readonly string[]
  /** What the environment says; no secret. */
  readonly groups: readonly {
    readonly name: string
    readonly settings: readonly { readonly name: string; readonly value: string; readonly variable: string | null }[]
  }[]
  /** Handed out before names or addresses changed. */
  readonly stale: { readonly changedAt: string; readonly handsets: number } | null
}
