/** What the console shows of people beyond one person's view: pages of a list, the first page, the timeline. */

import type { AuditKind } from '../domain/audit.ts'
import type { Lifecycle } from '../domain/employee.ts'
import type { Actor } from '../domain/token.ts'
import type { EmployeeView } from './application.ts'
import type { StepDeeds } from './step-view.ts'

export interface PeopleDeeds extends StepDeeds {
  readonly page: (query: PeopleQuery) => Promise<PeoplePage>
  /** Only who matches: to choose many without looking at each. */
  readonly matching: (query: PeopleQuery) => Promise<Matches>
  /** What the filters offer. */
  readonly choices: () => Promise<PeopleChoices>
  readonly today: () => Promise<Today>
  /** Everything that happened around somebody, newest first. @throws NOT_FOUND */
  readonly happenings: (who: string) => Promise<readonly Happening[]>
  /** The leaving date that is set, or null. @throws NOT_FOUND */
  readonly leaving: (who: string) => Promise<LeavingView | null>
  /** In place of one that is set already. @throws INVALID_INPUT for the past, CONFLICT for leavers */
  readonly setLeaving: (
    who: string,
    leaving: { readonly at: string; readonly reason: string | null },
    actor: Actor,
  ) => Promise<LeavingView>
  /** @throws NOT_FOUND where none is set */
  readonly cancelLeaving: (who: string, actor: Actor) => Promise<LeavingView>
}

/** All that is given must hold. */
export interface PeopleQuery {
  readonly search?: string
  readonly ids?: readonly string[]
  readonly state?: Lifecycle
  readonly site?: string
  readonly model?: string
  /** Of a handset's tunnel: heard in the last minutes, never, or quiet for so many days. */
  readonly tunnel?: 'online' | 'never' | number
  readonly attention?: Attention
  readonly sort?: 'name' | 'extension' | 'created' | 'heard' | 'left'
  readonly descending?: boolean
  readonly offset?: number
  readonly limit: number
}

export type Attention = (typeof attentions)[number]
export const attentions = ['open-doors', 'certificate-due', 'secret-old', 'leaving-set'] as const

/** A tunnel is quiet for long after so many days; a handshake is younger than so many minutes while a phone is online. */
export const quietDays = 7
export const onlineMinutes = 3
export const certificateDueDays = 60
export const secretOldDays = 90

export interface PeoplePage {
  readonly people: readonly EmployeeView[]
  /** On all pages. */
  readonly total: number
}

/** Of all tunnels in use the latest. */
export function lastHeard({ tunnels, lifecycle }: EmployeeView): string | null {
  if (lifecycle !== 'active') return null
  return (
    tunnels
      .flatMap(({ lastHandshakeAt }) => lastHandshakeAt ?? [])
      .sort()
      .at(-1) ?? null
  )
}

export interface Matches {
  /** As many as were asked for. */
  readonly ids: readonly string[]
  readonly total: number
}

export interface PeopleChoices {
  readonly models: readonly { readonly id: string; readonly name: string }[]
  readonly sites: readonly { readonly id: string; readonly name: string }[]
}

/** Each number is how many people the list with the same filter shows. */
export interface Today {
  readonly at: string
  /** Whoever is leaving holds nothing any more. */
  readonly people: number
  readonly handsets: number
  readonly online: number
  readonly quiet: number
  readonly never: number
  readonly openDoors: number
  readonly certificatesDue: number
  readonly secretsOld: number
  readonly leaving: number
  /** The latest few, and how many there are. */
  readonly leavers: readonly EmployeeView[]
  readonly leaversTotal: number
  /** Whose offboarding is complete. */
  readonly left: number
  /** The next few. */
  readonly leavings: readonly LeavingView[]
  /** Of the last day. */
  readonly alarms: readonly Alarm[]
}

/** One cause. */
export interface Alarm {
  /** The newest of them. */
  readonly text: string
  readonly at: string
  readonly kind: AuditKind
  /** How many doors, strangers or handsets, and since when. */
  readonly count: number
  readonly since: string
  /** Null where it is about several people, or nobody. */
  readonly employeeId: string | null
}

export interface Happening {
  readonly at: string
  /** A sentence without its beginning: "the tunnel was heard for the first time". */
  readonly text: string
  /** Who did it; null where nobody asked. */
  readonly by: string | null
  readonly kind: 'deed' | 'visit' | 'alarm'
  readonly employeeId: string | null
  /** How often in a row, and since when. */
  readonly times: number
  readonly since: string
}

export interface LeavingView {
  readonly id: string
  readonly employeeId: string
  readonly name: string
  readonly at: string
  readonly reason: string | null
  readonly askedBy: string
  readonly createdAt: string
  readonly state: 'set' | 'cancelled' | 'done'
}
