import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import { kamailioDriver } from '../../src/pbx/kamailio/kamailio.ts'
import { prepareKamailio } from '../../src/pbx/kamailio/kamailio-files.ts'
import type { KamailioOptions } from '../../src/pbx/kamailio/kamailio-options.ts'
import { registrarScript } from '../../src/pbx/kamailio/kamailio-script.ts'
import { awkwardNames, makeAccount } from '../contracts/pbx-accounts.ts'
import { startRegistrar } from '../lab/kamailio-registrar.ts'
import { kamailioWorld, sqliteSql } from '../lab/kamailio-world.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

describeLive('a real Kamailio in trouble', ['kamailio', 'openssl'], () => {
  let world: Awaited<ReturnType<typeof kamailioWorld>>
  let options: KamailioOptions
  beforeAll(async () => {
    world = await kamailioWorld()
    options = world.lab.options
  })
  afterAll(async () => {
    await world?.stop()
  })
  const messages = async (driver = world.driver) =>
    (await driver.describe(limit())).problems.map(({ message }) => message)

  test('has a script that kamailio -c accepts, and nothing is wrong with it', async () => {
    expect(world.lab.kamailio.refusal()).toBe(null)
    await world.driver.revocations!.enforce(limit())
    expect(await messages()).toEqual([])
  })

  test('keeps no secret in its files, and lets nobody but its group read them', () => {
    for (const [name, text] of registrarScript(options).files) {
      expect(text).not.toContain(options.rpc.secret.reveal())
      expect(statSync(join(options.folder, name)).mode & 0o777).toBe(0o640)
    }
  })

  test('answers nobody who does not know the secret, and no SIP on that port', async () => {
    const wrong = kamailioDriver({ ...options, rpc: { ...options.rpc, secret: new Secret('guess') } })
    await expect(wrong.readAccounts(limit())).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    const { host, port } = options.rpc
    for (const path of ['/ringfence/rpc', '/ringfence/state', '/ringfence/drop/1', '/'])
      expect((await fetch(`http://${host}:${port}${path}`, { signal: limit() })).status).toBe(401)
    const sip = await fetch(`http://${options.bindAddress}:${options.port}/ringfence/rpc`).catch(() => null)
    expect(sip).toBe(null)
  })

  test('that reads another database is found out, by each question', async () => {
    const other = { ...options, database: { sqlite: join(options.folder, 'other.db') } }
    await prepareKamailio({ ...other, folder: join(options.folder, 'elsewhere') })
    expect(statSync(other.database.sqlite).mode & 0o777).toBe(0o660)
    const driver = kamailioDriver(other)
    const account = makeAccount('4001')
    await expect(driver.applyAccounts([account], limit())).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: 'Kamailio does not read the database that Ringfence writes',
    })
    await expect(driver.readAccounts(limit())).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    expect(await messages(driver)).toContain('Kamailio does not read the database that Ringfence writes')
  })

  test('that runs an older script is told', async () => {
    const driver = kamailioDriver({ ...options, realm: 'another' })
    const message = 'Kamailio runs a script that was written for other settings'
    expect(await messages(driver)).toEqual([message])
    await expect(driver.readAccounts(limit())).rejects.toMatchObject({ code: 'PBX_REFUSED', message, retryable: true })
  })

  test('whose tables are gone is no Kamailio without accounts', async () => {
    const file = join(options.folder, 'empty.db')
    new DatabaseSync(file).close()
    const driver = kamailioDriver({ ...options, database: { sqlite: file } })
    await expect(driver.readAccounts(limit())).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    await expect(driver.applyAccounts([makeAccount('4002')], limit())).rejects.toMatchObject({ code: 'PBX_REFUSED' })
  })

  test('whose database is locked by somebody is worth another try', async () => {
    if (!('sqlite' in options.database)) throw new Error('this lab has a file')
    const other = new DatabaseSync(options.database.sqlite)
    other.exec('begin immediate')
    try {
      await expect(world.driver.applyAccounts([makeAccount('4003')], limit())).rejects.toMatchObject({
        code: 'PBX_UNREACHABLE',
        retryable: true,
      })
    } finally {
      other.exec('rollback')
      other.close()
    }
    await world.driver.applyAccounts([makeAccount('4003')], limit())
  })

  test('a login that somebody deleted or changed by hand is seen and written again', async () => {
    const [account, next] = [makeAccount('4004'), makeAccount('40040')]
    await world.driver.applyAccounts([account, next], limit())
    const sql = sqliteSql(options.database)
    const digest = async () =>
      (await world.driver.readAccounts(limit())).accounts.find(({ extension }) => extension === '4004')?.credentials[0]
        ?.digest
    const before = await digest()
    sql(`update ringfence_credential set ha1 = '${'0'.repeat(32)}' where extension = '4004'`)
    expect(await digest()).toBe('0'.repeat(32))
    await world.driver.applyAccounts([account], limit())
    expect(await digest()).toBe(before)
    sql("delete from ringfence_credential where extension = '4004'")
    expect(await digest()).toBeUndefined()
    await world.driver.applyAccounts([account], limit())
    expect(await digest()).toBe(before)
  })

  test('shows the phone of a leaver whose old row a backup brought back', async () => {
    await world.addForeign('4006')
    const account = { ...makeAccount('4006'), adopted: true }
    await world.driver.applyAccounts([account], limit())
    await world.driver.applyAccounts([{ ...account, credentials: [], adopted: false }], limit())
    await world.addForeign('4006')
    const old = digestHa1('4006', 'ringfence', new Secret('old password'))
    sqliteSql(options.database)(`update subscriber set ha1 = '${old}' where username = '4006'`)
    const phone = await world.phone({ extension: '4006', username: '4006', secret: 'old password' })
    expect(await phone.register()).toBe(200)
    const state = await world.driver.readAccounts(limit())
    expect(state.foreign).toContain('4006')
    expect(state.accounts.find(({ extension }) => extension === '4006')).toMatchObject({
      credentials: [],
      registrations: [{ address: expect.any(String) }],
    })
    sqliteSql(options.database)("delete from subscriber where username = '4006'")
    await world.driver.disconnect!([{ extension: '4006', addresses: null }], limit())
  })

  test('lists what is no extension too, as what cannot be taken over', async () => {
    const sql = sqliteSql(options.database)
    sql("insert into subscriber (username, domain, password, ha1, ha1b) values ('reception', 'here', 'x', '', '')")
    expect(await world.driver.listExisting!(limit())).toContainEqual(
      expect.objectContaining({ extension: 'reception', obstacle: expect.stringContaining('not an extension') }),
    )
    sql("delete from subscriber where username = 'reception'")
  })

  test('takes an extension over once: what somebody makes under its number later is not Ringfence’s', async () => {
    const sql = sqliteSql(options.database)
    const rows = () => sql("select username, domain from subscriber where username = '4007'")
    const account = { ...makeAccount('4007'), adopted: true }
    await world.addForeign('4007')
    sql("insert into subscriber (username, domain, password, ha1, ha1b) values ('4007', 'second', 'x', '', '')")
    const two = rows()
    await expect(world.driver.applyAccounts([account], limit())).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    expect(rows()).toBe(two)
    sql("delete from subscriber where domain = 'second'")
    await world.driver.applyAccounts([account], limit())
    expect(rows()).toBe('[]')
    await world.addForeign('4007')
    const later = rows()
    await expect(world.driver.applyAccounts([account], limit())).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    expect(rows()).toBe(later)
    // Nobody's row keeps a leaver's login alive.
    await world.driver.applyAccounts([{ ...account, credentials: [] }], limit())
    expect(sql("select username from ringfence_credential where extension = '4007'")).toBe('[]')
    sql("delete from subscriber where username = '4007'")
  })

  test('keeps everything else as it is when people come and go', async () => {
    for (const extension of ['4100', '41', '41001']) await world.addForeign(extension)
    await world.driver.applyAccounts([makeAccount('4101'), makeAccount('410')], limit())
    const before = snapshot(options)
    for (const displayName of awkwardNames) {
      const account = { ...makeAccount('4102'), displayName }
      await world.driver.applyAccounts([account], limit())
      await world.driver.disconnect!([{ extension: '4102', addresses: null }], limit())
      await world.driver.applyAccounts([{ ...account, credentials: [] }], limit())
    }
    for (const username of ["x'--", '"; drop table subscriber; --', '.*', '<x/>', 'a@b', '$au', 'a:b'])
      await expect(
        world.driver.applyAccounts(
          [{ ...makeAccount('4102'), credentials: [{ ...makeAccount('4102').credentials[0]!, username }] }],
          limit(),
        ),
      ).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(snapshot(options)).toEqual(before)
  })

  test('no login fails because another one is being written at that moment', async () => {
    const account = makeAccount('4104')
    await world.driver.applyAccounts([account], limit())
    const { username, secret: own } = account.credentials[0]!
    const phone = await world.phone({ extension: '4104', username, secret: own.reveal() })
    let writing = true
    const writes = (async () => {
      for (let round = 0; round < 100; round++) await world.driver.applyAccounts([makeAccount('4105')], limit())
      writing = false
    })()
    const answers: number[] = []
    while (writing) answers.push(await phone.register())
    await writes
    expect(answers.length).toBeGreaterThan(20)
    expect(answers.filter((status) => status !== 200)).toEqual([])
  })

  test('names on the wire that mean something to SQL open nothing', async () => {
    const account = makeAccount('4103')
    await world.driver.applyAccounts([account], limit())
    for (const username of ["4103' or '1'='1", "x' union select ha1 from ringfence_credential--", '%', '4103']) {
      const phone = await world.phone({ extension: '4103', username, secret: account.credentials[0]!.secret.reveal() })
      expect(await phone.register()).toBe(401)
    }
  })
})

