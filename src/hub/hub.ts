import { hubAddress, parsePrefix } from '../domain/address.ts'
import { AppError, asAppError } from '../errors.ts'
import type { Hub, HubDescription, Peer } from '../tunnels/hub-port.ts'
import type { DevicePeer, PeerDriver, PeerStep } from '../tunnels/peer-driver.ts'
import { checkChange, checkPrefix, planSteps } from '../tunnels/peer-plan.ts'
import type { Firewall } from './firewall.ts'
import type { HubSettings } from './hub-settings.ts'
import type { RevisionFence } from './revision-fence.ts'

interface HubParts {
  readonly driver: PeerDriver
  readonly firewall: Firewall
  readonly fence: RevisionFence
  readonly settings: Pick<HubSettings, 'interface' | 'subnets' | 'phoneSubnets'>
  readonly description: Omit<HubDescription, 'lease'>
  /** Called when the interface or the table could not be asked: it may be gone. */
  readonly onUnreachable?: () => void
}

/** The Hub over a driver and a firewall. Changes take turns, each kind in its own queue; removals go first where no put is in their way. */
export function createHub({ driver, firewall, fence, settings, description, onUnreachable }: HubParts): Hub {
  const subnets = [...settings.subnets, ...settings.phoneSubnets].map((text) => parsePrefix(text)!)
  const reserved = settings.subnets.map((text) => parsePrefix(hubAddress(parsePrefix(text)!))!)
  const territory = { ownKey: description.publicKey, subnets, reserved }
  const peersInTurn = turns()
  const firewallInTurn = turns()
  const puttingNow = counted()
  const removing = new Set<Promise<void>>()

  async function peers(signal: AbortSignal): Promise<readonly DevicePeer[]> {
    const device = await reached(driver.read(signal))
    if (device.publicKey !== description.publicKey) {
      // Somebody made the interface anew under the same name: its list says nothing about ours.
      throw new AppError('HUB_UNREACHABLE', `interface ${settings.interface} no longer has the hub's key`, {
        hint: 'restart the hub: it sets up its interface again',
        retryable: true,
      })
    }
    return device.peers
  }

  async function remove(publicKeys: readonly string[], signal: AbortSignal): Promise<void> {
    const steps = publicKeys.map((publicKey): PeerStep => ({ kind: 'remove', publicKey }))
    if (steps.length > 0) await reached(driver.apply(steps, signal))
  }

  /** A program that failed means that the interface or the table could not be asked. */
  async function reached<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      const { code, message, hint } = asAppError(error)
      if (code === 'COMMAND_FAILED' || code === 'HUB_UNREACHABLE') onUnreachable?.()
      if (code !== 'COMMAND_FAILED') throw error
      throw new AppError('HUB_UNREACHABLE', message, {
        hint: hint ?? '`ringfence doctor` on the host of the hub tells what is missing',
        retryable: true,
        cause: error,
      })
    }
  }

  return {
    describe: async () => ({ ...description, lease: fence.lease() }),
    listPeers: async (signal) => (await peers(signal)).map(shown),
    async readPeers(publicKeys, signal) {
      const wanted = new Set(publicKeys)
      return (await peers(signal)).filter(({ publicKey }) => wanted.has(publicKey)).map(shown)
    },
    async applyPeers(change, signal) {
      const checked = checkChange(change, territory)
      // On arrival: the order on the connection is the writer's, whatever has to wait for its turn then.
      const passed = fence.pass('peers', change.revision)
      if (checked.put.length === 0 && !checked.remove.some((key) => puttingNow.has(key))) {
        await passed
        // A removal needs no look at the interface and no turn: it is the one thing that must not take its time.
        const removal = remove(checked.remove, signal)
        removing.add(removal)
        await removal.finally(() => removing.delete(removal))
        return
      }
      // Its turn may come later than its refusal.
      passed.catch(() => undefined)
      for (const { publicKey } of checked.put) puttingNow.add(publicKey)
      const done = peersInTurn(async () => {
        await passed
        await Promise.allSettled(removing)
        if (checked.put.length === 0) await remove(checked.remove, signal)
        else {
          const steps = planSteps(checked, await peers(signal))
          if (steps.length > 0) await reached(driver.apply(steps, signal))
        }
      })
      try {
        await done
      } finally {
        for (const { publicKey } of checked.put) puttingNow.remove(publicKey)
      }
    },
    readFirewall: (signal) => reached(firewall.read(signal)),
    async applyFirewall(change, signal) {
      const admit = change.admit.map((text) => checkPrefix(text, territory))
      // Shutting must always be possible, also for a prefix of a subnet that is no longer the hub's.
      const expel = change.expel.flatMap((text) => parsePrefix(text) ?? [])
      const passed = fence.pass('firewall', change.revision)
      passed.catch(() => undefined)
      await firewallInTurn(async () => {
        await passed
        await reached(firewall.change(admit, expel, signal))
      })
    },
  }
}

function shown({ presharedKey: _, ...peer }: DevicePeer): Peer {
  return peer
}

/** Keys of puts that wait or run: one that is to be removed must not be put back by a put that was asked for earlier. */
function counted(): { add(key: string): void; remove(key: string): void; has(key: string): boolean } {
  const counts = new Map<string, number>()
  return {
    add: (key) => void counts.set(key, (counts.get(key) ?? 0) + 1),
    remove(key) {
      const left = (counts.get(key) ?? 0) - 1
      if (left > 0) counts.set(key, left)
      else counts.delete(key)
    },
    has: (key) => counts.has(key),
  }
}

/** Runs deeds one after another, in the order they were asked for; one that fails does not stop the next. */
function turns(): (deed: () => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return (deed) => {
    const mine = last.then(deed)
    // Its own caller hears of a failure.
    last = mine.catch(() => undefined)
    return mine
  }
}
