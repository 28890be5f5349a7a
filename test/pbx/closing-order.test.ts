import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { blockedPolicy, policyText } from '../../src/domain/call-policy.ts'
import { edgeKeeper } from '../../src/pbx/edge/edge-keeper.ts'
import type { EdgeRows } from '../../src/pbx/edge/edge-tables.ts'
import type { KamailioRpc } from '../../src/pbx/kamailio/kamailio-rpc.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { fakePbx } from '../fakes/fake-pbx.ts'
import { freepbxWorld } from '../fakes/freepbx-world.ts'
import { freeswitchWorld } from '../fakes/freeswitch-world.ts'
import { shut, systemOn } from './sip-world.ts'
import { threeCxBench } from './three-cx-bench.ts'
import { yeastarBench } from './yeastar-bench.ts'

/** In which order a door is shut. The end is the same in any order; what a phone can do in between is not. */

const signal = () => AbortSignal.timeout(20_000)

/** One secret, whose login name is the extension. */
function plain(extension: string): PbxAccount {
  const account = makeAccount(extension)
  return { ...account, credentials: account.credentials.map((one) => ({ ...one, username: extension })) }
}

/** As an offboarding does: the account and whatever is left of it. */
async function close(driver: PbxDriver, account: PbxAccount): Promise<void> {
  const system = systemOn(driver, new Map([[account.extension, { ...account, credentials: [] }]]))
  await system.apply([{ ...shut(account.credentials[0]!), extension: account.extension }], signal())
}

describe('whoever leaves', () => {
  const account = plain('1001')
  const { username, secret } = account.credentials[0]!
  const phone = { extension: '1001', username, secret: secret.reveal(), address: '127.0.0.1' }

  test('loses the account before calls and registrations end, on every PBX: a phone that is cut first comes back', async () => {
    const { driver } = fakePbx()
    const deeds: string[] = []
    const told: PbxDriver = {
      ...driver,
      applyAccounts: async (accounts, limit) => {
        await driver.applyAccounts(accounts, limit)
        deeds.push('account')
      },
      disconnect: async (targets, limit) => {
        deeds.push('connections')
        await driver.disconnect!(targets, limit)
      },
    }
    await driver.applyAccounts([account], signal())
    await close(told, account)
    expect(deeds).toEqual(['account', 'connections'])
  })

  test('is disabled on 3CX before new passwords are made, and hung up after both', async () => {
    await using bench = await threeCxBench()
    // Its own patience, not the short one of the bench.
    const driver = bench.open({ timeoutMs: undefined })
    await driver.applyAccounts([account], signal())
    expect(bench.fake.call('1001', username, secret.reveal())).toBe(200)
    const from = bench.fake.https.asked.length
    await close(driver, account)
    const deeds = bench.fake.https.asked.slice(from).flatMap(({ method, path, body }) => {
      if (method === 'PATCH') return [`PATCH ${body}`]
      return method === 'POST' && path.startsWith('/xapi') ? [path.replace(/^.*\./, '')] : []
    })
    expect(deeds).toEqual(['PATCH {"Enabled":false}', 'Regenerate', 'DropCall'])
    expect(bench.fake.calls.size).toBe(0)
  })

  test('gets passwords on Yeastar that nobody knows, then is hung up', async () => {
    await using bench = await yeastarBench()
    // Its own patience, not the short one of the bench.
    const driver = bench.open({ timeoutMs: undefined })
    await driver.applyAccounts([account], signal())
    expect(bench.fake.call('1001', username, secret.reveal())).toBe(200)
    const from = bench.fake.https.asked.length
    await close(driver, account)
    const deeds = bench.fake.https.asked.slice(from).map(({ path }) => path.replace('/openapi/v1.0/', ''))
    expect(deeds.filter((deed) => /update|hangup/.test(deed))).toEqual(['extension/update', 'call/hangup'])
    expect(bench.fake.calls).toEqual([])
  })

  test('is deleted on FreePBX and gone from the running Asterisk before anything is cut', async () => {
    const { fake, driver, stop } = await freepbxWorld()
    try {
      await driver.applyAccounts([account], signal())
      expect([fake.asterisk.register(phone), fake.asterisk.call(phone)]).toEqual([200, 200])
      fake.asterisk.deeds.length = 0
      await close(driver, account)
      expect(fake.asterisk.deeds.slice(0, 3)).toEqual(['deleteExtension', 'doreload', 'reload'])
      expect(fake.asterisk.deeds.slice(3).sort()).toEqual(['DBDel', 'Hangup'])
    } finally {
      await stop()
    }
  })

  test('finds the directory of FreeSWITCH shut before anything is cut, and calls end before registrations', async () => {
    const { fake, driver, stop } = await freeswitchWorld()
    try {
      await driver.applyAccounts([account], signal())
      expect([await fake.register(phone), (await fake.call(phone)).status]).toEqual([200, 200])
      const deeds: string[] = []
      fake.beforeCutting = async (command) => {
        deeds.push(`${/uuid_kill|flush_inbound_reg/.exec(command)} ${await fake.register(phone)}`)
      }
      await close(driver, account)
      expect(deeds).toEqual(['uuid_kill 403', 'flush_inbound_reg 403'])
    } finally {
      await stop()
    }
  })
})

