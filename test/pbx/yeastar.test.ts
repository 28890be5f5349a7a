import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { unknownPassword } from '../../src/pbx/yeastar/yeastar-password.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { type FakeYeastar, presence } from '../fakes/fake-yeastar.ts'
import { loginOf, refused, shut, signal, unreachable } from './booked-bench.ts'
import { type YeastarBench, yeastarBench } from './yeastar-bench.ts'

let bench: YeastarBench
let fake: FakeYeastar
let driver: PbxDriver
beforeEach(async () => {
  bench = await yeastarBench()
  fake = bench.fake
  driver = bench.driver
})
afterEach(() => bench[Symbol.asyncDispose]())

const apply = (...accounts: PbxAccount[]) => bench.apply(...accounts)
const read = () => bench.read()
const of = (extension: string) => bench.of(extension)

describe('closing an extension on a Yeastar', () => {
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

describe('what a Yeastar says and what it does', () => {
  test('what it cannot hold is refused before it is asked', async () => {
    const account = makeAccount('1001')
    const weak = { ...account, credentials: [{ ...account.credentials[0]!, secret: new Secret('short') }] }
    for (const one of [weak, makeAccount('12345678')]) {
      await expect(apply(one)).rejects.toMatchObject({ code: 'INVALID_INPUT', hint: expect.stringMatching(/\w/) })
    }
    expect(fake.https.asked).toEqual([])
  })

  test('a "no" in HTTP 200 is a no', async () => {
    await apply(makeAccount('1001'))
    fake.faults.errcode = 10001
    await expect(read()).rejects.toMatchObject({ ...refused, hint: expect.stringContaining('update') })
    fake.faults.errcode = 40002
    await expect(read()).rejects.toMatchObject(refused)
  })
})

describe('the way to a Yeastar', () => {
  test('too many logins are a PBX that has no time now', async () => {
    fake.faults.loginTooOften = true
    await expect(bench.open().describe(signal())).rejects.toMatchObject(unreachable)
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

test('a password for nobody is one that every edition takes', () => {
  for (let round = 0; round < 200; round++) {
    const password = unknownPassword().reveal()
    expect(password).toMatch(/^[A-Za-z0-9]{32}$/)
    for (const kind of [/[a-z]/, /[A-Z]/, /[0-9]/]) expect(password).toMatch(kind)
    expect(password).not.toMatch(/[0-9]{2}/)
  }
})
