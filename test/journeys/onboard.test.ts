import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { tokenHash } from '../../src/domain/invite.ts'
import { everything, handsetOf, mia, onboarded, openWorld, person } from './world.ts'

const yealink = 'yealink-t54w=80:5e:c0:aa:bb:01'

describe('onboarding one person', () => {
  test('writes every row once, the link only as a hash, and an audit event', async () => {
    await using world = await openWorld()
    const { employee, invite, provisioningUrls } = await onboarded(
      world,
      person('Ada Byron', '1001', 'linphone-desktop'),
    )
    expect(employee).toMatchObject({
      name: 'Ada Byron',
      email: 'ada@example.com',
      extension: '1001',
      lifecycle: 'active',
      handsets: [{ model: 'linphone-desktop', mac: null, files: ['linphone.xml'], enrolledAt: null, removedAt: null }],
      tunnels: [{ keyOrigin: 'server', addresses: ['10.77.0.2/32'], lastHandshakeAt: null }],
    })
    const count = async (table: Parameters<typeof world.store.find>[0]) => (await world.store.find(table, {})).length
    for (const table of [
      'employee',
      'assignment',
      'handset',
      'tunnel',
      'certificate',
      'sipCredential',
      'invite',
    ] as const)
      expect(await count(table), table).toBe(1)
    expect(await count('gateway')).toBe(0)

    const token = invite.url.split('/').at(-1)!
    expect(invite.url).toBe(`https://phones.example.com/join/${token}`)
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(await world.store.find('invite', { tokenHash: tokenHash(token) })).toHaveLength(1)
    const [url] = Object.values(provisioningUrls)
    expect(url).toMatch(/^https:\/\/phones\.example\.com\/p\/[A-Za-z0-9_-]{43}\/$/)
    const database = await readFile(join(world.folder, 'ringfence.db'), 'latin1')
    const log = await readFile(join(world.folder, 'ringfence.db-wal'), 'latin1')
    for (const secret of [token, url!.split('/').at(-2)!]) expect(`${database}${log}`).not.toContain(secret)

    const trail = await world.store.auditTrail({ employeeId: employee.id, limit: 100 })
    expect(trail.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['invite.created', 'employee.onboarded']))
    expect(JSON.parse(trail.find(({ kind }) => kind === 'employee.onboarded')!.detail!)).toMatchObject({
      actor: 'Mia',
      via: 'local-socket',
      extension: '1001',
    })
    expect(await world.store.verifyAuditChain()).toBeNull()
  })

  test('ends with every system seen open', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const { access, tunnels } = await world.app.settled('1001', 5_000)
    expect(access.map(({ system, wanted, verdict }) => [system, wanted, verdict])).toEqual(
      ['phone-door', 'tunnel', 'firewall', 'certificate', 'sip-account'].map((name) => [name, 'open', 'converged']),
    )
    const [peer] = await world.hub.listPeers(AbortSignal.timeout(1_000))
    expect(peer).toMatchObject({ publicKey: tunnels[0]!.publicKey, allowedIps: ['10.77.0.2/32'] })
    expect((await world.pbx.driver.readAccounts(AbortSignal.timeout(1_000))).accounts).toMatchObject([
      { extension: '1001', credentials: [{ generation: 1 }] },
    ])
  })

  test('leaves nothing behind when the database breaks at any point', async () => {
    await using world = await openWorld()
    await world.loop.stop()
    const input = person('Ben Li', '1002', 'linphone-mobile', yealink)
    const before = await everything(world.store)
    let failures = 0
    for (let at = 0; ; at++) {
      world.store.failAt = at
      const made = await world.app.onboard(input, mia).catch(() => null)
      if (made && world.store.writes < at) break
      expect(made, `although write ${at} broke`).toBeNull()
      expect(await everything(world.store), `after write ${at} broke`).toBe(before)
      failures += 1
    }
    world.store.failAt = null
    // The rows, two tunnels' addresses with their places in the pools, invite, two audit events, message, commit.
    expect(failures).toBeGreaterThan(12)
    expect((await world.app.employee('1002')).handsets).toHaveLength(2)
  })

  test('with two handsets gives each its own tunnel, credential and link', async () => {
    await using world = await openWorld()
    const { employee, provisioningUrls } = await onboarded(
      world,
      person('Ada Byron', '1001', 'linphone-mobile', 'linphone-desktop'),
    )
    const [mobile, desktop] = [handsetOf(employee, 'linphone-mobile'), handsetOf(employee, 'linphone-desktop')]
    expect(mobile.tunnelId).not.toBe(desktop.tunnelId)
    expect(employee.tunnels.flatMap(({ addresses }) => addresses).sort()).toEqual(['10.77.0.2/32', '10.77.0.3/32'])
    expect(new Set(Object.values(provisioningUrls)).size).toBe(2)
    const credentials = await world.store.find('sipCredential', {})
    expect(new Set(credentials.map(({ username }) => username)).size).toBe(2)
    expect(credentials.every(({ username }) => /^1001-[0-9a-f]{8}$/.test(username))).toBe(true)
    expect(mobile).toMatchObject({ certificate: null, certificateNote: 'no certificate: this app cannot hold one' })
    expect(desktop.certificate?.serial).toMatch(/^[0-9a-f]{31,32}$/)
  })
})

