import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import { makeAccount, rotate } from '../contracts/pbx-accounts.ts'
import { realtimeWorld } from '../lab/realtime-world.ts'
import { describeLive } from '../setup/requirements.ts'
import { accountIn, phoneOf } from './realtime-accounts.ts'

const limit = () => AbortSignal.timeout(20_000)

describeLive('accounts in tables of an older Asterisk', ['asterisk', 'postgres'], () => {
  test('get the digest where these have room for it, and a refusal in words where a column is too narrow', async () => {
    const world = await realtimeWorld({ engine: 'postgres', old: true })
    try {
      const account = makeAccount('3110')
      const { id, username, secret } = account.credentials[0]!
      await world.driver.applyAccounts([account], limit())
      expect((await accountIn(world, '3110'))!.credentials).toEqual([
        { id, generation: 1, digest: digestHa1(username, 'ringfence', secret) },
      ])
      expect(await (await phoneOf(world, account)).register()).toBe(200)
      const long = { ...account.credentials[0]!, id: 'x'.repeat(60) }
      await expect(
        world.driver.applyAccounts([{ ...makeAccount('3111'), credentials: [long] }], limit()),
      ).rejects.toMatchObject({
        code: 'PBX_REFUSED',
        message: expect.stringContaining('22001'),
        hint: expect.stringContaining('narrow'),
      })
      expect(world.sql(`select id from ps_endpoints where id = '3111'`).trim()).toBe('')
      world.sql('alter table ps_auths drop column md5_cred')
      await expect(world.driver.applyAccounts([makeAccount('3112')], limit())).rejects.toMatchObject({
        code: 'PBX_REFUSED',
        message: expect.stringContaining('password_digest'),
        hint: expect.stringContaining('ast-db-manage'),
      })
    } finally {
      await world.stop()
    }
  })
})

describeLive('accounts in tables behind a memory cache, registrations in a table too', ['asterisk', 'postgres'], () => {
  const cachesOf = (whole: string) =>
    ['endpoint', 'auth', 'aor']
      .map(
        (type) =>
          `${type}/cache = memory_cache,name=of_${type},object_lifetime_maximum=3600,expire_on_reload=yes${whole}`,
      )
      .join('\n')
  test.each([
    ['of single objects', ''],
    ['of whole tables', ',full_backend_cache=yes'],
  ])('%s: a new secret is in force at once, the old one is not, and a leaver is gone', async (_, whole) => {
    const world = await realtimeWorld({ engine: 'postgres', caches: cachesOf(whole), contacts: true })
    try {
      expect((await world.driver.describe(limit())).problems).toEqual([])
      const [account, other] = [makeAccount('312'), makeAccount('3120')]
      await world.driver.applyAccounts([account, other], limit())
      const [old, neighbour] = [await phoneOf(world, account), await phoneOf(world, other)]
      expect([await old.register(), await neighbour.register()]).toEqual([200, 200])
      expect(world.sql('select id from ps_contacts')).toMatch(/^312\^3B/m)
      const rotated = { ...account, credentials: [rotate(account.credentials[0]!)] }
      await world.driver.applyAccounts([rotated], limit())
      const next = await phoneOf(world, rotated)
      expect([await old.register(), await next.register()]).toEqual([401, 200])
      expect((await accountIn(world, '312'))!.credentials).toMatchObject([{ generation: 2 }])
      await world.driver.applyAccounts([{ ...rotated, credentials: [] }], limit())
      await world.driver.disconnect!([{ extension: '312', addresses: null }], limit())
      expect(await accountIn(world, '312')).toBeUndefined()
      expect(await next.register()).toBe(401)
      expect((await accountIn(world, '3120'))!.registrations).toHaveLength(1)
    } finally {
      await world.stop()
    }
  })
})

describeLive('accounts in SQLite tables', ['asterisk'], () => {
  test('another program that holds the file is worth another try; a column that holds nothing is named', async () => {
    const world = await realtimeWorld({ engine: 'sqlite' })
    try {
      const account = makeAccount('3130')
      await world.driver.applyAccounts([account], limit())
      const holder = new DatabaseSync((world.database as { sqlite: string }).sqlite)
      holder.exec('begin immediate')
      await expect(world.driver.applyAccounts([{ ...account, credentials: [] }], limit())).rejects.toMatchObject({
        code: 'PBX_UNREACHABLE',
        retryable: true,
        hint: expect.stringContaining('batch = 0'),
      })
      holder.close()
      expect((await world.driver.describe(limit())).problems).toEqual([])
      world.sql('alter table ps_endpoints add column device_state_busy_at integer')
      const { problems } = await world.driver.describe(limit())
      expect(problems).toEqual([{ message: expect.stringContaining('3130'), hint: expect.stringContaining('default') }])
    } finally {
      await world.stop()
    }
  })
})
