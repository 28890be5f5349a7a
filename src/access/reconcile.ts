/**
 * One pass over some subjects of one access system: look, act, look again. Only the last look decides.
 * Knows no vendor, no store and no clock; what it returns is data.
 */
import type { Subject } from '../domain/access.ts'
import { AppError, asAppError } from '../errors.ts'
import type { AccessSystem, Evidence, Finding } from './access-system.ts'

/** What became of one subject. */
export interface Outcome<S extends Subject> {
  readonly subject: S
  readonly finding: Finding | Failure
  /** What the first look of a sweep found wrong, if anything. */
  readonly foundDiffering: Extract<Finding, { state: 'differs' }> | null
}

/** It could not be seen, or not be changed. */
interface Failure {
  readonly state: 'failed'
  readonly problem: string
  readonly hint: string | undefined
  /** Of a look that showed that it is not as it should be; left out where none showed anything. */
  readonly evidence?: Evidence
  /** What the look before the act showed, where none could follow it. */
  readonly seen?: Extract<Finding, { state: 'waiting' | 'unverifiable' }>
}

export interface Pass<S extends Subject> {
  readonly outcomes: readonly Outcome<S>[]
  readonly strangers: readonly string[]
  /**
   * Acts that failed although the look shows what was wanted. The look decides what is said of the door; but what it does
   * not show may be half done, so the error is told.
   */
  readonly failedActs: readonly { readonly subjectId: string; readonly error: AppError }[]
}

/**
 * @param actFirst closed subjects are acted on before the first look: removing a key that is known needs no reading,
 *   and every millisecond counts. Sweeps look first, so that drift is seen before it is mended.
 */
export async function reconcile<S extends Subject, Snapshot>(
  system: AccessSystem<S, Snapshot>,
  subjects: readonly S[],
  { actFirst, whole, signal }: { actFirst: boolean; whole: boolean; signal: AbortSignal },
): Promise<Pass<S>> {
  const errors = new Map<S, AppError>()
  const closing = actFirst ? subjects.filter((subject) => subject.wanted === 'closed') : []
  await applyIsolated(system, closing, signal, errors)

  const look = () => (whole || !system.readSome ? system.read(signal) : system.readSome(subjects, signal))
  let snapshot: Snapshot
  try {
    snapshot = await look()
  } catch (error) {
    return { outcomes: subjects.map((subject) => failed(subject, asAppError(error))), strangers: [], failedActs: [] }
  }
  const judged = (subject: S): Outcome<S>['finding'] => {
    try {
      return system.judge(subject, snapshot)
    } catch (error) {
      // One that cannot be judged (a sealed value that does not open) says nothing of the others.
      return failure(asAppError(error))
    }
  }
  const first = new Map(subjects.map((subject) => [subject, judged(subject)]))
  const strangers = whole ? (system.strangers?.(subjects, snapshot) ?? []) : []

  // `waiting` and `unverifiable` are applied too: what they lack is proof, not the act.
  const differing = subjects.filter((subject) => !['as-desired', 'failed'].includes(first.get(subject)!.state))
  if (differing.length === 0) {
    const outcomes = subjects.map((subject) => settled(subject, first.get(subject)!))
    return { outcomes, strangers, failedActs: untold(outcomes, errors) }
  }

  // The others are told as they were seen, and come with the next try.
  const acted = differing.slice(0, system.mostAtOnce)
  const again = new Set(acted)
  await applyIsolated(system, acted, signal, errors)
  let blind: AppError | null = null
  try {
    snapshot = system.readSome ? await system.readSome(acted, signal) : await system.read(signal)
  } catch (error) {
    blind = asAppError(error)
  }
  const outcomes = subjects.map((subject): Outcome<S> => {
    const before = first.get(subject)!
    const foundDiffering = before.state === 'differs' ? before : null
    if (!again.has(subject)) return { subject, finding: before, foundDiffering }
    const finding = blind ? failure(blind, before) : judged(subject)
    const error = errors.get(subject)
    // The look says what is; the error of the act says why.
    return {
      subject,
      finding: finding.state === 'differs' && error ? failure(error, finding) : finding,
      foundDiffering,
    }
  })
  return { outcomes, strangers, failedActs: untold(outcomes, errors) }
}

/** Errors that no outcome carries. */
function untold<S extends Subject>(outcomes: readonly Outcome<S>[], errors: ReadonlyMap<S, AppError>) {
  return outcomes.flatMap(({ subject, finding }) => {
    const error = errors.get(subject)
    return error && finding.state !== 'failed' ? [{ subjectId: subject.id, error }] : []
  })
}

/**
 * Applies a batch; when one of it is refused for good, halves it until the culprit stands alone, so that one bad subject
 * never keeps the others' doors from moving. A system that is away is away for all of them.
 */
async function applyIsolated<S extends Subject, Snapshot>(
  system: AccessSystem<S, Snapshot>,
  subjects: readonly S[],
  signal: AbortSignal,
  errors: Map<S, AppError>,
): Promise<void> {
  if (subjects.length === 0) return
  try {
    await system.apply(subjects, signal)
  } catch (thrown) {
    const error = asAppError(thrown)
    // An error that no adapter meant to throw may be about one of them as well.
    const away = thrown instanceof AppError && thrown.retryable
    if (subjects.length === 1 || away || signal.aborted) {
      for (const subject of subjects) errors.set(subject, error)
      return
    }
    const half = subjects.length >> 1
    await applyIsolated(system, subjects.slice(0, half), signal, errors)
    await applyIsolated(system, subjects.slice(half), signal, errors)
  }
}

function settled<S extends Subject>(subject: S, finding: Outcome<S>['finding']): Outcome<S> {
  return { subject, finding, foundDiffering: null }
}

function failed<S extends Subject>(subject: S, error: AppError): Outcome<S> {
  return settled(subject, failure(error))
}

function failure(error: AppError, seen?: Finding | Failure): Failure {
  const finding = { state: 'failed', problem: error.message, hint: error.hint } as const
  if (seen?.state === 'differs') return { ...finding, evidence: seen.evidence }
  return seen?.state === 'waiting' || seen?.state === 'unverifiable' ? { ...finding, seen } : finding
}
