import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
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

describeLive('a PostgreSQL that goes away', ['postgres'], () => {
  test('is told as busy, and does not end Ringfence', async () => {
    const server = await startPostgres()
    try {
      const store = await openStore({ postgres: server.createDatabase() })
      await store.transaction((tx) => tx.insert('setting', [{ id: 'a', value: '' }]))
      await server.stop()
      const busy = { code: 'STORE_BUSY', retryable: true }
      await expect(store.get('setting', 'a')).rejects.toMatchObject(busy)
      await expect(store.transaction((tx) => tx.nextNumber('a'))).rejects.toMatchObject(busy)
      await store.close()
    } finally {
      await server.stop()
    }
  })
})

describe('the address of a PostgreSQL', () => {
  test.each([
    ['http://ada:hunter2@db/ringfence', 'CONFIG_INVALID'],
    ['ada:hunter2@db/ringfence', 'CONFIG_INVALID'],
    ['postgres://ada:hunter2@db:port/ringfence', 'CONFIG_INVALID'],
    ['postgres://ada:hunter2@/ringfence?host=/nowhere', 'STORE_BUSY'],
    ['postgres://ada:hunter2@127.0.0.1:1/ringfence', 'STORE_BUSY'],
  ])('%s is refused in words without the password', async (url, code) => {
    const refused = await openStore({ postgres: new Secret(url) }).then(
      () => expect.fail('it was opened'),
      (error) => error,
    )
    expect(refused).toMatchObject({ code, hint: expect.any(String) })
    expect(inspect(refused, { depth: 9 })).not.toContain('hunter2')
  })
})
