import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import type { EmployeeView } from '../../src/journeys/application.ts'
import { stepReminder } from '../../src/journeys/remind-steps.ts'
import { openConsoleWorld } from './console-world.ts'
import { mia, offboarded, onboarded, openWorld, person, type World } from './world.ts'

const ada = person('Ada Byron', '1001', 'linphone-desktop')
const lineOf = ({ access }: EmployeeView) => access.find(({ system }) => system === 'extension')!
const lineNow = async (world: World) => lineOf(await world.app.employee('1001'))

/** Ada leaves, and knew the PIN of a conference room: a step that Mia ticks. A hub that refuses keeps the offboarding open. */
async function tickedStep(world: World): Promise<ReturnType<typeof lineOf>> {
  world.pbx.addRoom('8000')
  await onboarded(world, ada)
  world.hub.fault = 'refuse'
  await world.app.offboard('1001', null, mia)
  await world.loop.idle()
  const ticked = lineOf(await world.app.acknowledge('1001', 'extension', null, mia))
  expect(ticked).toMatchObject({ verdict: 'waiting', acknowledged: { by: 'Mia' } })
  return ticked
}

const driftsOf = async (world: World) =>
  (await world.store.auditTrail({ limit: 1_000 })).filter(({ kind }) => kind === 'access.drift')

async function goesAway(world: World): Promise<void> {
  world.pbx.faults.down = true
  await world.sweep()
  // What nobody can look at is not settled, whatever was ticked.
  expect(await lineNow(world)).toMatchObject({ verdict: 'retrying', evidence: null, acknowledged: null })
}

