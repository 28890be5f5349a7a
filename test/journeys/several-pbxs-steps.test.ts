import { describe, expect, test } from 'vitest'
import { manualDriver } from '../../src/pbx/manual.ts'
import { fakePbx } from '../fakes/fake-pbx.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { branchSettings, onBranch, openTwo } from './two-pbxs.ts'
import { mia, offboarded, onboarded, openWorld, person, type WorldOptions } from './world.ts'

describe('a step on one of two PBXs', () => {
  const byHand = () => ({ driver: manualDriver({ name: 'the PBX', realm: 'asterisk' }) })
  const openByHand = (options: WorldOptions = {}) =>
    openWorld({
      pbx: 'manual',
      ...options,
      env: { ...branchSettings, ...options.env },
      morePbxs: { branch: byHand() },
    })
  const commandsIn = (text: string) =>
    [...text.matchAll(/ringfence (?:secret|acknowledge) (\S+?)[`\s]/g)].map(([, who]) => who)

  test('says on which, and every command that it prints names its person alone', async () => {
    await using world = await openByHand()
    await onboarded(world, { ...person('Ada Byron', '1001', 'linphone-mobile'), calls: undefined })
    await onboarded(world, onBranch('Bo Berg', '1001', 'linphone-mobile'))
    for (const [email, pbx, place] of [
      ['ada@example.com', 'office', { name: 'office', site: 'Main site', address: '10.90.0.2' }],
      ['bo@example.com', 'branch', { name: 'branch', site: 'Branch office', address: '10.90.1.2' }],
    ] as const) {
      const { id, access } = await world.app.employee(email)
      const line = access.find(({ system }) => system === 'sip-account')!
      expect(line.problem).toContain(`On PBX ${pbx}, create extension 1001 or`)
      expect(line.evidence?.summary).toMatch(new RegExp(`^PBX ${pbx} `))
      const { sheets } = await world.app.people.stepsOf(email)
      expect(sheets).toMatchObject([{ who: `1001@${pbx}`, extension: '1001', pbx: place }])
      const open = (await world.app.people.openSteps()).filter(({ employeeId }) => employeeId === id)
      expect(open).toMatchObject([{ who: `1001@${pbx}`, pbx: place }])
      const said = [line.problem, line.hint, ...sheets.flatMap(({ parts, step }) => [...parts, step])].join('\n')
      expect(new Set(commandsIn(said))).toEqual(new Set([`1001@${pbx}`]))
      expect((await world.app.employee(`1001@${pbx}`)).id).toBe(id)
    }
    await offboarded(world, '1001@branch')
    await world.app.acknowledge('1001@branch', 'sip-account', null, mia)
    const file = await world.app.report('bo@example.com')
    expect(file).toMatchObject({
      complete: true,
      employee: { extension: '1001', pbx: { name: 'branch', site: 'Branch office', address: '10.90.1.2' } },
    })
    expect(file.doors.find(({ system }) => system === 'sip-account')?.problem).toContain('On PBX branch, block')
  })

  test('also where it is about what somebody may dial', async () => {
    await using world = await openByHand()
    await world.app.calls.setDialPlan(null, germany, mia)
    await onboarded(world, { ...person('Ada Byron', '1001', 'linphone-mobile'), calls: { class: 'national' } })
    const line = (await world.app.employee('1001')).access.find(({ system }) => system === 'extension')!
    expect(line.problem).toMatch(/^On PBX office, set the outbound permission of extension 1001 /)
    expect(line.hint).toBe('do the step, then `ringfence acknowledge 1001@office extension`')
  })

  test('has been open since it was asked for, and stays ticked, when another PBX joins', async () => {
    await using alone = await openWorld({ pbx: 'manual' })
    await onboarded(alone, person('Ada Byron', '1001', 'linphone-mobile'))
    await onboarded(alone, person('Cy Cole', '1002', 'linphone-mobile'))
    await alone.app.acknowledge('1002', 'sip-account', null, mia)
    const [before, ...others] = await alone.app.people.openSteps()
    expect(others).toEqual([])
    expect(before).toMatchObject({ who: '1001', step: expect.stringContaining('On the PBX, create') })
    await using both = await alone.restart({ pbx: 'manual', env: branchSettings, morePbxs: { branch: byHand() } })
    await both.travel(1)
    const after = await both.app.people.openSteps()
    expect(after).toMatchObject([
      { who: '1001@office', at: before!.at, step: expect.stringContaining('On PBX office, ') },
    ])
  })
})

test('a step whose words change has been open since it was first asked for; once ticked, it is asked for anew', async () => {
  const calledBy = (name: string) => ({
    pbx: 'manual' as const,
    env: branchSettings,
    morePbxs: { branch: { driver: manualDriver({ name, realm: 'asterisk' }) } },
  })
  await using world = await openWorld(calledBy('the exchange'))
  await onboarded(world, onBranch('Bo Berg', '1001', 'linphone-mobile'))
  const [before] = await world.app.people.openSteps()
  await world.travel(1)
  await using renamed = await world.restart(calledBy('the switch'))
  const [after] = await renamed.app.people.openSteps()
  expect(after).toMatchObject({ at: before!.at, step: expect.stringContaining('On the switch, ') })
  await renamed.app.acknowledge('1001', 'sip-account', null, mia)
  await renamed.travel(1)
  await using again = await renamed.restart(calledBy('the exchange'))
  const [anew] = await again.app.people.openSteps()
  expect(anew!.step).toContain('On the exchange, ')
  expect(Date.parse(anew!.at)).toBeGreaterThan(Date.parse(before!.at) + 86_400_000)
})

describe('a PBX that left the settings while people hold extensions on it', () => {
  const onlyOffice = { RINGFENCE_PBX_NAME: 'office' }

  test('is named as a problem, shuts nothing in secret, and is done with once a person does its steps', async () => {
    const branch = fakePbx()
    await using world = await openTwo(branch)
    await onboarded(world, onBranch('Bo Berg', '1001', 'linphone-mobile'))
    const accounts = branch.snapshot()
    await using bare = await world.restart({ env: onlyOffice, morePbxs: {} })
    const { checks } = await bare.app.doctor()
    expect(checks).toContainEqual(
      expect.objectContaining({
        area: 'pbx',
        state: 'problem',
        message: expect.stringContaining('PBX branch is not among the settings any more'),
        hint: expect.stringContaining('RINGFENCE_PBX2_NAME=branch'),
      }),
    )
    expect(bare.app.pbxs.list()).toMatchObject([{ name: 'office' }, { name: 'branch', configured: false }])
    await expect(bare.app.addHandset('1001@branch', { model: 'linphone-desktop' }, mia)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'PBX branch is not among the settings any more',
    })
    await bare.app.offboard('1001@branch', null, mia)
    const stuck = await bare.app.settled('bo@example.com', 300)
    expect(stuck.lifecycle).toBe('offboarding')
    expect(stuck.access.filter(({ system }) => system === 'sip-account')).toMatchObject([
      { verdict: 'retrying', problem: 'PBX branch is not among the settings any more' },
    ])
    expect(branch.snapshot()).toBe(accounts)

    await using byHand = await bare.restart({ env: branchSettings, pbx: 'manual' })
    await byHand.sweep()
    const waiting = await byHand.app.settled('bo@example.com', 5_000)
    expect(waiting.access.filter(({ system }) => system === 'sip-account')).toMatchObject([{ verdict: 'waiting' }])
    await byHand.app.acknowledge('bo@example.com', 'sip-account', null, mia)
    expect((await byHand.app.employee('bo@example.com')).lifecycle).toBe('offboarded')
  })

  test('is not spoken of once nobody is left on it', async () => {
    await using world = await openTwo()
    await onboarded(world, onBranch('Bo Berg', '1001', 'linphone-mobile'))
    await offboarded(world, '1001')
    await using bare = await world.restart({ env: onlyOffice, morePbxs: {} })
    expect(bare.app.pbxs.list()).toMatchObject([{ name: 'office' }])
    expect((await bare.app.doctor()).checks.filter(({ area, state }) => area === 'pbx' && state === 'problem')).toEqual(
      [],
    )
    expect((await bare.app.employee('bo@example.com')).pbx).toBe('branch')
  })
})
