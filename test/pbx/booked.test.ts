/** What holds for every PBX with one secret for each extension, shown with a 3CX that pretends. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { makeAccount, rotate } from '../contracts/pbx.contract.ts'
import type { Fake3cx } from '../fakes/fake-3cx.ts'
import { loginOf, shut, type ThreeCxBench, threeCxBench, unreachable } from './three-cx-bench.ts'

let bench: ThreeCxBench
let fake: Fake3cx
beforeEach(async () => {
  bench = await threeCxBench()
  fake = bench.fake
})
afterEach(() => bench[Symbol.asyncDispose]())

const apply = (...accounts: PbxAccount[]) => bench.apply(...accounts)

test('an extension that is listed and, asked for, is not there is no closed one: the PBX cannot be read', async () => {
  const account = makeAccount('1001')
  await apply(account)
  fake.register('1001', ...loginOf(account))
  fake.faults.missing = /^GET $/
  await expect(bench.read()).rejects.toMatchObject(unreachable)
  await expect(apply(shut(account))).rejects.toMatchObject(unreachable)
  fake.faults.missing = null
  expect((await bench.read()).accounts).toMatchObject([{ credentials: [{ generation: 1 }], registrations: [{}] }])
  await apply(shut(account))
  expect(fake.user('1001')!.Enabled).toBe(false)
})

test.each([
  ['a change', /^PATCH /],
  ['new passwords', /Pbx\.Regenerate/],
])('%s that the PBX says it cannot find anybody for is not made', async (_, missing) => {
  fake.addUser('1001')
  const before = { ...fake.user('1001')! }
  const account = { ...makeAccount('1001'), adopted: true }
  fake.faults.missing = missing
  await expect(apply(account)).rejects.toMatchObject({ code: 'PBX_REFUSED' })
  fake.faults.missing = null
  await apply(account)
  expect(fake.register('1001', ...loginOf(account))).toBe(200)
  expect(fake.user('1001')!.AccessPassword).not.toBe(before.AccessPassword)
})

test('what was taken over once, and made anew since for somebody else, is not taken over again', async () => {
  fake.addUser('1001')
  const account = { ...makeAccount('1001'), adopted: true }
  await apply(account)
  fake.removeUser('1001')
  fake.addUser('1001', { FirstName: 'Bo', AuthID: 'bo', AuthPassword: 'the secret of Bo' })
  const before = fake.snapshot()
  await expect(apply(account)).rejects.toMatchObject({ code: 'PBX_REFUSED' })
  await expect(apply({ ...account, credentials: [rotate(account.credentials[0]!)] })).rejects.toMatchObject({
    code: 'PBX_REFUSED',
  })
  await apply(shut(account))
  expect(fake.snapshot()).toBe(before)
  // Somebody says so again, now that the one before has left: then it is.
  await apply({ ...makeAccount('1001'), adopted: true })
  expect(fake.register('1001', 'bo', 'the secret of Bo')).toBe(401)
})
