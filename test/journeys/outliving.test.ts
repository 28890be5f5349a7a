import { describe, expect, test } from 'vitest'
import type { EmployeeView } from '../../src/journeys/application.ts'
import { fakePbx } from '../fakes/fake-pbx.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { mia, offboarded, onboarded, openWorld, person, type World } from './world.ts'

const national = { class: 'national', countries: ['43'], callsAtOnce: 2 } as const
const lineOf = ({ access }: EmployeeView) => access.find(({ system }) => system === 'extension')
async function withPlan(options: Parameters<typeof openWorld>[0] = {}): Promise<World> {
  const world = await openWorld(options)
  await world.app.calls.setDialPlan(null, germany, mia)
  return world
}

describe('somebody who left', () => {
  test('call forwards are cleared, and the line says that nothing is left', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    world.pbx.addLeftover('1001')
    world.pbx.addLeftover('10010')
    const left = await offboarded(world, '1001')
    expect(lineOf(left)).toMatchObject({
      wanted: 'closed',
      verdict: 'converged',
      evidence: { summary: expect.stringContaining('nothing that would outlive the password') },
    })
    const soon = AbortSignal.timeout(1_000)
    expect(await world.pbx.driver.readLeftovers!(['1001', '10010'], soon)).toMatchObject([{ extension: '10010' }])
    expect((await world.app.report('1001')).doors.map(({ system }) => system)).toContain('extension')
  })

  test('a PBX that says yes and keeps the forward is not called shut', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    world.pbx.addLeftover('1001')
    world.pbx.faults.keepForwards = true
    await world.app.offboard('1001', null, mia)
    expect(lineOf(await world.app.settled('1001', 400))).toMatchObject({
      verdict: 'retrying',
      problem: expect.stringContaining('calls are forwarded'),
    })
    world.pbx.faults.keepForwards = false
    expect((await world.app.settled('1001', 10_000)).lifecycle).toBe('offboarded')
  })

  test('a forward that comes back later is found, recorded in the leaver file and cleared', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await offboarded(world, '1001')
    world.pbx.addLeftover('1001')
    await world.sweep()
    expect(await world.pbx.driver.readLeftovers!(['1001'], AbortSignal.timeout(1_000))).toEqual([])
    expect((await world.app.report('1001')).addenda).toMatchObject([{ kind: 'access.drift' }])
  })

  test("the next owner's forward is theirs: it is left alone, and the old line says so", async () => {
    await using world = await openWorld()
    const ada = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await offboarded(world, '1001')
    await onboarded(world, person('Bo Byron', '1001', 'linphone-desktop'))
    world.pbx.addLeftover('1001')
    await world.sweep()
    expect(await world.pbx.driver.readLeftovers!(['1001'], AbortSignal.timeout(1_000))).toHaveLength(1)
    expect(lineOf(await world.app.employee(ada.employee.id))).toMatchObject({
      verdict: 'converged',
      evidence: { summary: 'extension 1001 has another owner now: what is set there was left alone (call-forward)' },
    })
  })

  test('a forward under a next owner who came before the PBX was seen clean is a step, until somebody ticks it', async () => {
    await using world = await openWorld()
    const ada = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    world.pbx.addLeftover('1001')
    world.pbx.faults.down = true
    await world.app.offboard('1001', null, mia)
    await world.loop.idle()
    await onboarded(world, person('Bo Byron', '1001', 'linphone-desktop'))
    world.pbx.faults.down = false
    await world.sweep()
    const line = async () => lineOf(await world.app.employee(ada.employee.id))
    expect(await line()).toMatchObject({
      verdict: 'waiting',
      problem: expect.stringContaining('another owner now'),
      hint: 'do the step, then `ringfence acknowledge ada@example.com extension`',
    })
    expect(await world.pbx.driver.readLeftovers!(['1001'], AbortSignal.timeout(1_000))).toHaveLength(1)
    await world.app.acknowledge('ada@example.com', 'extension', null, mia)
    await world.sweep()
    expect((await line())?.verdict).toBe('converged')
  })

  test.each([
    ['read', 'calls are forwarded'],
    ['unseen', 'voicemail PIN; calling out'],
  ] as const)(
    'where what outlives a password is %s by the PBX, it is a step for a person',
    async (leftovers, words) => {
      await using world = await openWorld({ pbx: fakePbx({ leftovers }) })
      await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
      if (leftovers === 'read') world.pbx.addLeftover('1001')
      await world.app.offboard('1001', null, mia)
      const left = await world.app.settled('1001', 5_000)
      expect(left.lifecycle).toBe('offboarding')
      expect(lineOf(left)).toMatchObject({ verdict: 'waiting', problem: expect.stringContaining(words) })
      const done = await world.app.acknowledge('1001', 'extension', null, mia)
      expect(done.lifecycle).toBe('offboarded')
    },
  )

  test('PINs that they know by heart are a step once, whoever has the extension by then, and never again', async () => {
    await using world = await openWorld()
    world.pbx.addRoom('8000')
    const ada = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await world.app.offboard('1001', null, mia)
    const left = await world.app.settled('1001', 5_000)
    expect(lineOf(left)).toMatchObject({
      verdict: 'waiting',
      problem: 'On the PBX, change what whoever leaves may know by heart: the PIN of conference room 8000.',
    })
    await onboarded(world, person('Bo Byron', '1001', 'linphone-desktop'))
    await world.sweep()
    expect(lineOf(await world.app.employee(ada.employee.id))).toMatchObject({
      verdict: 'waiting',
      problem: expect.stringContaining('conference room 8000'),
      hint: 'do the step, then `ringfence acknowledge ada@example.com extension`',
    })
    expect((await world.app.acknowledge(ada.employee.id, 'extension', null, mia)).lifecycle).toBe('offboarded')
    // A room that is new by then has a PIN that she never knew.
    world.pbx.addRoom('8001')
    await world.sweep()
    expect(lineOf(await world.app.employee(ada.employee.id))).toMatchObject({ verdict: 'converged' })
    expect((await world.app.people.openSteps()).map(({ system }) => system)).toEqual([])
  })

  test('an older database cannot give the extension back', async () => {
    await using world = await withPlan()
    const { employee } = await onboarded(world, { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national })
    await world.app.settled('1001', 5_000)
    const [before] = await world.store.find('assignment', { employeeId: employee.id })
    const [tombstones] = [await offboarded(world, '1001')].map(({ access }) => access)
    expect(tombstones!.some(({ system }) => system === 'extension')).toBe(true)
    // As if the database were from before the click.
    await world.store.transaction(async (tx) => {
      await tx.update('assignment', before!.id, before!)
      await tx.remove('tombstone', [`assignment/${before!.id}`])
    })
    await using restored = await world.restart()
    expect(await restored.store.get('assignment', before!.id)).toMatchObject({
      untilAt: expect.any(String),
      callPolicy: null,
      generation: 2,
    })
  })
})
