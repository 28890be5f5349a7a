import { copyFile, rm } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { EmployeeView } from '../../src/journeys/application.ts'
import { completeOffboardings } from '../../src/journeys/complete-offboarding.ts'
import { fakeHub } from '../fakes/fake-hub.ts'
import { handsetOf, mia, offboarded, onboarded, openWorld, person, type World } from './world.ts'

const soon = () => AbortSignal.timeout(1_000)
const doors = ['phone-door', 'tunnel', 'firewall', 'certificate', 'extension', 'sip-account']
const verdictsOf = ({ access }: EmployeeView) =>
  Object.fromEntries(access.filter(({ wanted }) => wanted === 'closed').map(({ system, verdict }) => [system, verdict]))
const allShut = Object.fromEntries(doors.map((name) => [name, 'converged']))

/** The phone's account as it stands in its file; registered and in a call. */
async function registered(world: World, extension: string) {
  const { id } = (await world.app.employee(extension)).handsets[0]!
  const [credential] = await world.store.find('sipCredential', { handsetId: id })
  const { username, generation, secretSealed } = credential!
  const secret = world.context.vault.open(secretSealed!, `sip:${credential!.id}:${generation}`).reveal()
  const [address] = (await world.app.employee(extension)).tunnels[0]!.addresses
  const phone = { extension, username, secret, address: address!.split('/')[0]! }
  expect(world.pbx.register(phone)).toBe(200)
  expect(world.pbx.call(phone)).toBe(200)
  return phone
}

async function kindsOf(world: World, employeeId: string): Promise<string[]> {
  return (await world.store.auditTrail({ employeeId, limit: 1_000 })).map(({ kind }) => kind)
}

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

describe('while a system is away', () => {
  test('the PBX keeps nobody else waiting, and its door shuts by itself when it is back', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const phone = await registered(world, '1001')
    world.pbx.faults.down = true
    await world.app.offboard('1001', null, mia)
    const soonAfter = await world.app.settled('1001', 300)
    expect(soonAfter.lifecycle).toBe('offboarding')
    expect(verdictsOf(soonAfter)).toEqual({ ...allShut, extension: 'retrying', 'sip-account': 'retrying' })
    expect(soonAfter.access.find(({ system }) => system === 'sip-account')).toMatchObject({
      problem: 'the PBX is not reachable',
      hint: 'start it',
      nextTryAt: expect.any(String),
    })
    expect(await world.app.report('1001')).toMatchObject({ complete: false, completedAt: null })
    await expect(world.app.acknowledge('1001', 'sip-account', null, mia)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('still being tried'),
      // What keeps her out meanwhile, and what to do if it never comes back.
      hint: expect.stringMatching(/seen shut meanwhile: .*firewall.*tunnel.*RINGFENCE_PBX=manual.*ticked/),
    })
    await expect(world.app.erase('1001', mia)).rejects.toMatchObject({ code: 'CONFLICT' })

    world.pbx.faults.down = false
    const left = await world.app.settled('1001', 10_000)
    expect(left.lifecycle).toBe('offboarded')
    expect(verdictsOf(left)).toEqual(allShut)
    expect(world.pbx.register(phone)).toBe(401)
  })

  test.each(['keepOld', 'keepConnections', 'refuse'] as const)(
    'a PBX that says yes and does not (%s) is never called shut',
    async (fault) => {
      await using world = await openWorld()
      await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
      await registered(world, '1001')
      world.pbx.faults[fault] = true
      await world.app.offboard('1001', null, mia)
      expect(verdictsOf(await world.app.settled('1001', 400))['sip-account']).toBe('retrying')
      world.pbx.faults[fault] = false
      expect(verdictsOf(await world.app.settled('1001', 10_000))).toEqual(allShut)
    },
  )

  test.each(['down', 'refuse', 'lie', 'lose-answer'] as const)(
    'a hub that is %s is asked again until the door is shut',
    async (fault) => {
      await using world = await openWorld()
      await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
      world.hub.fault = fault
      await world.app.offboard('1001', null, mia)
      const meanwhile = await world.app.settled('1001', 300)
      if (fault !== 'lose-answer')
        expect(verdictsOf(meanwhile)).toMatchObject({ tunnel: 'retrying', 'sip-account': 'converged' })
      world.hub.fault = null
      expect((await world.app.settled('1001', 10_000)).lifecycle).toBe('offboarded')
      expect(await world.hub.listPeers(soon())).toEqual([])
    },
  )
})

