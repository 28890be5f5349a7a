import { describe, expect, test } from 'vitest'
import { type FakePbx, fakePbx } from '../fakes/fake-pbx.ts'
import { branchSettings, onBranch, openTwo } from './two-pbxs.ts'
import { mia, offboarded, onboarded, person } from './world.ts'

describe('two PBXs', () => {
  test('each hold their own people only, also where both have the same extension', async () => {
    const branch = fakePbx()
    await using world = await openTwo(branch)
    const ada = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const bo = await onboarded(world, onBranch('Bo Berg', '1001', 'linphone-mobile'))
    expect([ada.employee.pbx, bo.employee.pbx]).toEqual(['office', 'branch'])
    const named = (pbx: FakePbx) =>
      JSON.parse(pbx.snapshot()).accounts.map((one: { extension: string }) => one.extension)
    expect([named(world.pbx), named(branch)]).toEqual([['1001'], ['1001']])
    for (const { employee } of [ada, bo]) {
      const lines = (await world.app.employee(employee.id)).access.filter(({ system }) => system === 'sip-account')
      expect(lines).toMatchObject([
        { verdict: 'converged', instance: employee.pbx === 'office' ? 'default' : 'branch' },
      ])
    }
    expect((await world.store.get('employee', bo.employee.id))?.siteId).toBe('branch-office')
  })

  test('a leaver of the branch is shut while the PBX of the office is down, and nobody waits for it', async () => {
    const branch = fakePbx()
    await using world = await openTwo(branch)
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await onboarded(world, onBranch('Bo Berg', '1001', 'linphone-mobile'))
    const before = world.pbx.snapshot()
    world.pbx.faults.down = true
    const left = await offboarded(world, '1001@branch')
    expect(left).toMatchObject({ name: 'Bo Berg', lifecycle: 'offboarded' })
    expect(JSON.parse(branch.snapshot()).accounts).toEqual([])
    expect((await world.app.report('bo@example.com')).complete).toBe(true)
    world.pbx.faults.down = false
    await world.sweep()
    expect(world.pbx.snapshot()).toBe(before)
    expect((await world.app.employee('ada@example.com')).lifecycle).toBe('active')
  })

  test('a leaver of the office waits for the office’s own PBX, and the branch never hears of it', async () => {
    const branch = fakePbx()
    await using world = await openTwo(branch)
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await onboarded(world, onBranch('Bo Berg', '1001', 'linphone-mobile'))
    const untouched = branch.snapshot()
    const applied = branch.counts.apply
    world.pbx.faults.down = true
    await world.app.offboard('1001@office', null, mia)
    const stuck = await world.app.settled('ada@example.com', 300)
    expect(stuck.lifecycle).toBe('offboarding')
    expect(stuck.access.filter(({ verdict }) => verdict !== 'converged').map(({ system }) => system)).toEqual([
      'extension',
      'sip-account',
    ])
    world.pbx.faults.down = false
    expect((await world.app.settled('ada@example.com', 10_000)).lifecycle).toBe('offboarded')
    expect([branch.snapshot(), branch.counts.apply, branch.counts.disconnect]).toEqual([untouched, applied, 0])
  })

  test('a number that is taken is named with its PBX and its holder', async () => {
    await using world = await openTwo()
    await onboarded(world, onBranch('Bo Berg', '1001', 'linphone-mobile'))
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const cy = onBranch('Cy Cole', '1001', 'linphone-mobile')
    await expect(world.app.onboard(cy, mia)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'extension 1001 is in use on PBX branch',
      hint: 'Bo Berg <bo@example.com> holds it: offboard them first, or choose another',
    })
    const csv = 'name,email,extension,model,mac,pbx\nCy Cole,cy@example.com,1001,linphone-mobile,,branch'
    await expect(world.app.importRoster(Buffer.from(csv), mia)).rejects.toMatchObject({
      problems: [{ row: 2, field: 'extension', message: 'extension 1001 is in use on PBX branch' }],
    })
  })

  test('the same extension on both is asked back, with both names, and nobody is guessed', async () => {
    await using world = await openTwo()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await onboarded(world, onBranch('Bo Berg', '1001', 'linphone-mobile'))
    await expect(world.app.offboard('1001', null, mia)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'extension 1001 is on 2 PBXs: 1001@branch, 1001@office',
    })
    expect((await world.app.employee('1001@branch')).name).toBe('Bo Berg')
    // The first PBX goes by the name in the database too.
    expect((await world.app.employee('1001@default')).name).toBe('Ada Byron')
    await expect(world.app.employee('1001@elsewhere')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await offboarded(world, '1001@branch')
    // Whoever looks for the leaver must not meet the colleague of the same number.
    await expect(world.app.employee('1001')).rejects.toMatchObject({ code: 'CONFLICT' })
    expect((await world.app.employee('1001@office')).name).toBe('Ada Byron')
  })

  test('each phone is told the host, port, realm and reachable address of its own', async () => {
    await using world = await openTwo()
    const ada = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const bo = await onboarded(world, onBranch('Bo Berg', '1002', 'linphone-mobile'))
    const file = async ({ provisioningUrls }: typeof ada) =>
      (await world.fetch(Object.values(provisioningUrls)[0]!, 'linphone.xml'))!.body
    expect(await file(bo)).toMatch(/branch\.example\.com[^<]*6061/)
    expect(await file(bo)).not.toContain('pbx.example.com')
    expect(await file(ada)).not.toContain('branch')
    const allowed = async ({ invite }: typeof ada) => {
      const view = await world.app.join(invite.url.split('/').at(-1)!)
      return /AllowedIPs = (.*)/.exec(view!.handsets[0]!.tunnel!.configuration!.reveal())![1]!.split(', ')
    }
    expect(await allowed(ada)).toEqual(['10.77.0.1/32', '10.90.0.2/32'])
    expect(await allowed(bo)).toEqual(['10.77.0.1/32', '10.90.1.2/32'])
  })

  test('a phone is told to fetch by its own PBX alone', async () => {
    const branch = fakePbx()
    await using world = await openTwo(branch)
    const mac = '80:5e:c0:aa:bb:01'
    const bo = await onboarded(world, onBranch('Bo Berg', '1002', `yealink-t54w=${mac}`))
    const [handset] = bo.employee.handsets
    const [secret] = await world.app.showSecrets('1002@branch', mia)
    branch.register({
      extension: '1002',
      username: secret!.username,
      secret: secret!.secret.reveal(),
      address: bo.employee.tunnels[0]!.addresses[0]!.split('/')[0]!,
    })
    world.pbx.faults.down = true
    expect(await world.app.resyncHandset(handset!.id, mia)).toMatchObject({ outcome: 'told' })
    expect([branch.notified.length, world.pbx.counts.notify]).toEqual([1, 0])
  })

  test('a leaver’s certificate is said to be in a list that their own PBX never asks for, if it does not', async () => {
    await using world = await openTwo(fakePbx({ revocationLists: 'enforced' }))
    await onboarded(world, person('Ada Byron', '1001', 'yealink-t54w=80:5e:c0:aa:bb:01'))
    await onboarded(world, onBranch('Bo Berg', '1002', 'yealink-t54w=80:5e:c0:aa:bb:02'))
    const evidenceOf = async (who: string) =>
      (await offboarded(world, who)).access.find(({ system }) => system === 'certificate')?.evidence?.summary
    expect(await evidenceOf('1001')).toMatch(/; PBX office does not check revocation lists$/)
    expect(await evidenceOf('1002')).not.toContain('check')
  })

  test('doctor says in one short line how much each can do; the list has all of it in words', async () => {
    await using world = await openTwo(fakePbx({ revocationLists: 'enforced' }))
    const { checks } = await world.app.doctor()
    const notes = checks.filter(({ message }) => message.includes('asks of a PBX'))
    const [office, branch] = world.app.pbxs.list().map(({ can, cannot }) => [can.length, can.length + cannot.length])
    expect(notes.map(({ message }) => message)).toEqual([
      `PBX office: does ${office!.join(' of ')} things that Ringfence asks of a PBX`,
      `PBX branch: does ${branch!.join(' of ')} things that Ringfence asks of a PBX`,
    ])
    expect(branch![0]).toBe(office![0]! + 1)
    expect(notes.map(({ hint }) => hint)).toEqual(
      world.app.pbxs
        .list()
        .map(({ cannot }) => `it cannot ${cannot.join(', ')}; \`ringfence pbx list\` names what it can`),
    )
    expect(notes[0]!.hint).toContain('refuse revoked certificates')
    expect(notes[1]!.hint).not.toContain('refuse revoked certificates')
    for (const { message } of checks) expect(message.length).toBeLessThan(200)
  })

  test('an unknown name of a PBX is refused with the names that there are', async () => {
    await using world = await openTwo()
    await expect(
      world.app.onboard({ ...person('Ada Byron', '1001', 'linphone-mobile'), pbx: 'paris' }, mia),
    ).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: '"paris" is not a PBX here',
      hint: 'one of office, branch',
    })
    expect((await world.app.employees({})).length).toBe(0)
  })

  test('a home gateway that was set up for one PBX takes no phone of another', async () => {
    await using world = await openTwo()
    const deskPhone = 'snom-d785=00:04:13:aa:bb:01'
    await onboarded(world, person('Ada Byron', '1001', deskPhone))
    const joining = { ...onBranch('Bo Berg', '1001', 'snom-d785=00:04:13:aa:bb:02'), gatewayOf: 'ada@example.com' }
    await expect(world.app.onboard(joining, mia)).rejects.toMatchObject({
      message: 'this home gateway carries phones of PBX office alone',
    })
    await expect(world.app.onboard({ ...joining, pbx: 'office', extension: '1002' }, mia)).resolves.toBeTruthy()
  })

  test('a roster says which by its column, and may have the same extension on both', async () => {
    const branch = fakePbx()
    await using world = await openTwo(branch)
    const csv = [
      'name,email,extension,model,mac,pbx',
      'Ada Byron,ada@example.com,1001,linphone-mobile,,',
      'Bo Berg,bo@example.com,1001,linphone-mobile,,branch',
      'Cy Cole,cy@example.com,1002,linphone-mobile,,Office',
    ].join('\n')
    const run = await world.app.importRoster(Buffer.from(csv), mia)
    await world.imports.stop()
    const people = (await world.app.importRun(run.id)).people
    expect(people.map(({ state }) => state)).toEqual(['onboarded', 'onboarded', 'onboarded'])
    expect(new Set(people.map(({ inviteUrl }) => inviteUrl)).size).toBe(3)
    const pbxs = await Promise.all(people.map(async ({ email }) => (await world.app.employee(email)).pbx))
    expect(pbxs).toEqual(['office', 'branch', 'office'])
    const wrong = csv.replace(',branch', ',paris').replace('cy@example.com,1002', 'dee@example.com,1002')
    await expect(world.app.importRoster(Buffer.from(wrong), mia)).rejects.toMatchObject({
      problems: expect.arrayContaining([
        expect.objectContaining({ row: 3, field: 'pbx', message: '"paris" is not a PBX here' }),
      ]),
    })
  })

  test('only the phones of a PBX whose name changed are out of date', async () => {
    await using world = await openTwo()
    const ada = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const bo = await onboarded(world, onBranch('Bo Berg', '1001', 'linphone-mobile'))
    await using moved = await world.restart({
      env: { ...branchSettings, RINGFENCE_PBX2_HOST: 'new-branch.example.com' },
    })
    const stale = await moved.app.handsets.page({ attention: 'stale', limit: 10 })
    expect(stale.handsets.map(({ handset }) => handset.id)).toEqual(bo.employee.handsets.map(({ id }) => id))
    const since = async (id: string) => (await moved.app.handsets.one(id)).staleSince
    expect(await since(ada.employee.handsets[0]!.id)).toBe(null)
    expect(await since(bo.employee.handsets[0]!.id)).not.toBe(null)
    const { checks } = await moved.app.doctor()
    expect(checks.filter(({ area, state }) => area === 'settings' && state === 'problem')).toMatchObject([
      { message: expect.stringContaining('bo@example.com') },
    ])
  })
})
