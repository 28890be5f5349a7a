import type { Language } from './language.ts'

/** A mail on its way to an employee, and what became of it. Never holds a secret but the link, sealed until it is sent. */
export interface Mail {
  readonly id: string
  readonly employeeId: string
  /** Which template. */
  readonly kind: 'invite'
  readonly recipient: string
  readonly language: Language
  /** Sealed with context `mail:<id>`; null once it was sent or given up. */
  readonly linkSealed: string | null
  readonly expiresAt: string
  readonly state: 'queued' | 'sent' | 'failed' | 'cancelled'
  readonly attempts: number
  readonly nextTryAt: string
  readonly lastProblem: string | null
  readonly createdAt: string
  readonly sentAt: string | null
}

const minute = 60_000
/** Mail servers that greylist ask to come back after some minutes; the last wait repeats itself. */
const waits = [minute, 5 * minute, 15 * minute, 60 * minute]

/** When a mail is tried again that did not go out now. */
export function nextMailTry(attempts: number, now: Date): string {
  return new Date(now.getTime() + waits[Math.min(attempts, waits.length) - 1]!).toISOString()
}
