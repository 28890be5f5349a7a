/** One lane for each access system, and what becomes of what they report. */
import { randomInt } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AccessSystem } from '../access/access-system.ts'
import { type LaneEvent, startLane } from '../access/lane.ts'
import { type Loop, loopOver } from '../access/loop.ts'
import type { Subject } from '../domain/access.ts'
import { defaultId } from '../domain/site.ts'
import { completeOffboardings } from '../journeys/complete-offboarding.ts'
import { consoleTraces, shutConsole } from '../journeys/console-traces.ts'
import { auditEvent, itself, type JourneyContext } from '../journeys/context.ts'
import { type EnabledSystem, looksAfter } from '../journeys/expected-lines.ts'
import type { KnownPbx } from '../journeys/known-pbx.ts'
import { accountsOf, digestOf, heldNow } from '../journeys/pbx-accounts.ts'
import { seenShut, verdictBook } from '../journeys/verdict-book.ts'
import { edgeAccess } from '../pbx/edge/edge-access.ts'
import { extensionBehindEdge } from '../pbx/edge/edge-extension-access.ts'
import { extensionAccess } from '../pbx/extension-access.ts'
import { sipAccess } from '../pbx/sip-access.ts'
import { subjectAccess } from '../pbx/subjects/subject-access.ts'
import { phoneDoorAccess } from '../phones/phone-door-access.ts'
import { certificateAccess, type RevocationEnforcer } from '../pki/certificate-access.ts'
import { administratorAccess } from '../signin/administrator-access.ts'
import { firewallAccess } from '../tunnels/firewall-access.ts'
import type { Hub, Revision } from '../tunnels/hub-port.ts'
import { tunnelAccess } from '../tunnels/tunnel-access.ts'
import type { Edge } from './edge.ts'
import type { Foundations } from './foundations.ts'
import { subjectLists } from './subject-lists.ts'

export interface LaneParts {
  /** Told of each lane that is started. */
  readonly systems: EnabledSystem[]
  readonly context: JourneyContext
  readonly foundations: Foundations
  readonly hub: Hub
  readonly edge?: Edge | null
  readonly mayWrite: () => boolean
  /** The last writer's lease, as the hub knows it; null before the hub answered. */
  readonly lastLease: () => number | null
  /** The last stop took interface and firewall away (taken-away.ts). */
  readonly tookHubAway?: boolean
}