describeLive('a real Kamailio that is asked over TLS', ['kamailio'], () => {
  test('is believed with the certificate of the named authority only', async () => {
    const lab = await startRegistrar({
      options: (defaults, { service }) => ({ ...defaults, rpc: { ...defaults.rpc, tls: { ca: service.certificate } } }),
    })
    try {
      const driver = kamailioDriver(lab.options)
      await driver.applyAccounts([makeAccount('4201')], limit())
      await driver.revocations!.enforce(limit())
      expect((await driver.describe(limit())).problems).toEqual([])
      const unnamed = kamailioDriver({ ...lab.options, rpc: { ...lab.options.rpc, tls: {} } })
      await expect(unnamed.readAccounts(limit())).rejects.toMatchObject({
        code: 'PBX_UNREACHABLE',
        message: expect.stringContaining('not trusted'),
      })
    } finally {
      await lab.stop()
    }
  })
})

/** All rows of all tables but the mark, which is ours and changes; and the files. */
function snapshot(options: KamailioOptions): unknown {
  if (!('sqlite' in options.database)) throw new Error('this lab has a file')
  const file = new DatabaseSync(options.database.sqlite)
  try {
    const tables = file.prepare("select name from sqlite_master where type = 'table' order by name").all()
    const rows = tables
      .map(({ name }) => String(name))
      .filter((name) => name !== 'ringfence_mark')
      .map((name) => [name, file.prepare(`select * from "${name}"`).all()])
    const files = readdirSync(options.folder)
      .filter((name) => /\.(cfg|pem|crt)$/.test(name))
      .map((name) => [name, readFileSync(join(options.folder, name), 'utf8')])
    return { rows, files }
  } finally {
    file.close()
  }
}
