/** What the console shows of handsets and their fetches: pages of lists, one handset, why it does not work. */
import type { Cause } from '../domain/phone-facts.ts'
import type { Actor } from '../domain/token.ts'
import type { TrafficOf } from '../domain/traffic.ts'
import type { LedgerFilter } from '../store/console-lists.ts'
import type { AccessLine, EmployeeView, HandsetView, ModelView, Onboarded, TunnelView } from './application.ts'
import type { Matches } from './people-view.ts'
import type { BlankedView } from './phone-view.ts'

export interface HandsetDeeds {
  readonly page: (query: HandsetQuery) => Promise<HandsetPage>
  /** Only what matches: to choose many without looking at each. */
  readonly matching: (query: HandsetQuery) => Promise<Matches>
  /** What the filters offer. */
  readonly choices: () => Promise<HandsetChoices>
  /** How many handsets match, by model. */
  readonly models: (query: Omit<HandsetQuery, 'limit'>) => Promise<readonly ModelCount[]>
  /** @throws NOT_FOUND */
  readonly one: (handsetId: string) => Promise<HandsetDetail>
  /** @throws NOT_FOUND */
  readonly why: (handsetId: string) => Promise<Diagnosis>
  /** A new one of the same model for a broken one, with new keys, for the same person. @throws INVALID_INPUT, CONFLICT */
  readonly replace: (handsetId: string, mac: string | null, actor: Actor) => Promise<Onboarded>
  /** Like removing it, with a reason that stands in the audit log. */
  readonly takeBack: (handsetId: string, reason: string | null, actor: Actor) => Promise<BlankedView>
  /** Tells these phones, a few at a time, to fetch their files; what came of each is in the audit log. */
  readonly resyncAll: (handsetIds: readonly string[], actor: Actor) => Promise<number>
  readonly ledger: (query: LedgerQuery) => Promise<LedgerPage>
}

export type HandsetState = (typeof handsetStates)[number]
export const handsetStates = ['in-use', 'waiting', 'enrolled', 'taken-back', 'blanked', 'not-blanked'] as const

export const handsetAttentions = ['open-doors', 'warnings', 'certificate-due', 'stale'] as const

export const handsetSorts = ['name', 'extension', 'model', 'heard', 'seen', 'created'] as const

/** All that is given must hold. */
export interface HandsetQuery {
  readonly search?: string
  readonly ids?: readonly string[]
  readonly site?: string
  readonly state?: HandsetState
  readonly model?: string
  /** `none`: its own tunnel; `any`; or a kind of home gateway. */
  readonly gateway?: string
  /** Its tunnel: heard in the last minutes, never, or quiet for so many days. */
  readonly tunnel?: 'online' | 'never' | number
  /** Null: it never told one. */
  readonly firmware?: string | null
  readonly attention?: (typeof handsetAttentions)[number]
  readonly sort?: (typeof handsetSorts)[number]
  readonly descending?: boolean
  readonly offset?: number
  readonly limit: number
}

export interface HandsetPage {
  readonly handsets: readonly HandsetRow[]
  /** On all pages. */
  readonly total: number
}

export interface HandsetRow {
  readonly handset: HandsetView
  readonly modelName: string
  readonly employee: Pick<EmployeeView, 'id' | 'name' | 'email' | 'extension' | 'lifecycle'>
  readonly gateway: { readonly id: string; readonly kind: string } | null
  readonly tunnel: TunnelView | null
  /** Of this handset alone. */
  readonly access: readonly AccessLine[]
}

export interface ModelCount {
  readonly model: string
  readonly name: string
  readonly count: number
}

export interface HandsetChoices {
  readonly models: readonly { readonly id: string; readonly name: string }[]
  readonly sites: readonly { readonly id: string; readonly name: string }[]
  readonly gateways: readonly { readonly kind: string; readonly name: string }[]
  readonly firmwares: readonly string[]
}

export interface HandsetDetail extends HandsetRow {
  readonly model: ModelView | null
  readonly createdAt: string
  readonly certificate: {
    readonly serial: string
    readonly notBefore: string
    readonly notAfter: string
    readonly revokedAt: string | null
  } | null
  /** What is known of the private key of its tunnel, in a sentence. */
  readonly keyWords: string | null
  readonly traffic: TrafficOf | null
  /** Since when what is counted is counted. */
  readonly countingSince: string
  /** When names or addresses changed since its files were handed out; null: they did not. */
  readonly staleSince: string | null
  /** Others behind the same gateway. */
  readonly mates: number
}

export interface Diagnosis {
  readonly row: HandsetRow
  /** The surest first; empty: nothing that Ringfence sees keeps it from working. */
  readonly causes: readonly Cause[]
  /** What was found in order, in sentences. */
  readonly fine: readonly string[]
}

export interface LedgerQuery extends Omit<LedgerFilter, 'employeeId' | 'handsetId'> {
  /** An id, an e-mail address or an extension. */
  readonly who?: string
  readonly handset?: string
}

export interface LedgerPage {
  readonly lines: readonly LedgerLine[]
  /** Where the next page begins; null on the last one. */
  readonly next: string | null
  /** Somebody was asked for whom nobody knows. */
  readonly unknown: boolean
}

export interface LedgerLine {
  readonly id: string
  readonly at: string
  readonly outcome: string
  readonly reason: string
  readonly fileName: string | null
  readonly remoteAddress: string
  readonly userAgent: string | null
  readonly employee: { readonly id: string; readonly name: string } | null
  readonly handset: { readonly id: string; readonly name: string; readonly mac: string | null } | null
}
