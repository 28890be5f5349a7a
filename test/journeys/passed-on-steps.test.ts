import { describe, expect, test } from 'vitest'
import { mia, offboarded, onboarded, openWorld, person, type World } from './world.ts'

const ada = person('Ada Byron', '1001', 'linphone-mobile')
const bo = person('Bo Berg', '1001', 'linphone-mobile')

const accountOf = async (world: World, who: string) =>
  (await world.app.employee(who)).access.find(({ system }) => system === 'sip-account')!

const stepsIn = async (world: World) => (await world.app.people.openSteps()).map(({ name, who }) => [name, who])

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
    expect(await stepsIn(again)).toEqual([['Bo Berg', '1001']])
    expect(await accountOf(again, id)).toMatchObject({ acknowledged: before.acknowledged })
  })
})
