import { describe, expect, test } from 'vitest'
import type { EmployeeView } from '../../src/journeys/application.ts'
import { fakeEdge } from '../fakes/fake-edge.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { mia, offboarded, onboarded, openWorld, person, type World } from './world.ts'

const national = { class: 'national', countries: ['43'], callsAtOnce: 2 } as const

const lineOf = ({ access }: EmployeeView) => access.find(({ system }) => system === 'extension')

async function openOffice(options: Parameters<typeof openWorld>[0] = {}) {
  const edge = fakeEdge()
  const world = await openWorld({ ...options, edge })
  return { edge, world }
}

describe('call classes at the edge', () => {
  test('of a PBX by hand leave no step for a person: the line shows what the edge enforces', async () => {
    const { edge, world } = await openOffice({ pbx: 'manual' })
    await using _ = world
    await world.app.calls.setDialPlan(null, germany, mia)
    await onboarded(world, { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national })
    expect(lineOf(await world.app.settled('1001', 5_000))).toMatchObject({
      verdict: 'converged',
      evidence: { summary: 'national countries=43 callsAtOnce=2 in force at the edge' },
    })
    expect(world.app.pbxs.list()).toMatchObject([{ driver: 'manual', abilities: { callClasses: 'enforced' } }])
    expect([...edge.tables.plan]).toEqual([['dial', '49|00|0|30||110,112']])
    await world.app.calls.set('1001', { class: 'internal' }, mia)
    expect(lineOf(await world.app.settled('1001', 5_000))).toMatchObject({
      verdict: 'converged',
      evidence: { summary: 'internal in force at the edge' },
    })
    await world.app.calls.set('1001', null, mia)
    expect(lineOf(await world.app.settled('1001', 5_000))).toMatchObject({
      verdict: 'converged',
      evidence: { summary: 'no call class in force at the edge' },
    })
    expect(edge.tables.policy.get('1001')).toBe('none')
  })

  test('count beside those of the PBX, and neither alone is enough', async () => {
    const { edge, world } = await openOffice()
    await using _ = world
    await world.app.calls.setDialPlan(null, germany, mia)
    await onboarded(world, { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national })
    expect(lineOf(await world.app.settled('1001', 5_000))).toMatchObject({
      verdict: 'converged',
      evidence: {
        summary:
          'national countries=43 callsAtOnce=2 in force on Fake PBX 1.0; national countries=43 callsAtOnce=2 in force at the edge',
      },
    })
    edge.isDown = true
    await world.app.calls.set('1001', { class: 'blocked' }, mia)
    expect(lineOf(await world.app.settled('1001', 300))).toMatchObject({ verdict: 'retrying' })
    edge.isDown = false
    world.pbx.faults.keepOld = true
    await world.app.calls.set('1001', { class: 'local' }, mia)
    expect(lineOf(await world.app.settled('1001', 300))).toMatchObject({
      verdict: 'retrying',
      problem: 'what this extension may dial is not what was chosen',
    })
    expect(edge.tables.policy.get('1001')).toBe('local')
    world.pbx.faults.keepOld = false
    expect(lineOf(await world.app.settled('1001', 10_000))).toMatchObject({ verdict: 'converged' })
  })

  test('that somebody else changed at the edge, or a plan that is not the one that was said, are found and set again', async () => {
    const { edge, world } = await openOffice({ pbx: 'manual' })
    await using _ = world
    await world.app.calls.setDialPlan(null, germany, mia)
    const { employee } = await onboarded(world, { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national })
    await world.app.settled('1001', 5_000)
    const drifts = async () =>
      (await world.store.auditTrail({ employeeId: employee.id, limit: 1_000 })).filter(
        ({ kind }) => kind === 'access.drift',
      ).length
    const changed = edge.tables.policy as Map<string, string>
    changed.set('1001', 'international')
    await world.sweep()
    expect(edge.tables.policy.get('1001')).toBe('national countries=43 callsAtOnce=2')
    expect(await drifts()).toBe(1)
    const plan = edge.tables.plan as Map<string, string>
    plan.set('dial', '49|00|0|||999')
    await world.sweep()
    expect(edge.tables.plan.get('dial')).toBe('49|00|0|30||110,112')
    expect(await drifts()).toBe(2)
    // A plan that is said anew gets there by itself.
    await world.app.calls.setDialPlan(null, { ...germany, outsideLine: '9' }, mia)
    await expect.poll(() => edge.tables.plan.get('dial')).toBe('49|00|0|30|9|110,112')
    // What somebody said here is no alarm.
    await world.sweep()
    expect(await drifts()).toBe(2)
    expect(lineOf(await world.app.employee('1001'))).toMatchObject({ verdict: 'converged' })
  })

  test('block whoever left, let the next owner of the extension dial, and say so', async () => {
    const { edge, world } = await openOffice()
    await using _ = world
    await world.app.calls.setDialPlan(null, germany, mia)
    const ada = await onboarded(world, { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national })
    const left = await offboarded(world, '1001')
    expect(lineOf(left)).toMatchObject({
      wanted: 'closed',
      verdict: 'converged',
      evidence: { summary: expect.stringMatching(/; blocked at the edge$/) },
    })
    expect(edge.tables.policy.get('1001')).toBe('blocked')
    await onboarded(world, person('Bo Berg', '1001', 'linphone-desktop'))
    await world.app.settled('bo@example.com', 5_000)
    await world.sweep()
    expect(edge.tables.policy.get('1001')).toBe('none')
    expect(lineOf(await world.app.employee(ada.employee.id))).toMatchObject({
      verdict: 'converged',
      evidence: { summary: 'extension 1001 has another owner now: what is set there was left alone' },
    })
  })

  test('are no business of an edge for which nobody said what dialled numbers mean', async () => {
    const { edge, world } = await openOffice()
    await using _ = world
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await offboarded(world, '1001')
    expect([...edge.tables.plan, ...edge.tables.policy]).toEqual([])
  })
})

