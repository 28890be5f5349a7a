import { describe, expect, test } from 'vitest'
import type { Onboarded } from '../../src/journeys/application.ts'
import { handsetOf, mia, offboarded, onboarded, openWorld, person, steadyUrl, tokenIn, type World } from './world.ts'

const soon = () => AbortSignal.timeout(1_000)
const keysOn = async (world: World) => (await world.hub.listPeers(soon())).map(({ publicKey }) => publicKey)
const joinOf = (world: World, { invite }: Onboarded) => world.app.join(tokenIn(invite.url))
const configurationOf = async (world: World, made: Onboarded) =>
  (await joinOf(world, made))!.handsets[0]!.tunnel!.configuration

describe('an invite', () => {
  test('shows what to scan, can be looked at again, and ends when its time is over', async () => {
    await using world = await openWorld()
    const made = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const [handset] = (await joinOf(world, made))!.handsets
    expect(handset).toMatchObject({ kind: 'softphone', enrolled: false, tunnel: { fileName: 'pbx-1001.conf' } })
    expect(handset!.softphoneUrl).toBe(`${Object.values(made.provisioningUrls)[0]}linphone.xml`)
    const configuration = handset!.tunnel!.configuration!.reveal()
    expect(configuration).toMatch(/^\[Interface\]/m)
    expect(configuration).toContain('Address = 10.77.0.2/32')
    for (const again of [1, 2]) {
      const file = await world.app.joinTunnel(tokenIn(made.invite.url), 'pbx-1001.conf')
      expect(file!.body, String(again)).toBe(configuration)
    }
    expect(await world.app.joinTunnel(tokenIn(made.invite.url), 'pbx-1002.conf')).toBeNull()
    expect(await world.app.join('A'.repeat(43))).toBeNull()
    await world.travel(7.01)
    expect(await joinOf(world, made)).toBeNull()
    expect(await world.app.joinTunnel(tokenIn(made.invite.url), 'pbx-1001.conf')).toBeNull()
  })

  test('gives certificate, key and authority to an app that takes them by hand, and nobody else theirs', async () => {
    await using world = await openWorld()
    const ada = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const ben = await onboarded(world, person('Ben Li', '1002', 'linphone-mobile'))
    const files = (await joinOf(world, ada))!.handsets[0]!.certificateFiles.map(({ name }) => name)
    expect(files).toEqual(['1001-certificate.pem', '1001-key.pem', 'ringfence-ca.pem'])
    expect((await world.app.joinFile(tokenIn(ada.invite.url), '1001-key.pem'))!.body).toContain('PRIVATE KEY')
    for (const name of files) expect(await world.app.joinFile(tokenIn(ben.invite.url), name)).toBeNull()
  })

  test('shows the home gateway with its configuration, subnet and instructions', async () => {
    await using world = await openWorld()
    const made = await onboarded(world, person('Ben Li', '1002', 'yealink-t54w=805ec0aabb01'))
    const view = (await joinOf(world, made))!
    expect(view.gateways).toMatchObject([
      { kind: 'plain', phoneSubnet: '10.78.0.0/28', tunnel: { fileName: 'pbx-1002-gw.conf' } },
    ])
    expect(view.gateways[0]!.instructionsHtml).toContain('10.78.0.')
    expect(view.handsets).toMatchObject([{ tunnel: null, provisioningUrl: Object.values(made.provisioningUrls)[0] }])
    const key = view.gateways[0]!.tunnel.configuration!.reveal().match(/PrivateKey = (\S+)/)![1]!
    expect(view.gateways[0]!.instructionsHtml).not.toContain(key)
  })

  test('that comes with another handset keeps the first one’s tunnel good for as long as itself', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await world.travel(5)
    const second = await world.app.addHandset('1001', { model: 'linphone-desktop' }, mia)
    await world.travel(4)
    await world.shakeHands()
    const view = (await joinOf(world, second))!
    expect(view.handsets.map(({ tunnel }) => tunnel!.configuration !== null)).toEqual([true, true])
  })

  test('ends at once for who left', async () => {
    await using world = await openWorld()
    const made = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await world.app.offboard('1001', null, mia)
    expect(await joinOf(world, made)).toBeNull()
    expect(await world.app.joinTunnel(tokenIn(made.invite.url), 'pbx-1001.conf')).toBeNull()
    expect(await world.app.joinFile(tokenIn(made.invite.url), '1001-key.pem')).toBeNull()
  })
})

