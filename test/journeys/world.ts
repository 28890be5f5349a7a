/**
 * The whole application in one process: real database, journal, vault, authorities, templates and lanes; a hub and a PBX
 * in memory, which can fail. What main.ts puts together, without listeners and without the rhythm of upkeep.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import type { Loop } from '../../src/access/loop.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { steadyToken } from '../../src/domain/invite.ts'
import type { Actor } from '../../src/domain/token.ts'
import type { Application, EmployeeView, Onboarded, OnboardInput } from '../../src/journeys/application.ts'
import type { JourneyContext } from '../../src/journeys/context.ts'
import { type MailDelivery, mailDelivery } from '../../src/journeys/deliver-mails.ts'
import type { DoorFile } from '../../src/journeys/door-view.ts'
import { type HubWatch, openHubWatch } from '../../src/journeys/hub-watch.ts'
import type { RosterImport } from '../../src/journeys/import-roster.ts'
import type { KnownPbx } from '../../src/journeys/known-pbx.ts'
import { renewWithdrawn } from '../../src/journeys/renew-withdrawn.ts'
import type { ResyncQueue } from '../../src/journeys/resync-queue.ts'
import type { PhoneDoor } from '../../src/journeys/serve-phone.ts'
import { watchTunnels } from '../../src/journeys/watch-tunnels.ts'
import { compose } from '../../src/main/composition.ts'
import { leaseTtlMs, openTemplates, seedPlaces } from '../../src/main/foundations.ts'
import { leftOnes } from '../../src/main/left-pbxs.ts'
import { openMail } from '../../src/main/mail.ts'
import { chooseSignIn } from '../../src/main/sign-in.ts'
import { undoList } from '../../src/main/undo.ts'
import type { Patience } from '../../src/notify/smtp-mailer.ts'
import { manualDriver } from '../../src/pbx/manual.ts'
import { loadManualGuide } from '../../src/pbx/manual-guide.ts'
import type { PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { openAuthorities } from '../../src/pki/certificate-authority.ts'
import { type KeyPair, makeKeyPair } from '../../src/pki/key-pair.ts'
import { openPublication } from '../../src/pki/publication.ts'
import type { SignInTools } from '../../src/signin/sign-in-port.ts'
import { thisProcess } from '../../src/store/lease-holder.ts'
import { openJournal } from '../../src/store/leaver-journal.ts'
import { noteMoment } from '../../src/store/moment.ts'
import { openStore } from '../../src/store/open-store.ts'
import { replayJournal } from '../../src/store/replay-journal.ts'
import type { Store, Table } from '../../src/store/store.ts'
import { realSystem, type System } from '../../src/system.ts'
import { vaultWith } from '../../src/vault.ts'
import type { FakeEdge } from '../fakes/fake-edge.ts'
import { type FakeHub, fakeHub } from '../fakes/fake-hub.ts'
import { type FakePbx, fakePbx } from '../fakes/fake-pbx.ts'
import { type BrittleStore, brittle } from './brittle-store.ts'

export const mia: Actor = { name: 'Mia', role: 'admin', via: 'local-socket' }

export interface World extends AsyncDisposable {
  readonly app: Application
  readonly context: JourneyContext
  readonly config: Config
  readonly store: BrittleStore
  readonly loop: Loop
  readonly hub: FakeHub
  readonly hubWatch: HubWatch
  /** Null where the PBX is operated by hand. */
  readonly pbx: FakePbx
  readonly folder: string
  readonly door: PhoneDoor
  readonly imports: RosterImport
  readonly resyncs: ResyncQueue
  readonly mails: MailDelivery
  /** Every line of the log. */
  readonly log: readonly string[]
  /** Days go by; then everything is looked at. */
  travel(days: number): Promise<void>
  /** A phone spoke with these keys, and the hub's next listing shows it. */
  shakeHands(...publicKeys: readonly string[]): Promise<void>
  /** Everything is looked at, until nothing moves any more. */
  sweep(): Promise<void>
  /** What a phone gets for this URL and file. */
  fetch(url: string, file: string, ifNoneMatch?: string): Promise<DoorFile | null>
  /** Stops the server and starts it again on the same data, hub and PBX. */
  restart(changes?: WorldOptions): Promise<World>
  stop(): Promise<void>
}

/** What the names of the world lead to. */
const usualNames: Readonly<Record<string, readonly string[]>> = {
  'phones.example.com': ['203.0.113.5'],
  'pbx.example.com': ['10.90.0.2'],
  'sip.example.com': ['10.90.0.3'],
}

const edgeSettings = {
  RINGFENCE_EDGE_ADDRESS: '10.90.0.3',
  RINGFENCE_EDGE_HOST: 'sip.example.com',
  RINGFENCE_EDGE_DIR: '/var/lib/ringfence-edge',
  RINGFENCE_EDGE_RPC_SECRET_FILE: import.meta.filename,
}

