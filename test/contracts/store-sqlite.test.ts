import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe } from 'vitest'
import { openStore } from '../../src/store/open-store.ts'
import { storeContract } from './store.contract.ts'

describe('the embedded database', () => {
  storeContract(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'store-'))
    const sqlite = join(folder, 'ringfence.db')
    return {
      open: () => openStore({ sqlite }),
      reopen: () => openStore({ sqlite }),
      async tamper(sql) {
        const database = new DatabaseSync(sqlite, { timeout: 5_000 })
        database.exec(sql)
        database.close()
      },
      dispose: async () => rmSync(folder, { recursive: true, force: true }),
    }
  })
})
