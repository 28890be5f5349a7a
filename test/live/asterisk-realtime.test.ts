import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import { asteriskDriver } from '../../src/pbx/asterisk/asterisk.ts'
import { folderOf } from '../../src/pbx/asterisk/asterisk-options.ts'
import { realtimeWriter } from '../../src/pbx/asterisk/asterisk-realtime.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { makeAccount, rotate } from '../contracts/pbx-accounts.ts'
import { foreignRows } from '../lab/realtime-schema.ts'
import { type RealtimeWorld, realtimeWorld } from '../lab/realtime-world.ts'
import { describeLive } from '../setup/requirements.ts'
import { accountIn, phoneOf, restOf, tables } from './realtime-accounts.ts'

const limit = () => AbortSignal.timeout(20_000)

describeLive('accounts in PostgreSQL tables', ['asterisk', 'postgres'], () => {
  let world: RealtimeWorld
  const apply = (...accounts: PbxAccount[]) => world.driver.applyAccounts(accounts, limit())
  beforeAll(async () => {
    world = await realtimeWorld({ engine: 'postgres' })
  })
  afterAll(() => world?.stop())

  test('with the described installation nothing is missing', async () => {
    expect((await world.driver.describe(limit())).problems).toEqual([])
  })

  test('an on- and an offboarding leave every other row of every table as it is, and no trace of their own', async () => {
    world.sql(foreignRows('3100'))
    await apply(makeAccount('3101', 2), makeAccount('31011'))
    const before = restOf(world, '310')
    const account = makeAccount('310', 2)
    await apply(account)
    await apply({ ...account, credentials: [rotate(account.credentials[0]!)] })
    expect(restOf(world, '310')).toEqual(before)
    await apply({ ...account, credentials: [] })
    expect(restOf(world, '310')).toEqual(before)
    expect(world.look('310')).toMatch(/Unable to find object 310/)
    expect(
      tables
        .map((table) => world.sql(`select id from ${table} where id = '310' or id like '310-%'`))
        .join('')
        .trim(),
    ).toBe('')
  })

  test('only the digest is in the tables', async () => {
    const account = makeAccount('3102')
    await apply(account)
    const { username, secret } = account.credentials[0]!
    const rows = world.sql(`select * from ps_auths where id like '3102-%'`)
    expect(rows).toContain(digestHa1(username, 'ringfence', secret))
    expect(rows).not.toContain(secret.reveal())
  })

  test('a clear password that somebody adds beside the digest is seen as a change, and goes', async () => {
    const account = makeAccount('3103')
    await apply(account)
    world.sql(`update ps_auths set password = 'second-way' where id like '3103-%'`)
    expect((await accountIn(world, '3103'))!.credentials).toMatchObject([{ digest: null }])
    await apply(account)
    expect((await accountIn(world, '3103'))!.credentials).toMatchObject([
      { digest: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ])
    expect(world.sql(`select password from ps_auths where id like '3103-%'`).trim()).toBe('')
  })

  test('an extension that somebody deleted by hand is gone in what is read, and comes back', async () => {
    const account = makeAccount('3104')
    await apply(account)
    world.sql(`delete from ps_endpoints where id = '3104'; delete from ps_aors where id = '3104'`)
    expect(await accountIn(world, '3104')).toBeUndefined()
    await apply(account)
    expect(await (await phoneOf(world, account)).register()).toBe(200)
  })

  test('what is taken over keeps its calls and its name; who may log in and how media goes is Ringfence’s', async () => {
    world.sql(foreignRows('3105'))
    const listed = await world.driver.listExisting!(limit())
    expect(listed.find(({ extension }) => extension === '3105')).toEqual({
      extension: '3105',
      displayName: 'Old Owner',
      email: null,
      facts: { context: 'from-internal', allow: 'alaw,gsm', 'media encryption': 'no', mailboxes: '3105@default' },
      obstacle: null,
    })
    expect(JSON.stringify(listed)).not.toContain('by-hand')
    const byHand = await world.phone({
      extension: '3105',
      username: '3105',
      secret: 'by-hand-3105',
      address: '127.0.0.9',
    })
    expect(await byHand.register()).toBe(200)
    const account = { ...makeAccount('3105'), adopted: true }
    await apply(account)
    await apply(account)
    expect(await byHand.register()).toBe(401)
    expect(await (await phoneOf(world, account)).register()).toBe(200)
    const row = world.sql(
      `select allow, callerid, mailboxes, media_encryption, rewrite_contact from ps_endpoints where id = '3105'`,
    )
    expect(row.trim()).toBe('alaw,gsm|"Old Owner" <3105>|3105@default|sdes|yes')
    expect(world.sql(`select max_contacts, qualify_frequency from ps_aors where id = '3105'`).trim()).toBe('4|30')
    await apply({ ...account, credentials: [], adopted: false })
    await world.driver.disconnect!([{ extension: '3105', addresses: null }], limit())
    expect(await accountIn(world, '3105')).toBeUndefined()
  })

  test('a leaver whose old row a backup brought back is shown with his phone', async () => {
    world.sql(foreignRows('3115'))
    const account = { ...makeAccount('3115'), adopted: true }
    await apply(account)
    await apply({ ...account, credentials: [], adopted: false })
    world.sql(foreignRows('3115').replace(/insert into ps_auths[^;]*;/i, ''))
    const old = { extension: '3115', username: '3115', secret: 'by-hand-3115', address: '127.0.0.9' }
    expect(await (await world.phone(old)).register()).toBe(200)
    expect(await accountIn(world, '3115')).toMatchObject({
      credentials: [],
      registrations: [{ address: '127.0.0.9' }],
    })
    expect((await world.driver.readAccounts(limit())).foreign).toContain('3115')
    world.sql("delete from ps_endpoints where id = '3115'; delete from ps_aors where id = '3115'")
    await world.driver.disconnect!([{ extension: '3115', addresses: null }], limit())
  })

  test('a fixed contact or proxy goes when an extension is taken over, and is told before', async () => {
    const ways = () =>
      world
        .sql(
          `select coalesce(a.contact, '-'), coalesce(a.outbound_proxy, '-'), coalesce(e.outbound_proxy, '-'), coalesce(cast(e.redirect_method as varchar), '-')
           from ps_aors a join ps_endpoints e on e.id = a.id where a.id = '3116'`,
        )
        .trim()
    const fix = () =>
      world.sql(
        `update ps_aors set contact = 'sip:thief@192.0.2.66', outbound_proxy = 'sip:192.0.2.67' where id = '3116';
         update ps_endpoints set outbound_proxy = 'sip:192.0.2.68', redirect_method = 'uri_pjsip' where id = '3116'`,
      )
    world.sql(foreignRows('3116'))
    fix()
    const listed = (await world.driver.listExisting!(limit())).find(({ extension }) => extension === '3116')
    expect(listed).toMatchObject({
      obstacle: null,
      facts: { 'fixed contact, which goes': 'sip:thief@192.0.2.66', 'fixed proxy, which goes': 'sip:192.0.2.67' },
    })
    const account = { ...makeAccount('3116'), adopted: true }
    await apply(account)
    expect(ways()).toBe('-|-|-|-')
    fix()
    await apply(account)
    expect(ways()).toBe('-|-|-|-')
    await apply({ ...account, credentials: [] })
  })

  test('an extension that cannot be taken over says why', async () => {
    world.sql(
      `insert into ps_endpoints (id, aors, auth, webrtc, outbound_auth) values
       ('3106', '3106', 'x', 'yes', null), ('3107', 'desk', 'x', null, null), ('3117', '3117', 'x', null, 'provider')`,
    )
    world.sql(`insert into ps_aors (id) values ('3106'), ('desk'), ('3117')`)
    const listed = await world.driver.listExisting!(limit())
    const obstacle = (wanted: string) => listed.find(({ extension }) => extension === wanted)!.obstacle
    expect(obstacle('3106')).toContain('webrtc')
    expect(obstacle('3107')).toContain('AOR')
    expect(obstacle('3117')).toContain('trunk')
  })

  test('what was taken over, and is somebody else’s since, is not taken over again', async () => {
    world.sql(foreignRows('3118'))
    const account = { ...makeAccount('3118'), adopted: true }
    await apply(account)
    world.sql(`update ps_endpoints set auth = '3118-of-bo', callerid = '"Bo" <3118>' where id = '3118'`)
    await expect(apply(account)).rejects.toMatchObject({ code: 'PBX_REFUSED', hint: expect.stringMatching(/ps_aors/) })
    expect(world.sql(`select auth from ps_endpoints where id = '3118'`).trim()).toBe('3118-of-bo')
    world.sql("delete from ps_endpoints where id = '3118'; delete from ps_aors where id = '3118'")
    await apply(account)
    expect(await (await phoneOf(world, account)).register()).toBe(200)
    await apply({ ...account, credentials: [] })
  })

  test('while Asterisk is down a leaver is written off, so that it starts with the door shut', async () => {
    const account = makeAccount('3108')
    await apply(account)
    await world.goDown()
    try {
      await expect(apply({ ...account, credentials: [] })).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    } finally {
      await world.comeBack()
    }
    expect(await (await phoneOf(world, account)).register()).toBe(401)
  })

  test('doctor names a row that Asterisk does not take', async () => {
    world.sql(`insert into ps_endpoints (id, allow, "100rel") values ('broken', 'alaw', 'perhaps')`)
    try {
      expect((await world.driver.describe(limit())).problems).toEqual([
        { message: expect.stringContaining('broken'), hint: expect.stringContaining('column') },
      ])
    } finally {
      world.sql(`delete from ps_endpoints where id = 'broken'`)
    }
  })

  test('a user of the database without rights is told so, and nothing is written', async () => {
    const url =
      'postgres' in world.database ? new URL(world.database.postgres.reveal().replace('///', '//socket/')) : null
    world.sql('create role visitor login; grant connect on database postgres to visitor')
    url!.searchParams.set('user', 'visitor')
    const visitor = { postgres: new Secret(url!.href.replace('//socket/', '///')) }
    const driver = asteriskDriver(
      world.lab.driverOptions,
      realtimeWriter(visitor, folderOf(world.lab.driverOptions), null),
    )
    await expect(driver.applyAccounts([makeAccount('3109')], limit())).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      hint: expect.stringContaining('give the user'),
    })
    expect((await driver.describe(limit())).problems).toEqual([
      { message: expect.stringContaining('ps_endpoints'), hint: expect.stringContaining('give the user') },
    ])
    world.sql('grant select on all tables in schema public to visitor')
    await expect(driver.applyAccounts([makeAccount('3109')], limit())).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: expect.stringContaining('42501'),
      hint: expect.stringContaining('give the user'),
    })
    expect(world.sql(`select id from ps_auths where id like '3109%'`).trim()).toBe('')
  })
})
