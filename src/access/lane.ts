/**
 * The one writer of one access system. Requests queue and are merged; closings go first; what fails is tried again with
 * backoff and jitter; a sweep looks at everything now and then. Lanes know nothing of each other, so a slow PBX never
 * keeps the hub waiting.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Subject } from '../domain/access.ts'
import { type Verdict, verdictId } from '../domain/condition.ts'
import type { AccessSystem } from './access-system.ts'
import { type Drift, driftFrom } from './drift.ts'
import { type Outcome, type Pass, reconcile } from './reconcile.ts'
import { type Known, knownOf, sameLine, verdictFrom } from './verdict-line.ts'

export interface Lane {
  readonly kind: string
  readonly instance: string
  readonly subjectKind: Subject['kind']
  /** Shuts these at once: they are known, no store is asked first. */
  close(subjects: readonly Subject[]): void
  /** What is wanted of these changed; the store knows what. */
  nudge(ids: readonly string[]): void
  sweep(): void
  /** Resolves when nothing is queued or running. */
  idle(): Promise<void>
  stop(): Promise<void>
}

export interface LaneOptions<S extends Subject, Snapshot> {
  readonly system: AccessSystem<S, Snapshot>
  readonly subjectKind: S['kind']
  /** What should be: all subjects, or these. */
  readonly subjects: (ids?: readonly string[]) => Promise<readonly S[]>
  /** Where several systems share the kind: which of its subjects are this one's. */
  readonly isOwn?: (subject: S) => boolean
  readonly now: () => Date
  /** 0 ≤ x < 1, for jitter. */
  readonly chance: () => number
  /** False once another process holds the lease: nothing is applied any more. */
  readonly mayWrite: () => boolean
  readonly verdicts: VerdictBook
  readonly report: (event: LaneEvent) => void
  readonly timeoutMs: number
  readonly sweepEveryMs: number
  /** What is to be open was taken away by this server's own orderly stop: until all was looked at once, that is no drift. */
  readonly tookAway?: boolean
  readonly retryMs?: { readonly first: number; readonly most: number }
}

/** Where verdicts are kept: the lane reads them once and writes what changed, in one transaction a pass. */
export interface VerdictBook {
  load(system: string, instance: string): Promise<readonly Verdict[]>
  /**
   * Ticks are the book's business: it keeps one for as long as the line says the same, and no look shows anything else.
   * A drift may be of a line that did not change.
   */
  save(changed: readonly Verdict[], drifts: readonly Drift[]): Promise<void>
  forget(ids: readonly string[]): Promise<void>
}

export type LaneEvent =
  | {
      readonly kind: 'strangers'
      readonly system: string
      readonly instance: string
      readonly strangers: readonly string[]
    }
  | {
      readonly kind: 'acts-failed'
      readonly system: string
      readonly instance: string
      readonly failedActs: Pass<Subject>['failedActs']
      /** Of these, what is not tried again: no look will ever tell of it. */
      readonly givenUp: Pass<Subject>['failedActs']
    }
  | { readonly kind: 'broken'; readonly system: string; readonly instance: string; readonly error: unknown }

const mostActTries = 5

