import { describe, expect, test } from 'vitest'
import { completeOffboardings } from '../../src/journeys/complete-offboarding.ts'
import { mia, offboarded, onboarded, openWorld, person, type World } from './world.ts'

const ada = person('Ada Byron', '1001', 'linphone-mobile')
const bo = person('Bo Berg', '1001', 'linphone-mobile')

const accountOf = async (world: World, who: string) =>
  (await world.app.employee(who)).access.find(({ system }) => system === 'sip-account')!

const stepsIn = async (world: World) => (await world.app.people.openSteps()).map(({ name, who }) => [name, who])

test('the audit log counts the doors of a leaver that the pages show', async () => {
  for (const pbx of ['manual', undefined] as const) {
    await using world = await openWorld(pbx ? { pbx } : {})
    const { id } = (await onboarded(world, ada)).employee
    const { access } = await offboarded(world, id)
    const shut = access.filter(({ wanted }) => wanted === 'closed')
    const events = await world.store.auditTrail({ employeeId: id, limit: 100 })
    const click = events.find(({ kind }) => kind === 'employee.offboarding-requested')
    expect(JSON.parse(click!.detail!)).toMatchObject({ doors: shut.length })
  }
})

test('the first page counts who holds a phone, not who is leaving', async () => {
  await using world = await openWorld({ pbx: 'manual' })
  await onboarded(world, ada)
  await onboarded(world, person('Cy Cole', '1002', 'linphone-mobile'))
  await offboarded(world, '1001')
  const { people, handsets, leaversTotal } = await world.app.people.today()
  expect({ people, handsets, leaversTotal }).toEqual({ people: 1, handsets: 1, leaversTotal: 1 })
})

describe('the step of a leaver on a PBX that is operated by hand', () => {
  test('stays ticked, in the same words, when somebody else gets the extension', async () => {
    await using world = await openWorld({ pbx: 'manual' })
    const { id } = (await onboarded(world, ada)).employee
    await offboarded(world, id)
    await world.app.acknowledge(id, 'sip-account', null, mia)
    expect((await world.app.employee(id)).lifecycle).toBe('offboarded')
    const before = await accountOf(world, id)
    const next = (await onboarded(world, bo)).employee
    await world.app.acknowledge(next.id, 'sip-account', null, mia)
    await world.sweep()
    expect(await accountOf(world, id)).toMatchObject({ problem: before.problem, acknowledged: before.acknowledged })
    await using again = await world.restart()
    await again.sweep()
    expect(await accountOf(again, id)).toMatchObject({ problem: before.problem, acknowledged: before.acknowledged })
    expect(await stepsIn(again)).toEqual([])
    // Whoever leaves next is asked for.
    await offboarded(again, next.id)
    expect(await stepsIn(again)).toEqual([['Bo Berg', bo.email]])
    expect(await accountOf(again, id)).toMatchObject({ acknowledged: before.acknowledged })
  })

  test('names the leaver by e-mail address once the number means somebody else', async () => {
    await using world = await openWorld({ pbx: 'manual' })
    const { id } = (await onboarded(world, ada)).employee
    await offboarded(world, id)
    expect(await stepsIn(world)).toEqual([['Ada Byron', '1001']])
    await onboarded(world, bo)
    await world.sweep()
    expect(await stepsIn(world)).toEqual(
      expect.arrayContaining([
        ['Ada Byron', ada.email],
        ['Bo Berg', '1001'],
      ]),
    )
    const line = await accountOf(world, id)
    expect(line.hint).toBe(`do the step, then \`ringfence acknowledge ${ada.email} sip-account\``)
    // What its holder of today is to be given is still theirs.
    expect(line.problem).toContain('`ringfence secret 1001`')
    const [sheet] = (await world.app.people.stepsOf(id)).sheets
    expect(sheet!.who).toBe(ada.email)
    await world.app.acknowledge(sheet!.who!, 'sip-account', null, mia)
    expect(await stepsIn(world)).toEqual([['Bo Berg', '1001']])
    await completeOffboardings(world.context, [id])
    expect((await world.app.employee(id)).lifecycle).toBe('offboarded')
  })

  test('names by id whoever came back under the same e-mail address and number', async () => {
    await using world = await openWorld({ pbx: 'manual' })
    const { id } = (await onboarded(world, ada)).employee
    await offboarded(world, id)
    await world.app.acknowledge(id, 'sip-account', null, mia)
    const again = (await onboarded(world, ada)).employee
    await offboarded(world, again.id)
    expect(await stepsIn(world)).toEqual([['Ada Byron', again.id]])
  })
})
