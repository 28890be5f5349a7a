import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import type { TunnelSubject } from '../../src/domain/access.ts'
import { firewallAccess } from '../../src/tunnels/firewall-access.ts'
import { tunnelAccess } from '../../src/tunnels/tunnel-access.ts'
import { vaultWith } from '../../src/vault.ts'
import { newKey, newPresharedKey } from '../contracts/hub.contract.ts'
import { type FakeHub, fakeHub } from '../fakes/fake-hub.ts'

const signal = () => AbortSignal.timeout(5_000)
const vault = vaultWith(randomBytes(32))

let hub: FakeHub
let holders: Map<string, string>
let number: number
beforeEach(() => {
  hub = fakeHub()
  holders = new Map()
  number = 0
})
const nextRevision = () => ({ lease: 1, number: ++number })
const tunnels = () => tunnelAccess({ hub, hubId: 'default', vault, nextRevision })
const firewall = () => firewallAccess({ hub, hubId: 'default', nextRevision, holders: async () => holders })

let nextSubject = 0
function subject(given: Partial<TunnelSubject> = {}): TunnelSubject {
  nextSubject += 1
  const id = `tunnel-${nextSubject}`
  const key = newKey()
  return {
    kind: 'tunnel',
    id,
    employeeId: null,
    wanted: 'open',
    generation: 1,
    hubId: 'default',
    publicKeys: [key],
    activeKey: key,
    retiredKeys: [],
    prefixes: [`10.77.2.${nextSubject}/32`],
    admitted: given.prefixes ?? [`10.77.2.${nextSubject}/32`],
    presharedKeySealed: vault.seal(newPresharedKey(), `tunnel:${id}:psk`),
    ...given,
  }
}
const closed = (open: TunnelSubject): TunnelSubject => ({
  ...open,
  wanted: 'closed',
  generation: open.generation + 1,
  publicKeys: [],
  activeKey: null,
  retiredKeys: [...open.publicKeys, ...open.retiredKeys],
  admitted: [],
  presharedKeySealed: null,
})
async function look(...subjects: TunnelSubject[]) {
  const system = tunnels()
  const snapshot = await system.read(signal())
  return subjects.map((one) => system.judge(one, snapshot))
}
async function lookAtFirewall(...subjects: TunnelSubject[]) {
  const system = firewall()
  const snapshot = await system.read(signal())
  return subjects.map((one) => system.judge(one, snapshot))
}

