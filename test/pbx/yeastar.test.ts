import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { beginAccountBook } from '../../src/pbx/account-book.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { type YeastarOptions, yeastarDriver } from '../../src/pbx/yeastar.ts'
import { unknownPassword } from '../../src/pbx/yeastar-password.ts'
import { awkwardNames, makeAccount, rotate } from '../contracts/pbx.contract.ts'
import { type FakeYeastar, presence, startFakeYeastar } from '../fakes/fake-yeastar.ts'

let fake: FakeYeastar
let folder: string
let driver: PbxDriver
beforeEach(async () => {
  fake = await startFakeYeastar()
  folder = await mkdtemp(join(tmpdir(), `ringfence-yeastar-${process.pid}-`))
  await beginAccountBook(join(folder, 'accounts.json'))
  driver = open()
})
afterEach(async () => {
  await fake.https.stop()
  await rm(folder, { recursive: true })
})

function open(changes: Partial<YeastarOptions> = {}): PbxDriver {
  return yeastarDriver({
    origin: fake.https.url,
    ca: fake.https.ca,
    clientId: fake.client.clientId,
    clientSecret: new Secret(fake.client.clientSecret),
    realm: 'YSAsterisk',
    accountsFile: join(folder, 'accounts.json'),
    timeoutMs: 400,
    ...changes,
  })
}

const signal = () => AbortSignal.timeout(10_000)
const apply = (...accounts: PbxAccount[]) => driver.applyAccounts(accounts, signal())
const read = () => driver.readAccounts(signal())
const shut = (account: PbxAccount): PbxAccount => ({ ...account, credentials: [] })
const of = async (extension: string) => (await read()).accounts.find((account) => account.extension === extension)
const loginOf = ({ credentials }: PbxAccount) => [credentials[0]!.username, credentials[0]!.secret.reveal()] as const
const unreachable = { code: 'PBX_UNREACHABLE', retryable: true }
const refused = { code: 'PBX_REFUSED', hint: expect.stringMatching(/\w/) }

describe('closing an extension on a Yeastar', () => {
  test('it stays, with passwords that nobody knows for phones, web and apps', async () => {
    const account = makeAccount('1001')
    await apply(account)
    const before = { ...fake.extension('1001')! }
    await apply(shut(account))
    const after = fake.extension('1001')!
    expect(after.id).toBe(before.id)
    for (const name of ['reg_password', 'user_password']) expect(after[name], name).not.toBe(before[name])
    expect(fake.register('1001', ...loginOf(account), '10.77.0.2')).toBe(401)
    expect(await of('1001')).toBeUndefined()
    const sofar = fake.https.asked.length
    await apply(shut(account))
    expect(fake.https.asked.slice(sofar).filter(({ method }) => method !== 'GET')).toEqual([])
  })

  test('calls of 100 end, those of 1001 go on; phones and apps are shown until they are gone', async () => {
    const [short, long] = [makeAccount('100'), makeAccount('1001')]
    await apply(short, long)
    for (const account of [short, long]) {
      expect(fake.register(account.extension, ...loginOf(account), '10.77.0.2')).toBe(200)
      expect(fake.call(account.extension, ...loginOf(account))).toBe(200)
    }
    fake.openLinkus('100')
    await apply(shut(short))
    await driver.disconnect!([{ extension: '100', addresses: null }], signal())
    expect(await of('100')).toMatchObject({
      credentials: [],
      registrations: [{ address: '10.77.0.2' }, { address: null, userAgent: 'linkus_mobile' }],
      calls: [],
    })
    expect(await of('1001')).toMatchObject({ credentials: [{ generation: 1 }], calls: [{ address: null }] })
  })

  test('a PBX that was restored from a backup lets the leaver in again: seen, and shut again', async () => {
    const account = makeAccount('1001')
    await apply(account)
    await apply(shut(account))
    fake.extension('1001')!.reg_password = loginOf(account)[1]
    expect(await of('1001')).toMatchObject({ credentials: [{ id: account.credentials[0]!.id, generation: 1 }] })
    await apply(shut(account))
    expect(await of('1001')).toBeUndefined()
  })
})

