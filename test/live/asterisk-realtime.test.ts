import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import { asteriskDriver } from '../../src/pbx/asterisk.ts'
import { folderOf } from '../../src/pbx/asterisk-options.ts'
import { realtimeWriter } from '../../src/pbx/asterisk-realtime.ts'
import type { PbxDatabase } from '../../src/pbx/pbx-database.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { realtimeTables } from '../../src/pbx/realtime-tables.ts'
import { makeAccount, rotate } from '../contracts/pbx-accounts.ts'
import { startPostgres } from '../lab/postgres.ts'
import { foreignRows, realtimeSchema } from '../lab/realtime-schema.ts'
import { type RealtimeWorld, realtimeWorld } from '../lab/realtime-world.ts'
import { issueTestCertificate, makeTestAuthority, type TestCertificate } from '../lab/test-certificates.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

const tables = ['ps_endpoints', 'ps_auths', 'ps_aors', 'ps_contacts']

const phoneOf = async (world: RealtimeWorld, account: PbxAccount, address?: string) => {
  const { username, secret } = account.credentials[0]!
  return world.phone({
    extension: account.extension,
    username,
    secret: secret.reveal(),
    ...(address ? { address } : {}),
  })
}

const accountIn = async (world: RealtimeWorld, extension: string) =>
  (await world.driver.readAccounts(limit())).accounts.find((account) => account.extension === extension)

/** All rows of all tables, but those of one extension. */
const restOf = (world: RealtimeWorld, extension: string) =>
  tables.map((table) =>
    world.sql(`select * from ${table} where not (id = '${extension}' or id like '${extension}-%') order by id`),
  )

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

describe('a database that is not there', () => {
  const endpoints = (database: PbxDatabase, signal = limit()) => realtimeTables(database).endpoints(signal)

  test('a file that is missing is told, and not made', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'realtime-'))
    const path = join(folder, 'none.sqlite3')
    await expect(endpoints({ sqlite: path })).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('RINGFENCE_PBX_DATABASE'),
    })
    expect(existsSync(path)).toBe(false)
    await rm(folder, { recursive: true })
  })

  test.each([
    ['refuses the connection', '127.0.0.1:1', 'ECONNREFUSED'],
    ['has no such host', 'nobody.invalid', ''],
  ])('a server that %s is unreachable, and its address is not told', async (_, place, code) => {
    const database = { postgres: new Secret(`postgres://asterisk:hunter2@${place}/asterisk`) }
    const error = await endpoints(database).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'PBX_UNREACHABLE', retryable: true, message: expect.stringContaining(code) })
    expect(`${error}${JSON.stringify(error)}`).not.toContain('hunter2')
  })

  test.each([
    ['says nothing', () => undefined],
    ['answers garbage', (write: (text: string) => void) => write('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(50))],
  ])('a server that %s is given up when the caller gives up', async (_, answer) => {
    const server = await listener(answer)
    try {
      const { port } = server.address() as { port: number }
      const database = { postgres: new Secret(`postgres://asterisk@127.0.0.1:${port}/asterisk`) }
      await expect(endpoints(database, AbortSignal.timeout(500))).rejects.toMatchObject({
        code: 'PBX_UNREACHABLE',
        retryable: true,
      })
    } finally {
      server.close()
    }
  })
})

describeLive('a PostgreSQL that goes away', ['postgres'], () => {
  test('is unreachable, and Ringfence lives on', async () => {
    const server = await startPostgres()
    const url = server.createDatabase()
    server.sql(url, realtimeSchema({ engine: 'postgres' }))
    const accounts = realtimeTables({ postgres: url })
    expect(await accounts.endpoints(limit())).toEqual([])
    const missing = { postgres: new Secret(url.reveal().replace(/\/t_[0-9a-f]+/, '/nowhere')) }
    await expect(realtimeTables(missing).endpoints(limit())).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: expect.stringContaining('3D000'),
    })
    await server.stop()
    await expect(accounts.endpoints(limit())).rejects.toMatchObject({ code: 'PBX_UNREACHABLE', retryable: true })
  })
})

describeLive('a PostgreSQL over TLS', ['openssl'], () => {
  test('whose certificate is of another authority, or for another name, is told nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'realtime-'))
    const authority = makeTestAuthority('database CA')
    const other = makeTestAuthority('another CA')
    await writeFile(join(folder, 'ca.pem'), authority.certificate)
    await writeFile(join(folder, 'other.pem'), other.certificate)
    const server = await tlsDatabase(issueTestCertificate(authority, 'localhost', ['localhost']))
    const attempt = (host: string, ca: string) => {
      const place = `${host}:${(server.address() as { port: number }).port}`
      const url = `postgres://asterisk:hunter2@${place}/asterisk?sslmode=verify-full&sslrootcert=${join(folder, ca)}`
      return realtimeTables({ postgres: new Secret(url) })
        .endpoints(limit())
        .catch((error: unknown) => error)
    }
    try {
      const refused = { code: 'PBX_UNREACHABLE', message: expect.stringMatching(/\((UNABLE|SELF|ERR|CERT)\w+\)/) }
      expect(await attempt('localhost', 'other.pem')).toMatchObject(refused)
      expect(await attempt('127.0.0.1', 'ca.pem')).toMatchObject(refused)
      expect(server.heard).toEqual([])
      // The right one is spoken to, so the refusals above are the certificate's.
      await attempt('localhost', 'ca.pem')
      expect(server.heard.length).toBeGreaterThan(0)
    } finally {
      server.close()
      await rm(folder, { recursive: true })
    }
  })
})

/** Takes PostgreSQL's request for TLS, shows its certificate, notes what it then hears, and hangs up. */
async function tlsDatabase(certificate: TestCertificate): Promise<Server & { readonly heard: string[] }> {
  const heard: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write('S')
      const secure = new TLSSocket(socket, { isServer: true, cert: certificate.certificate, key: certificate.key })
      secure.on('error', () => undefined)
      secure.on('data', (data) => {
        heard.push(data.toString('latin1'))
        secure.destroy()
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(server, { heard })
}

function listener(answer: (write: (text: string) => void) => void): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => answer((text) => void socket.write(text)))
    })
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}
