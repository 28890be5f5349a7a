import { createHash } from 'node:crypto'
import type { SubjectKind, Wanted } from './access.ts'

/**
 * What is known of one subject in one access system.
 * - `converged`: seen as it should be, with evidence and time.
 * - `retrying`: not yet; problem, hint, next try.
 * - `waiting`: a step that a person must do and tick.
 * - `unverifiable`: applied, but this system cannot be read back; never shown as green.
 */
export type VerdictState = 'converged' | 'retrying' | 'waiting' | 'unverifiable'

export interface Verdict {
  /** `<system>/<instance>/<kind>/<subjectId>`, see `verdictId`. */
  readonly id: string
  readonly system: string
  readonly instance: string
  readonly subjectKind: SubjectKind
  readonly subjectId: string
  readonly employeeId: string | null
  readonly wanted: Wanted
  /** The subject's generation that was judged. */
  readonly generation: number
  readonly state: VerdictState
  /** JSON of access/Evidence; null where nothing was seen since the state changed. */
  readonly evidence: string | null
  readonly problem: string | null
  readonly hint: string | null
  readonly nextTryAt: string | null
  readonly attempts: number
  /** When the state or its evidence last changed. */
  readonly at: string
  readonly acknowledgedBy: string | null
  readonly acknowledgedAt: string | null
  /** Of a tick that is laid aside while nobody can look: `claimMark` of what was ticked. */
  readonly acknowledgedClaim: string | null
  /** The same of a step that nobody ticked: since when it waits. */
  readonly waitingSince: string | null
}

export function verdictId(system: string, instance: string, kind: SubjectKind, subjectId: string): string {
  return `${system}/${instance}/${kind}/${subjectId}`
}

/** Stands for the words of a line where somebody ticks it: what they saw, not what it says by then. */
export function wordsMark(problem: string | null): string {
  return createHash('sha256')
    .update(problem ?? '')
    .digest('hex')
    .slice(0, 16)
}

/** Stands for what a tick says: of this state, in these words. */
export function claimMark({ state, problem }: Pick<Verdict, 'state' | 'problem'>): string {
  return wordsMark(`${state} ${problem}`)
}

/** Whether this line no longer keeps an offboarding open. */
export function isSettled(verdict: Pick<Verdict, 'state' | 'acknowledgedAt'>): boolean {
  if (verdict.state === 'converged') return true
  return verdict.state !== 'retrying' && verdict.acknowledgedAt !== null
}