describe('a new link in place of a lost one', () => {
  test('gives a phone that nobody enrolled new secrets: what the old link gave away is worth nothing', async () => {
    await using world = await openWorld()
    const first = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const [before] = await world.store.find('sipCredential', {})
    await world.app.invite('1001', mia)
    await world.app.settled('1001', 5_000)
    const [after] = await world.store.find('sipCredential', {})
    expect(after).toMatchObject({ id: before!.id, generation: before!.generation + 1 })
    expect(after!.secretSealed).not.toBe(before!.secretSealed)
    const [old, fresh] = await world.store.find('certificate', {})
    expect(old).toMatchObject({ serial: first.employee.handsets[0]!.certificate!.serial, privateKeySealed: null })
    expect(old!.revokedAt).not.toBeNull()
    expect(fresh!.revokedAt).toBeNull()
    expect((await world.store.revokedCertificates(old!.createdAt)).map(({ serial }) => serial)).toEqual([old!.serial])
  })

  test('leaves the account of a phone in use alone', async () => {
    await using world = await openWorld()
    const made = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const { id } = made.employee.handsets[0]!
    expect(await world.fetch(await steadyUrl(world, id), 'linphone.xml')).not.toBeNull()
    expect((await world.app.employee('1001')).handsets[0]!.enrolledAt).not.toBeNull()
    const before = await world.store.find('sipCredential', {})
    // Also when one link follows another before the phone has enrolled again.
    for (const again of [1, 2]) {
      await world.app.invite('1001', mia)
      expect(await world.store.find('sipCredential', {}), String(again)).toEqual(before)
      expect(await world.store.find('certificate', {}), String(again)).toHaveLength(1)
    }
    expect(await world.app.joinFile(tokenIn(made.invite.url), '1001-key.pem')).toBeNull()
  })

  test('gives a tunnel that was never used new keys, and the old key is gone for good', async () => {
    await using world = await openWorld()
    const first = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const lost = first.employee.tunnels[0]!.publicKey!
    const second = await world.app.invite('1001', mia)
    const { access } = await world.app.settled('1001', 5_000)
    const { publicKey } = second.employee.tunnels[0]!
    expect(publicKey).not.toBe(lost)
    expect(await keysOn(world)).toEqual([publicKey])
    expect(await joinOf(world, first)).toBeNull()
    expect((await configurationOf(world, second))!.reveal()).not.toBe('')
    expect(access.filter(({ wanted }) => wanted === 'closed').map(({ system, verdict }) => [system, verdict])).toEqual([
      ['tunnel', 'converged'],
      ['firewall', 'converged'],
    ])
    // Whoever found the lost link and puts its key back is seen and put out.
    await world.hub.addForeignPeer(lost, [])
    await world.sweep()
    expect(await keysOn(world)).toEqual([publicKey])
    const trail = await world.store.auditTrail({ employeeId: first.employee.id, limit: 100 })
    expect(trail.filter(({ kind }) => kind === 'access.drift')).toHaveLength(1)
  })

  test('leaves a tunnel that is in use as it is until the new key has spoken', async () => {
    await using world = await openWorld()
    const first = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const used = first.employee.tunnels[0]!.publicKey!
    await world.shakeHands(used)
    const second = await world.app.invite('1001', mia)
    await world.loop.idle()
    const peers = await world.hub.listPeers(soon())
    expect(peers.find(({ publicKey }) => publicKey === used)).toMatchObject({ allowedIps: ['10.77.0.2/32'] })
    const [fresh] = peers.filter(({ publicKey }) => publicKey !== used)
    expect(fresh).toMatchObject({ allowedIps: [] })
    expect(second.employee.tunnels[0]!.publicKey).toBe(used)

    await world.shakeHands(used, fresh!.publicKey)
    const { access } = await world.app.settled('1001', 5_000)
    expect(await world.hub.listPeers(soon())).toMatchObject([
      { publicKey: fresh!.publicKey, allowedIps: ['10.77.0.2/32'] },
    ])
    expect((await world.app.employee('1001')).tunnels[0]!.publicKey).toBe(fresh!.publicKey)
    expect(access.every(({ verdict }) => verdict === 'converged')).toBe(true)
    expect(await world.store.find('tombstone', { kind: 'tunnel' })).toHaveLength(1)
  })

  test('asked for twice keeps the used key and only the newest of the others', async () => {
    await using world = await openWorld()
    const first = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const used = first.employee.tunnels[0]!.publicKey!
    await world.shakeHands(used)
    await world.app.invite('1001', mia)
    await world.loop.idle()
    const [second] = (await keysOn(world)).filter((key) => key !== used)
    await world.app.invite('1001', mia)
    await world.loop.idle()
    const keys = await keysOn(world)
    expect(keys).toHaveLength(2)
    expect(keys).toContain(used)
    expect(keys).not.toContain(second)
  })

  test('takes every key with it when the person leaves in between', async () => {
    await using world = await openWorld()
    const first = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await world.shakeHands(first.employee.tunnels[0]!.publicKey!)
    await world.app.invite('1001', mia)
    await world.loop.idle()
    expect(await keysOn(world)).toHaveLength(2)
    expect((await offboarded(world, '1001')).lifecycle).toBe('offboarded')
    expect(await keysOn(world)).toEqual([])
  })

  test('moves the doors of every handset, also of those that were enrolled', async () => {
    await using world = await openWorld()
    const first = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile', 'linphone-desktop'))
    const second = await world.app.invite('1001', mia)
    for (const model of ['linphone-mobile', 'linphone-desktop']) {
      const { id } = handsetOf(first.employee, model)
      expect(await world.fetch(first.provisioningUrls[id]!, 'linphone.xml')).toBeNull()
      expect(await world.fetch(second.provisioningUrls[id]!, 'linphone.xml')).not.toBeNull()
    }
  })

  test('writes nothing when the database breaks at any point, and the old link goes on', async () => {
    await using world = await openWorld()
    const first = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await world.loop.stop()
    for (let at = 0; ; at++) {
      world.store.failAt = at
      const made = await world.app.invite('1001', mia).catch(() => null)
      if (made && world.store.writes < at) break
      expect(made).toBeNull()
      expect(await joinOf(world, first)).not.toBeNull()
    }
    expect(await joinOf(world, first)).toBeNull()
  })
})