export function startLane<S extends Subject, Snapshot>(options: LaneOptions<S, Snapshot>): Lane {
  const { system, isOwn = () => true, retryMs = { first: 500, most: 30_000 } } = options
  /** By subject: with the ids of the lines it would be twice as large. */
  const known = new Map<string, Known>()
  const closing = new Map<string, S>()
  const nudged = new Set<string>()
  /** Subject id → when to try again. */
  const due = new Map<string, number>()
  /** Acts that failed although the look showed what was wanted: how often in a row, and when they are tried again. */
  const actAgain = new Map<string, { readonly tries: number; readonly at: number }>()
  /** Seen and mended, but not yet in the book. */
  const untold: Drift[] = []
  let nextSweepAt = 0
  let sweepWanted = false
  let loaded = false
  let isOwnAbsence = options.tookAway ?? false
  let stopped = false
  let running: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined
  const abort = new AbortController()
  const identity = { system: system.kind, instance: system.instance }
  const lineOf = (subjectId: string) => verdictId(system.kind, system.instance, options.subjectKind, subjectId)

  const wake = () => {
    if (stopped || running) return
    running = drain()
      .catch((error: unknown) => {
        // Our own store failed, not the system: nothing was judged, so everything is looked at again soon.
        nextSweepAt = options.now().getTime() + retryMs.first
        options.report({ kind: 'broken', system: system.kind, instance: system.instance, error })
      })
      .finally(() => {
        running = null
        // What came in the last moments of a pass, or during one that broke, must not wait for the timer. Each pass takes
        // its requests off the list first, so this ends.
        if (pending()) wake()
        else plan()
      })
  }

  function pending(): boolean {
    return !stopped && options.mayWrite() && (closing.size > 0 || nudged.size > 0 || sweepWanted)
  }

  async function drain(): Promise<void> {
    while (pending()) {
      if (closing.size > 0) {
        const subjects = [...closing.values()].slice(0, system.mostAtOnce)
        for (const { id } of subjects) closing.delete(id)
        await pass(subjects, { actFirst: true, whole: false })
      } else if (nudged.size > 0) {
        const ids = [...nudged].slice(0, system.mostAtOnce)
        for (const id of ids) nudged.delete(id)
        const subjects = (await options.subjects(ids)).filter(isOwn)
        if (subjects.length > 0) await pass(subjects, { actFirst: true, whole: false })
      } else {
        sweepWanted = false
        await pass((await options.subjects()).filter(isOwn), { actFirst: false, whole: true })
      }
    }
  }

  async function pass(subjects: readonly S[], how: { actFirst: boolean; whole: boolean }): Promise<void> {
    const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(options.timeoutMs)])
    const { outcomes, strangers, failedActs } = await reconcile(system, subjects, { ...how, signal })
    // Judging thousands takes its time: whoever waits for an answer of this process gets a turn before they are compared.
    if (how.whole) await nextTurn()
    if (stopped) return
    if (!loaded) {
      for (const verdict of await options.verdicts.load(system.kind, system.instance))
        known.set(verdict.subjectId, knownOf(verdict))
      loaded = true
    }
    await remember(outcomes)
    tellFailedActs(outcomes, failedActs, how.actFirst)
    if (how.whole) {
      if (outcomes.some(({ finding }) => finding.state !== 'failed')) isOwnAbsence = false
      await forgetOthers(subjects)
      if (strangers.length > 0)
        options.report({ kind: 'strangers', system: system.kind, instance: system.instance, strangers })
    }
  }

  async function remember(outcomes: readonly Outcome<S>[]): Promise<void> {
    const changed: Verdict[] = []
    for (const outcome of outcomes) {
      const { id } = outcome.subject
      const before = known.get(id)
      const verdict = verdictFrom(outcome, before, {
        ...identity,
        id: lineOf(id),
        now: options.now(),
        chance: options.chance(),
        retryMs,
      })
      const drift = driftFrom(outcome, before, verdict, isOwnAbsence)
      if (drift) untold.push(drift)
      if (!before || !sameLine(before, knownOf(verdict))) changed.push(verdict)
      if (verdict.nextTryAt === null) due.delete(verdict.subjectId)
      else due.set(verdict.subjectId, Date.parse(verdict.nextTryAt))
    }
    if (changed.length === 0 && untold.length === 0) return
    await options.verdicts.save(changed, untold)
    untold.length = 0
    for (const verdict of changed) known.set(verdict.subjectId, knownOf(verdict))
  }

  /**
   * The look shows what was wanted, so the line is settled; but what no look shows may be half done. A closing is acted on
   * again, soon and a few times; an open door is not touched while it is as desired.
   */
  function tellFailedActs(outcomes: readonly Outcome<S>[], failedActs: Pass<S>['failedActs'], actFirst: boolean): void {
    const failed = new Map(failedActs.map((one) => [one.subjectId, one]))
    const givenUp: (typeof failedActs)[number][] = []
    for (const { subject, finding } of outcomes) {
      const [act, before] = [failed.get(subject.id), actAgain.get(subject.id)]
      actAgain.delete(subject.id)
      if (finding.state !== 'as-desired') continue
      // A sweep does not act on what is as desired, and must not make the next try forgotten.
      const again = act ? nextAct(subject, before?.tries ?? 0) : actFirst ? null : before
      if (again) {
        actAgain.set(subject.id, again)
        due.set(subject.id, again.at)
      } else if (act) givenUp.push(act)
    }
    if (failedActs.length > 0) options.report({ kind: 'acts-failed', ...identity, failedActs, givenUp })
  }

  function nextAct({ wanted }: S, tries: number): { readonly tries: number; readonly at: number } | null {
    if (wanted !== 'closed' || tries + 1 >= mostActTries) return null
    return { tries: tries + 1, at: options.now().getTime() + Math.min(retryMs.most, retryMs.first * 2 ** tries) }
  }

  /** A pass is under way: where the system allows it, the door shuts beside it, and the queued pass looks. */
  function shutBeside(subjects: readonly S[]): void {
    if (subjects.length === 0 || !options.mayWrite()) return
    system.shutAtOnce?.(subjects, AbortSignal.any([abort.signal, AbortSignal.timeout(options.timeoutMs)])).catch(() => {
      // The queued pass does the same again and tells what is wrong.
    })
  }

  /** Subjects that exist no more leave no line behind. */
  async function forgetOthers(subjects: readonly S[]): Promise<void> {
    const present = new Set(subjects.map(({ id }) => id))
    const gone = [...known.keys()].filter((id) => !present.has(id))
    if (gone.length === 0) return
    await options.verdicts.forget(gone.map(lineOf))
    for (const id of gone) {
      due.delete(id)
      known.delete(id)
    }
  }

  /** Sleeps until the next retry or sweep, whichever comes first. */
  function plan(): void {
    clearTimeout(timer)
    if (stopped) return
    const next = [...due.values()].reduce((soonest, at) => Math.min(soonest, at), nextSweepAt)
    timer = setTimeout(
      () => {
        const moment = options.now().getTime()
        for (const [id, at] of due) {
          if (at > moment) continue
          // The pass sets it anew; whoever does not exist any more, or may not be written, must not be due for ever.
          due.delete(id)
          nudged.add(id)
        }
        if (moment >= nextSweepAt) requestSweep()
        wake()
        if (!running) plan()
      },
      Math.max(10, next - options.now().getTime()),
    )
  }
  function requestSweep(): void {
    sweepWanted = true
    nextSweepAt = options.now().getTime() + options.sweepEveryMs * (0.9 + options.chance() / 5)
  }

  return {
    kind: system.kind,
    instance: system.instance,
    subjectKind: options.subjectKind,
    close(subjects) {
      const own = subjects.filter((subject): subject is S => subject.kind === options.subjectKind).filter(isOwn)
      if (own.length === 0) return
      for (const subject of own) closing.set(subject.id, subject)
      if (running) shutBeside(own)
      wake()
    },
    nudge(ids) {
      for (const id of ids) nudged.add(id)
      wake()
    },
    sweep() {
      requestSweep()
      wake()
    },
    async idle() {
      while (running) await running
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      abort.abort(new Error('stopping'))
      await running
    },
  }
}
