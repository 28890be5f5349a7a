import { describe, expect, test } from 'vitest'
import type { AppError } from '../../src/errors.ts'
import { handsetOf, mia, offboarded, onboarded, openWorld, person, steadyUrl } from './world.ts'

const mac = '805ec0aabbcc'

describe('lists of handsets', () => {
  test('show each handset with its holder, its own doors, its tunnel and what is seen of it', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile', `yealink-t54w=${mac}`))
    await onboarded(world, person('Bo Vine', '1002', 'linphone-desktop'))
    await offboarded(world, '1002')
    const { handsets, total } = await world.app.handsets.page({ limit: 10 })
    expect(total).toBe(3)
    const [mobile, desk] = ['linphone-mobile', 'yealink-t54w'].map((model) =>
      handsets.find(({ handset }) => handset.model === model),
    )
    expect(mobile).toMatchObject({ employee: { name: 'Ada Byron', extension: '1001' }, gateway: null })
    expect(desk).toMatchObject({ modelName: 'Yealink T54W', gateway: { kind: 'plain' }, handset: { mac } })
    // Each its own tunnel, certificate and account; nothing of the neighbour.
    const systems = (row: typeof mobile) => row?.access.map(({ system }) => system).sort()
    expect(systems(mobile)).toEqual(['firewall', 'phone-door', 'sip-account', 'tunnel'])
    expect(systems(desk)).toEqual(['certificate', 'firewall', 'phone-door', 'sip-account', 'tunnel'])
    await world.shakeHands(employee.tunnels.find(({ id }) => id === mobile!.handset.tunnelId)!.publicKey!)
    const found = async (query: object) =>
      (await world.app.handsets.page({ limit: 10, ...query })).handsets.map(({ handset }) => handset.model)
    expect(await found({ tunnel: 'online' })).toEqual(['linphone-mobile'])
    expect(await found({ tunnel: 'never' })).toEqual(['yealink-t54w'])
    expect(await found({ state: 'taken-back' })).toEqual(['linphone-desktop'])
    expect(await found({ gateway: 'plain' })).toEqual(['yealink-t54w'])
    expect(await found({ attention: 'stale' })).toEqual([])
  })

  test('find phones that are not what was handed out, by what they say of themselves', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', `yealink-t54w=${mac}`))
    const { id } = handsetOf(employee, 'yealink-t54w')
    const doubted = async () => (await world.app.handsets.page({ attention: 'warnings', limit: 10 })).total
    expect(await doubted()).toBe(0)
    await world.store.transaction((tx) =>
      tx.update('handset', id, { seenModel: 'SIP-T46U', seenFirmware: null, seenAt: '2026-01-01T00:00:00.000Z' }),
    )
    const { handset } = await world.app.handsets.one(id)
    expect(handset.warnings.length).toBeGreaterThan(0)
    expect(await doubted()).toBe(1)
  })
})

