/** The rhythm of the server: lease, hub listing, revocation list, outbox, files. */
import type { Loop } from '../access/loop.ts'
import { defaultId } from '../domain/site.ts'
import { completeOffboardings } from '../journeys/complete-offboarding.ts'
import type { JourneyContext } from '../journeys/context.ts'
import type { MailDelivery } from '../journeys/deliver-mails.ts'
import type { HubWatch } from '../journeys/hub-watch.ts'
import { runLeavings } from '../journeys/leavings.ts'
import { stepReminder } from '../journeys/remind-steps.ts'
import type { PhoneDoor } from '../journeys/serve-phone.ts'
import type { UpkeepTask } from '../journeys/upkeep.ts'
import { watchTunnels } from '../journeys/watch-tunnels.ts'
import { logChannel } from '../notify/log-channel.ts'
import { deliverOutbox, type Outbox } from '../notify/notifier.ts'
import { journalRows } from '../store/journal-rows.ts'
import { noteMoment } from '../store/moment.ts'
import type { Hub, HubDescription } from '../tunnels/hub-port.ts'
import type { Doors } from './doors.ts'
import type { Edge } from './edge.ts'
import { type Foundations, leaseTtlMs } from './foundations.ts'
import { keepEdgeCertificates, keepPbxCertificates } from './pbx-certificates.ts'
import { revocationEnforcers } from './pbx-lanes.ts'

/** What the hub last said of itself; it may be set up anew while the server runs. */
export interface HubNow {
  description: HubDescription | null
}

export interface TaskParts {
  readonly context: JourneyContext
  readonly foundations: Foundations
  readonly hub: Hub
  readonly edge?: Edge | null
  /** Remembers what `hub` listed, whoever asked. */
  readonly hubWatch: Pick<HubWatch, 'peers'>
  readonly hubNow: HubNow
  readonly loop: Pick<Loop, 'sweep'>
  readonly handshakes: Map<string, string>
  readonly doors: Doors
  readonly door: PhoneDoor
  readonly mails: Pick<MailDelivery, 'run'>
  readonly onLeaseLost: () => void
}

export function upkeepTasks({
  hubWatch,
  hubNow,
  loop,
  context,
  foundations,
  hub,
  edge,
  handshakes,
  doors,
  door,
  mails,
  onLeaseLost,
}: TaskParts): UpkeepTask[] {
  const { store, system } = context
  const { lease, journal, publication } = foundations
  let peerCount = 0
  let listing: HubWatch['peers'] = null
  const outbox: Outbox = {
    waiting: () => store.find('outbox', { deliveredAt: null }),
    update: (id, patch) => store.transaction((tx) => tx.update('outbox', id, patch)),
  }
  return [
    {
      name: 'lease',
      everyMs: leaseTtlMs / 3,
      async run() {
        if (!(await store.renewLease(lease, system.now(), leaseTtlMs))) onLeaseLost()
      },
    },
    {
      name: 'handshakes',
      everyMs: 3_000,
      async run() {
        // A listing of 10,000 peers costs some 50 ms on both sides and 15 MB here: the more there are, the rarer, and
        // whatever the tunnels' own sweep listed serves as well.
        if (hubWatch.peers === listing) {
          const ageMs = listing === null ? Number.POSITIVE_INFINITY : system.now().getTime() - Date.parse(listing.at)
          if (ageMs < Math.max(3_000, peerCount * 4)) return
          await hub.listPeers(AbortSignal.timeout(30_000))
        }
        listing = hubWatch.peers
        if (listing === null) return
        const { is: peers, at } = listing
        // A hub that lost everything (restarted host) is filled at once, not at the next sweep.
        if (peers.length === 0 && peerCount > 0) loop.sweep()
        peerCount = peers.length
        context.traffic.note(peers, new Date(at))
        for (const { publicKey, lastHandshakeAt } of peers)
          if (lastHandshakeAt !== null) handshakes.set(publicKey, lastHandshakeAt)
        const present = new Set(peers.map(({ publicKey }) => publicKey))
        for (const key of handshakes.keys()) if (!present.has(key)) handshakes.delete(key)
        await watchTunnels(context, handshakes)
      },
    },
    {
      name: 'revocation list',
      everyMs: 60_000,
      run: publication.publishWhenDue,
    },
    {
      // A PBX that was restarted or away takes the newest list, and a new server certificate, here.
      name: 'revocation list on the PBXs',
      everyMs: 30_000,
      async run() {
        const enforcers = revocationEnforcers(context.pbxs)
        await Promise.all(enforcers.map(({ enforce }) => enforce(AbortSignal.timeout(20_000))))
      },
    },
    {
      name: 'PBX certificate',
      everyMs: 86_400_000,
      run: () => keepPbxCertificates(context.config, foundations, system.now()),
    },
    ...(edge
      ? [
          {
            name: 'SIP edge',
            everyMs: 15_000,
            // A new list, a phone without certificate, a Kamailio that was restarted: what no verdict asks for.
            run: () => edge.keeper.publish(AbortSignal.timeout(20_000)),
          },
          {
            name: 'certificate of the SIP edge',
            everyMs: 86_400_000,
            run: () => keepEdgeCertificates(context.config, foundations, system.now()),
          },
        ]
      : []),
    { name: 'outbox', everyMs: 5_000, run: () => deliverOutbox(outbox, [logChannel(context.log)], system.now()) },
    { name: 'mail', everyMs: 2_000, run: () => mails.run() },
    { name: 'step reminder', everyMs: 300_000, run: stepReminder(context) },
    { name: 'phone door', everyMs: 10_000, run: () => doors.refresh() },
    {
      name: 'ledger',
      everyMs: 3_600_000,
      async run() {
        await door.flush()
        await store.trimDoorLedger(system.now())
      },
    },
    {
      name: 'leaver journal',
      everyMs: 60_000,
      run: async () => journal.append(journal.lacking(await journalRows(store))),
    },
    // Each time is a line in a file that only grows; what was shut or withdrawn is there at once anyway.
    { name: 'moment', everyMs: 600_000, run: () => noteMoment(store, journal) },
    {
      name: 'offboardings',
      everyMs: 30_000,
      async run() {
        const waiting = await store.find('employee', { lifecycle: 'offboarding' })
        await completeOffboardings(
          context,
          waiting.map(({ id }) => id),
        )
      },
    },
    // At the start at once: what a stopped server slept through is done late, and not missed.
    { name: 'leaving dates', everyMs: 5_000, run: () => runLeavings(context) },
    {
      name: 'hub key',
      everyMs: 10_000,
      async run() {
        const before = hubNow.description
        hubNow.description = await hub.describe(AbortSignal.timeout(5_000))
        const { publicKey } = hubNow.description
        if (before === null || before.publicKey !== publicKey) loop.sweep()
        const row = await store.get('hub', defaultId)
        if (row && row.publicKey !== publicKey)
          await store.transaction((tx) => tx.update('hub', defaultId, { publicKey }))
      },
    },
  ]
}
