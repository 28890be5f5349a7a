import { describe, expect, test } from 'vitest'
import { blockedPolicy, type CallPolicy } from '../../src/domain/call-policy.ts'
import type { EmployeeView } from '../../src/journeys/application.ts'
import { fakePbx } from '../fakes/fake-pbx.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { mia, onboarded, openWorld, person, type World } from './world.ts'

const national = { class: 'national', countries: ['43'], callsAtOnce: 2 } as const
const chosen: CallPolicy = { ...blockedPolicy, ...national }
const lineOf = ({ access }: EmployeeView) => access.find(({ system }) => system === 'extension')
const inForce = async ({ pbx }: World, extension = '1001') =>
  (await pbx.driver.readAccounts(AbortSignal.timeout(1_000))).accounts.find((one) => one.extension === extension)
    ?.policy
const kindsOf = async (world: World, employeeId: string) =>
  (await world.store.auditTrail({ employeeId, limit: 1_000 })).map(({ kind }) => kind)
async function withPlan(options: Parameters<typeof openWorld>[0] = {}): Promise<World> {
  const world = await openWorld(options)
  await world.app.calls.setDialPlan(null, germany, mia)
  return world
}

describe('before anybody said what dialled numbers mean', () => {
  test('nobody is given a call class, nothing is written, and the command that mends it is named', async () => {
    await using world = await openWorld()
    const input = { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national }
    await expect(world.app.onboard(input, mia)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      // An area code is a site's own, and this one may be anywhere.
      hint: 'say it once, then try again, for example in Germany: `ringfence dial-plan set --country 49 --international 00 --national 0 --emergency 112,110`; `--area` says the area code',
      problems: [{ field: 'calls' }],
    })
    expect(await world.app.employees({})).toEqual([])
    expect((await world.app.handOver.check(input)).problems).toMatchObject([{ field: 'calls' }])
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await expect(world.app.calls.set('1001', national, mia)).rejects.toMatchObject({ problems: [{ field: 'calls' }] })
    expect((await world.app.employee('1001')).calls).toBe(null)
    const roster = 'name,email,extension,model,mac,calls\nBo,bo@example.com,1002,linphone-mobile,,national\n'
    await expect(world.app.importRoster(Buffer.from(roster), mia)).rejects.toMatchObject({
      problems: [{ row: 2, field: 'calls' }],
    })
    expect(await world.app.calls.dialPlans()).toEqual([{ site: { id: 'default', name: 'Main site' }, plan: null }])
  })

  test('doctor says so once somebody has a phone there, where the PBX takes call classes, and until it was said', async () => {
    const notes = async (world: World) =>
      (await world.app.doctor()).checks.filter(({ message }) => message.includes('emergency numbers'))
    await using world = await openWorld()
    expect(await notes(world)).toEqual([])
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    expect(await notes(world)).toMatchObject([
      { area: 'settings', state: 'note', hint: expect.stringContaining('`ringfence dial-plan set --country') },
    ])
    await world.app.calls.setDialPlan(null, germany, mia)
    expect(await notes(world)).toEqual([])
    await using without = await openWorld({ pbx: fakePbx({ callClasses: 'absent' }) })
    await onboarded(without, person('Ada Byron', '1001', 'linphone-desktop'))
    expect(await notes(without)).toEqual([])
  })

  test('with several sites the command names the site, and one that is none is shown as it was typed', async () => {
    const env = { RINGFENCE_PBX2: 'manual', RINGFENCE_PBX2_NAME: 'branch', RINGFENCE_PBX2_SITE: "Ada's Branch" }
    await using world = await withPlan({ env, morePbxs: { branch: fakePbx() } })
    const input = { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national, pbx: 'branch' }
    await expect(world.app.onboard(input, mia)).rejects.toMatchObject({
      hint: expect.stringContaining(" --site 'Ada'\\''s Branch'`"),
    })
    await expect(world.app.calls.setDialPlan('Hamburg', germany, mia)).rejects.toMatchObject({
      message: '"Hamburg" is not a site here',
    })
    await expect(world.app.onboard({ ...input, pbx: 'Paris' }, mia)).rejects.toMatchObject({
      message: '"Paris" is not a PBX here',
    })
    await world.app.calls.setDialPlan("ada's branch", germany, mia)
    await onboarded(world, input)
  })

  test('blocked with countries is refused at every way in, and nothing is written', async () => {
    await using world = await withPlan()
    const calls = { class: 'blocked', countries: ['43'] }
    const refused = { problems: [expect.objectContaining({ field: 'countries' })] }
    const input = { ...person('Ada Byron', '1001', 'linphone-desktop'), calls }
    await expect(world.app.onboard(input, mia)).rejects.toMatchObject(refused)
    expect(await world.app.handOver.check(input)).toMatchObject(refused)
    const roster =
      'name,email,extension,model,mac,calls\nBo,bo@example.com,1002,linphone-mobile,,blocked countries=43\n'
    await expect(world.app.importRoster(Buffer.from(roster), mia)).rejects.toMatchObject(refused)
    expect(await world.app.employees({})).toEqual([])
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await expect(world.app.calls.set('1001', calls, mia)).rejects.toMatchObject(refused)
    expect((await world.app.employee('1001')).calls).toBe(null)
  })

  test('a dial plan without emergency numbers is refused, with every problem', async () => {
    await using world = await openWorld()
    await expect(
      world.app.calls.setDialPlan(null, { ...germany, countryCode: 'de', emergencyNumbers: [] }, mia),
    ).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      problems: [{ field: 'countryCode' }, { field: 'emergencyNumbers' }],
    })
    await expect(world.app.calls.setDialPlan('elsewhere', germany, mia)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect((await world.app.calls.dialPlans())[0]!.plan).toBe(null)
  })
})