export function startLanes(parts: LaneParts): Loop {
  const { context, systems, foundations, hub, edge, mayWrite, lastLease, tookHubAway = false } = parts
  const { store, system, vault, pbxs } = context
  const inTurn = turns()
  const book = verdictBook(context, completionOf(context))
  const lane = <S extends Subject, Snapshot>(
    subjectKind: S['kind'],
    access: AccessSystem<S, Snapshot>,
    {
      timeoutMs,
      sweepEveryMs,
      pbxId = null,
      opensOnly = false,
      tookAway = false,
    }: { timeoutMs: number; sweepEveryMs: number; pbxId?: string | null; opensOnly?: boolean; tookAway?: boolean },
  ) => {
    const enabled: EnabledSystem = { kind: access.kind, instance: access.instance, subjectKind, pbxId, opensOnly }
    systems.push(enabled)
    return startLane<S, Snapshot>({
      system: access,
      subjectKind,
      isOwn: (subject) => looksAfter(enabled, subject),
      // The kind picks the type; TypeScript cannot see that through two generics.
      subjects: async (ids) => {
        const found = ids === undefined ? inTurn(() => store.subjects(subjectKind)) : store.subjects(subjectKind, ids)
        return (await found) as readonly Subject[] as readonly S[]
      },
      now: system.now,
      chance: () => randomInt(2 ** 32) / 2 ** 32,
      mayWrite,
      verdicts: book,
      report: reporter(context),
      timeoutMs,
      tookAway,
      sweepEveryMs: context.config.sweepMs ?? sweepEveryMs,
    })
  }
  const lists = subjectLists({ config: context.config, foundations, system })
  for (const { keeper } of lists) {
    // Also while nobody has a certificate: without the file the port would let in every one.
    keeper.publish().catch((error: unknown) => context.log.error({ err: error }, 'the allow-list could not be written'))
  }
  const nextRevision = revisions(system.now(), lastLease)
  /** What stands on one PBX: it only sees what is there, and a PBX that is away holds up none of the others. */
  const pbxLanes = ({ settings: { id }, driver }: KnownPbx) => {
    // By hand, the step for the account says all that there is to do.
    const extensions = {
      timeoutMs: 20_000,
      sweepEveryMs: 300_000,
      pbxId: id,
      opensOnly: driver.describeStep !== undefined,
    }
    const access = extensionAccess({
      pbxId: id,
      driver,
      accountsOf: (extensions) => accountsOf(context, id, extensions),
      heldNow: (extensions) => heldNow(context, id, extensions),
      seenShut: (subjects) => seenShut(context, 'extension', id, subjects),
      subjects: async () => (await store.subjects('assignment')).filter(({ pbxId }) => pbxId === id),
    })
    return [
      lane(
        'sip-credential',
        sipAccess({
          pbxId: id,
          driver,
          accountsOf: (extensions) => accountsOf(context, id, extensions),
          digestOf: (subject) => digestOf(vault, driver.abilities.realm, subject),
        }),
        { timeoutMs: driver.patienceMs ?? 20_000, sweepEveryMs: 60_000, pbxId: id },
      ),
      edge?.pbxId === id
        ? lane('assignment', extensionBehindEdge(access, edge.calls, driver.abilities), extensions)
        : lane('assignment', access, extensions),
    ]
  }
  return loopOver([
    lane('tunnel', tunnelAccess({ hub, hubId: defaultId, vault, nextRevision }), {
      timeoutMs: 60_000,
      sweepEveryMs: 30_000,
      tookAway: tookHubAway,
    }),
    lane(
      'tunnel',
      firewallAccess({ hub, hubId: defaultId, nextRevision, holders: () => store.prefixHolders(defaultId) }),
      {
        timeoutMs: 60_000,
        sweepEveryMs: 60_000,
        tookAway: tookHubAway,
      },
    ),
    lane('phone-door', phoneDoorAccess({ handsets: (ids) => handsetRows(context, ids), now: system.now }), {
      timeoutMs: 10_000,
      sweepEveryMs: 300_000,
    }),
    lane(
      'administrator',
      administratorAccess({
        traces: (subjects) => consoleTraces(context, subjects),
        all: () => store.subjects('administrator'),
        shut: (subjects) => shutConsole(context, subjects),
      }),
      { timeoutMs: 10_000, sweepEveryMs: 300_000 },
    ),
    ...pbxs.flatMap(pbxLanes),
    lane(
      'certificate',
      certificateAccess({
        folder: foundations.publishedFolder,
        authority: foundations.authorities.handset.certificate,
        system,
        publish: () => foundations.publication.publish(),
        note: ({ pbxId }) => listNote(pbxs, pbxId),
        enforcers: revocationEnforcers(pbxs),
      }),
      { timeoutMs: 20_000, sweepEveryMs: 300_000 },
    ),
    ...lists.map((list) =>
      lane('certificate', subjectAccess({ ...list, now: system.now }), {
        timeoutMs: 30_000,
        sweepEveryMs: 60_000,
        pbxId: list.pbxId,
      }),
    ),
    ...(edge
      ? [
          lane('certificate', edgeAccess(edge.keeper), {
            timeoutMs: 20_000,
            sweepEveryMs: 60_000,
            pbxId: edge.pbxId,
          }),
        ]
      : []),
  ])
}

/** PBXs that turn a listed certificate away in the handshake. */
export function revocationEnforcers(pbxs: readonly KnownPbx[]): readonly RevocationEnforcer[] {
  return pbxs.flatMap(({ settings, driver: { revocations } }) =>
    revocations ? [{ name: pbxs.length === 1 ? 'the PBX' : `PBX ${settings.name}`, ...revocations }] : [],
  )
}

