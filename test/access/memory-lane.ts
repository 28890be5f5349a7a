import type { Drift } from '../../src/access/drift.ts'
import { type Lane, type LaneEvent, type LaneOptions, startLane, type VerdictBook } from '../../src/access/lane.ts'
import type { PhoneDoorSubject } from '../../src/domain/access.ts'
import type { Verdict } from '../../src/domain/condition.ts'
import type { Listing, MemorySystem } from './memory-system.ts'

/** What should be, what is known of it, and what was told: the database of one lane, in memory. */
export interface MemoryStore {
  readonly wanted: Map<string, PhoneDoorSubject>
  readonly verdicts: Map<string, Verdict>
  readonly drifts: Drift[]
  readonly events: LaneEvent[]
  /** How many of the next uses fail. */
  readonly failing: { subjects: number; load: number; save: number; forget: number }
  /** In order: what was written, for "how often" and "what first". */
  readonly saved: Verdict[][]
  /** Told of each line as it is written. */
  readonly onSave: { call: (verdict: Verdict) => void }
  /** When each was written. */
  readonly savedAt: number[]
  put(...subjects: PhoneDoorSubject[]): void
  verdict(id: string): Verdict | undefined
}

export function memoryStore(): MemoryStore {
  const store: MemoryStore = {
    wanted: new Map(),
    verdicts: new Map(),
    drifts: [],
    events: [],
    failing: { subjects: 0, load: 0, save: 0, forget: 0 },
    saved: [],
    savedAt: [],
    onSave: { call: () => undefined },
    put(...subjects) {
      for (const subject of subjects) store.wanted.set(subject.id, subject)
    },
    verdict: (id) => [...store.verdicts.values()].find(({ subjectId }) => subjectId === id),
  }
  return store
}

export function laneOn(
  system: MemorySystem,
  store: MemoryStore,
  options: Partial<LaneOptions<PhoneDoorSubject, Listing>> = {},
): Lane {
  return startLane({
    system,
    subjectKind: 'phone-door',
    async subjects(ids) {
      await use(store, 'subjects')
      return [...store.wanted.values()].filter(({ id }) => ids === undefined || ids.includes(id))
    },
    now: () => new Date(),
    chance: () => 0.5,
    mayWrite: () => true,
    verdicts: bookIn(store),
    report: (event) => store.events.push(event),
    timeoutMs: 1_000,
    sweepEveryMs: 60_000,
    retryMs: { first: 100, most: 1_600 },
    ...options,
  })
}

function bookIn(store: MemoryStore): VerdictBook {
  return {
    async load(system, instance) {
      await use(store, 'load')
      return [...store.verdicts.values()].filter((one) => one.system === system && one.instance === instance)
    },
    async save(changed, drifts) {
      await use(store, 'save')
      for (const verdict of changed) {
        store.verdicts.set(verdict.id, verdict)
        store.onSave.call(verdict)
      }
      store.saved.push([...changed])
      store.savedAt.push(Date.now())
      // Nobody ticks anything here.
      store.drifts.push(...drifts.filter(({ wasConverged }) => wasConverged))
    },
    async forget(ids) {
      await use(store, 'forget')
      for (const id of ids) store.verdicts.delete(id)
    },
  }
}

async function use(store: MemoryStore, what: keyof MemoryStore['failing']): Promise<void> {
  await Promise.resolve()
  if (store.failing[what] <= 0) return
  store.failing[what] -= 1
  throw new Error(`the store failed (${what})`)
}
