import { createSocket } from 'node:dgram'
import type { Secret } from '../domain/secret.ts'
import { AppError, asAppError } from '../errors.ts'
import type { System } from '../system.ts'
import { workFolder } from '../tunnels/hand-over-files.ts'
import type { PeerDriver } from '../tunnels/peer-driver.ts'
import { previewDriver } from '../tunnels/preview.ts'
import { uapiDriver, uapiSocketPath } from '../tunnels/uapi.ts'
import { wgToolsDriver } from '../tunnels/wg-tools.ts'
import { publicKeyOf } from '../tunnels/wireguard-key.ts'
import { type Firewall, nftFirewall, rememberedFirewall } from './firewall.ts'
import { type Account, linkKind, openPath, setUpLink } from './host-network.ts'
import type { HubSettings } from './hub-settings.ts'
import { removeSocket, startUserspace, stopUserspace, userspaceAnswers } from './userspace.ts'

export interface Interface extends Account {
  readonly driver: PeerDriver
  readonly firewall: Firewall
  /** Whether the interface is still there; somebody may have deleted it or ended its process. */
  lives(signal: AbortSignal): Promise<boolean>
  /** Removes the interface and the firewall table. */
  takeAway(signal: AbortSignal): Promise<void>
}

/**
 * Brings the hub's interface up, or takes over one that runs already with our key: its sessions go on.
 * Order: interface (down), firewall, then addresses and link up, so that no packet passes without the firewall.
 *
 * @throws AppError HUB_REFUSED when the name belongs to somebody else's interface; that one is not touched.
 */
export async function bringUp(
  settings: HubSettings,
  key: Secret,
  system: System,
  signal: AbortSignal,
): Promise<Interface> {
  const account: Account = { did: [], problems: [] }
  const found = settings.mode === 'preview' ? undefined : await takeOver(settings, key, system, signal)
  const driver = found ?? (await make(settings, system, account, signal))
  if (found) account.did.push(`took over the running interface ${settings.interface}`)
  if (driver.mode === 'preview') return preview(driver, key, settings, account, signal)

  const firewall = nftFirewall(settings, system)
  const takeAway = async (until: AbortSignal) => {
    driver.close()
    await removeInterface(driver.mode, settings, system, until)
    await firewall.takeAway(until)
  }
  try {
    await configure(driver, settings, key, signal)
    const { limited } = await firewall.install(signal)
    if (!limited) account.problems.push(unlimited)
    await setUpLink(settings, system, account, signal)
    await openPath(settings, system, account, signal)
  } catch (error) {
    driver.close()
    // What was found running goes on; what was made for nothing is taken away again.
    if (!found) await removeInterface(driver.mode, settings, system, signal).catch(() => undefined)
    throw error
  }
  const lives = async (until: AbortSignal) =>
    (await linkKind(settings.interface, system, until)) !== undefined &&
    (driver.mode === 'kernel' || (await userspaceAnswers(settings.interface)))
  return { driver, firewall, lives, takeAway, ...account }
}

const unlimited = {
  message: 'the kernel of this host cannot limit how many connections a handset makes to the PBX',
  hint: 'load its module nft_connlimit (modprobe nft_connlimit) and restart the hub; until then one handset could use up all connections of the PBX',
}

async function preview(driver: PeerDriver, key: Secret, settings: HubSettings, account: Account, signal: AbortSignal) {
  await driver.setPrivateKey(key, signal)
  await driver.setListenPort(settings.listenPort, signal)
  return {
    driver,
    firewall: rememberedFirewall(),
    lives: async () => true,
    takeAway: async () => driver.close(),
    ...account,
  }
}