describe('somebody who works here', () => {
  test('is given a class with the phone, and the PBX shows that it is in force', async () => {
    await using world = await withPlan()
    const { employee } = await onboarded(world, { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national })
    const view = await world.app.settled(employee.id, 5_000)
    expect(view.calls).toEqual(chosen)
    expect(lineOf(view)).toMatchObject({
      wanted: 'open',
      verdict: 'converged',
      evidence: { summary: 'national countries=43 callsAtOnce=2 in force on Fake PBX 1.0' },
    })
    expect(await inForce(world)).toBe('national countries=43 callsAtOnce=2')
  })

  test('whose class was never chosen has no such line, and the PBX is told nothing', async () => {
    await using world = await withPlan()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    expect(lineOf(await world.app.settled('1001', 5_000))).toBe(undefined)
    expect(await inForce(world)).toBe('none')
  })

  test('gets another class, and none again; each is recorded once', async () => {
    await using world = await withPlan()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await world.app.calls.set('1001', national, mia)
    await world.app.calls.set('1001', national, mia)
    expect((await world.app.settled('1001', 5_000)).calls).toEqual(chosen)
    expect(await inForce(world)).toBe('national countries=43 callsAtOnce=2')
    await world.app.calls.set('1001', { class: 'blocked' }, mia)
    await world.app.settled('1001', 5_000)
    expect(await inForce(world)).toBe('blocked')
    await world.app.calls.set('1001', null, mia)
    const view = await world.app.settled('1001', 5_000)
    expect(lineOf(view)).toMatchObject({ wanted: 'open', verdict: 'converged' })
    expect(await inForce(world)).toBe('none')
    expect((await kindsOf(world, employee.id)).filter((kind) => kind === 'calls.changed')).toHaveLength(3)
    const told = (await world.app.people.happenings('1001')).map(({ text }) => text)
    expect(told).toContain('what may be dialled was changed to: national countries=43 callsAtOnce=2')
  })

  test('what is wrong with a class is told, and nothing is changed', async () => {
    await using world = await withPlan()
    const { employee } = await onboarded(world, { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national })
    for (const wrong of [
      { class: 'everywhere' },
      { class: 'national', countries: ['049x'] },
      { class: 'national', callsAtOnce: 0 },
      { class: 'national', minutesPerDay: Number.NaN },
    ])
      await expect(world.app.calls.set(employee.id, wrong, mia)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect((await world.app.employee('1001')).calls).toEqual(chosen)
    await world.app.offboard('1001', null, mia)
    await expect(world.app.calls.set(employee.id, national, mia)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('keeps the class over a restart, and drift on the PBX is found, recorded and set again', async () => {
    await using first = await withPlan()
    const { employee } = await onboarded(first, { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national })
    await first.app.settled('1001', 5_000)
    await using world = await first.restart()
    expect((await world.app.employee('1001')).calls).toEqual(chosen)
    const [account] = (await world.context.pbxs[0]!.driver.readAccounts(AbortSignal.timeout(1_000))).accounts
    expect(account?.policy).toBe('national countries=43 callsAtOnce=2')
    world.pbx.choose('1001', { ...blockedPolicy, class: 'international' })
    await world.sweep()
    expect(await inForce(world)).toBe('national countries=43 callsAtOnce=2')
    expect(await kindsOf(world, employee.id)).toContain('access.drift')
  })

  test('a PBX that keeps the old class is not called done', async () => {
    await using world = await withPlan()
    await onboarded(world, { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national })
    await world.app.settled('1001', 5_000)
    world.pbx.faults.keepOld = true
    await world.app.calls.set('1001', { class: 'blocked' }, mia)
    expect(lineOf(await world.app.settled('1001', 300))).toMatchObject({
      verdict: 'retrying',
      problem: 'what this extension may dial is not what was chosen',
    })
    world.pbx.faults.keepOld = false
    expect(lineOf(await world.app.settled('1001', 10_000))).toMatchObject({ verdict: 'converged' })
  })

  test('comes out of a roster with a class', async () => {
    await using world = await withPlan()
    const run = await world.app.importRoster(
      Buffer.from(
        'name,email,extension,model,mac,calls\nBo,bo@example.com,1002,linphone-mobile,,local countries=43+41 callsPerDay=20\nCem,cem@example.com,1003,linphone-mobile,,\n',
      ),
      mia,
    )
    await expect.poll(async () => (await world.app.importRun(run.id)).finished).toBe(true)
    expect((await world.app.employee('1002')).calls).toEqual({
      ...blockedPolicy,
      class: 'local',
      countries: ['41', '43'],
      callsPerDay: 20,
    })
    expect((await world.app.employee('1003')).calls).toBe(null)
  })
})

describe('a PBX that takes no call classes', () => {
  test('has a step for a person, which is ticked, and which comes again with another class', async () => {
    await using world = await withPlan({ pbx: 'manual' })
    await onboarded(world, { ...person('Ada Byron', '1001', 'linphone-desktop'), calls: national })
    const waiting = lineOf(await world.app.settled('1001', 5_000))
    expect(waiting).toMatchObject({
      verdict: 'waiting',
      problem: expect.stringContaining('national calls; besides +43'),
    })
    await world.app.acknowledge('1001', 'extension', null, mia)
    expect(lineOf(await world.app.employee('1001'))?.acknowledged).toMatchObject({ by: 'Mia' })
    await world.app.calls.set('1001', { class: 'internal' }, mia)
    const again = lineOf(await world.app.settled('1001', 5_000))
    expect(again).toMatchObject({ problem: expect.stringContaining('internal calls only'), acknowledged: null })
    await world.app.offboard('1001', null, mia)
    const left = await world.app.settled('1001', 5_000)
    // By hand, the step for the account says it all.
    expect(left.access.filter(({ system }) => system === 'extension')).toEqual([])
    expect((await world.app.people.openSteps()).map(({ system }) => system)).toEqual(['sip-account'])
  })
})
