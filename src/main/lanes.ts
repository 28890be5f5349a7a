/** One lane for each access system. */
import { randomInt } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AccessSystem } from '../access/access-system.ts'
import { startLane } from '../access/lane.ts'
import { type Loop, loopOver } from '../access/loop.ts'
import type { Subject } from '../domain/access.ts'
import { defaultId } from '../domain/site.ts'
import { consoleTraces, shutConsole } from '../journeys/console-traces.ts'
import type { JourneyContext } from '../journeys/context.ts'
import { type EnabledSystem, looksAfter } from '../journeys/expected-lines.ts'
import { verdictBook } from '../journeys/verdict-book.ts'
import { phoneDoorAccess } from '../phones/phone-door-access.ts'
import { administratorAccess } from '../signin/administrator-access.ts'
import { firewallAccess } from '../tunnels/firewall-access.ts'
import type { Hub, Revision } from '../tunnels/hub-port.ts'
import { tunnelAccess } from '../tunnels/tunnel-access.ts'
import type { Edge } from './edge.ts'
import type { Foundations } from './foundations.ts'
import { completionOf, reporter } from './lane-reports.ts'
import { certificateLanes, type LanePace, pbxLanes, type StartLane } from './pbx-lanes.ts'

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
  const { context, systems, hub, mayWrite, lastLease, tookHubAway = false } = parts
  const { store, system, vault, pbxs } = context
  const inTurn = turns()
  const book = verdictBook(context, completionOf(context))
  const lane: StartLane = <S extends Subject, Snapshot>(
    subjectKind: S['kind'],
    access: AccessSystem<S, Snapshot>,
    { timeoutMs, sweepEveryMs, pbxId = null, opensOnly = false, tookAway = false }: LanePace,
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
  const nextRevision = revisions(system.now(), lastLease)
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
    ...pbxs.flatMap((pbx) => pbxLanes(lane, pbx, parts)),
    ...certificateLanes(lane, parts),
  ])
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

async function handsetRows({ store }: JourneyContext, ids: readonly string[] | null) {
  if (ids === null || ids.length > 200) return store.find('handset', {})
  const rows = await Promise.all(ids.map((id) => store.get('handset', id)))
  return rows.filter((row) => row !== undefined)
}