/** An interface of this name that has our key, or none yet because its making was interrupted. */
async function takeOver(settings: HubSettings, key: Secret, system: System, signal: AbortSignal) {
  const kind = await linkKind(settings.interface, system, signal).catch((error: unknown) => {
    if (settings.mode === 'auto') return undefined
    throw error
  })
  const answers = await userspaceAnswers(settings.interface)
  if (kind === undefined) {
    if (!answers) return undefined
    throw notOurs(settings, 'its name is used in another network namespace of this machine')
  }
  if (kind !== 'wireguard' && !answers) throw notOurs(settings, 'it is not a WireGuard interface')
  const driver =
    kind === 'wireguard'
      ? wgToolsDriver(settings.interface, system, workFolder(settings.dataFolder))
      : uapiDriver(uapiSocketPath(settings.interface))
  try {
    const { publicKey } = await driver.read(signal)
    if (publicKey !== null && publicKey !== publicKeyOf(key))
      throw notOurs(settings, 'it has another key than this hub')
    return driver
  } catch (error) {
    driver.close()
    throw error
  }
}

function notOurs({ interface: name }: HubSettings, why: string): AppError {
  return new AppError('HUB_REFUSED', `interface ${name} is not this hub's: ${why}`, {
    // It may be the tunnels of a hub that works: nobody is told to delete it.
    hint: 'set RINGFENCE_HUB_INTERFACE to another name; a second Ringfence on this machine needs RINGFENCE_HUB_PORT, RINGFENCE_LISTEN and RINGFENCE_PHONE_LISTEN of its own too',
  })
}

async function make(settings: HubSettings, system: System, account: Account, signal: AbortSignal) {
  const { interface: name, mode } = settings
  if (mode === 'preview') return previewDriver()
  const failures: AppError[] = []
  let hint =
    'run the hub as root, with the kernel module wireguard or the package wireguard-go; `ringfence doctor` looks'
  if (mode !== 'userspace') {
    try {
      await system.run('ip', ['link', 'add', 'dev', name, 'type', 'wireguard'], { signal })
      account.did.push(`made interface ${name} in the kernel`)
      return wgToolsDriver(name, system, workFolder(settings.dataFolder))
    } catch (error) {
      failures.push(asAppError(error))
    }
  }
  if (mode !== 'kernel') {
    await refuseTakenPort(settings.listenPort)
    try {
      await startUserspace(name, settings.dataFolder)
      account.did.push(`made interface ${name} with wireguard-go`)
      return uapiDriver(uapiSocketPath(name))
    } catch (error) {
      const failure = asAppError(error)
      failures.push(failure)
      hint = failure.hint ?? hint
    }
  }
  const reasons = failures.map(({ message }) => message).join('; ')
  if (mode !== 'auto') throw new AppError('HUB_REFUSED', `interface ${name} could not be made: ${reasons}`, { hint })
  account.problems.push({ message: `no packet moves on this host (preview): ${reasons}`, hint })
  return previewDriver()
}

/** Only what differs: a key that is set anew would end every session. */
async function configure(driver: PeerDriver, settings: HubSettings, key: Secret, signal: AbortSignal): Promise<void> {
  const device = await driver.read(signal)
  if (device.publicKey !== publicKeyOf(key)) await driver.setPrivateKey(key, signal)
  if (device.listenPort !== settings.listenPort) await driver.setListenPort(settings.listenPort, signal)
}

/** wireguard-go takes a port that somebody else has without a word, and then hears nothing. */
function refuseTakenPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createSocket('udp4')
    probe.once('error', () =>
      reject(
        new AppError('HUB_REFUSED', `UDP port ${port} is taken by another program`, {
          hint: `see which one with \`ss -lunp sport = :${port}\`, or set RINGFENCE_HUB_PORT`,
          retryable: true,
        }),
      ),
    )
    probe.bind(port, () => probe.close(() => resolve()))
  })
}

async function removeInterface(mode: PeerDriver['mode'], settings: HubSettings, system: System, signal: AbortSignal) {
  const stopped = mode === 'userspace' && (await stopUserspace(settings.interface, settings.dataFolder))
  if (!stopped && (await linkKind(settings.interface, system, signal)) !== undefined) {
    await system.run('ip', ['link', 'delete', 'dev', settings.interface], { signal })
  }
  if (mode === 'userspace') await removeSocket(settings.interface)
}
