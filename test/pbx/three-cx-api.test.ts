import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { quotedText } from '../../src/pbx/three-cx/three-cx-api.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import type { Fake3cx } from '../fakes/fake-3cx.ts'
import { loginOf, refused, shut } from './booked-bench.ts'
import { type ThreeCxBench, threeCxBench } from './three-cx-bench.ts'

let bench: ThreeCxBench
let fake: Fake3cx
beforeEach(async () => {
  bench = await threeCxBench()
  fake = bench.fake
})
afterEach(() => bench[Symbol.asyncDispose]())

const apply = (...accounts: PbxAccount[]) => bench.apply(...accounts)
const read = () => bench.read()

describe('the way to 3CX', () => {
  test('a role that may not look is told as a refusal, and not taken for an empty PBX', async () => {
    await apply(makeAccount('1001'))
    fake.faults.forbidden = true
    await expect(read()).rejects.toMatchObject({ ...refused, message: expect.stringContaining('does not let') })
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

test('a filter holds a text as it is meant, quotes and all', () => {
  expect(quotedText("1001' or '1' eq '1")).toBe("'1001'' or ''1'' eq ''1'")
})
