/** The only place that builds things, with the files in main/: config → adapters → loop + doors. */
import { type Config, readConfig } from './config.ts'
import { Secret } from './domain/secret.ts'
import { defaultId } from './domain/site.ts'
import { aboutDataFolder } from './durable-file.ts'
import { runHub } from './hub/hub-main.ts'
import { hubSettingsSchema } from './hub/hub-settings.ts'
import type { Log } from './journeys/context.ts'
import { mailDelivery } from './journeys/deliver-mails.ts'
import { openHubWatch } from './journeys/hub-watch.ts'
import { firstOwnerLink } from './journeys/set-up.ts'
import { startUpkeep } from './journeys/upkeep.ts'
import { banner } from './main/banner.ts'
import { compose } from './main/composition.ts'
import { openDoors } from './main/doors.ts'
import { openEdge, writeEdge } from './main/edge.ts'
import { layFoundations } from './main/foundations.ts'
import { hubSettings } from './main/hub-settings.ts'
import { openLog } from './main/log.ts'
import { openMail } from './main/mail.ts'
import { hubFolder, noteTakenAway, startOwnHub, wasTakenAway } from './main/own-hub.ts'
import { choosePbxs } from './main/pbx.ts'
import { chooseSignIn } from './main/sign-in.ts'
import { type HubNow, upkeepTasks } from './main/tasks.ts'
import { type Undo, undoList } from './main/undo.ts'
import { realSystem, resolveHost } from './system.ts'
import { hubClient } from './tunnels/hub-client.ts'
import type { Hub, HubDescription } from './tunnels/hub-port.ts'

export interface Serving {
  readonly config: Config
  /** Null while a hub of its own has not answered yet. */
  readonly hub: HubDescription | null
  /** Base URLs as they really listen. */
  readonly console: string
  /** Where the first owner is made; null once there is one. */
  readonly setupLink: Secret | null
  readonly phoneDoor: string
  readonly adminSocket: string
  /** Nobody is here yet. */
  readonly isEmpty: boolean
  /** Resolves with the reason when the server must not go on: another process has taken the lease. */
  readonly ended: Promise<string>
  /** Takes down what was started, the hub's interface and table included. */
  stop(): Promise<void>
}

type Environment = Readonly<Record<string, string | undefined>>

/** Everything of a single-host server; the hub runs as its child unless it was set up to run on its own. */
export async function serve(env: Environment): Promise<Serving> {
  const config = readConfig(env)
  // One zone for all that prints or reads a time: pages, mails, sheets. Intl and Date take it from here.
  if (config.timeZone !== null) process.env.TZ = config.timeZone
  const log = openLog(config)
  const undo = undoList(log)
  try {
    return await start(config, log, undo)
  } catch (error) {
    await undo.all()
    throw aboutDataFolder(error, config.dataFolder)
  }
}

/** `ringfence serve`: prints where things are, and runs until it is told to stop or must not go on. */
export async function serveUntilStopped(env: Environment, print: (text: string) => void): Promise<void> {
  // Listened for from the first moment: who is told to stop while starting still cleans up.
  const asked = signalled()
  const serving = await serve(env)
  print(banner(serving))
  const reason = await Promise.race([asked, serving.ended])
  const ownHub = serving.config.hub.separate ? '' : ': tunnels and firewall of this hub are taken away'
  print(`\nStopping${reason === null ? ownHub : `: ${reason}`}.\n`)
  await serving.stop()
}

/** `ringfence hub`: its tunnels live on when it ends, for the next one to take over. */
export async function hubUntilStopped(env: Environment): Promise<void> {
  const asked = signalled()
  const hub = await runHubAlone(env)
  const ended = hub.ended.then(() => null)
  if ((await Promise.race([asked.then(() => 'signal' as const), ended])) === 'signal') await hub.stop(false)
}

/** `ringfence edge --out DIR`. */
export function edgeInto(env: Environment, folder: string): Promise<readonly string[]> {
  return writeEdge(env, folder)
}

/** Null once the process was asked to end. */
function signalled(): Promise<null> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(null))
  })
}

/** The hub on its own. Its tunnels live on when it ends, unless it is told to take them away. */
export async function runHubAlone(env: Environment): Promise<Awaited<ReturnType<typeof runHub>>> {
  const config = readConfig(env, 'unread') // the server's settings: this user may read none of the secrets
  await hubFolder(config)
  return runHub(hubSettingsSchema.parse(hubSettings(config)), openLog(config))
}

async function start(config: Config, log: Log, undo: Undo): Promise<Serving> {
  const system = realSystem
  const lost = Promise.withResolvers<string>()
  let mayWrite = true
  const foundations = await layFoundations(config, system, log, undo)
  const { store, vault } = foundations

  const tookHubAway = await wasTakenAway(store)
  if (!config.hub.separate)
    undo.push(await startOwnHub(config, log, async () => mayWrite && noteTakenAway(store, system.now())))
  const client = hubClient(config.hub.socket)
  undo.push(() => client.close())
  const hubWatch = openHubWatch(system.now)
  const hub = hubWatch.around(client)
  const hubNow = await lookAtHub(hub, config, log)

  const pbxs = await choosePbxs(config, foundations, { now: system.now(), log })
  for (const { settings } of pbxs.filter(({ isConfigured }) => !isConfigured))
    log.warn(
      { pbx: settings.name },
      'people hold extensions on a PBX that is not among the settings any more; see doctor',
    )
  const edge = await openEdge(config, foundations, system)
  const { context, application, loop, door, imports, handshakes } = await compose({
    config,
    system,
    log,
    undo,
    foundations,
    hub,
    hubWatch,
    hubNow,
    pbxs,
    edge,
    resolveHost,
    tookHubAway,
    lastHubKey: (await store.get('hub', defaultId))?.publicKey ?? null,
    mail: await openMail(config, log),
    signIn: chooseSignIn(config, vault, log),
    mayWrite: () => mayWrite,
    // The first door answers before the last one is open.
    doorCertificate: async () => (await opening).doorCertificate(),
  })
  const opening = openDoors(application, { config, foundations, system, log, undo })
  const doors = await opening
  loop.sweep()
  const mails = mailDelivery(context)
  const upkeep = startUpkeep(
    upkeepTasks({
      context,
      foundations,
      hub,
      edge,
      hubWatch,
      hubNow,
      loop,
      handshakes,
      doors,
      door,
      mails,
      onLeaseLost() {
        mayWrite = false
        lost.resolve('another Ringfence server has taken over this data folder')
      },
    }),
    log,
  )
  undo.push(() => upkeep.stop())
  // First, or a stop would wait for a slow mail server.
  undo.push(() => mails.stop())
  await imports.resume()
  const setupToken = await firstOwnerLink(context)
  const isEmpty = (await store.counts()).employees === 0
  return {
    config,
    hub: hubNow.description,
    console: doors.console,
    setupLink: setupToken && new Secret(`${doors.console}/setup/${setupToken.reveal()}`),
    phoneDoor: doors.phoneDoor,
    adminSocket: doors.adminSocket,
    isEmpty,
    ended: lost.promise,
    stop: () => undo.all(),
  }
}

/** A hub of its own may come later than the server; ours has answered already. */
async function lookAtHub(hub: Hub, { hub: { separate, socket } }: Config, log: Log): Promise<HubNow> {
  try {
    return { description: await hub.describe(AbortSignal.timeout(5_000)) }
  } catch (error) {
    if (!separate) throw error
    log.warn({ socket }, 'the hub does not answer yet; everything else works, tunnels follow when it does')
    return { description: null }
  }
}
