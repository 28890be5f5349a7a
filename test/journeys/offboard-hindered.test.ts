import { describe, expect, test } from 'vitest'
import { fakeHub } from '../fakes/fake-hub.ts'
import { allShut, kindsOf, registered, soon, verdictsOf } from './leaver.ts'
import { handsetOf, mia, onboarded, openWorld, person } from './world.ts'

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
