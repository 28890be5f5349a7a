import { realSystem, type System } from '../system.ts'
import { emptyWorkFolder } from '../tunnels/hand-over-files.ts'
import type { HubDescription } from '../tunnels/hub-port.ts'
import { publicKeyOf } from '../tunnels/wireguard-key.ts'
import { hubAddresses } from './host-network.ts'
import { createHub } from './hub.ts'
import { openHubKey } from './hub-key.ts'
import type { HubLog } from './hub-log.ts'
import { refuseSecondHub, serveHub } from './hub-server.ts'
import type { HubSettings } from './hub-settings.ts'
import { bringUp } from './interface.ts'
import { openRevisionFence } from './revision-fence.ts'

interface RunningHub {
  readonly description: Omit<HubDescription, 'lease'>
  /**
   * Resolves when the hub has ended: `stopped` because it was asked to, `lost` because its interface went away under it.
   * Whoever runs it then starts it again: a new hub makes a new interface, and the server fills it.
   */
  readonly ended: Promise<'stopped' | 'lost'>
  /** `takeAway` removes interface and firewall table; without it tunnels live on and the next hub takes them over. */
  stop(takeAway: boolean): Promise<void>
}

// A stuck program must not keep the process from ending.
const stopTimeoutMs = 15_000
const startTimeoutMs = 60_000

/** The hub process: interface, key, firewall and the socket on which it takes desired states. */
export async function runHub(settings: HubSettings, log: HubLog, system: System = realSystem): Promise<RunningHub> {
  // Before anything is touched: the other one's interface is the same.
  await refuseSecondHub(settings.socketPath)
  await emptyWorkFolder(settings.dataFolder)
  const key = await openHubKey(settings.dataFolder)
  const fence = await openRevisionFence(settings.dataFolder)
  const device = await bringUp(settings, key, system, AbortSignal.timeout(startTimeoutMs))
  const description = {
    mode: device.driver.mode,
    interface: settings.interface,
    publicKey: publicKeyOf(key),
    listenPort: settings.listenPort,
    addresses: hubAddresses(settings),
    did: device.did,
    problems: device.problems,
  }
  const hub = createHub({
    driver: device.driver,
    firewall: device.firewall,
    fence,
    settings,
    description,
    onUnreachable: () => void endIfLost(),
  })
  const ended = Promise.withResolvers<'stopped' | 'lost'>()
  let stopping: Promise<void> | undefined
  const stop = (takeAway: boolean, why: 'stopped' | 'lost' = 'stopped') => {
    stopping ??= end(takeAway).then(() => ended.resolve(why))
    return stopping
  }
  const server = await serveHub(hub, {
    socketPath: settings.socketPath,
    socketMode: settings.socketMode,
    log,
    onShutdown: (takeAway) => void stop(takeAway),
  }).catch((error: unknown) => {
    device.driver.close()
    throw error
  })

  async function endIfLost(): Promise<void> {
    // Not being able to look is not the same as having seen that it is gone.
    const lives = await device.lives(AbortSignal.timeout(stopTimeoutMs)).catch(() => true)
    if (lives || stopping) return
    log.error({ interface: settings.interface }, 'the interface is gone; the hub ends, so that it is set up anew')
    await stop(false, 'lost')
  }

  async function end(takeAway: boolean): Promise<void> {
    await server.close()
    await fence.settle().catch((error: unknown) => log.error({ err: error }, 'the last revision could not be written'))
    if (takeAway) {
      await device
        .takeAway(AbortSignal.timeout(stopTimeoutMs))
        .catch((error: unknown) => log.error({ err: error }, 'the interface or its firewall could not be removed'))
    } else device.driver.close()
    log.info({ takeAway }, 'the hub has ended')
  }

  for (const deed of description.did) log.info({}, deed)
  for (const { message, hint } of description.problems) log.warn({ hint }, message)
  log.info({ mode: description.mode, interface: settings.interface, socket: settings.socketPath }, 'the hub is ready')
  return { description, ended: ended.promise, stop }
}
