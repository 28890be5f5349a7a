import { afterEach, describe, expect, test } from 'vitest'
import { runLeavings } from '../../src/journeys/leavings.ts'
import { mia, onboarded, openWorld, person, type World } from './world.ts'

let world: World | undefined
afterEach(async () => {
  await world?.[Symbol.asyncDispose]()
  world = undefined
})

async function office(): Promise<{ world: World; adaId: string }> {
  world = await openWorld()
  const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
  return { world, adaId: employee.id }
}

const inDays = (of: World, days: number) =>
  new Date(of.context.system.now().getTime() + days * 86_400_000).toISOString()

const kinds = async (of: World, employeeId: string) =>
  (await of.store.auditTrail({ employeeId, limit: 1_000 })).map(({ kind }) => kind)

const messages = async (of: World, kind: string) => (await of.store.find('outbox', { kind })).length

describe('a leaving date that was set ahead', () => {
  test('does nothing before its time, reminds once a day before, and offboards when it comes', async () => {
    const { world, adaId } = await office()
    const set = await world.app.people.setLeaving('1001', { at: inDays(world, 3), reason: 'end of contract' }, mia)
    expect(await world.app.people.leaving('1001')).toEqual(set)
    expect(set).toMatchObject({ name: 'Ada Byron', askedBy: 'Mia', state: 'set', reason: 'end of contract' })

    await runLeavings(world.context)
    expect(await messages(world, 'leaving.reminder')).toBe(0)
    await world.travel(2.5)
    await runLeavings(world.context)
    await runLeavings(world.context)
    expect(await messages(world, 'leaving.reminder')).toBe(1)
    expect((await world.app.employee(adaId)).lifecycle).toBe('active')

    await world.travel(1)
    await runLeavings(world.context)
    const gone = await world.app.settled(adaId, 10_000)
    expect(gone.lifecycle).toBe('offboarded')
    expect(await world.app.report(adaId)).toMatchObject({ requestedBy: 'Mia', reason: 'end of contract' })
    expect(await world.app.people.leaving(adaId)).toBeNull()
  })

  test('is done exactly once, however many look at the same time', async () => {
    const { world, adaId } = await office()
    await world.app.people.setLeaving('1001', { at: inDays(world, 1), reason: null }, mia)
    await world.travel(2)
    await Promise.all([runLeavings(world.context), runLeavings(world.context), runLeavings(world.context)])
    await runLeavings(world.context)
    await world.app.settled(adaId, 10_000)
    expect((await kinds(world, adaId)).filter((kind) => kind === 'employee.offboarding-requested')).toHaveLength(1)
    expect(await messages(world, 'employee.offboarding-requested')).toBe(1)
  })

  test('is done late by a server that was stopped while its time came', async () => {
    const { world: before, adaId } = await office()
    await before.app.people.setLeaving('1001', { at: inDays(before, 1), reason: null }, mia)
    const clock = { aheadMs: 5 * 86_400_000 }
    world = await before.restart({ clock })
    expect((await world.app.employee(adaId)).lifecycle).toBe('active')
    await runLeavings(world.context)
    expect((await world.app.settled(adaId, 10_000)).lifecycle).toBe('offboarded')
  })

  test('that the database could not take down this time is done the next time, and never by half', async () => {
    const { world, adaId } = await office()
    await world.app.people.setLeaving('1001', { at: inDays(world, 1), reason: null }, mia)
    await world.travel(2)
    // At each write of it, and at the commit.
    for (const failAt of [1, 2, 5, 9, 0]) {
      world.store.failAt = failAt
      await runLeavings(world.context)
      expect(world.log.join('')).toContain('a leaving date could not be done and is tried again')
      expect((await world.app.employee(adaId)).lifecycle).toBe('active')
      expect(await world.app.people.leaving(adaId)).not.toBeNull()
    }
    world.store.failAt = null
    await runLeavings(world.context)
    expect((await world.app.settled(adaId, 10_000)).lifecycle).toBe('offboarded')
  })

  test('that cannot be done does not keep a later one from being done', async () => {
    const { world, adaId } = await office()
    const { employee } = await onboarded(world, person('Ben Li', '1002', 'linphone-mobile'))
    await world.app.people.setLeaving('1001', { at: inDays(world, 1), reason: null }, mia)
    await world.app.people.setLeaving('1002', { at: inDays(world, 1.5), reason: null }, mia)
    await world.travel(2)
    world.store.failAt = 1
    await runLeavings(world.context)
    expect((await world.app.employee(adaId)).lifecycle).toBe('active')
    expect((await world.app.employee(employee.id)).lifecycle).not.toBe('active')
    world.store.failAt = null
    await runLeavings(world.context)
    expect((await world.app.employee(adaId)).lifecycle).not.toBe('active')
  })

  test('leaves no reason behind once the person is erased', async () => {
    const { world, adaId } = await office()
    await world.app.people.setLeaving('1001', { at: inDays(world, 1), reason: 'long ill' }, mia)
    await world.travel(2)
    await runLeavings(world.context)
    await world.app.settled(adaId, 10_000)
    await world.app.erase(adaId, mia)
    expect(await world.store.find('leaving', { employeeId: adaId })).toMatchObject([{ reason: null }])
  })

  test('that was cancelled is not done, and who cancelled it is on record', async () => {
    const { world, adaId } = await office()
    await world.app.people.setLeaving('1001', { at: inDays(world, 1), reason: null }, mia)
    expect((await world.app.people.cancelLeaving('1001', mia)).state).toBe('cancelled')
    await world.travel(2)
    await runLeavings(world.context)
    expect((await world.app.employee(adaId)).lifecycle).toBe('active')
    expect(await kinds(world, adaId)).toEqual(expect.arrayContaining(['leaving.set', 'leaving.cancelled']))
    await expect(world.app.people.cancelLeaving('1001', mia)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('replaces the one before, whose time then means nothing; the new one is reminded of anew', async () => {
    const { world, adaId } = await office()
    await world.app.people.setLeaving('1001', { at: inDays(world, 0.5), reason: null }, mia)
    await runLeavings(world.context)
    await world.app.people.setLeaving('1001', { at: inDays(world, 3), reason: null }, mia)
    await world.travel(1)
    await runLeavings(world.context)
    expect((await world.app.employee(adaId)).lifecycle).toBe('active')
    await world.travel(1.5)
    await runLeavings(world.context)
    expect(await messages(world, 'leaving.reminder')).toBe(2)
    expect((await world.app.people.page({ attention: 'leaving-set', limit: 10 })).total).toBe(1)
  })

  test('is over when the person is offboarded before it', async () => {
    const { world, adaId } = await office()
    await world.app.people.setLeaving('1001', { at: inDays(world, 3), reason: null }, mia)
    await world.app.offboard(adaId, null, mia)
    expect(await world.app.people.leaving(adaId)).toBeNull()
    await expect(world.app.people.setLeaving(adaId, { at: inDays(world, 3), reason: null }, mia)).rejects.toMatchObject(
      { code: 'CONFLICT' },
    )
  })

  test.each([
    ['the past', -1],
    ['this very moment', 0],
    ['a mistyped year', 9_000],
  ])('in %s is refused, and nothing is written', async (_, days) => {
    const { world, adaId } = await office()
    await expect(
      world.app.people.setLeaving('1001', { at: inDays(world, days), reason: null }, mia),
    ).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(await world.app.people.leaving(adaId)).toBeNull()
  })
})
