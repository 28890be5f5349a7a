/** Remembers what the hub said whenever anybody asked it, so that pages need not ask again. */
import { type Traffic, trafficRecord } from '../domain/traffic.ts'
import { asAppError } from '../errors.ts'
import type { FirewallState, Hub, HubDescription, Peer } from '../tunnels/hub-port.ts'

export interface HubWatch {
  readonly traffic: Traffic
  /** When counting began. */
  readonly since: string
  readonly description: Seen<HubDescription> | null
  /** The last complete listing. */
  readonly peers: Seen<readonly Peer[]> | null
  readonly firewall: Seen<FirewallState> | null
  /** Null once it answered again. */
  readonly failure: Seen<{ readonly message: string; readonly hint: string | null }> | null
  /** The same hub, listened to. */
  around(hub: Hub): Hub
}

export interface Seen<T> {
  readonly at: string
  readonly is: T
}

type Remembered = { -readonly [K in 'description' | 'peers' | 'firewall' | 'failure']: HubWatch[K] }

export function openHubWatch(now: () => Date): HubWatch {
  const traffic = trafficRecord()
  const seen: Remembered = { description: null, peers: null, firewall: null, failure: null }

  async function heard<K extends keyof Remembered, T>(what: K, asked: Promise<T>): Promise<T> {
    try {
      const is = await asked
      seen[what] = { at: now().toISOString(), is } as unknown as Remembered[K]
      seen.failure = null
      return is
    } catch (error) {
      const { message, hint } = asAppError(error)
      seen.failure = { at: now().toISOString(), is: { message, hint: hint ?? null } }
      throw error
    }
  }

  return {
    traffic,
    since: now().toISOString(),
    get description() {
      return seen.description
    },
    get peers() {
      return seen.peers
    },
    get firewall() {
      return seen.firewall
    },
    get failure() {
      return seen.failure
    },
    around: (hub) => ({
      describe: (signal) => heard('description', hub.describe(signal)),
      async listPeers(signal) {
        const peers = await heard('peers', hub.listPeers(signal))
        traffic.note(peers, now())
        return peers
      },
      readPeers: (publicKeys, signal) => hub.readPeers(publicKeys, signal),
      applyPeers: (change, signal) => hub.applyPeers(change, signal),
      readFirewall: (signal) => heard('firewall', hub.readFirewall(signal)),
      applyFirewall: (change, signal) => hub.applyFirewall(change, signal),
    }),
  }
}
