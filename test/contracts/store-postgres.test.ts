import { afterAll, beforeAll } from 'vitest'
import { openStore } from '../../src/store/open-store.ts'
import { type Postgres, startPostgres } from '../lab/postgres.ts'
import { describeLive } from '../setup/requirements.ts'
import { storeContract } from './store.contract.ts'

describeLive('PostgreSQL', ['postgres'], () => {
  let server: Postgres | undefined
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  storeContract(async () => {
    const running = server
    if (running === undefined) throw new Error('PostgreSQL did not start')
    const postgres = running.createDatabase()
    return {
      open: () => openStore({ postgres }),
      reopen: () => openStore({ postgres }),
      tamper: async (sql) => void running.sql(postgres, sql),
      dispose: async () => undefined,
    }
  })
})
