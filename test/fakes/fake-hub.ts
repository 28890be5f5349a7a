import { AppError } from '../../src/errors.ts'
import { rememberedFirewall } from '../../src/hub/firewall.ts'
import { createHub } from '../../src/hub/hub.ts'
import { afterRevision, nothingTaken, type RevisionFence } from '../../src/hub/revision-fence.ts'
import type { Hub, HubDescription } from '../../src/tunnels/hub-port.ts'
import { previewDriver } from '../../src/tunnels/preview.ts'
import { newPrivateKey, publicKeyOf } from '../../src/tunnels/wireguard-key.ts'

/**
 * - `down`: cannot be asked. `hang`: never answers; only the caller's signal ends it. `refuse`: takes no change.
 * - `lie`: says that a change is done and does nothing. `lose-answer`: does it and says that it could not be asked.
 * - `empty`, `partial`: lists nothing, or half of what there is.
 */
export type HubFault = 'down' | 'hang' | 'refuse' | 'lie' | 'lose-answer' | 'empty' | 'partial'

export interface FakeHub extends Hub {
  fault: HubFault | null
  /** How many changes were asked for. */
  readonly changes: { peers: number; firewall: number }
  /** A peer that somebody put there by hand. */
  addForeignPeer(publicKey: string, allowedIps: readonly string[]): Promise<void>
  /** A peer that somebody took away by hand. */
  removeByHand(publicKey: string): Promise<void>
  /** Somebody flushed the table. */
  rulesIntact: boolean
}

/** A hub that lives in memory, with the real one's rules, and fails on request. */
export function fakeHub(given: Partial<HubDescription> = {}): FakeHub {
  const key = newPrivateKey()
  const driver = previewDriver()
  const keyed = driver.setPrivateKey(key, AbortSignal.timeout(1_000))
  const description: Omit<HubDescription, 'lease'> = {
    mode: 'userspace',
    interface: 'ringfence0',
    publicKey: publicKeyOf(key),
    listenPort: 51_820,
    addresses: ['10.77.0.1/16', 'fd77:77::1/64'],
    did: [],
    problems: [],
    ...given,
  }
  let last = nothingTaken
  const fence: RevisionFence = {
    pass: async (kind, revision) => {
      last = afterRevision(last, kind, revision)
    },
    lease: () => last.lease,
    settle: async () => undefined,
  }
  const hub = createHub({
    driver,
    firewall: rememberedFirewall(),
    fence,
    settings: {
      interface: description.interface,
      subnets: ['10.77.0.0/16', 'fd77:77::/64'],
      phoneSubnets: ['10.78.0.0/16'],
    },
    description,
  })

  async function asked(signal: AbortSignal): Promise<void> {
    await keyed
    if (fake.fault === 'down') throw unreachable()
    if (fake.fault === 'hang') {
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        else signal.addEventListener('abort', () => resolve(), { once: true })
      })
      throw unreachable()
    }
  }

  async function change(kind: 'peers' | 'firewall', deed: () => Promise<void>, signal: AbortSignal): Promise<void> {
    fake.changes[kind] += 1
    await asked(signal)
    if (fake.fault === 'refuse') throw new AppError('HUB_REFUSED', 'the fake refuses', { hint: 'it was told to' })
    if (fake.fault === 'lie') return
    await deed()
    if (fake.fault === 'lose-answer') throw unreachable()
  }

  function listed<T>(all: readonly T[]): readonly T[] {
    if (fake.fault === 'empty') return []
    return fake.fault === 'partial' ? all.slice(0, all.length >>> 1) : all
  }

  const fake: FakeHub = {
    fault: null,
    rulesIntact: true,
    changes: { peers: 0, firewall: 0 },
    async addForeignPeer(publicKey, allowedIps) {
      await driver.apply([{ kind: 'put', publicKey, presharedKey: null, allowedIps }], AbortSignal.timeout(1_000))
    },
    async removeByHand(publicKey) {
      await driver.apply([{ kind: 'remove', publicKey }], AbortSignal.timeout(1_000))
    },
    async describe(signal) {
      await asked(signal)
      return hub.describe(signal)
    },
    async listPeers(signal) {
      await asked(signal)
      return listed(await hub.listPeers(signal))
    },
    async readPeers(publicKeys, signal) {
      await asked(signal)
      return listed(await hub.readPeers(publicKeys, signal))
    },
    applyPeers: (asking, signal) => change('peers', () => hub.applyPeers(asking, signal), signal),
    async readFirewall(signal) {
      await asked(signal)
      const { admitted } = await hub.readFirewall(signal)
      return { admitted: listed(admitted), rulesIntact: fake.rulesIntact }
    },
    applyFirewall: (asking, signal) =>
      change(
        'firewall',
        async () => {
          await hub.applyFirewall(asking, signal)
          fake.rulesIntact = true
        },
        signal,
      ),
  }
  return fake
}

function unreachable(): AppError {
  return new AppError('HUB_UNREACHABLE', 'the fake hub is down', { hint: 'it was told to be', retryable: true })
}
