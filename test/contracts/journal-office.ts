/** Companies of store-cast.ts in a folder of their own, beside the journal of their leavers. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'
import * as cast from './store-cast.ts'

export const journalSystem = { now: () => new Date(cast.at(100)), randomBytes }

/** What a replay says that changed nothing. */
export const nothingReplayed = { inserted: 0, repaired: 0, shut: 0, withdrawn: 0, offboarding: [], appended: 0 }

export interface JournalOffice extends AsyncDisposable {
  readonly folder: string
  /** Of the journal. */
  readonly path: string
  /** A database with the cast, closed with the office. */
  company(): Promise<Store>
}

export function openJournalOffice(): JournalOffice {
  const folder = mkdtempSync(join(tmpdir(), 'journal-'))
  const stores: Store[] = []
  return {
    folder,
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
