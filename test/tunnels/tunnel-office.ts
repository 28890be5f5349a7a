import { randomBytes } from 'node:crypto'
import { beforeEach } from 'vitest'
import type { TunnelSubject } from '../../src/domain/access.ts'
import { firewallAccess } from '../../src/tunnels/firewall-access.ts'
import { tunnelAccess } from '../../src/tunnels/tunnel-access.ts'
import { vaultWith } from '../../src/vault.ts'
import { newKey, newPresharedKey } from '../contracts/hub.contract.ts'
import { type FakeHub, fakeHub } from '../fakes/fake-hub.ts'

export const signal = () => AbortSignal.timeout(5_000)
export const vault = vaultWith(randomBytes(32))

let nextSubject = 0
export function subject(given: Partial<TunnelSubject> = {}): TunnelSubject {
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
export const closed = (open: TunnelSubject): TunnelSubject => ({
  ...open,
  wanted: 'closed',
  generation: open.generation + 1,
  publicKeys: [],
  activeKey: null,
  retiredKeys: [...open.publicKeys, ...open.retiredKeys],
  admitted: [],
  presharedKeySealed: null,
})

/** A hub that pretends, anew for each test of a file, and both access systems on it. */
export function tunnelOffice() {
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

  return {
    get hub() {
      return hub
    },
    set hub(other) {
      hub = other
    },
    get holders() {
      return holders
    },
    nextRevision,
    tunnels,
    firewall,
    look,
    lookAtFirewall,
  }
}
