/** Rosters on their way in: drafts that are checked and mended, and runs that bring people in. */
import type { Problem } from '../domain/parse.ts'
import type { Actor } from '../domain/token.ts'
import type { MailChoice } from './mail-view.ts'

export interface RosterDeeds {
  /** Keeps a roster for an hour, in memory alone. @throws INVALID_INPUT when it is no CSV, TOO_LARGE */
  readonly draft: (csv: Uint8Array, actor: Actor) => Promise<DraftView>
  /** @throws NOT_FOUND */
  readonly lookAtDraft: (id: string, page: DraftPage) => Promise<DraftView>
  /** Changes cells, then looks. @throws NOT_FOUND */
  readonly mendDraft: (id: string, changes: readonly CellChange[], page: DraftPage) => Promise<DraftView>
  /** @throws INVALID_INPUT while something is wrong with it, NOT_FOUND */
  readonly startDraft: (id: string, mail: MailChoice | null, actor: Actor) => Promise<ImportView>
  /** The run that a draft became; null where it is none, or nobody knows any more. */
  readonly runOf: (draftId: string) => string | null
  /** @throws NOT_FOUND */
  readonly progress: (id: string, page: { readonly offset: number; readonly limit: number }) => Promise<RunView>
  /** Nobody new is begun; who was brought in stays. @throws NOT_FOUND, CONFLICT when it is over */
  readonly cancel: (id: string, actor: Actor) => Promise<RunView>
  readonly recent: () => Promise<readonly RunSummary[]>
}

export interface DraftPage {
  readonly offset: number
  readonly limit: number
  /** Only rows with a problem. */
  readonly onlyWrong: boolean
}

export interface CellChange {
  /** Line of the file. */
  readonly line: number
  readonly column: number
  readonly value: string
}

export interface DraftView {
  readonly id: string
  readonly columns: readonly string[]
  /** The first row as it was written, with what is wrong with it. */
  readonly header: DraftRow
  /** What is wrong with no row in particular, or with the header. */
  readonly problems: readonly Problem[]
  readonly rows: readonly DraftRow[]
  /** Rows in all, those with a problem, those on this list, and people who could come in. */
  readonly total: number
  readonly wrong: number
  readonly listed: number
  readonly people: number
  readonly expiresAt: string
}

export interface DraftRow {
  readonly line: number
  readonly cells: readonly string[]
  readonly problems: readonly Problem[]
}

/** The way of one person, in this order; `failed` and `cancelled` are ends beside it. */
export const stages = ['queued', 'keys made', 'on PBX', 'invited', 'connected', 'failed', 'cancelled'] as const
export type Stage = (typeof stages)[number]

export interface RunSummary {
  readonly id: string
  readonly createdAt: string
  readonly createdBy: string
  readonly total: number
  readonly done: number
  readonly finishedAt: string | null
}

export interface RunView extends RunSummary {
  readonly cancelled: { readonly by: string; readonly at: string } | null
  readonly counts: Readonly<Record<Stage, number>>
  /** People whose account waits for somebody to make it on the PBX. */
  readonly steps: number
  /** Mails of this run that were given up. */
  readonly mailsFailed: number
  readonly people: readonly RunPerson[]
}

export interface RunPerson {
  readonly row: number
  readonly name: string
  readonly email: string
  readonly extension: string
  readonly stage: Stage
  readonly employeeId: string | null
  readonly problem: string | null
  /** What became of the mail, in words; null where none was wanted. */
  readonly mail: string | null
}

export interface ImportView {
  readonly id: string
  readonly total: number
  readonly done: number
  readonly finished: boolean
  readonly people: readonly {
    readonly email: string
    readonly extension: string
    readonly state: 'queued' | 'onboarded' | 'failed' | 'cancelled'
    readonly employeeId: string | null
    readonly inviteUrl: string | null
    readonly problem: string | null
  }[]
}