describe('at the edge', () => {
  const serials = new Map([['4711', '2027-01-01']])
  const blocked = policyText(blockedPolicy)

  /** Kamailio's tables in memory, and every command in its order. */
  function tablesOf() {
    const tables = new Map<string, Map<string, string>>()
    const deeds: string[] = []
    const rowsOf = (name: unknown) => tables.get(String(name)) ?? tables.set(String(name), new Map()).get(String(name))!
    const rpc: KamailioRpc = {
      callUnless: (_words, ...question) => rpc.call(...question),
      async call(method, [table, key, value]) {
        if (method === 'htable.dump')
          return [{ slot: [...rowsOf(table)].map(([name, held]) => ({ name, value: held })) }]
        if (method === 'htable.get')
          return rowsOf(table).has(String(key)) ? { item: { value: rowsOf(table).get(String(key)) } } : null
        if (method === 'core.tcp_list') return []
        if (method === 'core.shmmem') return { free: 10 ** 9 }
        deeds.push([method, table, key].filter((word) => word !== undefined).join(' '))
        if (method === 'htable.sets') rowsOf(table).set(String(key), String(value))
        if (method === 'htable.delete') rowsOf(table).delete(String(key))
        return null
      },
      async get(page) {
        deeds.push(page)
        return ''
      },
    }
    return { rpc, deeds, rowsOf }
  }

  test('the serial is denied and the class is blocked before connections are cut, and the list, which may wait, comes last', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ringfence-edge-order-'))
    const { rpc, deeds, rowsOf } = tablesOf()
    rowsOf('policy').set('1001', 'international')
    rowsOf('bind').set('4711', '1001|10.77.0.2')
    const desired: EdgeRows = {
      deny: serials,
      plan: new Map(),
      policy: new Map([['1001', blocked]]),
      bind: new Map(),
      source: new Map(),
    }
    const list = { number: 2, thisUpdate: new Date(0), nextUpdate: new Date(8.64e15), serials: new Set(['4711']) }
    const keeper = edgeKeeper({
      folder,
      rpc: {
        ...rpc,
        // A Kamailio that is restarted in the middle starts with what the files say.
        call: async (method, params, limit) => {
          if (method === 'htable.sets' && params[0] === 'deny')
            expect(await readFile(join(folder, 'deny'), 'utf8')).toContain('4711')
          return rpc.call(method, params, limit)
        },
      },
      desired: async () => desired,
      publishedList: async () => Buffer.from('list'),
      readList: () => list,
      now: () => new Date(),
    })
    try {
      await keeper.publish(signal())
      expect(deeds).toEqual([
        'htable.sets deny 4711',
        'htable.sets policy 1001',
        'htable.delete bind 4711',
        'cut',
        'tls.reload',
        'htable.sets mark list',
      ])
      // At once, without a look at anything else.
      deeds.length = 0
      await keeper.shut(serials, signal())
      expect(deeds).toEqual(['htable.sets deny 4711', 'cut'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
