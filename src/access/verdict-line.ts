/** One line of what is known: made from an outcome, and compared with what was said before. Pure. */
import { hash } from 'node:crypto'
import type { Subject } from '../domain/access.ts'
import type { Verdict } from '../domain/condition.ts'
import type { Outcome } from './reconcile.ts'

export interface LineMaking extends Pick<Verdict, 'id' | 'system' | 'instance'> {
  readonly now: Date
  /** 0 ≤ x < 1, for jitter. */
  readonly chance: number
  readonly retryMs: { readonly first: number; readonly most: number }
}

export function verdictFrom(
  { subject, finding }: Outcome<Subject>,
  before: Known | undefined,
  { id, system, instance, now, chance, retryMs }: LineMaking,
): Verdict {
  const state = stateOf[finding.state]
  const comparable = before && before.generation === subject.generation && before.wanted === subject.wanted
  const attempts = state === 'retrying' ? (comparable ? before.attempts : 0) + 1 : 0
  const wait = Math.min(retryMs.most, retryMs.first * 2 ** Math.min(attempts - 1, 12)) * (0.5 + chance / 2)
  const unchanged = comparable && before.state === state
  const evidence = finding.evidence ? JSON.stringify(finding.evidence) : unchanged ? before.evidence : null
  return {
    id,
    system,
    instance,
    subjectKind: subject.kind,
    subjectId: subject.id,
    employeeId: subject.employeeId,
    wanted: subject.wanted,
    generation: subject.generation,
    state,
    evidence,
    problem: 'problem' in finding ? finding.problem : null,
    hint: ('hint' in finding ? finding.hint : undefined) ?? null,
    nextTryAt: state === 'retrying' ? new Date(now.getTime() + wait).toISOString() : null,
    attempts,
    at: unchanged && before.seen === digest(evidence) ? before.at : now.toISOString(),
    // Ticks are the book's business.
    acknowledgedBy: null,
    acknowledgedAt: null,
    acknowledgedClaim: null,
    waitingSince: null,
  }
}

export const stateOf = {
  'as-desired': 'converged',
  differs: 'retrying',
  failed: 'retrying',
  unverifiable: 'unverifiable',
  waiting: 'waiting',
} as const satisfies Record<Outcome<Subject>['finding']['state'], Verdict['state']>

/** What a lane keeps in mind of each of its lines; the words themselves are in the book. */
export interface Known extends Pick<Verdict, 'wanted' | 'generation' | 'state' | 'attempts' | 'at'> {
  /** Digest of the evidence, and of problem and hint. */
  readonly seen: string
  readonly said: string
  /** Kept word for word while it is retrying, since a failed look brings none of its own. */
  readonly evidence: string | null
}

export function knownOf({ wanted, generation, state, attempts, at, evidence, problem, hint }: Verdict): Known {
  return {
    wanted: word[wanted],
    generation,
    state: word[state],
    attempts,
    at,
    seen: digest(evidence),
    said: digest(problem === null && hint === null ? null : `${problem}\n${hint}`),
    evidence: state === 'retrying' ? evidence : null,
  }
}

/** Each row of the database brings copies of these words with it, which tens of thousands of lines would keep. */
const word = {
  open: 'open',
  closed: 'closed',
  converged: 'converged',
  retrying: 'retrying',
  waiting: 'waiting',
  unverifiable: 'unverifiable',
} as const satisfies { readonly [Word in Verdict['wanted' | 'state']]: Word }

/** Short enough for tens of thousands of lines; chance collisions are out of the question. */
function digest(text: string | null): string {
  return text === null ? '' : hash('sha1', text, 'base64')
}

/** Whether there is nothing to write. Each try counts: people are shown when the next one is due. */
export function sameLine(one: Known, other: Known): boolean {
  return (
    one.wanted === other.wanted &&
    one.generation === other.generation &&
    one.state === other.state &&
    one.seen === other.seen &&
    one.said === other.said &&
    one.attempts === other.attempts
  )
}