describe('a desk phone', () => {
  test('that cannot hold a tunnel gets a home gateway with a subnet for phones', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ben Li', '1002', yealink))
    const gateways = await world.store.find('gateway', {})
    expect(gateways).toMatchObject([{ kind: 'plain', employeeId: employee.id, removedAt: null }])
    expect(employee.tunnels).toMatchObject([{ carrier: { kind: 'gateway', id: gateways[0]!.id } }])
    expect([...employee.tunnels[0]!.addresses].sort()).toEqual(['10.77.0.2/32', '10.78.0.0/28'])
    expect(employee.handsets).toMatchObject([{ mac: '805ec0aabb01', tunnelId: employee.tunnels[0]!.id }])
    const [peer] = await world.hub.listPeers(AbortSignal.timeout(1_000))
    expect(peer!.allowedIps).toEqual(['10.77.0.2/32', '10.78.0.0/28'])
  })

  test('of the same person shares the gateway, and the gateway goes with the last one', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ben Li', '1002', yealink))
    const { employee } = await world.app.addHandset('1002', { model: 'yealink-t53', mac: '805ec0aabb02' }, mia)
    expect(employee.tunnels).toHaveLength(1)
    expect(await world.store.find('gateway', {})).toHaveLength(1)
    const [first, second] = [handsetOf(employee, 'yealink-t54w'), handsetOf(employee, 'yealink-t53')]
    expect(first.tunnelId).toBe(second.tunnelId)

    await world.app.removeHandset(first.id, mia)
    await world.loop.idle()
    expect(await world.hub.listPeers(AbortSignal.timeout(1_000))).toHaveLength(1)
    expect(await world.store.find('gateway', { removedAt: null })).toHaveLength(1)

    await world.app.removeHandset(second.id, mia)
    await world.loop.idle()
    expect(await world.hub.listPeers(AbortSignal.timeout(1_000))).toEqual([])
    expect(await world.store.find('gateway', { removedAt: null })).toEqual([])
    expect((await world.app.employee('1002')).lifecycle).toBe('active')
  })

  test('of another person gets another gateway and another subnet', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ben Li', '1002', yealink))
    const { employee } = await onboarded(world, person('Cem Öz', '1003', 'yealink-t54w=805ec0aabb03'))
    expect([...employee.tunnels[0]!.addresses].sort()).toEqual(['10.77.0.3/32', '10.78.0.16/28'])
  })
})

describe('another handset', () => {
  test('comes with a new link; the old link and what was not enrolled yet move to it', async () => {
    await using world = await openWorld()
    const first = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const second = await world.app.addHandset('1001', { model: 'linphone-desktop' }, mia)
    await world.loop.idle()
    expect(Object.keys(second.provisioningUrls)).toHaveLength(2)
    expect(await world.app.join(first.invite.url.split('/').at(-1)!)).toBeNull()
    expect((await world.app.join(second.invite.url.split('/').at(-1)!))!.handsets).toHaveLength(2)
    const [oldUrl] = Object.values(first.provisioningUrls)
    expect(await world.fetch(oldUrl!, 'linphone.xml')).toBeNull()
    for (const url of Object.values(second.provisioningUrls))
      expect((await world.fetch(url, 'linphone.xml'))!.body).toContain('1001')
    const { access } = await world.app.settled('1001', 5_000)
    expect(access.every(({ verdict }) => verdict === 'converged')).toBe(true)
  })

  test('taken back loses its doors, and the one that stays keeps every one of its own', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile', 'linphone-desktop'))
    const [mobile, desktop] = [handsetOf(employee, 'linphone-mobile'), handsetOf(employee, 'linphone-desktop')]
    const before = (await world.app.settled('1001', 5_000)).access.filter(
      ({ subject }) => subject.id === mobile.tunnelId,
    )
    await world.app.removeHandset(desktop.id, mia)
    const { access, handsets } = await world.app.settled('1001', 5_000)
    expect(handsets.find(({ id }) => id === desktop.id)!.removedAt).not.toBeNull()
    const shut = access.filter(({ wanted }) => wanted === 'closed')
    expect(shut.map(({ system, verdict }) => [system, verdict])).toEqual(
      ['phone-door', 'tunnel', 'firewall', 'certificate', 'sip-account'].map((name) => [name, 'converged']),
    )
    expect(access.filter(({ subject }) => subject.id === mobile.tunnelId)).toEqual(before)
    expect(await world.hub.listPeers(AbortSignal.timeout(1_000))).toHaveLength(1)
  })

  test('cannot be given to somebody who left', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await world.app.offboard('1001', null, mia)
    await expect(world.app.addHandset('1001', { model: 'linphone-desktop' }, mia)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'Ada Byron has left',
    })
    await expect(world.app.invite('1001', mia)).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})
