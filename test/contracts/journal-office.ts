/** Companies of store-cast.ts in a folder of their own, beside the journal of their leavers. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import type { Tombstone } from '../../src/domain/tombstone.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'
import * as cast from './store-cast.ts'

export const journalSystem = { now: () => new Date(cast.at(100)), randomBytes }

/** What a replay says that changed nothing. */
export const nothingReplayed = { inserted: 0, repaired: 0, shut: 0, withdrawn: 0, offboarding: [], appended: 0 }

interface JournalOffice extends AsyncDisposable {
  /** Of the journal. */
  readonly path: string
  /** A database with the cast, closed with the office. */
  company(): Promise<Store>
}

/** A new office for each test of the file. */
export function officeOfEachTest(): Omit<JournalOffice, typeof Symbol.asyncDispose> {
  let office: JournalOffice
  beforeEach(() => {
    office = openJournalOffice()
  })
  afterEach(() => office[Symbol.asyncDispose]())
  return {
    get path() {
      return office.path
    },
    company: () => office.company(),
  }
}

function openJournalOffice(): JournalOffice {
  const folder = mkdtempSync(join(tmpdir(), 'journal-'))
  const stores: Store[] = []
  return {
    path: join(folder, 'leavers.journal'),
    async company() {
      const store = await openStore({ sqlite: join(folder, `${stores.length}.db`) })
      stores.push(store)
      await cast.seed(store)
      return store
    },
    async [Symbol.asyncDispose]() {
      for (const store of stores) await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Of a phone's door, in the journal's own order of names, so that what comes back can be compared. */
export function tombstone(n: number, generation = 2, change: Partial<Tombstone> = {}): Tombstone {
  const door = {
    id: `h${n}`,
    employeeId: `e${n}`,
    generation,
    kind: 'phone-door',
    handsetId: `h${n}`,
    wanted: 'closed',
  }
  return {
    id: `phone-door/h${n}`,
    kind: 'phone-door',
    subjectId: `h${n}`,
    employeeId: `e${n}`,
    closedAt: cast.at(generation),
    generation,
    subject: JSON.stringify(door),
    ...change,
  }
}
