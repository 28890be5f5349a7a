import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { quotedText } from '../../src/pbx/three-cx-api.ts'
import { makeAccount } from '../contracts/pbx.contract.ts'
import type { Fake3cx } from '../fakes/fake-3cx.ts'
import { loginOf, shut, signal, type ThreeCxBench, threeCxBench, unreachable } from './three-cx-bench.ts'

let bench: ThreeCxBench
let fake: Fake3cx
beforeEach(async () => {
  bench = await threeCxBench()
  fake = bench.fake
})
afterEach(() => bench[Symbol.asyncDispose]())

const apply = (...accounts: PbxAccount[]) => bench.apply(...accounts)
const read = () => bench.read()
const open: ThreeCxBench['open'] = (changes) => bench.open(changes)
const refused = { code: 'PBX_REFUSED', hint: expect.stringMatching(/\w/) }

describe('the way to 3CX', () => {
  test('one login serves all; a token that somebody else ended is renewed once', async () => {
    await apply(makeAccount('1001'))
    await Promise.all([read(), read(), bench.driver.describe(signal())])
    expect(fake.logins()).toBe(1)
    fake.logInElsewhere()
    await Promise.all([read(), read(), bench.driver.describe(signal())])
    expect(fake.logins()).toBe(2)
    fake.faults.stealTokens = true
    fake.logInElsewhere()
    await expect(read()).rejects.toMatchObject({ ...refused, message: expect.stringContaining('takes it no more') })
    // One new login and no more: whoever ends our token again and again is not fought.
    expect(fake.logins()).toBe(3)
  })

  test('silence, nonsense, half an answer and a refusal are errors, and nothing is taken for empty', async () => {
    await apply(makeAccount('1001'))
    const { faults } = fake.https
    faults.hang = true
    await expect(read()).rejects.toMatchObject({ ...unreachable, message: expect.stringContaining('in time') })
    faults.hang = false
    faults.half = true
    await expect(read()).rejects.toMatchObject(unreachable)
    faults.half = false
    faults.garbage = true
    await expect(read()).rejects.toMatchObject({ ...refused, message: expect.stringContaining('not JSON') })
    faults.garbage = false
    fake.faults.forbidden = true
    await expect(read()).rejects.toMatchObject({ ...refused, message: expect.stringContaining('does not let') })
    expect(
      (
        await open({ clientSecret: new Secret('wrong') })
          .describe(signal())
          .catch((error) => error)
      ).code,
    ).toBe('PBX_REFUSED')
  })

  test("a PBX that never answers is given up when the caller's time is up", async () => {
    fake.https.faults.hang = true
    const patient = open({ timeoutMs: 60_000 })
    await expect(patient.readAccounts(AbortSignal.timeout(100))).rejects.toMatchObject(unreachable)
  })

  test('a certificate that nobody vouches for ends the talk before the key is sent', async () => {
    for (const changes of [{ ca: undefined }, { origin: fake.https.url.replace('localhost', '127.0.0.1') }]) {
      await expect(open(changes).describe(signal())).rejects.toMatchObject({
        ...unreachable,
        message: expect.stringContaining('certificate'),
      })
    }
    expect(fake.https.asked).toEqual([])
  })

  test('no secret stands in an address, an error or the book', async () => {
    const account = makeAccount('1001')
    await apply(account)
    const texts: string[] = [await readFile(bench.accountsFile, 'utf8')]
    const fail = async (work: Promise<unknown>) =>
      texts.push(
        String(await work.catch((error) => JSON.stringify([error, error.message, error.hint, error.cause?.message]))),
      )
    fake.faults.keepOld = true
    await fail(apply(shut(account)))
    fake.https.faults.garbage = true
    await fail(read())
    fake.https.faults.half = true
    await fail(read())
    for (const { path, query } of fake.https.asked) texts.push(`${path}?${query}`)
    for (const text of texts) {
      expect(text).not.toContain(loginOf(account)[1])
      expect(text).not.toContain(fake.client.clientSecret)
    }
  })
})

test('a listing that somebody changes between two pages is none, and the next one is whole', async () => {
  for (let number = 2000; number < 2150; number++) fake.addUser(String(number))
  fake.afterPage = () => {
    fake.afterPage = () => undefined
    fake.removeUser('2000')
  }
  await expect(read()).rejects.toMatchObject(unreachable)
  expect((await read()).foreign).toHaveLength(149)
})

test('a filter holds a text as it is meant, quotes and all', () => {
  expect(quotedText("1001' or '1' eq '1")).toBe("'1001'' or ''1'' eq ''1'")
})
