import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Secret } from '../../src/domain/secret.ts'
import { kamailioDriver } from '../../src/pbx/kamailio/kamailio.ts'
import type { KamailioOptions } from '../../src/pbx/kamailio/kamailio-options.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { startRegistrar } from '../lab/kamailio-registrar.ts'
import { documented, leastRights } from '../lab/kamailio-roles.ts'
import { type Postgres, startPostgres } from '../lab/postgres.ts'
import { connectSipPhone } from '../lab/sip-client.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

describeLive('the database roles that docs/kamailio.md asks for', ['kamailio', 'postgres'], () => {
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
    server.sql(server.createDatabase(), documented.roles())
  })
  afterAll(() => server?.stop())

  const columns = (url: Secret) =>
    server.sql(
      url,
      `select table_name, column_name, data_type, character_maximum_length, is_nullable from information_schema.columns
       where table_name like 'ringfence%' order by 1, 2; select indexdef from pg_indexes where tablename like 'ringfence%' order by 1`,
    )

  test('are enough for the life of an account, from the first login to the last, on a server without an older registrar', async () => {
    const rights = leastRights(server)
    const lab = await startRegistrar(rights.lab)
    try {
      const driver = kamailioDriver(lab.options)
      const account = { ...makeAccount('1001'), displayName: '' }
      await driver.applyAccounts([account], limit())
      const { username, secret } = account.credentials[0]!
      const { bindAddress: host, port } = lab.options
      const phone = await connectSipPhone({ host, port, extension: '1001', username, secret: secret.reveal() })
      expect((await phone.register()).status).toBe(200)
      expect((await phone.call('030777')).status).toBe(200)
      expect(lab.nextHop.requests.find((head) => head.startsWith('INVITE'))).toMatch(/^From: *<sip:1001@/m)
      const revoked = await lab.certificateFor('1001')
      await lab.publish([revoked.serial])
      await driver.revocations!.enforce(limit())
      expect(await driver.listExisting!(limit())).toEqual([])
      expect((await driver.describe(limit())).problems).toEqual([])
      expect((await driver.readAccounts(limit())).accounts).toMatchObject([{ extension: '1001', calls: [{}] }])
      await driver.applyAccounts([{ ...account, credentials: [] }], limit())
      expect((await phone.register()).status).toBe(401)
      await phone.close()
    } finally {
      await lab.stop()
    }
  })

  test('may do no more: no new table, no look at another one, and Kamailio changes nothing', () => {
    const { admin, ringfence, kamailio } = leastRights(server, { subscribers: true })
    server.sql(admin, 'create table payroll (salary integer)')
    const denied = /permission denied/
    const attempt = (role: Secret, statement: string) => () => server.sql(role, statement)
    for (const role of [ringfence, kamailio]) {
      for (const statement of [
        'create table mine (id integer)',
        'select * from payroll',
        'drop table ringfence_denied',
        'alter table ringfence_denied add column more integer',
        'truncate ringfence_credential',
        "update subscriber set username = 'x'",
      ])
        expect(attempt(role, statement), statement).toThrow(/permission denied|must be owner/)
    }
    for (const table of ['ringfence_credential', 'ringfence_mark', 'ringfence_denied', 'subscriber']) {
      expect(attempt(kamailio, `select * from ${table}`)).not.toThrow()
      expect(attempt(kamailio, `delete from ${table}`)).toThrow(denied)
    }
    expect(attempt(kamailio, "insert into ringfence_denied values ('1', 0, 0, '1', 0)")).toThrow(denied)
    expect(attempt(kamailio, "update ringfence_credential set ha1 = 'x'")).toThrow(denied)
    expect(attempt(ringfence, "insert into subscriber (username) values ('x')")).toThrow(denied)
  })

  test('the statements there make the very tables that Ringfence makes itself where it may', async () => {
    const own = server.createDatabase()
    const lab = await startRegistrar({ ...rightsOf(own), before: () => undefined })
    await lab.stop()
    expect(columns(leastRights(server).admin)).toBe(columns(own))
  })

  test('tables that are missing, and that may not be made, are told at the start', async () => {
    const { admin, lab } = leastRights(server)
    const before = () => void server.sql(admin, 'drop table ringfence_denied')
    // Ringfence starts first; Kamailio is not even tried.
    await expect(startRegistrar({ ...lab, before })).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: "Ringfence's tables are missing from the database of Kamailio, and it may not make them",
      hint: expect.stringContaining('docs/kamailio.md'),
    })
  })

  function rightsOf(url: Secret) {
    const asked = new URL(url.reveal())
    return {
      local: `#!substdef "!RINGFENCE_DATABASE!postgres://ringfence:none@/${asked.pathname.slice(1)}!g"`,
      environment: { PGHOST: asked.searchParams.get('host') ?? '' },
      options: (defaults: KamailioOptions) => ({ ...defaults, database: { postgres: url } }),
    }
  }
})