const alarmsIn = async (world: World) =>
  (await world.store.auditTrail({ limit: 1_000 })).filter(({ kind }) => kind === 'access.drift')

describe('a dial plan that is said for the first time after people have left', () => {
  test('takes no tick away that somebody gave for another step of the same line', async () => {
    const { edge, world } = await openOffice()
    await using _ = world
    world.pbx.addRoom('8000')
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    // A hub that refuses keeps the offboarding open, and with it the step.
    world.hub.fault = 'refuse'
    await world.app.offboard('1001', null, mia)
    await world.loop.idle()
    const ticked = lineOf(await world.app.acknowledge('1001', 'extension', null, mia))
    await world.app.calls.setDialPlan(null, germany, mia)
    await world.sweep()
    expect([...edge.tables.policy]).toEqual([['1001', 'blocked']])
    expect(lineOf(await world.app.employee('1001'))).toMatchObject({
      verdict: 'waiting',
      acknowledged: ticked!.acknowledged,
    })
    expect(await alarmsIn(world)).toEqual([])
    // From now on somebody else's hand is one, and the step is asked for again.
    const changed = edge.tables.policy as Map<string, string>
    changed.set('1001', 'international')
    await world.sweep()
    expect(lineOf(await world.app.employee('1001'))).toMatchObject({ verdict: 'waiting', acknowledged: null })
    expect(await alarmsIn(world)).toHaveLength(1)
  })

  test.each(['as they are', 'while the edge is down'])('%s is no alarm about them', async (how) => {
    const { edge, world } = await openOffice()
    await using _ = world
    const leavers = [person('Ada Byron', '1001', 'linphone-desktop'), person('Bo Berg', '1002', 'linphone-desktop')]
    for (const leaver of leavers) await onboarded(world, leaver)
    for (const { extension } of leavers) await offboarded(world, extension)
    const before = lineOf(await world.app.employee('1001'))
    expect(before?.evidence?.summary).not.toContain('edge')
    edge.isDown = how === 'while the edge is down'
    await world.app.calls.setDialPlan(null, germany, mia)
    await world.sweep()
    if (edge.isDown) {
      // What cannot be looked at is not green either.
      expect(lineOf(await world.app.employee('1001'))).toMatchObject({
        verdict: 'retrying',
        problem: 'the edge does not answer',
      })
      edge.isDown = false
      await world.sweep()
    }
    expect([...edge.tables.policy]).toEqual([
      ['1001', 'blocked'],
      ['1002', 'blocked'],
    ])
    expect(lineOf(await world.app.employee('1001'))).toMatchObject({
      verdict: 'converged',
      evidence: { summary: expect.stringMatching(/; blocked at the edge$/) },
    })
    expect(await alarmsIn(world)).toEqual([])
    expect((await world.app.report('1001')).addenda.map(({ kind }) => kind)).not.toContain('access.drift')

    // From now on it is one.
    const changed = edge.tables.policy as Map<string, string>
    changed.delete('1002')
    await world.sweep()
    expect((await alarmsIn(world)).map(({ detail }) => detail)).toEqual([
      expect.stringContaining('extension 1002 is not blocked at the edge'),
    ])
    expect(edge.tables.policy.get('1002')).toBe('blocked')
  })

  test('is not green where the edge says yes and does nothing', async () => {
    const { edge, world } = await openOffice()
    await using _ = world
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await offboarded(world, '1001')
    edge.keepsOld = true
    await world.app.calls.setDialPlan(null, germany, mia)
    await world.sweep()
    expect(lineOf(await world.app.employee('1001'))).toMatchObject({
      verdict: 'retrying',
      problem: 'extension 1001 is not blocked at the edge',
    })
  })
})