test('forwards, ringing elsewhere, do not disturb, address and mobile number are named, of 1001 and not of 100', async () => {
  for (const number of ['100', '1001']) fake.addExtension(number)
  expect(await driver.readLeftovers!(['100', '1001'], signal())).toEqual([])
  Object.assign(fake.extension('1001')!, {
    email_addr: 'ana@example.com',
    mobile_number: '0172555',
    presence_status: 'do_not_disturb',
    presence_list: [
      presence('available', { enb_ring_mobile: 1 }),
      presence('away', {
        enb_in_always_forward: 1,
        in_always_forward_dest: 'extension',
        enb_ex_always_forward: 1,
        ex_always_forward_dest: 'custom',
        ex_always_forward_prefix: '0',
        ex_always_forward_num: '0171555',
      }),
    ],
  })
  const found = await driver.readLeftovers!(['100', '1001'], signal())
  expect(found.map(({ extension, kind, clearable }) => `${extension} ${kind} ${clearable}`)).toEqual([
    '1001 follow-me false',
    '1001 call-forward false',
    '1001 call-forward false',
    '1001 do-not-disturb false',
    '1001 mail-address false',
    '1001 mobile-number false',
  ])
  expect(found.map(({ words }) => words).join()).toMatch(/away calls are forwarded to extension.*to 00171555/)
  expect(JSON.stringify(found)).not.toMatch(/0172555|ana@/)
})

test('a Yeastar that shows its forwards under other names is not called clear', async () => {
  fake.addExtension('1001', { presence_list: [{ status: 'away', always_forward: 'off' }] })
  expect(await driver.readLeftovers!(['1001'], signal())).toMatchObject([
    { kind: 'call-forward', words: expect.stringContaining('cannot be read') },
  ])
})

test('a password that somebody sets after it was shut is seen, and left to a person', async () => {
  const account = makeAccount('1001')
  await apply(account)
  await apply(shut(account))
  fake.extension('1001')!.reg_password = 'set-by-hand'
  expect(await of('1001')).toMatchObject({ credentials: [{ id: 'unknown', generation: 0 }] })
  await apply(shut(account))
  expect(fake.extension('1001')!.reg_password).toBe('set-by-hand')
})

test('a web password that the last holder knows is replaced when an extension is taken over', async () => {
  fake.addExtension('1001')
  const { user_password } = fake.extension('1001')!
  await apply({ ...makeAccount('1001'), adopted: true })
  expect(fake.extension('1001')!.user_password).not.toBe(user_password)
})

describe('what a Yeastar says and what it does', () => {
  test('a "yes" that changes nothing is an error', async () => {
    const account = makeAccount('1001')
    await apply(account)
    fake.faults.keepOld = true
    const rotated = { ...account, credentials: [rotate(account.credentials[0]!)] }
    await expect(apply(rotated)).rejects.toMatchObject({ ...refused, message: expect.stringContaining('said yes') })
    await expect(apply(shut(account))).rejects.toMatchObject({ ...refused })
    expect(await of('1001')).toMatchObject({ credentials: [{ generation: 1 }] })
  })

  test('what a change takes along is written back, or told', async () => {
    const account = makeAccount('1001')
    await apply(account)
    fake.extension('1001')!.mobile_number = '0171'
    fake.faults.dropField = 'mobile_number'
    await apply({ ...account, credentials: [rotate(account.credentials[0]!)] })
    expect(fake.extension('1001')!.mobile_number).toBe('0171')
    fake.faults.dropAgain = true
    await expect(apply({ ...account, credentials: [rotate(account.credentials[0]!)] })).rejects.toMatchObject({
      message: expect.stringContaining('mobile_number'),
    })
  })

  test('what it cannot hold is refused before it is asked', async () => {
    const account = makeAccount('1001')
    const weak = { ...account, credentials: [{ ...account.credentials[0]!, secret: new Secret('short') }] }
    for (const one of [weak, makeAccount('12345678')]) {
      await expect(apply(one)).rejects.toMatchObject({ code: 'INVALID_INPUT', hint: expect.stringMatching(/\w/) })
    }
    expect(fake.https.asked).toEqual([])
  })

  test('a list that is shorter than announced is no list, and a "no" in HTTP 200 is a no', async () => {
    await apply(makeAccount('1001'))
    fake.faults.shortList = true
    await expect(read()).rejects.toMatchObject(unreachable)
    fake.faults.shortList = false
    fake.faults.errcode = 10001
    await expect(read()).rejects.toMatchObject({ ...refused, hint: expect.stringContaining('update') })
    fake.faults.errcode = 40002
    await expect(read()).rejects.toMatchObject(refused)
  })
})