export interface WorldOptions {
  readonly names?: Readonly<Record<string, readonly string[]>>
  readonly env?: Readonly<Record<string, string>>
  readonly pbx?: 'manual' | FakePbx
  /** Further ones by their names; `env` has their settings. */
  readonly morePbxs?: Readonly<Record<string, Pick<FakePbx, 'driver'>>>
  readonly hub?: FakeHub
  /** In front of the first PBX, as sip.example.com. */
  readonly edge?: FakeEdge
  /** Instead of an empty one: taken over, and gone when the world is. */
  readonly folder?: string
  readonly clock?: { aheadMs: number }
  /** In place of the real libraries of signing in. */
  readonly signIn?: Partial<SignInTools>
  /** Shorter limits for a mail server that does not answer. */
  readonly mailPatience?: Patience
  /** False: nothing is looked at or resumed by itself at the start. */
  readonly begin?: boolean
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), `ringfence-journey-${process.pid}-`)))
  try {
    return await build(folder, options)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function build(folder: string, options: WorldOptions): Promise<World> {
  const clock = options.clock ?? { aheadMs: 0 }
  const system: System = { ...realSystem, now: () => new Date(Date.now() + clock.aheadMs) }
  const hub = options.hub ?? fakeHub()
  const pbx = options.pbx === undefined || options.pbx === 'manual' ? fakePbx() : options.pbx
  const driver: PbxDriver = options.pbx === 'manual' ? manualDriver({ name: 'the PBX', realm: 'asterisk' }) : pbx.driver
  const config = readConfig({
    RINGFENCE_DATA: folder,
    RINGFENCE_PHONE_URL: 'https://phones.example.com',
    RINGFENCE_HUB_ENDPOINT: 'vpn.example.com:51820',
    RINGFENCE_PBX_ADDRESS: '10.90.0.2',
    RINGFENCE_PBX_HOST: 'pbx.example.com',
    ...(options.edge ? edgeSettings : {}),
    ...options.env,
  })
  const lines: string[] = []
  const log = pino({ level: 'debug', base: null }, { write: (line: string) => void lines.push(line) })

  const vault = vaultWith(dataKey)
  const realStore = await openStore({ sqlite: join(folder, 'ringfence.db') })
  const store = brittle(realStore)
  const lease = await realStore.acquireLease('writer', thisProcess(), system.now(), leaseTtlMs)
  const journal = await openJournal(join(folder, 'leavers.journal'))
  await replayJournal(realStore, journal, system)
  await renewWithdrawn({ store: realStore, vault, system, journal, log })
  await seedPlaces(realStore, config)
  const pkiFolder = join(folder, 'pki')
  await placeAuthorities(pkiFolder)
  const authorities = await openAuthorities({ folder: pkiFolder, vault, system, takeKey: sharedKey })
  const publishedFolder = join(pkiFolder, 'published')
  const publication = await openPublication({
    folder: publishedFolder,
    authority: authorities.handset,
    system,
    revoked: () => realStore.revokedCertificates(system.now().toISOString()),
    nextNumber: () => realStore.transaction((tx) => tx.nextNumber('revocation-list')),
  })
  await publication.publishWhenDue()

  const hubWatch = openHubWatch(system.now)
  const watched = hubWatch.around(hub)
  const hubNow = { description: await watched.describe(AbortSignal.timeout(1_000)) }
  const templates = await openTemplates(folder)
  const configured = config.pbxs.map(async (settings, index) => {
    const further = options.morePbxs?.[settings.name]
    const own = index === 0 || !further ? driver : further.driver
    const guide = await loadManualGuide('templates/manual-pbx', settings.brand)
    return { settings, driver: own, guide, isConfigured: true }
  })
  const pbxs: readonly KnownPbx[] = [...(await Promise.all(configured)), ...(await leftOnes(realStore, config.pbxs))]
  const edge = options.edge?.open(realStore, config.pbxs[0]!.id, config.pbxs[0]!.edge!.internalNumbers) ?? null
  const undo = undoList(log)
  const { context, application, loop, door, imports, resyncs, handshakes } = await compose({
    config,
    system,
    log,
    undo,
    foundations: {
      vault,
      store,
      lease,
      journal,
      authorities,
      pkiFolder,
      publishedFolder,
      publication,
      templates,
      keys: { available: 1, take: sharedKey, warm: async () => undefined, stop: async () => undefined },
    },
    hub: watched,
    hubWatch,
    hubNow,
    lastHubKey: null,
    pbxs,
    edge,
    mail: await openMail(config, log, options.mailPatience),
    resolveHost: async (host) => (options.names ?? usualNames)[host] ?? [],
    signIn: { ...chooseSignIn(config, vault, log), ...options.signIn },
    mayWrite: () => true,
    doorCertificate: async () => ({ source: 'service-ca', notAfter: null }),
    resyncPace: { pauseMs: 1 },
  })
  const mails = mailDelivery(context)
  if (options.begin !== false) {
    loop.sweep()
    await loop.idle()
    await imports.resume()
  }

  let stopped: Promise<void> | null = null
  const stop = () => {
    stopped ??= (async () => {
      mails.stop()
      await undo.all()
      await noteMoment(realStore, journal).catch((err: unknown) => log.error({ err }, 'could not be stopped cleanly'))
      await realStore.releaseLease(lease)
      await realStore.close()
    })()
    return stopped
  }
  const world: World = {
    app: application,
    context,
    config,
    store,
    loop,
    hub,
    hubWatch,
    pbx,
    folder,
    door,
    imports,
    resyncs,
    mails,
    log: lines,
    async travel(days) {
      clock.aheadMs += days * 86_400_000
      await publication.publishWhenDue()
      await world.sweep()
    },
    async shakeHands(...publicKeys) {
      for (const key of publicKeys) handshakes.set(key, system.now().toISOString())
      await watchTunnels(context, handshakes)
      await loop.idle()
    },
    async sweep() {
      loop.sweep()
      await loop.idle()
    },
    fetch: (url, fileName, ifNoneMatch) =>
      application.serveFile({
        token: tokenIn(url),
        fileName,
        remoteAddress: '203.0.113.7',
        userAgent: 'a phone',
        ifNoneMatch: ifNoneMatch ?? null,
        method: 'GET',
      }),
    async restart(changes = {}) {
      await stop()
      const pbxAgain = changes.pbx ?? (options.pbx === 'manual' ? 'manual' : pbx)
      return openWorld({ ...options, begin: true, hub, clock, folder, ...changes, pbx: pbxAgain })
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return world
}

// One vault key, three handset keys and two authorities serve all worlds of a test file: each costs up to a second, and
// making them is what test/pki is about.
const dataKey = randomBytes(32)
const handsetKeys: Promise<KeyPair>[] = []
let handedOut = 0
function sharedKey(): Promise<KeyPair> {
  while (handsetKeys.length < 3) handsetKeys.push(makeKeyPair(2048))
  return handsetKeys[handedOut++ % handsetKeys.length]!
}

let authorityFiles: Promise<ReadonlyMap<string, Buffer>> | undefined
async function placeAuthorities(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).length > 0) return
  authorityFiles ??= madeAuthorities()
  for (const [name, content] of await authorityFiles) await writeFile(join(folder, name), content, { mode: 0o600 })
}

async function madeAuthorities(): Promise<ReadonlyMap<string, Buffer>> {
  const folder = await mkdtemp(join(tmpdir(), `ringfence-journey-pki-${process.pid}-`))
  try {
    await openAuthorities({ folder, vault: vaultWith(dataKey), system: realSystem, takeKey: sharedKey })
    const names = await readdir(folder)
    return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Onboards and waits until every system agrees. */
export async function onboarded(world: World, input: OnboardInput): Promise<Onboarded> {
  const made = await world.app.onboard(input, mia)
  await world.loop.idle()
  return made
}

/** Somebody with an extension and a mail address that nobody else of this test has. */
export async function onboardNext(world: World, name: string, model = 'linphone-mobile'): Promise<EmployeeView> {
  const extension = String(2001 + (await world.store.find('employee', {})).length)
  const input = { ...person(name, extension, model), email: `p${extension}@example.com` }
  return (await onboarded(world, input)).employee
}

export async function offboarded(world: World, who: string): Promise<EmployeeView> {
  await world.app.offboard(who, null, mia)
  return world.app.settled(who, 10_000)
}

export function handsetOf(view: EmployeeView, model: string): EmployeeView['handsets'][number] {
  const handset = view.handsets.find((one) => one.model === model)
  if (!handset) throw new Error(`${view.name} has no ${model}`)
  return handset
}

export function tokenIn(url: string): string {
  return url.split('/').filter(Boolean).at(-1)!
}

/** Every row of every table but the leases, as one text: for "nothing was written". */
export async function everything(store: Store): Promise<string> {
  const rows = await Promise.all(allTables.map(async (table) => [table, await store.find(table, {})]))
  return JSON.stringify([rows, await store.auditTrail({ after: 0, limit: 100_000 })])
}

const allTables: readonly Table[] = [
  'site',
  'pbx',
  'hub',
  'employee',
  'assignment',
  'handset',
  'gateway',
  'tunnel',
  'tunnelAddress',
  'certificate',
  'sipCredential',
  'invite',
  'verdict',
  'tombstone',
  'withdrawal',
  'apiToken',
  'outbox',
  'doorFetch',
  'importRun',
  'setting',
  'phoneSetting',
  'servedFile',
  'administrator',
  'session',
  'passkey',
  'setupLink',
  'leaving',
  'mail',
]

export function person(name: string, extension: string, ...handsets: readonly string[]): OnboardInput {
  return {
    name,
    email: `${name.split(' ')[0]!.toLowerCase()}@example.com`,
    extension,
    handsets: handsets.map((handset) => {
      const [model, mac] = handset.split('=')
      return { model: model!, mac: mac ?? null }
    }),
  }
}

/** The URL that the handset's own file tells it: the steady one. */
export async function steadyUrl(world: World, handsetId: string): Promise<string> {
  const handset = await world.store.get('handset', handsetId)
  return `https://phones.example.com/p/${steadyToken(world.context.vault.deriveKey('phone-door'), handsetId, handset!.doorGeneration)}/`
}
