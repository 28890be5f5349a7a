import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freepbxDriver } from '../../src/pbx/freepbx/freepbx.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { makeAccount, rotate } from '../contracts/pbx-accounts.ts'
import { freepbxWorld } from '../fakes/freepbx-world.ts'

let world: Awaited<ReturnType<typeof freepbxWorld>>
beforeEach(async () => {
  world = await freepbxWorld()
})
afterEach(() => world.stop())

const limit = () => AbortSignal.timeout(20_000)
const unreachable = { code: 'PBX_UNREACHABLE', retryable: true }
const started = () => world.fake.asked.get('doreload') ?? 0

/** Impatient, where one is lost for good. */
function driverWith(lostReloadMs: number): PbxDriver {
  const { web, ...options } = world.options
  return freepbxDriver({ ...options, web: { ...web, timeoutMs: 300 }, lostReloadMs })
}

function onFreepbx(extension: string): PbxAccount {
  const account = makeAccount(extension)
  // It has no field for another login name.
  return { ...account, credentials: account.credentials.map((one) => ({ ...one, username: extension })) }
}

const generationOf = async (driver: PbxDriver, { extension }: PbxAccount) =>
  (await driver.readAccounts(limit())).accounts
    .find((one) => one.extension === extension)
    ?.credentials.map(({ generation }) => generation)

describe('an "Apply Config" whose answer is lost', () => {
  const account = onFreepbx('1001')
  const next = { ...account, credentials: [rotate(account.credentials[0]!)] }

  test('is waited for, and none is started beside it', async () => {
    const driver = driverWith(20_000)
    await driver.applyAccounts([account], limit())
    const before = started()
    world.fake.faults.answersLate.add('doreload')
    await expect(driver.applyAccounts([next], limit())).rejects.toMatchObject(unreachable)
    await driver.applyAccounts([next], limit())
    expect(await generationOf(driver, account)).toEqual([2])
    expect(started()).toBe(before + 1)
  })

  test('says nothing of a change that was made after it began: for that another one follows, when it has ended', async () => {
    const driver = driverWith(20_000)
    await driver.applyAccounts([account], limit())
    const before = started()
    // It took what it found, and this change was not in it.
    world.fake.faults.reloadKeepsOld = true
    world.fake.faults.answersLate.add('doreload')
    await expect(driver.applyAccounts([next], limit())).rejects.toMatchObject(unreachable)
    world.fake.faults.reloadKeepsOld = false
    world.fake.faults.answersLate.clear()
    await driver.applyAccounts([next], limit())
    expect(await generationOf(driver, account)).toEqual([2])
    expect([started(), world.fake.mostReloads()]).toEqual([before + 2, 1])
  })

  test('that never began is started again after a while', async () => {
    const driver = driverWith(200)
    await driver.applyAccounts([account], limit())
    const before = started()
    world.fake.faults.losesQuestions.add('doreload')
    await expect(driver.applyAccounts([next], limit())).rejects.toMatchObject(unreachable)
    world.fake.faults.losesQuestions.clear()
    await driver.applyAccounts([next], limit())
    expect(await generationOf(driver, account)).toEqual([2])
    expect(started()).toBe(before + 2)
  })

  test('is not waited for where FreePBX said no to it', async () => {
    const driver = driverWith(20_000)
    await driver.applyAccounts([account], limit())
    world.fake.failWith('doreload', 'Cannot query field "doreload" on type "Mutation".')
    for (let round = 0; round < 2; round++)
      await expect(driver.applyAccounts([next], limit())).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    expect(world.fake.asked.get('fetchNeedReload')).toBeUndefined()
  })

  test('is waited for by what Asterisk shows where an older FreePBX cannot be asked', async () => {
    const driver = driverWith(20_000)
    await driver.applyAccounts([account], limit())
    const before = started()
    world.fake.failWith('fetchNeedReload', 'Cannot query field "fetchNeedReload" on type "Query".')
    world.fake.faults.answersLate.add('doreload')
    await expect(driver.applyAccounts([next], limit())).rejects.toMatchObject(unreachable)
    const again = driver.applyAccounts([next], limit())
    await expect.poll(() => world.fake.asked.get('fetchNeedReload') ?? 0).toBeGreaterThan(1)
    world.fake.apply()
    await again
    expect(await generationOf(driver, account)).toEqual([2])
    expect(started()).toBe(before + 1)
  })
})

test('an "Apply Config" is waited for although a gateway spoils the question for its end', async () => {
  const [account, driver] = [onFreepbx('1001'), driverWith(20_000)]
  world.fake.faults.reloadNeverEnds = true
  const first = driver.applyAccounts([account], limit())
  await expect.poll(() => world.fake.asked.get('fetchApiStatus') ?? 0).toBeGreaterThan(0)
  world.fake.faults.answers = { status: 502, body: 'bad gateway' }
  await expect(first).rejects.toMatchObject({ code: 'PBX_REFUSED' })
  Object.assign(world.fake.faults, { answers: null, reloadNeverEnds: false })
  await driver.applyAccounts([account], limit())
  expect([started(), world.fake.mostReloads()]).toEqual([1, 1])
})