describe("a tunnel's private key", () => {
  const sealedKey = async (world: World) => (await world.store.find('tunnel', {}))[0]!.privateKeySealed

  test('is erased with the first handshake, and the page says so by offering none', async () => {
    await using world = await openWorld()
    const made = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    expect(await sealedKey(world)).not.toBeNull()
    await world.shakeHands(made.employee.tunnels[0]!.publicKey!)
    expect(await sealedKey(world)).toBeNull()
    expect(await configurationOf(world, made)).toBeNull()
    expect(await world.app.joinTunnel(tokenIn(made.invite.url), 'pbx-1001.conf')).toBeNull()
    const kinds = (await world.store.auditTrail({ employeeId: made.employee.id, limit: 100 })).map(({ kind }) => kind)
    expect(kinds).toEqual(expect.arrayContaining(['tunnel.first-handshake', 'tunnel.key-erased']))
    expect(kinds.filter((kind) => kind === 'tunnel.key-erased')).toHaveLength(1)
  })

  test('is erased at the end of its window when nobody used it', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await world.travel(6.9)
    await world.shakeHands()
    expect(await sealedKey(world)).not.toBeNull()
    await world.travel(0.2)
    await world.shakeHands()
    expect(await sealedKey(world)).toBeNull()
  })

  test('of a replacement outlives a handshake of the old key', async () => {
    await using world = await openWorld()
    const first = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const used = first.employee.tunnels[0]!.publicKey!
    await world.shakeHands(used)
    const second = await world.app.invite('1001', mia)
    await world.travel(0.1)
    await world.shakeHands(used)
    expect(await configurationOf(world, second)).not.toBeNull()
    expect(await sealedKey(world)).not.toBeNull()
  })

  test('handshakes of keys that are none of ours change nothing', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await world.shakeHands('c29tZWJvZHkgZWxzZSdzIGtleSwgbm90IG9mIHVzIQA=')
    expect(await sealedKey(world)).not.toBeNull()
  })
})
