import { rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { reconcile } from '../../src/access/reconcile.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { makeAccount, rotate } from '../contracts/pbx-accounts.ts'
import { shut } from './booked-bench.ts'
import { anasPhone, shut as closing, systemOn } from './sip-world.ts'
import { type ThreeCxBench, threeCxBench } from './three-cx-bench.ts'

let bench: ThreeCxBench
beforeEach(async () => {
  bench = await threeCxBench()
})
afterEach(() => bench[Symbol.asyncDispose]())

const account: PbxAccount = { ...makeAccount('1001'), credentials: [anasPhone] }
const looked = async () => {
  const signal = AbortSignal.timeout(10_000)
  const { outcomes } = await reconcile(systemOn(bench.driver, new Map()), [closing(anasPhone)], {
    actFirst: true,
    whole: true,
    signal,
  })
  return outcomes[0]!.finding
}

describe('the list of accounts on a PBX that keeps no mark of ours', () => {
  test.each([
    ['is gone', null],
    ['is empty', ''],
    ['was written half', '{"1001":{"objectId":"21","credential":{"id":"ana"'],
    ['is another list', '[]'],
    ['holds what is no account', '{"1001":{"objectId":"21"}}'],
  ])('that %s is an error of every look and change: nothing is called shut, nothing is touched', async (_, text) => {
    await bench.apply(account)
    const before = bench.fake.snapshot()
    if (text === null) await rm(bench.accountsFile)
    else await writeFile(bench.accountsFile, text)
    const lost = { code: 'INTERNAL', hint: expect.stringContaining('backup') }
    await expect(bench.read()).rejects.toMatchObject(lost)
    await expect(bench.apply({ ...account, credentials: [rotate(anasPhone)] })).rejects.toMatchObject(lost)
    await expect(bench.apply(shut(account))).rejects.toMatchObject(lost)
    expect(await looked()).toMatchObject({ state: 'failed', problem: expect.stringContaining('cannot be read') })
    expect(bench.fake.snapshot()).toBe(before)
  })

  test.each(['open', 'shut'])(
    'that was begun anew on purpose makes no leaver green whose extension is still there, %s',
    async (state) => {
      await bench.apply(account)
      if (state === 'shut') await bench.apply(shut(account))
      await writeFile(bench.accountsFile, '{}\n')
      const before = bench.fake.snapshot()
      expect(await looked()).toMatchObject({ state: 'waiting', hint: expect.stringContaining('acknowledge') })
      await expect(bench.apply(account)).rejects.toMatchObject({ code: 'PBX_REFUSED' })
      expect(bench.fake.snapshot()).toBe(before)
    },
  )
})
