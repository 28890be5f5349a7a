/**
 * The server without its listeners and its rhythm of upkeep: deeds, loop, phone door and imports, put together over
 * foundations, hub and PBXs that are there already. Tests put together the same over fakes.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Loop } from '../access/loop.ts'
import type { Application, LiveEvent } from '../journeys/application.ts'
import { type Parts as ApplicationParts, assemble } from '../journeys/assemble.ts'
import { noteClassMeaning } from '../journeys/class-meaning.ts'
import type { JourneyContext } from '../journeys/context.ts'
import type { EnabledSystem } from '../journeys/expected-lines.ts'
import type { HubWatch } from '../journeys/hub-watch.ts'
import { type RosterImport, rosterImport } from '../journeys/import-roster.ts'
import { openResyncQueue, type ResyncQueue } from '../journeys/resync-queue.ts'
import { openPhoneDoor, type PhoneDoor } from '../journeys/serve-phone.ts'
import { noteSettings } from '../journeys/settings-drift.ts'
import { publishedFiles } from '../pki/publication.ts'
import { journalRows } from '../store/journal-rows.ts'
import type { Hub } from '../tunnels/hub-port.ts'
import { openContext } from './context.ts'
import type { Edge } from './edge.ts'
import type { Foundations } from './foundations.ts'
import { startLanes } from './lanes.ts'
import type { HubNow } from './tasks.ts'
import type { Undo } from './undo.ts'

type Own = Pick<JourneyContext, 'config' | 'system' | 'log' | 'pbxs' | 'mail' | 'resolveHost' | 'signIn'>

export interface CompositionParts extends Own {
  readonly foundations: Foundations
  readonly undo: Undo
  /** As `hubWatch` sees it. */
  readonly hub: Hub
  readonly hubWatch: HubWatch
  readonly hubNow: HubNow
  /** Of the hub as the database knows it, for as long as it has not answered. */
  readonly lastHubKey: string | null
  readonly edge: Edge | null
  readonly mayWrite: () => boolean
  /** The last stop took interface and firewall away (taken-away.ts). */
  readonly tookHubAway?: boolean
  readonly doorCertificate: ApplicationParts['doctor']['doorCertificate']
  readonly resyncPace?: Parameters<typeof openResyncQueue>[1]
}

export interface Composition {
  readonly context: JourneyContext
  readonly application: Application
  readonly loop: Loop
  readonly door: PhoneDoor
  readonly imports: RosterImport
  readonly resyncs: ResyncQueue
  /** The context's, for whoever lists the hub. */
  readonly handshakes: Map<string, string>
}

export async function compose(parts: CompositionParts): Promise<Composition> {
  const { foundations, undo, hub, hubWatch, hubNow, lastHubKey, edge, mayWrite, tookHubAway = false } = parts
  const { config, system, log, pbxs, mail, resolveHost, signIn } = parts
  const systems: EnabledSystem[] = []
  const handshakes = new Map<string, string>()
  const listeners = new Set<(event: LiveEvent) => void>()
  const context = await openContext(foundations, {
    config,
    system,
    log,
    pbxs,
    mail,
    resolveHost,
    signIn,
    systems,
    handshakes,
    // Lanes need the context and deeds need the lanes; nothing is called before both are there.
    loop: {
      close: (subjects) => loop.close(subjects),
      nudge: (kind, ids) => loop.nudge(kind, ids),
      idle: () => loop.idle(),
    },
    tellPhones: (handsetIds, actor) => resyncs.add(handsetIds, actor),
    publish: (event) => {
      for (const listener of listeners) listener(event)
    },
    hubPublicKey: () => hubNow.description?.publicKey ?? lastHubKey,
  })
  const resyncs = openResyncQueue(context, parts.resyncPace)
  undo.push(() => resyncs.stop())
  const door = openPhoneDoor(context)
  undo.push(() => door.flush())
  const loop = startLanes({
    context,
    systems,
    foundations,
    hub,
    edge,
    mayWrite,
    tookHubAway,
    lastLease: () => hubNow.description?.lease ?? null,
  })
  undo.push(() => loop.stop())
  const { keys, journal, publication, publishedFolder, templates } = foundations
  const imports = rosterImport(
    context,
    (count) =>
      void keys.warm(count).catch((error: unknown) => log.warn({ err: error }, 'the key pool could not be warmed')),
  )
  undo.push(() => imports.stop())
  const application = assemble(context, {
    imports,
    door,
    templates,
    hubWatch,
    listeners,
    revocationList: () => readFile(join(publishedFolder, publishedFiles.der)),
    doctor: {
      loadTemplates: templates.load,
      hub: (signal) => hub.describe(signal),
      edge: edge && ((signal) => edge.describe(signal)),
      revocationListAgeMs: () => publication.ageMs(),
      doorCertificate: parts.doorCertificate,
      embeddedPassphrase: config.passphrase === null,
      unwrittenTombstones: async () => journal.lacking(await journalRows(context.store)).length,
    },
  })
  await noteSettings(context)
  await noteClassMeaning(context)
  return { context, application, loop, door, imports, resyncs, handshakes }
}
