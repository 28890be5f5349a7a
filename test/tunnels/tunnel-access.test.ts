import { describe, expect, test } from 'vitest'
import { newKey, newPresharedKey } from '../contracts/hub.contract.ts'
import { fakeHub } from '../fakes/fake-hub.ts'
import { closed, signal, subject, tunnelOffice, vault } from './tunnel-office.ts'

const office = tunnelOffice()
const { tunnels, firewall, look, lookAtFirewall } = office

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
    await office.hub.addForeignPeer(one.retiredKeys[0]!, [])
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
    await office.hub.addForeignPeer(router, ['10.78.9.0/28'])
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
    expect(await office.hub.readPeers([next], signal())).toMatchObject([{ allowedIps: [] }])
    expect((await look(waiting))[0]).toMatchObject({ state: 'as-desired' })

    const rotated = { ...one, publicKeys: [next], activeKey: next, retiredKeys: [old] }
    expect((await look(rotated))[0]).toMatchObject({ state: 'differs' })
    await tunnels().apply([rotated], signal())
    expect((await look(rotated))[0]).toMatchObject({ state: 'as-desired' })
    expect(await office.hub.readPeers([old], signal())).toEqual([])
    expect(await office.hub.readPeers([next], signal())).toMatchObject([{ allowedIps: one.prefixes }])
  })

  test('a hub that says yes and does nothing is found out', async () => {
    const one = subject()
    await tunnels().apply([one], signal())
    office.hub.fault = 'lie'
    await tunnels().apply([closed(one)], signal())
    expect((await look(closed(one)))[0]).toMatchObject({ state: 'differs' })
    office.hub.fault = null
    await tunnels().apply([closed(one)], signal())
    expect((await look(closed(one)))[0]).toMatchObject({ state: 'as-desired' })
  })

  test.each(['down', 'hang'] as const)('a hub that is %s gives an error, never an empty listing', async (fault) => {
    office.hub.fault = fault
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
      office.hub.fault = fault
      const findings = await look(...some)
      expect(findings.some(({ state }) => state === 'differs')).toBe(true)
      await tunnels().apply(some, signal())
      office.hub.fault = null
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
    await office.hub.addForeignPeer(stranger, ['192.0.2.9/32'])
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
    office.hub = fakeHub({ mode: 'preview' })
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