test('an edge that comes when classes were chosen and people have left is told of them, and is no alarm', async () => {
  await using before = await openWorld()
  await before.app.calls.setDialPlan(null, germany, mia)
  await onboarded(before, { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national })
  await onboarded(before, { ...person('Bo Berg', '1002', 'linphone-desktop'), calls: national })
  await offboarded(before, '1002')
  const edge = fakeEdge()
  await using world = await before.restart({ edge })
  await world.sweep()
  expect(Object.fromEntries(edge.tables.policy)).toEqual({
    1001: 'national countries=43 callsAtOnce=2',
    1002: 'blocked',
  })
  for (const who of ['1001', '1002'])
    expect(lineOf(await world.app.employee(who))).toMatchObject({
      verdict: 'converged',
      evidence: { summary: expect.stringMatching(/(in force|blocked) at the edge$/) },
    })
  expect(await alarmsIn(world)).toEqual([])
})

test('internal numbers that the settings name anew get to the edge with the next start, and are no alarm', async () => {
  const { edge, world: before } = await openOffice({ pbx: 'manual' })
  await using _ = before
  await before.app.calls.setDialPlan(null, germany, mia)
  await onboarded(before, { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national })
  await before.sweep()
  await using world = await before.restart({ env: { RINGFENCE_EDGE_INTERNAL_NUMBERS: '2xx' } })
  await world.sweep()
  expect(edge.tables.plan.get('internal')).toBe('^(2[0-9][0-9])$')
  expect(lineOf(await world.app.employee('1001'))).toMatchObject({ verdict: 'converged' })
  expect(await alarmsIn(world)).toEqual([])
  // Somebody who adds to them at the edge is one.
  const changed = edge.tables.plan as Map<string, string>
  changed.set('internal', '^.*$')
  await world.sweep()
  expect(await alarmsIn(world)).toHaveLength(1)
  expect(edge.tables.plan.get('internal')).toBe('^(2[0-9][0-9])$')
})