describe('tunnels on a hub', () => {
  test('an open tunnel is as it should be once its peer was read back with exactly its addresses', async () => {
    const one = subject({ prefixes: ['10.78.1.0/24', '10.77.2.250/32'] })
    expect((await look(one))[0]).toMatchObject({ state: 'differs', problem: expect.stringContaining('is missing') })
    await tunnels().apply([one], signal())
    const [finding] = await look(one)
    expect(finding).toMatchObject({
      state: 'as-desired',
      evidence: { summary: 'peer present on ringfence0 with 10.77.2.250/32, 10.78.1.0/24' },
    })
    expect((await look({ ...one, prefixes: ['10.77.2.250/32'] }))[0]).toMatchObject({ state: 'differs' })
    // An unchanged world gives equal evidence.
    expect((await look(one))[0]).toEqual(finding)
  })

  test('a closed tunnel is shut when none of the keys it ever had is on the interface', async () => {
    const one = subject({ retiredKeys: [newKey()] })
    await tunnels().apply([{ ...one, retiredKeys: [] }], signal())
    await hub.addForeignPeer(one.retiredKeys[0]!, [])
    const gone = closed(one)
    expect((await look(gone))[0]).toMatchObject({ state: 'differs', problem: expect.stringContaining('still present') })
    await tunnels().apply([gone], signal())
    expect((await look(gone))[0]).toMatchObject({
      state: 'as-desired',
      evidence: { summary: 'peer absent from ringfence0 on re-read', facts: { keys: 2, present: 0 } },
    })
  })

  test('a tunnel without a key is neither a fault nor open: it waits for whoever gives it one', async () => {
    const waiting = subject({ publicKeys: [], activeKey: null })
    await tunnels().apply([waiting], signal())
    expect((await look(waiting))[0]).toMatchObject({
      state: 'waiting',
      evidence: { summary: 'waits for its key' },
      hint: expect.stringContaining('ringfence invite WHO'),
    })
    const gateway = { ...waiting, prefixes: [...waiting.prefixes, '10.78.0.0/28'] }
    expect((await look(gateway))[0]).toMatchObject({
      state: 'waiting',
      problem: 'no key of its router is known yet',
      hint: expect.stringContaining('ringfence gateway key WHO KEY'),
    })
    expect((await look(closed(waiting)))[0]).toMatchObject({ state: 'as-desired' })
  })

  test('a closed tunnel whose key nobody knows is not called shut while a stranger holds its addresses', async () => {
    const leaver = closed(subject({ publicKeys: [], activeKey: null, prefixes: ['10.77.9.9/32', '10.78.9.0/28'] }))
    const router = newKey()
    await hub.addForeignPeer(router, ['10.78.9.0/28'])
    const told = {
      state: 'unverifiable',
      problem: `peer ${router}, which was not issued for it, holds 10.78.9.0/28 on ringfence0`,
      hint: `if nobody needs it: wg set ringfence0 peer ${router} remove`,
    }
    expect((await look(leaver))[0]).toMatchObject(told)
    // The quick look after the act sees it too: it reads everything for such a tunnel.
    const quick = await tunnels().readSome!([leaver], signal())
    expect(tunnels().judge(leaver, quick)).toMatchObject(told)
    // Whose addresses belong to somebody else by now is shut: such a tunnel does not carry them any more.
    expect((await look({ ...leaver, prefixes: ['10.77.9.9/32'] }))[0]).toMatchObject({ state: 'as-desired' })
  })

  test('a replacement key waits without addresses, then takes over, and the old key must be gone', async () => {
    const one = subject()
    const old = one.activeKey!
    const next = newKey()
    const waiting = { ...one, publicKeys: [old, next] }
    await tunnels().apply([waiting], signal())
    expect(await hub.readPeers([next], signal())).toMatchObject([{ allowedIps: [] }])
    expect((await look(waiting))[0]).toMatchObject({ state: 'as-desired' })

    const rotated = { ...one, publicKeys: [next], activeKey: next, retiredKeys: [old] }
    expect((await look(rotated))[0]).toMatchObject({ state: 'differs' })
    await tunnels().apply([rotated], signal())
    expect((await look(rotated))[0]).toMatchObject({ state: 'as-desired' })
    expect(await hub.readPeers([old], signal())).toEqual([])
    expect(await hub.readPeers([next], signal())).toMatchObject([{ allowedIps: one.prefixes }])
  })

  test('a hub that says yes and does nothing is found out', async () => {
    const one = subject()
    await tunnels().apply([one], signal())
    hub.fault = 'lie'
    await tunnels().apply([closed(one)], signal())
    expect((await look(closed(one)))[0]).toMatchObject({ state: 'differs' })
    hub.fault = null
    await tunnels().apply([closed(one)], signal())
    expect((await look(closed(one)))[0]).toMatchObject({ state: 'as-desired' })
  })

  test.each(['down', 'hang'] as const)('a hub that is %s gives an error, never an empty listing', async (fault) => {
    hub.fault = fault
    await expect(tunnels().read(AbortSignal.timeout(50))).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      retryable: true,
    })
    await expect(tunnels().apply([closed(subject())], AbortSignal.timeout(50))).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
    })
  })

  test.each(['empty', 'partial'] as const)(
    'an %s listing makes nothing disappear: open tunnels are put again',
    async (fault) => {
      const some = [subject(), subject()]
      await tunnels().apply(some, signal())
      hub.fault = fault
      const findings = await look(...some)
      expect(findings.some(({ state }) => state === 'differs')).toBe(true)
      await tunnels().apply(some, signal())
      hub.fault = null
      expect((await look(...some)).map(({ state }) => state)).toEqual(['as-desired', 'as-desired'])
    },
  )

  test('the quick look judges only the tunnels it looked at', async () => {
    const [one, two] = [subject(), subject()]
    await tunnels().apply([one, two], signal())
    const snapshot = await tunnels().readSome!([one], signal())
    expect(tunnels().judge(one, snapshot)).toMatchObject({ state: 'as-desired' })
    expect(tunnels().judge(closed(two), snapshot)).toMatchObject({ state: 'differs' })
  })

  test('peers that were not issued here are named and left alone', async () => {
    const stranger = newKey()
    await hub.addForeignPeer(stranger, ['192.0.2.9/32'])
    const one = subject()
    await tunnels().apply([one, closed(subject())], signal())
    const snapshot = await tunnels().read(signal())
    expect(tunnels().strangers!([one], snapshot)).toEqual([
      `peer ${stranger} on ringfence0 with 192.0.2.9/32 was not issued here`,
    ])
  })

  test('one tunnel that the hub refuses, or whose key does not open, keeps none of the others out', async () => {
    const bad = subject({ prefixes: ['192.0.2.1/32'] })
    const sealedElsewhere = subject({ presharedKeySealed: vault.seal(newPresharedKey(), 'tunnel:other:psk') })
    const leaver = subject()
    const good = Array.from({ length: 9 }, () => subject())
    await tunnels().apply([leaver], signal())
    const all = [...good.slice(0, 4), bad, ...good.slice(4), sealedElsewhere, closed(leaver)]
    await expect(tunnels().apply(all, signal())).rejects.toMatchObject({ code: 'HUB_REFUSED' })
    expect((await look(...good, closed(leaver))).every(({ state }) => state === 'as-desired')).toBe(true)
    expect((await look(bad, sealedElsewhere)).every(({ state }) => state === 'differs')).toBe(true)
  })

  test('a preview is never taken for proof', async () => {
    hub = fakeHub({ mode: 'preview' })
    const one = subject()
    await tunnels().apply([one], signal())
    await firewall().apply([one], signal())
    expect((await look(one))[0]).toMatchObject({
      state: 'unverifiable',
      problem: 'preview: no packet moves on this host',
    })
    expect((await look(closed(subject())))[0]).toMatchObject({ state: 'unverifiable' })
    expect((await lookAtFirewall(one))[0]).toMatchObject({ state: 'unverifiable' })
  })
})