describe('a broken phone is replaced', () => {
  test('by one of its model with new keys for the same person, and the old one is shut', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', `yealink-t54w=${mac}`))
    const old = handsetOf(employee, 'yealink-t54w')
    const url = await steadyUrl(world, old.id)
    const { employee: after, provisioningUrls } = await world.app.handsets.replace(old.id, '805ec0aabbdd', mia)
    await world.loop.idle()
    const view = await world.app.employee('1001')
    const [gone, fresh] = view.handsets
    expect(gone).toMatchObject({ id: old.id, removedAt: expect.any(String) })
    expect(fresh).toMatchObject({ model: 'yealink-t54w', mac: '805ec0aabbdd', removedAt: null })
    expect(fresh!.certificate!.serial).not.toBe(gone!.certificate!.serial)
    // The gateway at home stays: the new phone hangs on the same tunnel.
    expect(fresh!.tunnelId).toBe(old.tunnelId)
    expect(Object.keys(provisioningUrls)).toEqual([fresh!.id])
    expect(after.extension).toBe('1001')
    expect((await world.fetch(url, `${mac}.cfg`))?.body).not.toContain('805ec0aabbdd')
    const trail = await world.store.auditTrail({ employeeId: employee.id, limit: 100 })
    expect(
      trail.map(({ kind }) => kind).filter((kind) => /^(handset|invite)\.(added|removed|created)/.test(kind)),
    ).toEqual(['invite.created', 'invite.created', 'handset.added', 'handset.removed'])
    const own = (await world.app.handsets.one(fresh!.id)).access
    expect(own.every(({ wanted, verdict }) => wanted === 'open' && verdict === 'converged')).toBe(true)
  })

  test('or nothing at all is done: no new phone without the old one going, no old one going without a new', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', `yealink-t54w=${mac}`))
    await onboarded(world, person('Bo Vine', '1002', 'yealink-t54w=805ec0aabbdd'))
    const { id } = handsetOf(employee, 'yealink-t54w')
    const refused = (mac: string | null) =>
      world.app.handsets.replace(id, mac, mia).then(
        () => 'done',
        (error: AppError) => error.code,
      )
    expect(await refused('805ec0aabbdd')).toBe('CONFLICT')
    expect(await refused('nonsense')).toBe('INVALID_INPUT')
    expect((await world.app.employee('1001')).handsets).toMatchObject([{ id, removedAt: null }])
    for (let failAt = 1; failAt <= 8; failAt++) {
      world.store.failAt = failAt
      await world.app.handsets.replace(id, '805ec0aabbee', mia).catch(() => undefined)
      world.store.failAt = null
      const live = (await world.app.employee('1001')).handsets.filter(({ removedAt }) => removedAt === null)
      expect(live).toHaveLength(1)
      if (live[0]!.id !== id) break
    }
    await world.app.removeHandset(id, mia)
    expect(await refused('805ec0aabbff')).toBe('CONFLICT')
  })
})

describe('a lost phone is taken back', () => {
  test('with the reason in the audit log', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile', 'linphone-desktop'))
    const { id } = handsetOf(employee, 'linphone-mobile')
    const { words } = await world.app.handsets.takeBack(id, 'left in a train', mia)
    expect(words).toMatch(/gets the document that takes its account away/)
    const { events } = await world.app.records.audit({ subject: id, kind: 'handset.removed', limit: 5 })
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ kind: 'handset.removed', by: 'Mia', employee: { name: 'Ada Byron' } })
    expect(events[0]!.text).toMatch(/was taken back, reason: left in a train$/)
    expect(await world.app.records.verifyAudit()).toMatchObject({ brokenAt: null })
  })
})

describe('why a phone does not work', () => {
  test('goes from the link that nobody opened over the silent tunnel to nothing', async () => {
    await using world = await openWorld()
    const { employee, invite } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const { id } = handsetOf(employee, 'linphone-mobile')
    const why = async () => (await world.app.handsets.why(id)).causes.map(({ what }) => what)
    expect((await why())[0]).toMatch(/nobody has opened the link/)
    const token = invite.url.split('/').at(-1)!
    const visit = { token, fileName: 'page', remoteAddress: '198.51.100.9', userAgent: null, served: true }
    await world.app.enterVisit(visit)
    await world.door.flush()
    expect((await why())[0]).toMatch(/the link was opened, but the tunnel never spoke/)
    await world.shakeHands(employee.tunnels[0]!.publicKey!)
    expect((await why())[0]).toMatch(/never asked the phone door/)
    await world.fetch(await steadyUrl(world, id), 'linphone.xml')
    await world.door.flush()
    const { causes, fine } = await world.app.handsets.why(id)
    expect(causes).toEqual([])
    expect(fine.join()).toMatch(/seen open: .*last got a file/)
    await world.travel(1)
    expect((await why())[0]).toMatch(/the tunnel is silent/)
    await world.app.removeHandset(id, mia)
    expect(await why()).toEqual(['it was taken back: nothing lets it in any more'])
  })
})

