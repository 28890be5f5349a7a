import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeAccount, rotate } from '../contracts/pbx-accounts.ts'
import { loginOf, refused, shut, signal } from './booked-bench.ts'
import { type ThreeCxBench, threeCxBench } from './three-cx-bench.ts'

let bench: ThreeCxBench
beforeEach(async () => {
  bench = await threeCxBench()
})
afterEach(() => bench[Symbol.asyncDispose]())

interface User {
  readonly Id: number
  readonly Number: string
  readonly Enabled: boolean
  readonly AuthID: string
  readonly AuthPassword: string
}
const users = (): readonly User[] => JSON.parse(bench.fake.snapshot())[0]
const accountsOf = async (extension: string) =>
  (await bench.read()).accounts.filter((account) => account.extension === extension)

/** What an import of an older state leaves behind: a second object of the number, with the same password. */
function addTwin([AuthID, AuthPassword]: readonly [string, string], fields: Partial<User> = {}) {
  return bench.fake.addUser('1001', { AuthID, AuthPassword, IsRegistered: true, ...fields })
}

describe('two objects of one number on the PBX', () => {
  test('with a password of ours in both: a leaver is shut out of both, whichever is listed first', async () => {
    const account = makeAccount('1001')
    await bench.apply(account)
    expect(bench.fake.register('1001', ...loginOf(account))).toBe(200)
    const [first] = users()
    const id = addTwin(loginOf(account))
    expect(await accountsOf('1001')).toMatchObject([
      { credentials: [{ generation: 1 }, { generation: 1 }], registrations: [{}, {}] },
    ])
    await bench.apply(shut(account))
    expect(users().map(({ Enabled }) => Enabled)).toEqual([false, false])
    expect(users().filter(({ AuthPassword }) => AuthPassword === loginOf(account)[1])).toEqual([])
    expect(await accountsOf('1001')).toMatchObject([
      { credentials: [], registrations: [first!.Id, id].map((one) => ({ id: String(one) })) },
    ])
    // Nobody but a person knows what the second one is for.
    expect((await bench.read()).foreign).toEqual(['1001'])
  })

  test('one that an import brings back after the closing is shut too, and the first stays as it is', async () => {
    const account = makeAccount('1001')
    await bench.apply(account)
    await bench.apply(shut(account))
    const [first] = users()
    addTwin(loginOf(account))
    expect(await accountsOf('1001')).toMatchObject([{ credentials: [{ generation: 1 }] }])
    await bench.apply(shut(account))
    expect(users()[0]).toEqual(first)
    expect(users()[1]!.Enabled).toBe(false)
    expect(await accountsOf('1001')).toMatchObject([{ credentials: [] }])
  })

  test('an older password in a second one goes when the newest is in force', async () => {
    const account = makeAccount('1001')
    await bench.apply(account)
    const next = { ...account, credentials: [rotate(account.credentials[0]!)] }
    addTwin(loginOf(account))
    await bench.apply(next)
    expect(users()).toMatchObject([
      { Enabled: true, AuthPassword: loginOf(next)[1] },
      { Enabled: false, AuthPassword: expect.not.stringContaining(loginOf(account)[1]) },
    ])
    expect(await accountsOf('1001')).toMatchObject([{ credentials: [{ generation: 2 }] }])
  })

  test('the second one of somebody else is told and never touched', async () => {
    const account = makeAccount('1001')
    await bench.apply(account)
    bench.fake.addUser('1001')
    const theirs = users()[1]
    expect((await bench.read()).foreign).toEqual(['1001'])
    await bench.apply({ ...account, credentials: [rotate(account.credentials[0]!)] })
    await bench.apply(shut(account))
    expect(users()[1]).toEqual(theirs)
    expect(users()[0]!.Enabled).toBe(false)
  })

  test('cannot be taken over: which one is meant is for a person to say', async () => {
    for (const FirstName of ['Old', 'Older']) bench.fake.addUser('1001', { FirstName })
    const before = bench.fake.snapshot()
    expect(await bench.driver.listExisting!(signal())).toMatchObject([
      { extension: '1001', obstacle: expect.stringContaining('more than once') },
    ])
    await expect(bench.apply({ ...makeAccount('1001'), adopted: true })).rejects.toMatchObject(refused)
    expect(bench.fake.snapshot()).toBe(before)
  })
})
