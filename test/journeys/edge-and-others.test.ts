import { describe, expect, test } from 'vitest'
import { decimalSerial } from '../../src/pbx/edge/edge-tables.ts'
import { fakeEdge } from '../fakes/fake-edge.ts'
import { fakePbx } from '../fakes/fake-pbx.ts'
import { mia, offboarded, onboarded, openWorld, person } from './world.ts'

/** The office behind an edge, a branch whose PBX checks certificates itself, a depot whose PBX does not. */
async function openThree() {
  const edge = fakeEdge()
  const world = await openWorld({
    edge,
    morePbxs: { branch: fakePbx({ revocationLists: 'enforced' }), depot: fakePbx() },
    env: {
      RINGFENCE_PBX_NAME: 'office',
      RINGFENCE_PBX2: 'manual',
      RINGFENCE_PBX2_NAME: 'branch',
      RINGFENCE_PBX2_ADDRESS: '10.90.1.2',
      RINGFENCE_PBX3: 'manual',
      RINGFENCE_PBX3_NAME: 'depot',
      RINGFENCE_PBX3_ADDRESS: '10.90.2.2',
    },
  })
  const phone = (last: number) => `yealink-t54w=80:5e:c0:aa:bb:0${last}`
  const ada = await onboarded(world, person('Ada Byron', '1001', phone(1)))
  const bo = await onboarded(world, { ...person('Bo Berg', '1002', phone(2)), pbx: 'branch' })
  const cy = await onboarded(world, { ...person('Cy Cole', '1003', phone(3)), pbx: 'depot' })
  const serialOf = ({ employee }: typeof ada) => decimalSerial(employee.handsets[0]!.certificate!.serial)
  return { world, edge, serials: { ada: serialOf(ada), bo: serialOf(bo), cy: serialOf(cy) } }
}

describe('a SIP edge beside PBXs without one', () => {
  test('holds the people of its own PBX alone, and each leaver’s certificate line says what their PBX does with a list', async () => {
    const { world, edge, serials } = await openThree()
    await using _ = world
    expect([...edge.tables.bind]).toEqual([[serials.ada, expect.stringMatching(/^1001\|10\.7[78]\./)]])
    const lines = async (who: string) => {
      const { access, lifecycle } = await offboarded(world, who)
      expect(lifecycle).toBe('offboarded')
      const said = (kind: string) => access.find(({ system }) => system === kind)?.evidence?.summary ?? null
      return { list: said('certificate'), edge: said('edge') }
    }
    const [ada, bo, cy] = [await lines('1001'), await lines('1002'), await lines('1003')]
    expect(ada.edge).toMatch(/^refused at the edge: serial .{8}… in the deny table/)
    expect(ada.list).toMatch(/published in revocation list \d+; whether the edge refuses it: see the line edge$/)
    expect(bo).toEqual({ list: expect.stringMatching(/published in revocation list \d+$/), edge: null })
    expect(cy.list).toMatch(/; PBX depot does not check revocation lists$/)
    expect(cy.edge).toBeNull()
    expect([[...edge.tables.bind.keys()], [...edge.tables.deny.keys()]]).toEqual([[], [serials.ada]])
  })

  test('that is down holds up a leaver of its own PBX, and nobody else', async () => {
    const { world, edge } = await openThree()
    await using _ = world
    edge.isDown = true
    expect((await offboarded(world, '1003')).lifecycle).toBe('offboarded')
    await world.app.offboard('1001', null, mia)
    const stuck = await world.app.settled('ada@example.com', 300)
    expect(stuck.lifecycle).toBe('offboarding')
    expect(stuck.access.filter(({ verdict }) => verdict !== 'converged').map(({ system }) => system)).toEqual(['edge'])
    edge.isDown = false
    await world.sweep()
    expect((await world.app.employee('ada@example.com')).lifecycle).toBe('offboarded')
  })

  test('whose revocation list gets old is told by one alarm that counts the phones, and by the line of each', async () => {
    const { world, edge } = await openThree()
    await using _ = world
    const dan = await onboarded(world, person('Dan Dahl', '1004', 'yealink-t54w=80:5e:c0:aa:bb:04'))
    const half = 15 * 86_400_000
    edge.list = {
      ...edge.list,
      thisUpdate: new Date(Date.now() - half - 60_000),
      nextUpdate: new Date(Date.now() + half),
    }
    await world.sweep()
    await world.sweep()
    const problem = expect.stringMatching(/^revocation list 1 at the edge is old and locks out every phone at \d{4}-/)
    for (const who of ['1001', '1004']) {
      const { access } = await world.app.employee(who)
      expect(access.find(({ system }) => system === 'edge')).toMatchObject({ verdict: 'retrying', problem })
    }
    const alarms = (await world.store.auditTrail({ limit: 1_000 })).filter(({ kind }) => kind === 'access.drift')
    expect(alarms).toMatchObject([{ employeeId: null, subjectId: null }])
    expect(alarms[0]!.detail).toMatch(/locks out every phone at .* \(open doors: 2; 2 not mended yet\)/)

    // What is wrong with one phone alone is still told by its name.
    edge.list = { ...edge.list, thisUpdate: new Date() }
    await world.sweep()
    for (const serial of [...edge.tables.bind.keys()]) edge.unbind(serial)
    await world.sweep()
    const all = (await world.store.auditTrail({ limit: 1_000 })).filter(({ kind }) => kind === 'access.drift')
    expect(all.flatMap(({ employeeId }) => employeeId ?? []).sort()).toEqual(
      [(await world.app.employee('1001')).id, dan.employee.id].sort(),
    )
  })

  test('is what doctor asks beside each PBX, and what phones of its PBX alone may reach and dial', async () => {
    const { world, edge } = await openThree()
    await using _ = world
    const { checks } = await world.app.doctor()
    const said = (area: string) => checks.filter((check) => check.area === area).map(({ message }) => message)
    expect(said('edge')).toEqual(['1 certificates are bound'])
    expect(said('pbx')).toContain('sip.example.com resolves to 10.90.0.3')
    expect(said('pbx').filter((message) => /does not check revocation/.test(message))).toEqual([
      expect.stringMatching(/^PBX depot: /),
    ])
    edge.isDown = true
    expect((await world.app.doctor()).checks.filter(({ area }) => area === 'edge')).toMatchObject([
      { state: 'problem', message: 'the edge does not answer' },
    ])
  })
})
