import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import type { Hub, PeerSpec, Revision } from '../../src/tunnels/hub-port.ts'
import { newPrivateKey, publicKeyOf } from '../../src/tunnels/wireguard-key.ts'
import { hubFirewallContract } from './hub-firewall.contract.ts'

/** A hub with HUB_SUBNET 10.77.0.0/16 and fd77:77::/64, PHONE_SUBNETS 10.78.0.0/16. */
export interface HubUnderTest {
  readonly hub: Hub
  /** Puts a peer there by other means than the hub. */
  addForeignPeer(publicKey: string, allowedIps: readonly string[]): Promise<void>
  close(): Promise<void>
}

const signal = () => AbortSignal.timeout(20_000)

export const newKey = () => publicKeyOf(newPrivateKey())
export const newPresharedKey = () => new Secret(newPrivateKey().reveal())

/** What every Hub promises (src/tunnels/hub-port.ts). */
export function hubContract(open: () => Promise<HubUnderTest>): void {
  let under: HubUnderTest
  let hub: Hub
  let number = 0
  let lease = 1
  const revision = (): Revision => ({ lease, number: ++number })
  const peer = (...allowedIps: string[]): PeerSpec => ({
    publicKey: newKey(),
    presharedKey: newPresharedKey(),
    allowedIps,
  })
  const put = (...specs: PeerSpec[]) => hub.applyPeers({ revision: revision(), put: specs, remove: [] }, signal())
  const remove = (...keys: string[]) => hub.applyPeers({ revision: revision(), put: [], remove: keys }, signal())
  const prefixesOf = async ({ publicKey }: Pick<PeerSpec, 'publicKey'>) =>
    (await hub.readPeers([publicKey], signal()))[0]?.allowedIps
  const admit = (...prefixes: string[]) =>
    hub.applyFirewall({ revision: revision(), admit: prefixes, expel: [] }, signal())
  const expel = (...prefixes: string[]) =>
    hub.applyFirewall({ revision: revision(), admit: [], expel: prefixes }, signal())

  beforeAll(async () => {
    under = await open()
    hub = under.hub
  }, 30_000)
  beforeEach(async () => {
    await remove(...(await hub.listPeers(signal())).map(({ publicKey }) => publicKey))
    await expel(...(await hub.readFirewall(signal())).admitted)
  })
  afterAll(() => under?.close(), 30_000)

  describe('peers', () => {
    test('the hub says which interface, key and addresses it has', async () => {
      const { publicKey, interface: name, addresses, listenPort } = await hub.describe(signal())
      expect(publicKey).toMatch(/^[A-Za-z0-9+/]{43}=$/)
      expect(name).not.toBe('')
      expect(addresses).toEqual(['10.77.0.1/16', 'fd77:77::1/64'])
      expect(listenPort).toBe(51_820)
    })

    test('a peer is there with exactly its prefixes, in canonical form and sorted', async () => {
      const gateway = peer('10.78.4.0/24', 'fd77:77:0:0:0::9/128', '10.77.0.9/32')
      await put(gateway)
      expect(await hub.listPeers(signal())).toEqual([
        {
          publicKey: gateway.publicKey,
          allowedIps: ['10.77.0.9/32', '10.78.4.0/24', 'fd77:77::9/128'],
          lastHandshakeAt: null,
          receivedBytes: 0,
          sentBytes: 0,
          endpoint: null,
        },
      ])
    })

    test('only the peers that were asked for are read, and one that is not there is absent from the answer', async () => {
      const [one, two] = [peer('10.77.0.2/32'), peer('10.77.0.3/32')]
      await put(one, two)
      const read = await hub.readPeers([two.publicKey, newKey()], signal())
      expect(read.map(({ publicKey }) => publicKey)).toEqual([two.publicKey])
    })

    test('a removed peer is gone, the others stay, and removing it again is fine', async () => {
      const [leaver, other] = [peer('10.77.0.2/32'), peer('10.77.0.3/32')]
      await put(leaver, other)
      await remove(leaver.publicKey)
      await remove(leaver.publicKey, newKey())
      expect((await hub.listPeers(signal())).map(({ publicKey }) => publicKey)).toEqual([other.publicKey])
    })

    test('a removal that is asked for while the same peer is still being put wins, because it came later', async () => {
      const many = Array.from({ length: 300 }, (_, at) => peer(`10.77.${4 + (at >> 8)}.${at & 255}/32`))
      const leaver = many[150]!
      const standing = peer('10.77.0.2/32')
      await put(standing)
      await Promise.all([put(...many), remove(leaver.publicKey), remove(standing.publicKey)])
      const keys = new Set((await hub.listPeers(signal())).map(({ publicKey }) => publicKey))
      expect(keys.size).toBe(299)
      expect(keys.has(leaver.publicKey) || keys.has(standing.publicKey)).toBe(false)
    })

    test('the same request twice gives the same peers', async () => {
      const [one, two] = [peer('10.77.0.2/32'), peer()]
      await put(one, two)
      const byKey = async () => new Map((await hub.listPeers(signal())).map((found) => [found.publicKey, found]))
      const once = await byKey()
      await put(one, two)
      expect(await byKey()).toEqual(once)
    })

    test('prefixes are exchanged for the ones asked for, and none at all is possible', async () => {
      const one = peer('10.77.0.2/32', '10.78.1.0/24')
      await put(one)
      await put({ ...one, presharedKey: null, allowedIps: ['10.78.2.0/24', '10.77.0.2/32'] })
      expect(await prefixesOf(one)).toEqual(['10.77.0.2/32', '10.78.2.0/24'])
      await put({ ...one, allowedIps: [] })
      expect(await prefixesOf(one)).toEqual([])
    })

    test('peers that somebody else made are not touched', async () => {
      const foreign = newKey()
      await under.addForeignPeer(foreign, ['192.0.2.7/32'])
      const own = peer('10.77.0.2/32')
      await put(own)
      await remove(own.publicKey)
      expect(await prefixesOf({ publicKey: foreign })).toEqual(['192.0.2.7/32'])
    })

    test('a thousand peers come and go in one request each', async () => {
      const many = Array.from({ length: 1_000 }, (_, at) => peer(`10.77.${4 + (at >> 8)}.${at & 255}/32`))
      await put(...many)
      const listed = await hub.listPeers(signal())
      expect(new Map(listed.map(({ publicKey, allowedIps }) => [publicKey, [...allowedIps]]))).toEqual(
        new Map(many.map(({ publicKey, allowedIps }) => [publicKey, [...allowedIps]])),
      )
      await remove(...many.map(({ publicKey }) => publicKey))
      expect(await hub.listPeers(signal())).toEqual([])
    })
  })

  describe('what a hub refuses, doing nothing', () => {
    /** None of a refused request may be done, also not its good part. */
    async function refused(specs: readonly PeerSpec[], message: RegExp): Promise<void> {
      const listed = async () => new Map((await hub.listPeers(signal())).map((found) => [found.publicKey, found]))
      const before = await listed()
      const good = peer('10.77.9.9/32')
      await expect(put(good, ...specs)).rejects.toMatchObject({
        code: 'HUB_REFUSED',
        message: expect.stringMatching(message),
      })
      expect(await listed()).toEqual(before)
    }

    test('its own key as a peer', async () => {
      const { publicKey } = await hub.describe(signal())
      await refused([{ ...peer(), publicKey }], /own key/)
    })

    test.each(['10.79.0.2/32', '0.0.0.0/0', '10.76.0.0/15', '::/0', 'fd77:78::2/128'])(
      'the prefix %s, which is outside its subnets',
      (prefix) => refused([peer(prefix)], /outside the hub's subnets/),
    )

    test.each(['10.77.0.1/32', '10.77.0.0/24', 'fd77:77::1/128'])(
      "the prefix %s, which holds the hub's own address",
      (prefix) => refused([peer(prefix)], /own address/),
    )

    test.each(['10.77.0.2/33', '10.77.0/24', 'house', '10.77.0.2/32; flush ruleset', ''])('%j as a prefix', (prefix) =>
      refused([peer(prefix)], /is not an address prefix/),
    )

    test('the same prefix for two peers in one request', () =>
      refused([peer('10.77.0.2/32'), peer('10.77.0.2/32')], /10\.77\.0\.2\/32 is asked for twice/))

    test("a prefix within another's in one request", () =>
      refused([peer('10.78.2.0/24'), peer('10.78.2.7/32')], /asked for twice/))

    test('a prefix that another peer holds, naming it: WireGuard would take it from there without a word', async () => {
      const holder = peer('10.77.0.2/32', '10.78.2.0/24')
      await put(holder)
      await refused([peer('10.77.0.2/32')], /10\.77\.0\.2\/32 belongs to another peer/)
      await refused([peer('10.78.2.8/32')], /10\.78\.2\.8\/32 belongs to another peer/)
      await refused([peer('10.78.2.0/23')], /10\.78\.2\.0\/23 belongs to another peer/)
      expect(await prefixesOf(holder)).toEqual(['10.77.0.2/32', '10.78.2.0/24'])
    })

    test('a key that is no WireGuard key', () =>
      refused([{ ...peer(), publicKey: `${'A'.repeat(43)}=` }], /not a WireGuard/))

    test('one key to be put and removed', async () => {
      const one = peer('10.77.0.2/32')
      await expect(
        hub.applyPeers({ revision: revision(), put: [one], remove: [one.publicKey] }, signal()),
      ).rejects.toMatchObject({ code: 'HUB_REFUSED' })
      expect(await hub.listPeers(signal())).toEqual([])
    })
  })

  describe('a new key for a handset', () => {
    test('waits without prefixes beside the old key, then takes them over while the old one goes', async () => {
      const old = peer('10.77.0.2/32')
      const next = peer()
      await put(old, next)
      expect(await prefixesOf(next)).toEqual([])
      await hub.applyPeers(
        {
          revision: revision(),
          put: [{ ...next, presharedKey: null, allowedIps: ['10.77.0.2/32'] }],
          remove: [old.publicKey],
        },
        signal(),
      )
      expect(await prefixesOf(next)).toEqual(['10.77.0.2/32'])
      expect(await prefixesOf(old)).toBe(undefined)
    })

    test('takes them from a key that stays with others, and two may change places', async () => {
      const [one, two] = [peer('10.77.0.2/32', '10.78.2.0/24'), peer('10.77.0.3/32')]
      await put(one, two)
      await put({ ...one, allowedIps: ['10.77.0.3/32'] }, { ...two, allowedIps: ['10.78.2.0/24', '10.77.0.2/32'] })
      expect(await prefixesOf(one)).toEqual(['10.77.0.3/32'])
      expect(await prefixesOf(two)).toEqual(['10.77.0.2/32', '10.78.2.0/24'])
    })
  })

  describe('revisions', () => {
    const older = { code: 'HUB_REFUSED', message: expect.stringContaining('is older than') }

    test('an older one is refused, the same one may be repeated, and peers and firewall are counted apart', async () => {
      const one = peer('10.77.0.2/32')
      const earlier = revision()
      const now = revision()
      await hub.applyPeers({ revision: now, put: [one], remove: [] }, signal())
      await expect(
        hub.applyPeers({ revision: earlier, put: [], remove: [one.publicKey] }, signal()),
      ).rejects.toMatchObject(older)
      await hub.applyPeers({ revision: now, put: [one], remove: [] }, signal())
      await hub.applyFirewall({ revision: earlier, admit: ['10.77.0.2/32'], expel: [] }, signal())
      expect(await prefixesOf(one)).toEqual(['10.77.0.2/32'])
    })

    test('a writer whose lease was taken over can change nothing any more', async () => {
      const deposed = { lease, number: number + 1_000 }
      lease += 1
      const one = peer('10.77.0.2/32')
      await put(one)
      await expect(
        hub.applyPeers({ revision: deposed, put: [], remove: [one.publicKey] }, signal()),
      ).rejects.toMatchObject(older)
      await expect(
        hub.applyFirewall({ revision: deposed, admit: ['10.77.0.9/32'], expel: [] }, signal()),
      ).rejects.toMatchObject(older)
      expect(await prefixesOf(one)).toEqual(['10.77.0.2/32'])
      expect((await hub.readFirewall(signal())).admitted).toEqual([])
    })
  })

  hubFirewallContract({ hub: () => hub, revision, admit, expel })
}