/** What a list in force does not say: whether the PBX of this phone asks for it. */
function listNote(pbxs: readonly KnownPbx[], pbxId: string): string | undefined {
  const pbx = pbxs.find(({ settings }) => settings.id === pbxId)
  if (pbx?.settings.edge) return 'refused at the edge: see that line'
  if (pbx?.settings.freeswitch?.subjects) return 'see the line allow-list'
  if (pbx?.driver.abilities.revocationLists !== 'not-checked') return undefined
  const name = pbxs.length === 1 ? 'this PBX' : `PBX ${pbx.settings.name}`
  return `${name} does not check revocation lists`
}

/**
 * Fences off a deposed writer. The time of the start, not the number of the lease in the store: it also grows when the
 * database was restored from an older copy. And more than the hub has seen, in case a clock once ran ahead.
 */
function revisions(startedAt: Date, lastLease: () => number | null): () => Revision {
  let lease: number | null = null
  let number = 0
  return () => {
    const last = lastLease()
    if (lease === null && last !== null) lease = Math.max(startedAt.getTime(), last + 1)
    return { lease: lease ?? startedAt.getTime(), number: ++number }
  }
}

/**
 * One listing of everybody after the other, and a turn of the event loop after each: five lanes that sweep at the same
 * moment would keep the console waiting for all of their 10,000 subjects together.
 */
function turns(): <T>(listing: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (listing) => {
    const mine = last.then(listing)
    last = mine.then(
      () => nextTurn(),
      () => nextTurn(),
    )
    return mine
  }
}

/** Looks once for all people that one turn of the event loop moved. */
function completionOf(context: JourneyContext): (employeeIds: readonly string[]) => void {
  let moved = new Set<string>()
  return (employeeIds) => {
    if (moved.size === 0) {
      setImmediate(() => {
        const ids = [...moved]
        moved = new Set()
        completeOffboardings(context, ids).catch((error: unknown) =>
          context.log.error(
            { err: error },
            'an offboarding could not be completed; it is tried again with the next sign of life',
          ),
        )
      })
    }
    for (const id of employeeIds) moved.add(id)
  }
}

/** Strangers are drift: told once each, never touched. */
function reporter(context: JourneyContext): (event: LaneEvent) => void {
  const told = new Set<string>()
  const record = (kind: 'stranger.seen' | 'access.half-done', detail: Readonly<Record<string, unknown>>) => {
    context.store
      .transaction((tx) => tx.record(auditEvent(context, kind, { actor: itself }, detail)))
      .catch((error: unknown) => context.log.error({ err: error }, 'the audit event could not be written'))
  }
  return (event) => {
    if (event.kind === 'broken') {
      context.log.error(
        { err: event.error, system: event.system },
        'a pass could not be finished; everything is looked at again',
      )
      return
    }
    if (event.kind === 'acts-failed') {
      const { system, instance, failedActs, givenUp } = event
      for (const { subjectId, error } of failedActs.slice(0, 20))
        context.log.warn(
          { err: error, system, instance, subject: subjectId, count: failedActs.length },
          'a change failed although what can be seen is as it should be; part of it may be undone',
        )
      for (const [summary, acts] of Map.groupBy(givenUp, ({ error }) => error.message))
        record('access.half-done', { system, summary, hint: acts[0]!.error.hint ?? null, doors: acts.length })
      return
    }
    const fresh = event.strangers.filter((stranger) => !told.has(`${event.system}/${stranger}`))
    if (fresh.length === 0) return
    for (const stranger of fresh) told.add(`${event.system}/${stranger}`)
    context.log.warn(
      { system: event.system, strangers: fresh.slice(0, 20), count: fresh.length },
      'something is there that Ringfence did not issue; it is left alone',
    )
    record('stranger.seen', { system: event.system, strangers: fresh.slice(0, 50) })
  }
}

async function handsetRows({ store }: JourneyContext, ids: readonly string[] | null) {
  if (ids === null || ids.length > 200) return store.find('handset', {})
  const rows = await Promise.all(ids.map((id) => store.get('handset', id)))
  return rows.filter((row) => row !== undefined)
}
