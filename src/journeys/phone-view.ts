import type { Secret } from '../domain/secret.ts'
import type { EmployeeView } from './application.ts'

/** What came of telling one phone to fetch its files. */
export interface ResyncView {
  readonly handsetId: string
  readonly outcome: 'told' | 'not-registered' | 'no-event' | 'pbx-cannot'
  readonly words: string
}

export interface BlankedView {
  readonly employee: EmployeeView
  /** How the phone comes to its document. */
  readonly words: string
}

export interface PhonePasswords {
  /** Null where the phone's file sets none. */
  readonly admin: Secret | null
  readonly user: Secret | null
  /** They change when it does: with a new invite. */
  readonly generation: number
}
