import { afterAll, beforeAll, expect, test } from 'vitest'
import { ariObjects } from '../../src/pbx/asterisk/ari-objects.ts'
import { asteriskDriver } from '../../src/pbx/asterisk/asterisk.ts'
import { accountObjects } from '../../src/pbx/asterisk/asterisk-account.ts'
import { fileWriter } from '../../src/pbx/asterisk/asterisk-files.ts'
import { folderOf } from '../../src/pbx/asterisk/asterisk-options.ts'
import { realtimeWriter } from '../../src/pbx/asterisk/asterisk-realtime.ts'
import type { PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import type { PbxWorld } from '../contracts/pbx-hand.ts'
import { ariWorld } from '../lab/ari-world.ts'
import type { AsteriskLab } from '../lab/asterisk.ts'
import { asteriskWorld } from '../lab/asterisk-world.ts'
import { realtimeWorld } from '../lab/realtime-world.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)
const [edgeAddress, elsewhere] = ['127.0.0.3', '127.0.0.4']

type Account = ReturnType<typeof makeAccount>

/** The status of a REGISTER straight to Asterisk, from this address. */
async function registered(world: PbxWorld, { extension, credentials }: Account, address: string): Promise<number> {
  const { username, secret } = credentials[0]!
  return (await world.phone({ extension, username, secret: secret.reveal(), address })).register()
}

/** Who may register this account, from where. Asterisk answers somebody whom a rule shuts out like a stranger: 401. */
async function doors(world: PbxWorld, account: Account) {
  return { edge: await registered(world, account, edgeAddress), other: await registered(world, account, elsewhere) }
}

const kept = {
  'a file': async () => {
    const world = await asteriskWorld()
    const folder = folderOf(world.lab.driverOptions)
    return { world, writer: (edge: string | null) => fileWriter(folder, edge) }
  },
  'PostgreSQL tables': () => inTables({ engine: 'postgres' }),
  'SQLite tables': () => inTables({ engine: 'sqlite' }),
} as const

async function inTables(kind: Parameters<typeof realtimeWorld>[0]) {
  const world = await realtimeWorld(kind)
  const folder = folderOf(world.lab.driverOptions)
  return { world, writer: (edge: string | null) => realtimeWriter(world.database, folder, edge) }
}

for (const [place, open] of Object.entries(kept)) {
  describeLive(`accounts in ${place}, when an edge comes, moves and goes`, ['asterisk', 'postgres'], () => {
    let world: PbxWorld & { readonly lab: AsteriskLab }
    let driverBehind: (edge: string | null) => PbxDriver
    const old = makeAccount('1001', 2)
    beforeAll(async () => {
      const opened = await open()
      world = opened.world
      driverBehind = (edge) => asteriskDriver({ ...opened.world.lab.driverOptions, edge }, opened.writer(edge))
    })
    afterAll(() => world?.stop())

    test('one that was there before is kept to the edge with the first look, and so is a new one', async () => {
      await driverBehind(null).applyAccounts([old], limit())
      expect(await doors(world, old)).toEqual({ edge: 200, other: 200 })
      const driver = driverBehind(edgeAddress)
      const said = async () => (await driver.describe(limit())).problems.map(({ message }) => message)
      // The phone that registered before the edge came has still its registration.
      const past = expect.stringMatching(
        /^\d phones? (is|are) registered with the PBX itself, past the edge: 1001 from /,
      )
      expect(await said()).toEqual(['1 account is not yet kept to the edge: 1001', past])
      await driver.readAccounts(limit())
      expect(await said()).toEqual([past])
      const fresh = makeAccount('10010', 2)
      await driver.applyAccounts([fresh], limit())
      for (const account of [old, fresh]) expect(await doors(world, account)).toEqual({ edge: 200, other: 401 })
      expect(world.lab.cli('pjsip show aor 1001')).toMatch(/support_path\s*: true/)
      expect(world.lab.cli('pjsip show endpoint 1001')).toMatch(/rewrite_contact\s*: false/)
    })

    test('the edge moves, and then it goes: nothing of it is left', async () => {
      await driverBehind(elsewhere).readAccounts(limit())
      expect(await doors(world, old)).toEqual({ edge: 401, other: 200 })
      const free = driverBehind(null)
      expect((await free.describe(limit())).problems).toMatchObject([
        { message: '2 accounts are still kept to an edge that the settings do not name: 1001, 10010' },
      ])
      await free.readAccounts(limit())
      expect((await free.describe(limit())).problems).toEqual([])
      expect(await doors(world, old)).toEqual({ edge: 200, other: 200 })
      expect(world.lab.cli('pjsip show aor 1001')).toMatch(/support_path\s*: false/)
      expect(world.lab.cli('pjsip show endpoint 1001')).toMatch(/rewrite_contact\s*: true/)
    })
  })
}

describeLive('tables that know of no edge', ['asterisk', 'postgres'], () => {
  test('are told of, no account is written into them, and none is left open', async () => {
    const { world, writer } = await inTables({ engine: 'postgres' })
    try {
      world.sql('alter table ps_endpoints drop column deny')
      const driver = asteriskDriver({ ...world.lab.driverOptions, edge: edgeAddress }, writer(edgeAddress))
      expect((await driver.describe(limit())).problems).toMatchObject([
        { message: 'the tables cannot hold accounts behind the SIP edge: there is no ps_endpoints.deny' },
      ])
      await expect(driver.applyAccounts([makeAccount('1001')], limit())).rejects.toMatchObject({
        code: 'PBX_REFUSED',
        message: 'ps_endpoints has no column deny',
      })
      expect((await driver.readAccounts(limit())).accounts).toEqual([])
    } finally {
      await world.stop()
    }
  })

  test('keep a rule of the admin’s own on an extension until an edge comes, which it would let others pass by', async () => {
    const { world, writer } = await inTables({ engine: 'postgres' })
    try {
      const account = makeAccount('1001')
      const driver = asteriskDriver(world.lab.driverOptions, writer(null))
      await driver.applyAccounts([account], limit())
      world.sql(`update ps_endpoints set deny = '0.0.0.0/0', permit = '127.0.0.0/8' where id = '1001'`)
      await asteriskDriver(world.lab.driverOptions, writer(null)).readAccounts(limit())
      expect(world.sql(`select deny, permit from ps_endpoints where id = '1001'`)).toContain('127.0.0.0/8')
      await asteriskDriver({ ...world.lab.driverOptions, edge: edgeAddress }, writer(edgeAddress)).readAccounts(limit())
      expect(await doors(world, account)).toEqual({ edge: 200, other: 401 })
    } finally {
      await world.stop()
    }
  })
})

describeLive('accounts over Asterisk’s REST interface', ['asterisk'], () => {
  test('would lock everybody out behind an edge, which is why the settings refuse both together', async () => {
    const world = await ariWorld()
    try {
      const account = makeAccount('1001')
      const objects = ariObjects(world.ari)
      const settings = { ...world.lab.driverOptions, edge: edgeAddress }
      const wanted = accountObjects(account, settings)!
      expect(wanted.flatMap(({ fields }) => fields.map(([name]) => name))).toContain('deny')
      for (const object of wanted) await objects.put(object, limit())
      // The rule is stored as the name of a list, `deny/permit`, which nobody has: the edge is refused like everybody.
      expect(await doors(world, account)).toEqual({ edge: 401, other: 401 })
      expect(world.lab.cli('database show ringfence')).toContain('"acl":"deny/permit"')
    } finally {
      await world.stop()
    }
  })
})
