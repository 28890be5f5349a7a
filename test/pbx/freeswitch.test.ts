import { describe, expect, test } from 'vitest'
import { blockedPolicy, type CallPolicy } from '../../src/domain/call-policy.ts'
import { freeswitchAbilities } from '../../src/pbx/freeswitch/freeswitch.ts'
import { flushCommand } from '../../src/pbx/freeswitch/freeswitch-cut.ts'
import { freeswitchWorld } from '../fakes/freeswitch-world.ts'
import { account, freeswitchOfEachTest, limit, phone } from './freeswitch-bench.ts'

const world = freeswitchOfEachTest()
const { apply, read, disconnect } = world

describe('a phone that tries another extension than its own', () => {
  test('is refused, with the right password: FreeSWITCH itself would let it', async () => {
    await apply(account('1001'), account('1002'))
    expect(await world.fake.register({ ...phone('1001'), extension: '1002' })).toBe(403)
    expect((await world.fake.call({ ...phone('1001'), extension: '1002' })).status).toBe(403)
    expect(await world.fake.register(phone('1001'))).toBe(200)
    expect((await world.fake.call(phone('1001'))).status).toBe(200)
    expect(world.fake.registered()).toHaveLength(1)
  })

  test('cannot log in with the bare extension, which has no password and so would be let in unasked', async () => {
    await apply(account('1001'))
    for (const secret of ['', 'x', 'secret of 1001 a'])
      expect(await world.fake.register({ ...phone('1001'), username: '1001', secret })).toBe(403)
  })
})

test('what FreeSWITCH cannot do is said', () => {
  expect(freeswitchAbilities({ realm: 'r', classContexts: null })).toMatchObject({
    certificates: 'not-checked',
    revocationLists: 'not-checked',
    callClasses: 'absent',
    adoption: false,
  })
})

describe('removing a registration', () => {
  test('without a target cannot even be written down: it would throw out everybody', () => {
    for (const target of [
      '',
      ' ',
      'reboot',
      'Reboot',
      'a b',
      '1001@x reboot',
      '\n',
      '1001@x\napi shutdown',
      'x'.repeat(300),
    ])
      expect(() => flushCommand('internal', target), target).toThrow('remove them all')
    expect(() => flushCommand('', '1001@x')).toThrow('remove them all')
    expect(flushCommand('internal', '1001@x')).toBe('sofia profile internal flush_inbound_reg 1001@x')
  })

  test('never flushes everybody, whatever a phone calls its registration', async () => {
    const { realm } = world.options
    await apply(account('1001', {}, ['a', 'b']), account('1002'), account('1003'))
    for (const callId of ['reboot', 'REBOOT', realm, `1002@${realm}`, `@${realm}`, realm.toUpperCase(), 'x y', '']) {
      world.fake.forget()
      for (const extension of ['1002', '1003']) expect(await world.fake.register(phone(extension))).toBe(200)
      expect(await world.fake.register(phone('1001', 'b', { address: '127.0.0.8' }))).toBe(200)
      expect(await world.fake.register(phone('1001', 'a', { address: '127.0.0.9', callId }))).toBe(200)
      await expect(disconnect('1001', ['127.0.0.9']), callId).rejects.toMatchObject({ code: 'PBX_REFUSED' })
      expect(world.fake.registered(), callId).toHaveLength(4)
      // As a whole the extension can go, whatever its registrations are called.
      await disconnect('1001')
      expect(world.fake.registered().map((one) => one.split('@')[0])).toEqual(['1002', '1003'])
    }
    for (const command of world.fake.eventSocket.commands.filter((one) => one.includes('flush_inbound_reg')))
      expect(command).toBe(`api sofia profile internal flush_inbound_reg 1001@${realm}`)
  })

  test('is not held up for others by a phone with a dangerous name', async () => {
    await apply(account('1001', {}, ['a', 'b']), account('1002'))
    const { realm } = world.options
    expect(await world.fake.register(phone('1001', 'b', { address: '127.0.0.8' }))).toBe(200)
    expect(await world.fake.register(phone('1001', 'a', { address: '127.0.0.9', callId: `1001@${realm}` }))).toBe(200)
    expect(await world.fake.register(phone('1002'))).toBe(200)
    const both = [
      { extension: '1001', addresses: ['127.0.0.9'] },
      { extension: '1002', addresses: null },
    ]
    await expect(world.driver.disconnect!(both, limit())).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    expect(world.fake.registered().map((one) => one.split('@')[0])).toEqual(['1001', '1001'])
  })

  test('of one phone by its own name leaves its colleague on the same extension', async () => {
    await apply(account('1001', {}, ['a', 'b']))
    expect(await world.fake.register(phone('1001', 'a', { address: '127.0.0.9', callId: 'abc@10.0.0.9' }))).toBe(200)
    expect(await world.fake.register(phone('1001', 'b', { address: '127.0.0.8' }))).toBe(200)
    await disconnect('1001', ['127.0.0.9'])
    expect(world.fake.registered()).toHaveLength(1)
    expect(world.fake.registered()[0]).not.toContain('abc@')
  })

  test('of another domain of the same number is left alone, and not shown as ours', async () => {
    await apply(account('1001'))
    expect(await world.fake.register(phone('1001', 'a', { host: 'other.example' }))).toBe(200)
    expect((await read()).accounts).toMatchObject([{ extension: '1001', registrations: [] }])
    await disconnect('1001')
    expect(world.fake.registered()).toHaveLength(1)
  })

  test('that is only said to be gone is still shown', async () => {
    await apply(account('1001'))
    await world.fake.register(phone('1001'))
    await world.fake.call(phone('1001'))
    world.fake.faults.keepsConnections = true
    await disconnect('1001')
    expect((await read()).accounts).toMatchObject([{ registrations: [{}], calls: [{}] }])
  })

  test('ends the call of a phone that was called, by its own address', async () => {
    await apply(account('1001'))
    world.fake.ring(phone('1001', 'a', { address: '10.77.0.5' }))
    expect((await read()).accounts[0]!.calls).toMatchObject([{ address: '10.77.0.5' }])
    await disconnect('1001', ['10.77.0.6'])
    expect((await read()).accounts[0]!.calls).toHaveLength(1)
    await disconnect('1001', ['10.77.0.5'])
    expect((await read()).accounts[0]!.calls).toEqual([])
  })
})