describe('a PBX that is operated by hand', () => {
  test('waits for a person, and the tick of a named admin completes the offboarding', async () => {
    await using world = await openWorld({ pbx: 'manual' })
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await world.app.offboard('1001', null, mia)
    const left = await world.app.settled('1001', 5_000)
    expect(left.lifecycle).toBe('offboarding')
    // The step for the account names call forwards too, so there is one thing to tick.
    const { extension: _, ...others } = allShut
    expect(verdictsOf(left)).toEqual({ ...others, 'sip-account': 'waiting' })
    expect(left.access.find(({ system }) => system === 'sip-account')!.problem).toMatch(/extension 1001/)
    await expect(world.app.acknowledge('1001', 'tunnel', null, mia)).rejects.toMatchObject({
      message: expect.stringContaining('nothing to tick'),
    })
    await expect(world.app.acknowledge('1001', 'moon', null, mia)).rejects.toMatchObject({ code: 'NOT_FOUND' })

    const ticked = await world.app.acknowledge('1001', 'sip-account', null, { ...mia, name: 'Noor' })
    expect(ticked.lifecycle).toBe('offboarded')
    const file = await world.app.report('1001')
    expect(file.complete).toBe(true)
    expect(file.doors.find(({ system }) => system === 'sip-account')).toMatchObject({
      verdict: 'waiting',
      acknowledged: { by: 'Noor', at: expect.any(String) },
    })
    // The tick is never turned into something that was seen, and it stays.
    await world.sweep()
    const line = (await world.app.employee('1001')).access.find(({ system }) => system === 'sip-account')
    expect(line).toMatchObject({ verdict: 'waiting', acknowledged: { by: 'Noor' } })
    expect(await kindsOf(world, employee.id)).toContain('access.acknowledged')
    // Whoever ticks it once more changes nothing of the first one's word.
    const { access } = await world.app.acknowledge('1001', 'sip-account', null, mia)
    expect(access.find(({ system }) => system === 'sip-account')).toEqual(line)
  })

  test('a tick of the open account does not count for the shut one', async () => {
    await using world = await openWorld({ pbx: 'manual' })
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await world.app.acknowledge('1001', 'sip-account', null, mia)
    await world.app.offboard('1001', null, mia)
    const left = await world.app.settled('1001', 5_000)
    expect(left.lifecycle).toBe('offboarding')
    expect(left.access.find(({ system }) => system === 'sip-account')).toMatchObject({
      verdict: 'waiting',
      acknowledged: null,
    })
  })

  test('shares one secret among handsets, and taking one back gives the others a new one', async () => {
    await using world = await openWorld({ pbx: 'manual' })
    const { employee, provisioningUrls } = await onboarded(
      world,
      person('Ada Byron', '1001', 'linphone-mobile', 'linphone-desktop'),
    )
    const secretNow = async () => {
      const [row, ...more] = await world.store.find('sipCredential', { closedAt: null })
      expect(more).toEqual([])
      return world.context.vault.open(row!.secretSealed!, `sip:${row!.id}:${row!.generation}`).reveal()
    }
    const before = await secretNow()
    const mobile = handsetOf(employee, 'linphone-mobile')
    for (const url of Object.values(provisioningUrls))
      expect((await world.fetch(url, 'linphone.xml'))!.body).toContain('>1001<')
    await world.app.acknowledge('1001', 'sip-account', null, mia)
    const file = await world.fetch(provisioningUrls[mobile.id]!, 'linphone.xml')

    await world.app.removeHandset(handsetOf(employee, 'linphone-desktop').id, mia)
    await world.loop.idle()
    expect(await secretNow()).not.toBe(before)
    const after = await world.fetch(provisioningUrls[mobile.id]!, 'linphone.xml')
    expect(after!.etag).not.toBe(file!.etag)
    expect((await world.app.employee('1001')).access.find(({ system }) => system === 'sip-account')).toMatchObject({
      wanted: 'open',
      verdict: 'waiting',
      acknowledged: null,
    })
    const added = await world.app.addHandset('1001', { model: 'linphone-desktop' }, mia)
    expect(added.employee.handsets.filter(({ removedAt }) => removedAt === null)).toHaveLength(2)
    expect(await world.store.find('sipCredential', {})).toHaveLength(1)
  })
})

test('a preview hub is never green: its lines wait for a named person', async () => {
  await using world = await openWorld({ hub: fakeHub({ mode: 'preview' }) })
  await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
  await world.app.offboard('1001', null, mia)
  const left = await world.app.settled('1001', 5_000)
  expect(verdictsOf(left)).toMatchObject({
    tunnel: 'unverifiable',
    firewall: 'unverifiable',
    'sip-account': 'converged',
  })
  expect(left.lifecycle).toBe('offboarding')
  await world.app.acknowledge('1001', 'tunnel', null, mia)
  expect((await world.app.employee('1001')).lifecycle).toBe('offboarding')
  expect((await world.app.acknowledge('1001', 'firewall', null, mia)).lifecycle).toBe('offboarded')
})

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
