/** The hub and the PBX of the office: the fakes of the tests, with what real ones would tell of themselves. */
import type { Hub, Peer } from '../../src/tunnels/hub-port.ts'
import { type FakeHub, fakeHub } from '../fakes/fake-hub.ts'
import { type FakePbx, fakePbx } from '../fakes/fake-pbx.ts'
import type { World } from '../journeys/world.ts'

/** A Monday after whenever this runs first, so that pictures do not change with the day on which they are taken. */
export const firstDay = Date.parse('2027-03-01T06:55:00Z')
const stepMs = 300_000

/** @param world once it is there: it knows which peers have spoken, and what time it is */
export function busyHub(world: () => World | undefined): FakeHub {
  const hub = fakeHub({ mode: 'kernel' })
  const list: Hub['listPeers'] = hub.listPeers
  hub.listPeers = async (signal) => {
    const { context } = world() ?? {}
    const now = context?.system.now().getTime() ?? 0
    return (await list(signal)).map((peer) => dressed(peer, context?.handshakes.get(peer.publicKey) ?? null, now))
  }
  return hub
}

/** Lets hours go by as the hub lists them, every five minutes. */
export async function passHours({ hub, hubWatch, context, travel }: World, hours: number): Promise<void> {
  const peers = await hub.listPeers(AbortSignal.timeout(1_000))
  const now = context.system.now().getTime()
  for (let at = now + stepMs; at < now + hours * 3_600_000; at += stepMs) {
    const listed = peers.map((peer) => dressed(peer, peer.lastHandshakeAt, at))
    hubWatch.traffic.note(listed, new Date(at))
  }
  await travel(hours / 24)
}

function dressed(peer: Peer, lastHandshakeAt: string | null, at: number): Peer {
  if (lastHandshakeAt === null) return peer
  const place = [...peer.publicKey].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 97
  const received = bytesUntil(at, place)
  return {
    ...peer,
    lastHandshakeAt,
    endpoint: `203.0.113.${20 + place}:${41_000 + place * 211}`,
    receivedBytes: received,
    sentBytes: Math.round(received * (0.7 + (place % 5) / 8)),
  }
}

/** A call now and then in working hours; besides, little more than keepalives. Only grows. */
function bytesUntil(at: number, place: number): number {
  let bytes = 0
  for (let step = Math.floor(firstDay / stepMs); step <= Math.floor(at / stepMs); step++) {
    const hour = new Date(step * stepMs).getUTCHours()
    const inCall = hour >= 7 && hour < 17 && (step * 7 + place * 13) % 23 < 3 + (place % 4)
    bytes += inCall ? 1_900_000 + ((step * 31 + place) % 11) * 90_000 : 9_000
  }
  return bytes
}

export interface NamedPbx {
  readonly pbx: FakePbx
  /** A phone with the password of this extension registers from there. */
  signIn(extension: string, address: string): void
}

export function namedPbx(): NamedPbx {
  const pbx = fakePbx()
  const { readAccounts, applyAccounts } = pbx.driver
  const product = 'Asterisk 22.5.2'
  const known = new Map<string, { readonly username: string; readonly secret: string }>()
  const driver: FakePbx['driver'] = {
    ...pbx.driver,
    kind: 'asterisk',
    describe: async () => ({ product, problems: [] }),
    readAccounts: async (signal) => ({ ...(await readAccounts(signal)), product }),
    applyAccounts(accounts, signal) {
      for (const { extension, credentials } of accounts)
        for (const { username, secret } of credentials) known.set(extension, { username, secret: secret.reveal() })
      return applyAccounts(accounts, signal)
    },
  }
  return {
    pbx: { ...pbx, driver },
    signIn(extension, address) {
      const credential = known.get(extension)
      if (!credential || pbx.register({ extension, address, ...credential }) !== 200)
        throw new Error(`extension ${extension} cannot register`)
    },
  }
}