test.each(['sofia/wss', 'sofia/external', 'verto.rtc'])(
  'a leaver who talks through %s is seen talking, and cut off',
  async (endpoint) => {
    await apply(account('1001'), account('1002'))
    await world.fake.call(phone('1001', 'a', { endpoint, address: '10.77.0.9' }))
    world.fake.ring(phone('1001', 'a', { endpoint, address: '10.77.0.8' }))
    await world.fake.call(phone('1002', 'a', { endpoint }))
    const callsOf = async (extension: string) =>
      (await read()).accounts.find((one) => one.extension === extension)!.calls.length
    expect(await callsOf('1001')).toBe(2)
    await disconnect('1001')
    expect([await callsOf('1001'), await callsOf('1002')]).toEqual([0, 1])
  },
)

test('a call elsewhere that only looks like the number of one of ours is not ours', async () => {
  await apply(account('1001'))
  for (const presence of ['', '1001@other.example', `1001@${world.options.realm}.evil.example`])
    world.fake.ring(phone('1001', 'a', { endpoint: 'sofia/external' }), presence)
  expect((await read()).accounts[0]!.calls).toEqual([])
})

describe('call classes', () => {
  const policy: CallPolicy = {
    ...blockedPolicy,
    class: 'national',
    countries: ['43'],
    callsAtOnce: 2,
    minutesPerDay: 60,
  }

  test('are given to FreeSWITCH with the call, and in force as far as its dialplan reads them', async () => {
    const classes = await freeswitchWorld({ classContexts: 'ringfence' })
    try {
      const { driver, fake } = classes
      await driver.applyAccounts([account('1001', { policy })], limit())
      const { variables } = await fake.call(phone('1001'))
      expect(variables).toMatchObject({
        user_context: 'ringfence-national',
        toll_allow: 'local,domestic',
        ringfence_countries: '43',
        ringfence_calls_at_once: '2',
        ringfence_calls_per_hour: '-1',
        ringfence_minutes_per_day: '60',
      })
      // An empty one would be a pattern that fits every country.
      await driver.applyAccounts([account('1002', { policy: { ...policy, countries: [] } })], limit())
      expect((await fake.call(phone('1002'))).variables.ringfence_countries).toBe('none')
      const shown = async () => (await driver.readAccounts(limit())).accounts[0]!.policy
      expect(await shown()).toBeNull()
      fake.contexts.set('ringfence-national', '<extension name="x"/>')
      expect(await shown()).toBe('national')
      fake.contexts.set('ringfence-national', 'limit ringfence_countries ringfence_calls_at_once')
      expect(await shown()).toBe('national countries=43 callsAtOnce=2')
      expect((await driver.describe(limit())).problems).toMatchObject([
        {
          message: expect.stringContaining(
            'ringfence-blocked, ringfence-internal, ringfence-local, ringfence-international',
          ),
        },
      ])
    } finally {
      await classes.stop()
    }
  })

  test('without such contexts nobody is sent into one that is not there', async () => {
    await apply(account('1001', { policy }))
    expect((await world.fake.call(phone('1001'))).variables).toMatchObject({ user_context: 'default' })
    expect((await world.fake.call(phone('1001'))).variables).not.toHaveProperty('toll_allow')
  })
})