describe('the tick of a step, when the PBX was away for a moment', () => {
  test('stands again with the name and time that it had, if the step says the same', async () => {
    await using world = await openWorld()
    const ticked = await tickedStep(world)
    await goesAway(world)
    await world.sweep()
    world.pbx.faults.down = false
    await world.sweep()
    expect(await lineNow(world)).toMatchObject({ problem: ticked.problem, acknowledged: ticked.acknowledged })
    expect(await world.app.people.openSteps()).toEqual([])
    world.hub.fault = null
    await world.sweep()
    expect((await world.app.employee('1001')).lifecycle).toBe('offboarded')
  })

  test('completes nothing while it is away', async () => {
    await using world = await openWorld()
    await tickedStep(world)
    await goesAway(world)
    world.hub.fault = null
    await world.sweep()
    expect((await world.app.employee('1001')).lifecycle).toBe('offboarding')
    await expect(world.app.acknowledge('1001', 'extension', null, mia)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('stands again also when the server was started anew meanwhile', async () => {
    await using before = await openWorld()
    const ticked = await tickedStep(before)
    await goesAway(before)
    await using world = await before.restart()
    expect(await lineNow(world)).toMatchObject({ verdict: 'retrying', acknowledged: null })
    world.pbx.faults.down = false
    await world.sweep()
    expect(await lineNow(world)).toMatchObject({ verdict: 'waiting', acknowledged: ticked.acknowledged })
  })

  test('is gone when the step says something else by then', async () => {
    await using world = await openWorld()
    await tickedStep(world)
    await goesAway(world)
    world.pbx.addRoom('8001')
    world.pbx.faults.down = false
    await world.sweep()
    expect(await lineNow(world)).toMatchObject({
      verdict: 'waiting',
      problem: expect.stringContaining('8001'),
      acknowledged: null,
    })
  })

  test('never hides what was seen open meanwhile: it is asked for again, in the same words', async () => {
    await using world = await openWorld()
    const ticked = await tickedStep(world)
    await goesAway(world)
    world.pbx.addLeftover('1001')
    world.pbx.faults.keepForwards = true
    world.pbx.faults.down = false
    await world.sweep()
    expect(await lineNow(world)).toMatchObject({
      verdict: 'retrying',
      problem: expect.stringContaining('calls are forwarded'),
      acknowledged: null,
    })
    world.pbx.faults.down = true
    await world.sweep()
    world.pbx.faults.keepForwards = false
    world.pbx.faults.down = false
    await world.sweep()
    expect(await lineNow(world)).toMatchObject({ verdict: 'waiting', problem: ticked.problem, acknowledged: null })
  })

  test.each([
    { shown: 'other words', rooms: ['8000', '8001'], stands: false },
    { shown: 'the same words', rooms: ['8000'], stands: true },
  ])('that went away again after one look: stands only if that look showed the same ($shown)', async (one) => {
    await using world = await openWorld()
    const ticked = await tickedStep(world)
    await goesAway(world)
    world.pbx.faults.down = false
    const asBefore = world.pbx.driver.readSharedPins!
    let looks = 0
    Object.assign(world.pbx.driver, {
      readSharedPins: async () => {
        if (++looks > 1) throw new AppError('PBX_UNREACHABLE', 'the PBX went away again', { retryable: true })
        return one.rooms.map((room) => ({ kind: 'conference-pin', words: `the PIN of conference room ${room}` }))
      },
    })
    await world.sweep()
    expect(looks).toBe(2)
    expect(await lineNow(world)).toMatchObject({ verdict: 'retrying', evidence: null, acknowledged: null })
    Object.assign(world.pbx.driver, { readSharedPins: asBefore })
    await world.sweep()
    expect(await lineNow(world)).toMatchObject({
      ...{ verdict: 'waiting', problem: ticked.problem },
      acknowledged: one.stands ? ticked.acknowledged : null,
    })
    expect(await driftsOf(world)).toEqual([])
  })

  test('of the open account does not come back for the shut one', async () => {
    await using world = await openWorld({ pbx: 'manual' })
    await onboarded(world, ada)
    await world.app.acknowledge('1001', 'sip-account', null, mia)
    const left = await offboarded(world, '1001')
    expect(left.access.find(({ system }) => system === 'sip-account')).toMatchObject({
      verdict: 'waiting',
      acknowledged: null,
    })
  })
})

describe('a call forward that is there again', () => {
  test.each([
    { when: 'while the PBX was away', isAway: true },
    { when: 'from one look to the next', isAway: false },
  ])('takes the tick away and is on record, also when it is cleared at once: $when', async ({ isAway }) => {
    await using world = await openWorld()
    const ticked = await tickedStep(world)
    if (isAway) await goesAway(world)
    await world.travel(2)
    world.pbx.addLeftover('1001')
    world.pbx.faults.down = false
    await world.sweep()
    expect(await lineNow(world)).toMatchObject({ verdict: 'waiting', problem: ticked.problem, acknowledged: null })
    expect(await driftsOf(world)).toMatchObject([{ detail: expect.stringContaining('calls are forwarded') }])
    // The step is a new one, not one that is late already.
    expect(await world.app.people.openSteps()).toMatchObject([{ late: false }])

    // Ticked again it stands, and nothing is told twice.
    const again = lineOf(await world.app.acknowledge('1001', 'extension', null, mia))
    await world.sweep()
    expect((await lineNow(world)).acknowledged).toEqual(again.acknowledged)
    expect(await driftsOf(world)).toHaveLength(1)
  })

  test('is no alarm where nobody had ticked the step yet', async () => {
    await using world = await openWorld()
    world.pbx.addRoom('8000')
    await onboarded(world, ada)
    await offboarded(world, '1001')
    world.pbx.addLeftover('1001')
    await world.sweep()
    expect(await driftsOf(world)).toEqual([])
  })
})

test('a step that nobody ticked is open since it was first asked for, however often the PBX was away', async () => {
  await using world = await openWorld()
  world.pbx.addRoom('8000')
  await onboarded(world, ada)
  await offboarded(world, '1001')
  const { at } = (await world.app.people.openSteps())[0]!
  for (let round = 0; round < 2; round++) {
    world.pbx.faults.down = true
    await world.travel(0.4)
    expect(await world.app.people.openSteps()).toEqual([])
    world.pbx.faults.down = false
    await world.sweep()
    expect(await world.app.people.openSteps()).toMatchObject([{ at }])
  }
  await world.travel(0.4)
  await stepReminder(world.context)()
  expect((await world.app.people.today()).alarms).toMatchObject([
    { kind: 'step.overdue', text: expect.stringContaining('open for 28 hours') },
  ])
})

test('over the API a ticked line is ticked again when the PBX is back, and by nobody while it is away', async () => {
  await using office = await openConsoleWorld()
  const { world } = office
  const { token } = await world.app.createToken('a script', 'admin', mia)
  const call = async (method: string, path: string) => {
    const answer = await fetch(`${office.url}/api/v1/employees/1001${path}`, {
      method,
      headers: { authorization: `Bearer ${token.reveal()}` },
    })
    return { status: answer.status, person: (await answer.json()) as EmployeeView }
  }
  world.pbx.addRoom('8000')
  await onboarded(world, ada)
  world.hub.fault = 'refuse'
  await world.app.offboard('1001', null, mia)
  await world.loop.idle()
  const { person: shown } = await call('POST', '/access/extension/acknowledge')
  const ticked = lineOf(shown).acknowledged
  expect(ticked).toMatchObject({ by: 'token a script' })

  world.pbx.faults.down = true
  await world.sweep()
  expect(lineOf((await call('GET', '')).person)).toMatchObject({ verdict: 'retrying', acknowledged: null })
  expect((await call('POST', '/access/extension/acknowledge')).status).toBe(409)

  world.pbx.faults.down = false
  await world.sweep()
  expect(lineOf((await call('GET', '')).person)).toMatchObject({ verdict: 'waiting', acknowledged: ticked })
})