test('more extensions than one page holds are all read, and a list that changes between two pages is none', async () => {
  for (let number = 2000; number < 2150; number++) fake.addExtension(String(number))
  await apply(makeAccount('1001'))
  expect((await read()).foreign).toHaveLength(150)
  const changes = [() => fake.removeExtension('2000'), () => void fake.addExtension('1000')]
  for (const change of changes) {
    fake.afterPage = () => {
      fake.afterPage = () => undefined
      change()
    }
    await expect(read()).rejects.toMatchObject(unreachable)
  }
  expect((await read()).foreign).toHaveLength(150)
})

describe('the way to a Yeastar', () => {
  test('one login serves all; a token that somebody else ended is renewed once', async () => {
    await apply(makeAccount('1001'))
    expect(fake.logins()).toBe(1)
    fake.logInElsewhere()
    await Promise.all([read(), read()])
    expect(fake.logins()).toBe(2)
    fake.faults.stealTokens = true
    fake.logInElsewhere()
    await expect(read()).rejects.toMatchObject({ ...refused, message: expect.stringContaining('takes it no more') })
    expect(fake.logins()).toBe(3)
  })

  test('silence, nonsense, half an answer, a wrong key and too many logins are errors', async () => {
    await apply(makeAccount('1001'))
    const { faults } = fake.https
    for (const [name, expected] of [
      ['hang', unreachable],
      ['half', unreachable],
      ['garbage', refused],
    ] as const) {
      faults[name] = true
      await expect(read(), name).rejects.toMatchObject(expected)
      faults[name] = false
    }
    await expect(open({ clientSecret: new Secret('wrong') }).describe(signal())).rejects.toMatchObject(refused)
    fake.faults.loginTooOften = true
    await expect(open().describe(signal())).rejects.toMatchObject(unreachable)
    await expect(open({ ca: undefined }).describe(signal())).rejects.toMatchObject({
      ...unreachable,
      message: expect.stringContaining('certificate'),
    })
  })

  test('its token, which must stand in the address, stands in no error', async () => {
    await apply(makeAccount('1001'))
    const tokens = new Set(fake.https.asked.flatMap(({ query }) => query.get('access_token') ?? []))
    expect(tokens.size).toBe(1)
    const [token] = tokens
    const { faults } = fake.https
    for (const name of ['hang', 'half', 'garbage'] as const) {
      faults[name] = true
      const error = await read().catch((thrown) => thrown)
      const told = JSON.stringify([
        error,
        error.message,
        error.hint,
        error.cause,
        error.cause?.message,
        error.cause?.stack,
      ])
      expect(told, name).not.toContain(token)
      faults[name] = false
    }
    for (const { headers } of fake.https.asked) expect(headers['user-agent']).toBe('OpenAPI')
  })
})

test('nothing else changes: other extensions are the same before and after a whole life of ours', async () => {
  for (const [index, name] of awkwardNames.entries()) fake.addExtension(String(3000 + index), { first_name: name })
  fake.addExtension('10010')
  const before = fake.snapshot()
  const account = makeAccount('1001')
  await apply(account)
  await apply({ ...account, credentials: [rotate(account.credentials[0]!)] })
  await apply(shut(account))
  fake.removeExtension('1001')
  expect(fake.snapshot()).toBe(before)
})

test('a password for nobody is one that every edition takes', () => {
  for (let round = 0; round < 200; round++) {
    const password = unknownPassword().reveal()
    expect(password).toMatch(/^[A-Za-z0-9]{32}$/)
    for (const kind of [/[a-z]/, /[A-Z]/, /[0-9]/]) expect(password).toMatch(kind)
    expect(password).not.toMatch(/[0-9]{2}/)
  }
})
