import { describe, expect, test } from 'vitest'
import { allShut, doors, kindsOf, registered, soon, verdictsOf } from './leaver.ts'
import { mia, offboarded, onboarded, openWorld, person } from './world.ts'

describe('offboarding', () => {
  test('shuts every door, proves each one, and freezes the leaver file', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await onboarded(world, person('Ben Li', '1002', 'linphone-desktop'))
    const ada = await registered(world, '1001')
    const ben = await registered(world, '1002')
    const bens = (await world.hub.listPeers(soon())).filter(({ allowedIps }) => allowedIps.includes('10.77.0.3/32'))

    const clicked = await world.app.offboard('ada@example.com', 'left for the sea', mia)
    expect(clicked).toMatchObject({
      lifecycle: expect.stringMatching(/^offboard/),
      offboardRequestedAt: expect.any(String),
    })
    const left = await world.app.settled('1001', 5_000)
    expect(left.lifecycle).toBe('offboarded')
    expect(verdictsOf(left)).toEqual(allShut)
    expect(left.access.every(({ evidence }) => evidence !== null && evidence.summary !== '')).toBe(true)

    expect(await world.hub.listPeers(soon())).toEqual(bens)
    expect((await world.hub.readFirewall(soon())).admitted).toEqual(['10.77.0.3/32'])
    expect(world.pbx.register(ada)).toBe(401)
    expect(world.pbx.register(ben)).toBe(200)
    const { accounts } = await world.pbx.driver.readAccounts(soon())
    expect(accounts.map(({ extension, calls }) => [extension, calls.length])).toEqual([['1002', 1]])
    const serial = employee.handsets[0]!.certificate!.serial
    expect((await world.store.revokedCertificates(new Date().toISOString())).map((row) => row.serial)).toEqual([serial])

    const file = await world.app.report('1001')
    expect(file).toMatchObject({
      version: 1,
      complete: true,
      employee: { name: 'Ada Byron', email: 'ada@example.com', extension: '1001' },
      requestedBy: 'Mia',
      reason: 'left for the sea',
      handsets: [{ model: 'linphone-desktop', mac: null, certificateSerials: [serial] }],
      addenda: [],
    })
    expect(file.doors.map(({ system, verdict }) => [system, verdict])).toEqual(doors.map((name) => [name, 'converged']))
    expect(file.durationMs).toBeGreaterThanOrEqual(0)
    const kinds = await kindsOf(world, employee.id)
    for (const kind of ['employee.offboarding-requested', 'employee.offboarded'])
      expect(kinds.filter((one) => one === kind)).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'access.closed')).toHaveLength(6)
    expect(await world.store.verifyAuditChain()).toBeNull()
  })

  test('keeps nothing sealed: what is shut needs no secret', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ben Li', '1002', 'linphone-desktop', 'yealink-t54w=805ec0aabb01'))
    await offboarded(world, '1002')
    const rows = [
      ...(await world.store.find('tunnel', {})),
      ...(await world.store.find('certificate', {})),
      ...(await world.store.find('sipCredential', {})),
    ]
    for (const row of rows)
      for (const [name, value] of Object.entries(row)) if (name.endsWith('Sealed')) expect(value, name).toBeNull()
  })

  test('asked for twice, also in the same moment, is done once', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const answers = await Promise.all([1, 2, 3, 4].map(() => world.app.offboard('1001', null, mia)))
    expect(new Set(answers.map(({ offboardRequestedAt }) => offboardRequestedAt)).size).toBe(1)
    await world.app.settled('1001', 5_000)
    const file = await world.app.report('1001')
    await world.app.offboard('1001', 'another reason', { ...mia, name: 'Noor' })
    await world.app.settled('1001', 5_000)
    const again = await world.app.report('1001')
    expect({ ...again, auditHead: null }).toEqual({ ...file, auditHead: null })
    const kinds = await kindsOf(world, employee.id)
    for (const kind of ['employee.offboarding-requested', 'employee.offboarded'])
      expect(kinds.filter((one) => one === kind)).toHaveLength(1)
  })

  test('in the same moment as a new handset leaves no door open, whoever comes first', async () => {
    await using world = await openWorld()
    for (let round = 0; round < 5; round++) {
      const extension = `110${round}`
      await onboarded(world, person(`P${round}`, extension, 'linphone-mobile'))
      const added = world.app.addHandset(extension, { model: 'linphone-desktop' }, mia)
      const invited = world.app.invite(extension, mia)
      for (let tick = 0; tick < round * 3; tick++) await Promise.resolve()
      const left = world.app.offboard(extension, null, mia)
      await Promise.allSettled([added, invited, left])
      const { access, lifecycle, handsets } = await world.app.settled(extension, 5_000)
      expect(lifecycle).toBe('offboarded')
      expect(access.filter(({ wanted }) => wanted === 'open')).toEqual([])
      expect(handsets.every(({ removedAt }) => removedAt !== null)).toBe(true)
    }
    expect(await world.hub.listPeers(soon())).toEqual([])
    expect((await world.pbx.driver.readAccounts(soon())).accounts).toEqual([])
  })

  test('leaves nothing half done when the database breaks at any point of the click', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ben Li', '1002', 'linphone-desktop', 'yealink-t54w=805ec0aabb01'))
    await world.loop.stop()
    let failures = 0
    for (let at = 0; ; at++) {
      world.store.failAt = at
      const done = await world.app.offboard('1002', null, mia).catch(() => null)
      if (done && world.store.writes < at) break
      expect(done).toBeNull()
      expect(await world.app.employee('1002')).toMatchObject({ lifecycle: 'active', offboardRequestedAt: null })
      expect(await world.store.find('tombstone', {})).toEqual([])
      expect(await world.store.find('handset', { removedAt: null })).toHaveLength(2)
      failures += 1
    }
    expect(failures).toBeGreaterThan(10)
    expect((await world.store.find('tombstone', {})).length).toBeGreaterThan(5)
  })

  test('cut off by a crash right after the click goes on at the next start', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await world.loop.stop()
    await world.app.offboard('1001', null, mia)
    expect(await world.hub.listPeers(soon())).toHaveLength(1)
    await using later = await world.restart()
    expect(verdictsOf(await later.app.settled('1001', 5_000))).toEqual(allShut)
    expect(await later.hub.listPeers(soon())).toEqual([])
  })
})
