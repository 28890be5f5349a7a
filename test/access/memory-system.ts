import type { AccessSystem, Evidence, Finding } from '../../src/access/access-system.ts'
import type { PhoneDoorSubject } from '../../src/domain/access.ts'
import { AppError } from '../../src/errors.ts'

/**
 * What can go wrong with an act. `away`: cannot be reached. `refuse`: says no for good. `lie`: says yes, does nothing.
 * `halfway`: does the first half and breaks. `lose-answer`: does it and breaks. `hang`: answers only when it is aborted.
 */
export type ApplyFault = 'away' | 'refuse' | 'lie' | 'halfway' | 'lose-answer' | 'hang'
/** `away`: cannot be reached. `empty`: lists nothing. `hang`: answers only when it is aborted. */
export type ReadFault = 'away' | 'empty' | 'hang'

export interface MemorySystem extends AccessSystem<PhoneDoorSubject, Listing> {
  /** What is really there: name and the generation that was put. */
  readonly present: Map<string, number>
  readonly faults: { read: ReadFault | null; apply: ApplyFault | null }
  /** Subjects that this system refuses for good, and those that it cannot even judge. */
  readonly refused: Set<string>
  readonly unjudgeable: Set<string>
  /** `cannot-show`: judges everything unverifiable; `by-hand`: waiting. */
  shows: 'all' | 'cannot-show' | 'by-hand'
  /** What was asked of it, in order: `look`, `look at a`, `apply a b`. */
  readonly asked: string[]
  /** A new one fences off acts that are under way: what a killed server asked for is not done later. */
  epoch: number
  /** Told of what really changes by an act. */
  readonly onRemove: { call: (name: string) => void }
  readonly onPut: { call: (name: string) => void }
}

/** Names and generations; `looked` null: the whole. */
export interface Listing {
  readonly names: ReadonlyMap<string, number>
  readonly looked: ReadonlySet<string> | null
}

/** A place where access can exist, in memory, with every fault an outside system was ever seen to have. */
export function memorySystem({ kind = 'memory', quickLook = true } = {}): MemorySystem {
  const present = new Map<string, number>()
  const asked: string[] = []
  const onRemove: MemorySystem['onRemove'] = { call: () => undefined }
  const onPut: MemorySystem['onPut'] = { call: () => undefined }

  async function listing(signal: AbortSignal, looked: ReadonlySet<string> | null): Promise<Listing> {
    await beat()
    if (system.faults.read === 'hang') await untilAborted(signal)
    if (system.faults.read === 'away') throw away()
    if (system.faults.read === 'empty') return { names: new Map(), looked }
    return { names: new Map([...present].filter(([name]) => looked === null || looked.has(name))), looked }
  }

  function make(subject: PhoneDoorSubject): void {
    if (subject.wanted === 'open') {
      present.set(subject.id, subject.generation)
      onPut.call(subject.id)
    } else if (present.delete(subject.id)) onRemove.call(subject.id)
  }

  const system: MemorySystem = {
    kind,
    instance: 'one',
    present,
    faults: { read: null, apply: null },
    refused: new Set(),
    unjudgeable: new Set(),
    shows: 'all',
    epoch: 0,
    asked,
    onRemove,
    onPut,
    async read(signal) {
      asked.push('look')
      return listing(signal, null)
    },
    ...(quickLook && {
      async readSome(subjects: readonly PhoneDoorSubject[], signal: AbortSignal) {
        asked.push(`look at ${namesOf(subjects)}`)
        return listing(signal, new Set(subjects.map(({ id }) => id)))
      },
    }),
    async apply(subjects, signal) {
      asked.push(`apply ${namesOf(subjects)}`)
      const { epoch } = system
      await beat()
      if (epoch !== system.epoch) throw away()
      const { apply } = system.faults
      if (apply === 'hang') await untilAborted(signal)
      if (apply === 'away') throw away()
      if (apply === 'refuse' || subjects.some(({ id }) => system.refused.has(id)))
        throw new AppError('HUB_REFUSED', `refused ${namesOf(subjects)}`, { hint: 'it was told to' })
      if (apply === 'lie') return
      if (apply === 'halfway') {
        for (const subject of subjects.slice(0, Math.ceil(subjects.length / 2))) make(subject)
        throw away()
      }
      for (const subject of subjects) make(subject)
      if (apply === 'lose-answer') throw away()
    },
    judge(subject, { names, looked }): Finding {
      if (system.unjudgeable.has(subject.id)) throw new AppError('VAULT_LOCKED', `${subject.id} does not open`)
      if (looked && !looked.has(subject.id)) throw new Error(`${subject.id} was judged without having been looked at`)
      const generation = names.get(subject.id)
      const evidence: Evidence = { summary: generation ? `there as ${generation}` : 'not there', facts: {} }
      if (system.shows === 'cannot-show') return { state: 'unverifiable', evidence, problem: 'cannot be read back' }
      if (system.shows === 'by-hand') return { state: 'waiting', evidence, problem: 'do it by hand' }
      const wanted = subject.wanted === 'open' ? subject.generation : undefined
      return generation === wanted
        ? { state: 'as-desired', evidence }
        : { state: 'differs', evidence, problem: `${subject.id} is ${evidence.summary}` }
    },
    strangers: (subjects, { names }) => {
      const known = new Set(subjects.map(({ id }) => id))
      return [...names.keys()].filter((name) => !known.has(name))
    },
  }
  return system
}

export function door(id: string, changes: Partial<PhoneDoorSubject> = {}): PhoneDoorSubject {
  return { kind: 'phone-door', id, handsetId: id, employeeId: 'ada', wanted: 'open', generation: 1, ...changes }
}

export function shut(id: string, generation = 2): PhoneDoorSubject {
  return door(id, { wanted: 'closed', generation })
}

/** Resolves when the condition holds; its last value is in the error when it does not within the limit. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, limitMs = 5_000): Promise<void> {
  const end = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Lets other work in, as every real system does. */
function beat(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  throw new AppError('TIMEOUT', 'the memory system did not answer in time', { retryable: true })
}

function away(): AppError {
  return new AppError('HUB_UNREACHABLE', 'the memory system is away', { hint: 'wait for it', retryable: true })
}

function namesOf(subjects: readonly PhoneDoorSubject[]): string {
  return subjects.map(({ id }) => id).join(' ')
}
