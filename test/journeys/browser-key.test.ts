import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { describe, expect, test } from 'vitest'
import { newKey } from '../contracts/hub.contract.ts'
import { mia, offboarded, onboarded, person, tokenIn, type World } from './world.ts'
import { worldsOfEachTest } from './worlds.ts'

const soon = () => AbortSignal.timeout(1_000)
const { open } = worldsOfEachTest()

async function ada(world: World) {
  const made = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
  const tunnel = made.employee.tunnels[0]!
  return { made, tunnel, token: tokenIn(made.invite.url), serverKey: tunnel.publicKey! }
}
const keysOnHub = async (world: World) => (await world.hub.listPeers(soon())).map(({ publicKey }) => publicKey).sort()
const pageTunnel = async (world: World, token: string) => (await world.app.join(token))!.handsets[0]!.tunnel!

describe('a tunnel whose key the browser makes', () => {
  test('gets its configuration without a private key, and the one that the server made is retired and erased at once', async () => {
    const world = await open()
    const { tunnel, token, serverKey } = await ada(world)
    const key = newKey()
    const configuration = await world.app.takeBrowserKey(token, tunnel.id, key)
    expect(configuration).toMatch(/^\[Interface\]\nAddress = 10\.77\.0\.2\/32\n/)
    expect(configuration).not.toContain('PrivateKey')
    expect(configuration).toContain('PresharedKey = ')
    const row = await world.store.get('tunnel', tunnel.id)
    expect(row).toMatchObject({ publicKey: key, keyOrigin: 'browser', privateKeySealed: null })
    await world.loop.idle()
    expect(await keysOnHub(world)).toEqual([key])
    const { tunnels, access } = await world.app.employee('1001')
    expect(tunnels).toMatchObject([{ publicKey: key, keyOrigin: 'browser' }])
    expect(access.find(({ subject }) => subject.id.startsWith(`${tunnel.id}#`))).toMatchObject({
      wanted: 'closed',
      verdict: 'converged',
    })
    // Nothing of the server's is shown or served any more, and it comes back by no way.
    expect(await pageTunnel(world, token)).toMatchObject({ configuration: null, keyOrigin: 'browser' })
    expect(await world.app.joinTunnel(token, 'pbx-1001.conf')).toBeNull()
    expect(await world.app.takeBrowserKey(token, tunnel.id, serverKey)).toBeNull()
    const kinds = (await world.store.auditTrail({ after: 0, limit: 1_000 })).map(({ kind }) => kind)
    expect(kinds).toEqual(expect.arrayContaining(['tunnel.key-replaced', 'tunnel.key-erased']))
  })

  test('may be made anew until the tunnel has spoken, and not after that without a new invite', async () => {
    const world = await open()
    const { tunnel, token } = await ada(world)
    const [first, second, third] = [newKey(), newKey(), newKey()]
    const tell = (link: string, key: string) => world.app.takeBrowserKey(link, tunnel.id, key)
    expect(await tell(token, first)).not.toBeNull()
    expect(await tell(token, second)).not.toBeNull()
    // The same once more, from a page that did not hear the answer.
    expect(await tell(token, second)).not.toBeNull()
    expect(await tell(token, first)).toBeNull()
    await world.loop.idle()
    expect(await keysOnHub(world)).toEqual([second])
    await world.shakeHands(second)
    expect(await tell(token, third)).toBeNull()
    expect((await pageTunnel(world, token)).browserMayMakeKey).toBe(false)

    const again = tokenIn((await world.app.invite('1001', mia)).invite.url)
    expect(await tell(token, third)).toBeNull()
    expect(await tell(again, third)).not.toBeNull()
    await world.loop.idle()
    // What is in use goes on until the new key has spoken.
    expect(await keysOnHub(world)).toEqual([second, third].sort())
    await world.shakeHands(third)
    expect(await keysOnHub(world)).toEqual([third])
  })

  test('is refused with the server key in use, a wrong link or tunnel, nonsense, and after the click', async () => {
    const world = await open()
    const { tunnel, token, serverKey } = await ada(world)
    const ben = await onboarded(world, person('Ben Li', '1002', 'linphone-mobile'))
    const tell = (link: string, id: string, key = newKey()) => world.app.takeBrowserKey(link, id, key)
    expect(await tell('x'.repeat(43), tunnel.id)).toBeNull()
    expect(await tell(token, ben.employee.tunnels[0]!.id)).toBeNull()
    expect(await tell(token, tunnel.id, 'nonsense')).toBeNull()
    expect(await tell(token, tunnel.id, world.context.hubPublicKey()!)).toBeNull()
    await world.shakeHands(serverKey)
    expect(await tell(token, tunnel.id)).toBeNull()
    expect(await keysOnHub(world)).toContain(serverKey)
    const bensToken = tokenIn(ben.invite.url)
    await offboarded(world, '1002')
    expect(await tell(bensToken, ben.employee.tunnels[0]!.id)).toBeNull()
  })

  test('that nobody used within the window is taken back', async () => {
    const world = await open()
    const { tunnel, token } = await ada(world)
    expect(await world.app.takeBrowserKey(token, tunnel.id, newKey())).not.toBeNull()
    await world.travel(8)
    await world.shakeHands()
    expect(await keysOnHub(world)).toEqual([])
  })

  test('a hub that cannot be reached does not keep the key from being taken, and gets it later', async () => {
    const world = await open()
    const { tunnel, token } = await ada(world)
    const key = newKey()
    world.hub.fault = 'down'
    expect(await world.app.takeBrowserKey(token, tunnel.id, key)).not.toBeNull()
    world.hub.fault = null
    await world.sweep()
    expect(await keysOnHub(world)).toEqual([key])
  })
})

