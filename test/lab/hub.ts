import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startHubChild } from '../../src/hub/hub-child.ts'
import type { HubSettingsInput } from '../../src/hub/hub-settings.ts'
import { type HubClient, hubClient } from '../../src/tunnels/hub-client.ts'
import type { Revision } from '../../src/tunnels/hub-port.ts'
import { type Namespace, uniqueName } from './network.ts'

const hubEntry = fileURLToPath(new URL('../../src/hub/hub-entry.ts', import.meta.url))

/** A real hub process in a namespace, with its own folder, socket and interface name. */
export interface LabHub extends AsyncDisposable {
  readonly settings: HubSettingsInput
  readonly client: HubClient
  /** Of the hub process; undefined while it is down. */
  pid(): number | undefined
  nextRevision(): Revision
  /** Ends it for good; the interface and the table go with it, the folder stays until the end. */
  stop(): Promise<void>
}

/** What the settings are when a test says nothing else. */
export function labSettings(folder: string, given: Partial<HubSettingsInput> = {}): HubSettingsInput {
  return {
    interface: uniqueName('rfh'),
    listenPort: 51_820,
    subnets: ['10.77.0.0/16', 'fd77:77::/64'],
    phoneSubnets: ['10.78.0.0/16'],
    pbxs: [{ address: '10.91.0.2', ports: [5061, 5062], rtpFrom: 10_000, rtpTo: 20_000 }],
    doorPort: 8443,
    socketPath: join(folder, 'hub.sock'),
    dataFolder: join(folder, 'data'),
    ...given,
  }
}

export async function startLabHub(
  place: Namespace,
  given: Partial<HubSettingsInput> = {},
  startTimeoutMs = 20_000,
): Promise<LabHub> {
  const folder = await mkdtemp(join(tmpdir(), `ringfence-hub-${process.pid}-`))
  const settings = labSettings(folder, given)
  // Its own log is of interest only when something fails: RINGFENCE_TEST_LOG=1 shows it.
  const quiet = process.env.RINGFENCE_TEST_LOG === '1' ? console : silent
  const child = await startHubChild(settings, quiet, {
    startTimeoutMs,
    command: [...place.prefix, process.execPath, hubEntry],
    ...(quiet === silent ? { output: 'ignore' as const } : {}),
  }).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true })
    throw error
  })
  const client = hubClient(settings.socketPath)
  let number = 0
  return {
    settings,
    client,
    pid: () => child.pid,
    nextRevision: () => ({ lease: 1, number: ++number }),
    async stop() {
      await child.stop()
    },
    async [Symbol.asyncDispose]() {
      client.close()
      await child.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const nothing = () => undefined
const silent = { info: nothing, warn: nothing, error: nothing }