describe('the phone door’s ledger', () => {
  test('has every fetch and refusal with its real reason and whose it was', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const { id } = handsetOf(employee, 'linphone-mobile')
    const url = await steadyUrl(world, id)
    await world.fetch(url, 'linphone.xml')
    await world.fetch(url, 'nothing.xml')
    await world.fetch(`https://phones.example.com/p/${'x'.repeat(43)}/`, 'linphone.xml')
    await world.door.flush()
    const { lines, next } = await world.app.handsets.ledger({ limit: 10 })
    expect(next).toBeNull()
    expect(lines.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['refused', 'no such link'],
      ['refused', 'this handset has no such file'],
      ['served', 'steady link'],
    ])
    expect(lines[2]).toMatchObject({ employee: { name: 'Ada Byron' }, handset: { id, mac: null } })
    expect(lines[0]).toMatchObject({ employee: null, handset: null })
    const first = await world.app.handsets.ledger({ who: 'ada@example.com', limit: 1 })
    expect(first.lines.map(({ outcome }) => outcome)).toEqual(['refused'])
    const second = await world.app.handsets.ledger({ who: '1001', limit: 1, before: first.next! })
    expect(second).toMatchObject({ lines: [{ outcome: 'served' }], next: null })
    expect(await world.app.handsets.ledger({ who: 'nobody', limit: 1 })).toMatchObject({ lines: [], unknown: true })
  })
})

describe('the hub', () => {
  test('is shown as it was last heard, with strangers, and says when it does not answer', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const stranger = `${'S'.repeat(43)}=`
    await world.hub.addForeignPeer(stranger, ['10.77.9.9/32'])
    await world.sweep()
    const hub = (show: 'all' | 'strange' = 'all') => world.app.records.hub({ show, offset: 0, limit: 10 })
    const view = await hub()
    expect(view.said).toMatchObject({ mode: 'userspace', interface: 'ringfence0', listenPort: 51_820 })
    expect(view.firewall).toMatchObject({ rulesIntact: true, admitted: 1 })
    expect(view.failure).toBeNull()
    expect(view.listing!.count).toEqual({ all: 2, online: 0, quiet: 0, never: 2, strange: 1 })
    const own = view.listing!.peers.find(({ publicKey }) => publicKey === employee.tunnels[0]!.publicKey)
    expect(own?.owner).toMatchObject({ name: 'Ada Byron', what: 'Linphone for Android and iOS', replacement: false })
    expect((await hub('strange')).listing!.peers).toMatchObject([{ publicKey: stranger, owner: null }])
    expect(view.drift[0]!.text).toMatch(/^found, and left alone: peer S+= on ringfence0/)
    world.hub.rulesIntact = false
    world.hub.fault = 'down'
    await world.sweep()
    expect((await hub()).failure).toMatchObject({ message: expect.any(String) })
  })
})

describe('what the environment says', () => {
  test('is told without a secret, and which handsets are older than it', async () => {
    await using world = await openWorld({ env: { RINGFENCE_PASSPHRASE: 'a very secret passphrase' } })
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const before = await world.app.records.installation()
    expect(JSON.stringify(before)).not.toContain('very secret')
    expect(before.groups.map(({ name }) => name)).toEqual(['Console', 'Phone door', 'Hub', 'PBX'])
    expect(before.stale).toBeNull()
    await using moved = await world.restart({ env: { RINGFENCE_PBX_HOST: 'voice.example.com' } })
    const after = await moved.app.records.installation()
    expect(after.stale).toMatchObject({ handsets: 1 })
    expect((await moved.app.handsets.page({ attention: 'stale', limit: 5 })).total).toBe(1)
    await moved.app.invite('1001', mia)
    expect((await moved.app.records.installation()).stale).toBeNull()
  })
})
