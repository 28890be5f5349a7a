import { readFile, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { blockedPolicy, type CallPolicy } from '../../src/domain/call-policy.ts'
import { Secret } from '../../src/domain/secret.ts'
import { freeswitchAbilities, openFreeswitch } from '../../src/pbx/freeswitch.ts'
import { flushCommand } from '../../src/pbx/freeswitch-cut.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import type { SofiaPhone } from '../fakes/fake-freeswitch.ts'
import { type FreeswitchWorld, freeswitchWorld } from '../fakes/freeswitch-world.ts'

let world: FreeswitchWorld

beforeEach(async () => {
  world = await freeswitchWorld()
})

afterEach(async () => {
  await world.stop()
})

const limit = () => AbortSignal.timeout(20_000)
const apply = (...accounts: PbxAccount[]) => world.driver.applyAccounts(accounts, limit())
const read = () => world.driver.readAccounts(limit())
const disconnect = (extension: string, addresses: string[] | null = null) =>
  world.driver.disconnect!([{ extension, addresses }], limit())

function account(extension: string, more: Partial<PbxAccount> = {}, handsets = ['a']): PbxAccount {
  const credentials = handsets.map((name) => ({
    id: `c-${extension}-${name}`,
    generation: 1,
    username: `${extension}-${name}`,
    secret: new Secret(`secret of ${extension} ${name}`),
  }))
  return { extension, displayName: 'Ana Gómez', credentials, maxContacts: 2, policy: null, adopted: false, ...more }
}

function phone(extension: string, name = 'a', more: Partial<SofiaPhone> = {}): SofiaPhone {
  const own = { username: `${extension}-${name}`, secret: `secret of ${extension} ${name}` }
  return { extension, ...own, address: '127.0.0.1', ...more }
}

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

describe('whether FreeSWITCH asks', () => {
  test('when it does not, nothing is claimed and nobody is given an account', async () => {
    await apply(account('1001'))
    world.fake.directory = null
    const refused = { code: 'PBX_REFUSED', message: 'FreeSWITCH does not ask Ringfence who may log in' }
    await expect(read()).rejects.toMatchObject(refused)
    await expect(apply(account('1002'))).rejects.toMatchObject(refused)
    expect((await world.driver.describe(limit())).problems).toMatchObject([{ message: refused.message }])
  })

  test('with another password than ours it does not count as asking', async () => {
    world.fake.directory = { ...world.fake.directory!, credentials: 'freeswitch:guess' }
    await expect(read()).rejects.toMatchObject({ code: 'PBX_REFUSED' })
  })

  test('a leaver is shut out at once, also while FreeSWITCH cannot be reached', async () => {
    await apply(account('1001'))
    await world.goDown()
    await expect(apply(account('1001', { credentials: [] }))).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    expect(await world.fake.register(phone('1001'))).toBe(403)
    await world.comeBack()
  })

  test('after a restart of Ringfence the answers are there before anybody was asked for them', async () => {
    await apply(account('1001'))
    const again = await openFreeswitch(world.options)
    const port = await again.directory.listen()
    try {
      world.fake.directory = { ...world.fake.directory!, port }
      expect(await world.fake.register(phone('1001'))).toBe(200)
    } finally {
      await again.directory.close()
    }
  })

  test('a table that cannot be read is no empty table', async () => {
    await apply(account('1001'))
    expect(await readFile(world.options.accountsFile, 'utf8')).not.toContain('secret of')
    await writeFile(world.options.accountsFile, '[{"extension":"1001"')
    await expect(openFreeswitch(world.options)).rejects.toMatchObject({ code: 'INTERNAL' })
  })

  test('a number in the files of FreeSWITCH is foreign, and stays so when it is ours too', async () => {
    await apply(account('1001'))
    world.fake.files.set('1001', 'by hand')
    expect((await read()).foreign).toEqual(['1001'])
  })

  test('a leaver whose number is back in the files of FreeSWITCH is shown with his phone and his call', async () => {
    await apply(account('1001'))
    await apply(account('1001', { credentials: [] }))
    world.fake.files.set('1001', 'old password')
    const back = phone('1001', 'a', { username: '1001', secret: 'old password', address: '10.77.0.9' })
    expect(await world.fake.register(back)).toBe(200)
    await world.fake.call(back)
    const shown = { extension: '1001', credentials: [], registrations: [{ address: '10.77.0.9' }], calls: [{}] }
    expect(await read()).toMatchObject({ accounts: [shown], foreign: ['1001'] })
  })
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

describe('an event socket that misbehaves', () => {
  const faults: [string, object, string][] = [
    ['a web server', { says: 'HTTP/1.1 400 Bad Request\r\n\r\n' }, 'PBX_REFUSED'],
    ['a line without an end', { says: 'x'.repeat(70_000) }, 'PBX_REFUSED'],
    ['a length that cannot be', { says: 'Content-Type: auth/request\nContent-Length: 99999999999\n\n' }, 'PBX_REFUSED'],
    ['a list of who may speak to it', { aclRefuses: true }, 'PBX_REFUSED'],
    ['half an answer', { breaksOff: true }, 'PBX_UNREACHABLE'],
  ]
  test.each(faults)('%s is told from FreeSWITCH', async (_, fault, code) => {
    Object.assign(world.fake.eventSocket.faults, fault)
    await expect(read()).rejects.toMatchObject({ code, hint: expect.stringMatching(/\w/) })
  })

  test('answers that come byte by byte are the same answers', async () => {
    await apply(account('1001', { displayName: 'Zoë 李雷' }))
    await world.fake.register(phone('1001'))
    const whole = await read()
    world.fake.eventSocket.faults.crumbs = true
    expect(await read()).toEqual(whole)
  })

  test('half a list is no list', async () => {
    await apply(account('1001'))
    await world.fake.register(phone('1001'))
    world.fake.faults.listsHalf = true
    await expect(read()).rejects.toMatchObject({ code: 'PBX_UNREACHABLE', retryable: true })
  })

  test('silence ends with the patience of the caller', async () => {
    world.fake.eventSocket.faults.silent = true
    const started = performance.now()
    await expect(world.driver.readAccounts(AbortSignal.timeout(100))).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    expect(performance.now() - started).toBeLessThan(1_500)
    await expect(read()).rejects.toMatchObject({ message: expect.stringContaining('did not answer in time') })
  })

  test('a password that is refused is said so, and not shown', async () => {
    const eventSocket = { ...world.options.eventSocket, password: new Secret('guessed wrong') }
    const { driver } = await openFreeswitch({ ...world.options, eventSocket })
    const error = await driver.describe(limit()).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'PBX_REFUSED', message: 'FreeSWITCH refused the password of its event socket' })
    expect(JSON.stringify(error) + String(error)).not.toContain('guessed')
  })

  test('leaves no connection behind', async () => {
    await read()
    await expect.poll(() => world.fake.eventSocket.door.openSockets()).toBe(0)
  })
})
