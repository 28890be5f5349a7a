import { AppError, asAppError } from '../errors.ts'
import type { Hub, HubDescription, Peer } from '../tunnels/hub-port.ts'
import type { DevicePeer, PeerDriver, PeerStep } from '../tunnels/peer-driver.ts'
import { checkChange, checkPrefix, planSteps } from '../tunnels/peer-plan.ts'
import { firstAddress, parsePrefix } from '../tunnels/prefix.ts'
import type { Firewall } from './firewall.ts'
import type { HubSettings } from './hub-settings.ts'
import type { RevisionFence } from './revision-fence.ts'

interface HubParts {
  readonly driver: PeerDriver
  readonly firewall: Firewall
  readonly fence: RevisionFence
  readonly settings: Pick<HubSettings, 'interface' | 'subnets' | 'phoneSubnets'>
  readonly description: HubDescription
  /** Called when the interface or the table could not be asked: it may be gone. */
  readonly onUnreachable?: () => void
}

/** The Hub over a driver and a firewall. Changes take turns, each kind in its own queue: the two do not wait for each other. */
export function createHub({ driver, firewall, fence, settings, description, onUnreachable }: HubParts): Hub {
  const subnets = [...settings.subnets, ...settings.phoneSubnets].map((text) => parsePrefix(text)!)
  const reserved = settings.subnets.map((text) => parsePrefix(firstAddress(parsePrefix(text)!))!)
  const territory = { ownKey: description.publicKey, subnets, reserved }
  const peersInTurn = turns()
  const firewallInTurn = turns()

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
    describe: async () => description,
    listPeers: async (signal) => (await peers(signal)).map(shown),
    async readPeers(publicKeys, signal) {
      const wanted = new Set(publicKeys)
      return (await peers(signal)).filter(({ publicKey }) => wanted.has(publicKey)).map(shown)
    },
    async applyPeers(change, signal) {
      const checked = checkChange(change, territory)
      await peersInTurn(async () => {
        await fence.pass('peers', change.revision)
        // A removal needs no look at the interface: it is the one thing that must not take its time.
        const steps =
          checked.put.length > 0
            ? planSteps(checked, await peers(signal))
            : checked.remove.map((publicKey): PeerStep => ({ kind: 'remove', publicKey }))
        if (steps.length > 0) await reached(driver.apply(steps, signal))
      })
    },
    readFirewall: (signal) => reached(firewall.read(signal)),
    async applyFirewall(change, signal) {
      const admit = change.admit.map((text) => checkPrefix(text, territory))
      // Shutting must always be possible, also for a prefix of a subnet that is no longer the hub's.
      const expel = change.expel.flatMap((text) => parsePrefix(text) ?? [])
      await firewallInTurn(async () => {
        await fence.pass('firewall', change.revision)
        await reached(firewall.change(admit, expel, signal))
      })
    },
  }
}

function shown({ presharedKey: _, ...peer }: DevicePeer): Peer {
  return peer
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