interface Profile {
  readonly PayloadUUID: string
  readonly PayloadContent: readonly Record<string, unknown>[]
}

/** An element by its name, or a text by `#text`. */
type XmlNode = Readonly<Record<string, readonly XmlNode[]>>

/** A plist as plain values, the way plutil shows it. */
function plist(nodes: readonly XmlNode[]): unknown {
  const node = nodes.find((one) => !('#text' in one))!
  const name = Object.keys(node)[0]!
  const inside = node[name]!.filter((one) => !('#text' in one))
  if (name === 'array') return inside.map((one) => plist([one]))
  if (name !== 'dict') return String(node[name]![0]?.['#text'] ?? '')
  const pairs: Record<string, unknown> = {}
  for (let at = 0; at < inside.length; at += 2) pairs[String(inside[at]!.key![0]!['#text'])] = plist([inside[at + 1]!])
  return pairs
}

describe('a profile for a managed iPhone or Mac', () => {
  const profileOf = (text: string) => {
    expect(XMLValidator.validate(text)).toBe(true)
    const parser = new XMLParser({ preserveOrder: true, trimValues: false, parseTagValue: false })
    const document = parser.parse(text) as XmlNode[]
    return plist(document.find((node) => 'plist' in node)!.plist!) as Profile
  }

  test.each([
    ['ios', 'com.wireguard.ios'],
    ['macos', 'com.wireguard.macos'],
  ] as const)(
    'for %s holds what the WireGuard app reads, with the same configuration as the .conf',
    async (platform, app) => {
      const world = await open()
      const { tunnel, token } = await ada(world)
      const conf = (await world.app.joinTunnel(token, 'pbx-1001.conf'))!.body
      const { fileName, text } = await world.app.managedProfile(tunnel.id, platform, mia)
      expect(fileName).toBe(`pbx-1001-${platform}.mobileconfig`)
      const profile = profileOf(text.reveal())
      expect(profile).toMatchObject({ PayloadType: 'Configuration', PayloadVersion: '1' })
      const payload = profile.PayloadContent[0]!
      expect(payload).toMatchObject({
        PayloadType: 'com.apple.vpn.managed',
        VPNType: 'VPN',
        VPNSubType: app,
        UserDefinedName: 'pbx-1001',
        VendorConfig: { WgQuickConfig: conf },
        VPN: { RemoteAddress: 'vpn.example.com:51820', AuthenticationMethod: 'Password' },
      })
      const uuid = /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/
      expect(profile.PayloadUUID).toMatch(uuid)
      expect(payload.PayloadUUID).toMatch(uuid)
      expect(payload.PayloadUUID).not.toBe(profile.PayloadUUID)
      // Once more is the same file; both looks are in the audit log, and the key in neither it nor the server's log.
      expect((await world.app.managedProfile(tunnel.id, platform, mia)).text.reveal()).toBe(text.reveal())
      const trail = await world.store.auditTrail({ after: 0, limit: 1_000 })
      expect(trail.filter(({ kind }) => kind === 'tunnel.profile-taken')).toHaveLength(2)
      const privateKey = /^PrivateKey = (.+)$/m.exec(conf)![1]!
      expect(JSON.stringify(trail) + world.log.join('')).not.toContain(privateKey)
    },
  )

  test('is refused once the key is gone: in use, or made in a browser', async () => {
    const world = await open()
    const { tunnel, token } = await ada(world)
    await world.app.takeBrowserKey(token, tunnel.id, newKey())
    await expect(world.app.managedProfile(tunnel.id, 'ios', mia)).rejects.toMatchObject({ code: 'CONFLICT' })
    const ben = await onboarded(world, person('Ben Li', '1002', 'linphone-mobile'))
    await world.shakeHands(ben.employee.tunnels[0]!.publicKey!)
    await expect(world.app.managedProfile(ben.employee.tunnels[0]!.id, 'ios', mia)).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    await expect(world.app.managedProfile('nobody', 'ios', mia)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
