import { copyFile, rm } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { completeOffboardings } from '../../src/journeys/complete-offboarding.ts'
import { allShut, doors, registered, soon, verdictsOf } from './leaver.ts'
import { handsetOf, mia, offboarded, onboarded, openWorld, person, type World } from './world.ts'

describe('after the offboarding', () => {
  test('what is put back is seen, shut again and added to the leaver file, which itself stays', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const key = employee.tunnels[0]!.publicKey!
    await offboarded(world, '1001')
    const frozen = (await world.store.get('employee', employee.id))!.leaverFile
    const before = await world.app.report('1001')
    await world.travel(1)
    await world.hub.addForeignPeer(key, ['10.77.0.2/32'])
    await world.sweep()
    expect(await world.hub.listPeers(soon())).toEqual([])
    const after = await world.app.report('1001')
    expect((await world.store.get('employee', employee.id))!.leaverFile).toBe(frozen)
    expect({ ...after, addenda: [], auditHead: null }).toEqual({ ...before, addenda: [], auditHead: null })
    expect(after.addenda).toMatchObject([{ kind: 'access.drift', summary: expect.stringContaining('still present') }])
    expect(after.auditHead!.position).toBeGreaterThan(before.auditHead!.position)
  })

  test('of two phones of one leaver the frozen file says the most that is true: the extension serves no phone any more', async () => {
    const wide = expect.stringMatching(/no such credential, no registration, no call$/)
    const logins = async (world: World) =>
      (await world.app.report('1002')).doors.flatMap(({ system, evidence }) =>
        system === 'sip-account' ? [evidence?.summary] : [],
      )
    for (const takenBefore of [false, true]) {
      await using world = await openWorld()
      const ben = person('Ben Li', '1002', 'linphone-desktop', 'yealink-t54w=805ec0aabb01')
      const { employee } = await onboarded(world, ben)
      if (takenBefore) {
        await world.app.removeHandset(handsetOf(employee, 'yealink-t54w').id, mia)
        await world.app.settled('1002', 5_000)
      }
      await offboarded(world, '1002')
      expect(await logins(world), `one taken back before: ${takenBefore}`).toEqual([wide, wide])
    }
  })

  test('completing again changes nothing', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await offboarded(world, '1001')
    const before = await world.store.get('employee', employee.id)
    await completeOffboardings(world.context, [employee.id])
    expect(await world.store.get('employee', employee.id)).toEqual(before)
  })

  test('a rehire gets new everything, and the old doors stay shut', async () => {
    await using world = await openWorld()
    const first = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const old = await registered(world, '1001')
    await offboarded(world, '1001')
    const second = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await world.sweep()
    expect(second.employee.id).not.toBe(first.employee.id)
    expect(second.employee.handsets[0]!.certificate!.serial).not.toBe(first.employee.handsets[0]!.certificate!.serial)
    expect(second.employee.tunnels[0]!.publicKey).not.toBe(first.employee.tunnels[0]!.publicKey)
    expect(second.employee.tunnels[0]!.addresses).not.toEqual(first.employee.tunnels[0]!.addresses)
    expect(world.pbx.register(old)).toBe(401)
    await registered(world, '1001')
    expect((await world.app.employee('1001')).id).toBe(second.employee.id)
    expect((await world.app.employee(first.employee.id)).lifecycle).toBe('offboarded')
  })

  test('the next owner of the extension is never shut by the tombstone of the last', async () => {
    await using world = await openWorld()
    const ada = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await registered(world, '1001')
    await offboarded(world, '1001')
    await onboarded(world, person('Ben Li', '1001', 'linphone-desktop'))
    const ben = await registered(world, '1001')
    for (let round = 0; round < 3; round++) await world.sweep()
    const { accounts } = await world.pbx.driver.readAccounts(soon())
    expect(accounts).toMatchObject([{ extension: '1001', registrations: [{}], calls: [{}] }])
    expect(world.pbx.register(ben)).toBe(200)
    expect((await world.app.settled('1001', 5_000)).access.every(({ verdict }) => verdict === 'converged')).toBe(true)
    expect(verdictsOf(await world.app.employee(ada.employee.id))).toEqual(allShut)
    // And in the other order: the leaver's shut account is looked at while the next owner calls.
    await using later = await world.restart()
    await later.sweep()
    expect((await later.pbx.driver.readAccounts(soon())).accounts).toMatchObject([{ calls: [{}] }])
  })

  test('an address rests for 30 days before somebody else gets it', async () => {
    // Room for five: the hub has the first address.
    await using world = await openWorld({ env: { RINGFENCE_HUB_SUBNET: '10.77.0.0/29' } })
    const all = ['10.77.0.2/32', '10.77.0.3/32', '10.77.0.4/32', '10.77.0.5/32', '10.77.0.6/32']
    const first = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    for (const number of [3, 4, 5, 6]) await onboarded(world, person(`P${number}`, `100${number}`, 'linphone-mobile'))
    expect(first.employee.tunnels[0]!.addresses).toEqual(['10.77.0.2/32'])
    await offboarded(world, '1001')
    for (const days of [0, 29.9]) {
      await world.travel(days)
      await expect(world.app.onboard(person('Ben Li', '1002', 'linphone-mobile'), mia)).rejects.toMatchObject({
        code: 'ADDRESS_POOL_EXHAUSTED',
      })
    }
    await world.travel(0.2)
    const second = await onboarded(world, person('Ben Li', '1002', 'linphone-mobile'))
    expect(second.employee.tunnels[0]!.addresses).toEqual(['10.77.0.2/32'])
    await world.sweep()
    await world.sweep()
    // The tombstone of the last holder does not shut the new one out.
    expect((await world.hub.readFirewall(soon())).admitted).toEqual(all)
    expect((await world.app.settled('1002', 5_000)).access.every(({ verdict }) => verdict === 'converged')).toBe(true)
    const { certificate: _, ...allButCertificate } = allShut
    expect(verdictsOf(await world.app.employee(first.employee.id))).toEqual(allButCertificate)
  })

  test('a database from before the offboarding is kept shut by the journal', async () => {
    await using world = await openWorld()
    const { employee, provisioningUrls } = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await onboarded(world, person('Ben Li', '1002', 'linphone-mobile'))
    await using before = await world.restart()
    await before.stop()
    const path = `${before.folder}/ringfence.db`
    await copyFile(path, `${path}.backup`)
    await using leaving = await before.restart()
    await offboarded(leaving, '1001')
    await leaving.stop()
    for (const suffix of ['-wal', '-shm']) await rm(`${path}${suffix}`, { force: true })
    await copyFile(`${path}.backup`, path)

    await using restored = await leaving.restart()
    const left = await restored.app.settled(employee.id, 5_000)
    expect(left.lifecycle).toBe('offboarded')
    expect(verdictsOf(left)).toEqual(allShut)
    expect(await restored.hub.listPeers(soon())).toMatchObject([{ allowedIps: ['10.77.0.3/32'] }])
    for (const url of Object.values(provisioningUrls)) expect(await restored.fetch(url, 'linphone.xml')).toBeNull()
    expect((await restored.app.employee('1002')).lifecycle).toBe('active')
  })

  test('erasing forgets the person and keeps the proof', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await expect(world.app.erase('1001', mia)).rejects.toMatchObject({ code: 'CONFLICT' })
    await offboarded(world, '1001')
    await world.app.erase(employee.id, mia)
    expect(await world.app.employee(employee.id)).toMatchObject({
      name: 'erased',
      lifecycle: 'offboarded',
      extension: '1001',
    })
    const file = await world.app.report(employee.id)
    expect(file).toMatchObject({ complete: true, employee: { name: 'erased' } })
    expect(file.doors.map(({ verdict }) => verdict)).toEqual(doors.map(() => 'converged'))
    expect(
      JSON.stringify([await world.app.employees({}), file, await world.store.auditTrail({ limit: 1_000 })]),
    ).not.toMatch(/Byron|ada@example/)
    expect(await world.store.verifyAuditChain()).toBeNull()
    // Still watched, without the name.
    await world.hub.addForeignPeer(employee.tunnels[0]!.publicKey!, [])
    await world.sweep()
    expect(await world.hub.listPeers(soon())).toEqual([])
    await expect(world.app.employee('ada@example.com')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