describe("a hub's firewall", () => {
  test('admits open tunnels and shuts closed ones, seen on re-read', async () => {
    const [one, leaver] = [subject(), subject()]
    await firewall().apply([one, leaver], signal())
    expect((await lookAtFirewall(one, leaver)).map(({ state }) => state)).toEqual(['as-desired', 'as-desired'])
    expect((await lookAtFirewall(closed(leaver)))[0]).toMatchObject({ state: 'differs' })
    await firewall().apply([closed(leaver)], signal())
    expect((await lookAtFirewall(one, closed(leaver)))[1]).toMatchObject({
      state: 'as-desired',
      evidence: { summary: `the firewall of ringfence0 does not admit ${leaver.prefixes[0]} on re-read` },
    })
    expect((await lookAtFirewall(one))[0]).toMatchObject({ state: 'as-desired' })
  })

  test('a wide prefix that somebody added re-opens no door unseen', async () => {
    const leaver = closed(subject({ prefixes: ['10.78.7.0/24'] }))
    await hub.applyFirewall({ revision: nextRevision(), admit: ['10.78.0.0/16'], expel: [] }, signal())
    expect((await lookAtFirewall(leaver))[0]).toMatchObject({ state: 'differs' })
    await firewall().apply([leaver], signal())
    expect((await lookAtFirewall(leaver))[0]).toMatchObject({ state: 'as-desired' })
  })

  test("the tombstone of an address's last owner does not shut its next one out", async () => {
    const last = closed(subject())
    const next = subject({ prefixes: last.prefixes })
    holders.set(last.prefixes[0]!, next.id)
    await firewall().apply([next], signal())
    expect((await lookAtFirewall(last))[0]).toMatchObject({
      state: 'as-desired',
      evidence: { summary: 'its addresses now belong to another tunnel' },
    })
    await firewall().apply([last], signal())
    expect((await lookAtFirewall(next))[0]).toMatchObject({ state: 'as-desired' })
  })

  test('of a gateway only its carrier and the reserved addresses of its phones are admitted, nothing else of its subnet', async () => {
    const gateway = subject({
      prefixes: ['10.77.2.200/32', '10.78.1.0/28'],
      admitted: ['10.77.2.200/32', '10.78.1.2/32', '10.78.1.3/32'],
    })
    // As an older version had it, or as somebody added it.
    await hub.applyFirewall({ revision: nextRevision(), admit: gateway.prefixes, expel: [] }, signal())
    expect((await lookAtFirewall(gateway))[0]).toMatchObject({
      state: 'differs',
      problem: 'the firewall of ringfence0 admits 10.78.1.0/28, which no phone has',
    })
    await firewall().apply([gateway], signal())
    expect((await hub.readFirewall(signal())).admitted).toEqual(gateway.admitted)
    expect((await lookAtFirewall(gateway))[0]).toMatchObject({ state: 'as-desired' })
    expect(firewall().strangers!([gateway], await firewall().read(signal()))).toEqual([])
    const fewer = { ...gateway, admitted: ['10.77.2.200/32', '10.78.1.3/32'], generation: 2 }
    expect((await lookAtFirewall(fewer))[0]).toMatchObject({ state: 'differs' })
    await firewall().apply([fewer], signal())
    expect((await hub.readFirewall(signal())).admitted).toEqual(fewer.admitted)
  })

  test('a phone that left a gateway which stays is shut by its address, and the rest is said as it is', async () => {
    const stays = subject({
      prefixes: ['10.77.2.201/32', '10.78.2.0/28'],
      admitted: ['10.77.2.201/32', '10.78.2.3/32'],
    })
    const left: TunnelSubject = {
      ...closed(subject({ publicKeys: [] })),
      prefixes: ['10.78.2.2/32'],
      gatewayStays: { keys: [] },
    }
    await hub.applyFirewall({ revision: nextRevision(), admit: ['10.78.2.2/32'], expel: [] }, signal())
    expect((await lookAtFirewall(left))[0]).toMatchObject({ state: 'differs' })
    await firewall().apply([stays, left], signal())
    expect((await lookAtFirewall(stays, left)).map(({ state }) => state)).toEqual(['as-desired', 'as-desired'])
    expect((await look(left))[0]).toMatchObject({
      state: 'unverifiable',
      problem: 'shared gateway, return the phone',
    })
  })

  test('rules that somebody changed are a problem of every tunnel until they are put back', async () => {
    const [one, gone] = [subject(), closed(subject())]
    await firewall().apply([one], signal())
    hub.rulesIntact = false
    expect((await lookAtFirewall(one, gone)).map(({ state }) => state)).toEqual(['differs', 'differs'])
    await firewall().apply([gone], signal())
    expect((await lookAtFirewall(one, gone)).map(({ state }) => state)).toEqual(['as-desired', 'as-desired'])
  })

  test('an admitted address that belongs to no tunnel is named', async () => {
    await hub.applyFirewall({ revision: nextRevision(), admit: ['10.77.9.9/32'], expel: [] }, signal())
    const snapshot = await firewall().read(signal())
    expect(firewall().strangers!([subject()], snapshot)).toEqual([
      '10.77.9.9/32 is admitted by the firewall of ringfence0 but belongs to no tunnel',
    ])
  })
})
