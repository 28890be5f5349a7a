/** What a look showed on the way that the line does not say in the end, although we changed nothing. Pure. */
import type { Subject } from '../domain/access.ts'
import type { Verdict } from '../domain/condition.ts'
import type { Outcome } from './reconcile.ts'
import { type Known, stateOf } from './verdict-line.ts'

export interface Drift {
  /** What became of it. */
  readonly verdict: Verdict
  readonly problem: string
  readonly ofAll: boolean
  /** As a line would say what the look showed: `retrying` where it was not as it should be. */
  readonly shown: Verdict['state']
  /** It was seen as it should be before. Of all others only the book knows whether somebody gave their word for them. */
  readonly wasConverged: boolean
}

/** @param isOwnAbsence what is to be open and is not was taken away by our own orderly stop */
export function driftFrom(
  { finding, foundDiffering }: Outcome<Subject>,
  before: Known | undefined,
  verdict: Verdict,
  isOwnAbsence: boolean,
): Drift | null {
  if (!before || before.generation !== verdict.generation || before.wanted !== verdict.wanted) return null
  if (!foundDiffering) {
    const seen = finding.state === 'failed' ? finding.seen : undefined
    return seen
      ? { verdict, problem: seen.problem, ofAll: false, shown: stateOf[seen.state], wasConverged: false }
      : null
  }
  if (foundDiffering.isNew || (isOwnAbsence && verdict.wanted === 'open')) return null
  const { problem, ofAll = false, state } = foundDiffering
  return { verdict, problem, ofAll, shown: stateOf[state], wasConverged: before.state === 'converged' }
}
