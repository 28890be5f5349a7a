import { causesOf } from '../domain/diagnosis.ts'
import type { PhoneFacts } from '../domain/phone-facts.ts'
import type { JourneyContext } from './context.ts'
import { handsetRow } from './handsets.ts'
import type { Diagnosis, HandsetRow } from './handsets-view.ts'
import type { HubWatch } from './hub-watch.ts'
import { handsetFiles } from './preview.ts'
import { staleSince } from './settings-drift.ts'

const fetchesRead = 20

/** Gathers what is known of one handset and its way to the PBX, and says in words what keeps it from working. */
export async function diagnose(context: JourneyContext, watch: HubWatch, handsetId: string): Promise<Diagnosis> {
  const row = await handsetRow(context, handsetId)
  const facts = await factsOf(context, watch, row)
  return { row, causes: causesOf(facts), fine: fineOf(facts) }
}

async function factsOf(context: JourneyContext, watch: HubWatch, row: HandsetRow): Promise<PhoneFacts> {
  const { store, system, config } = context
  const { handset, employee, tunnel, access } = row
  const stored = (await store.get('handset', handset.id))!
  const invites = await store.find('invite', { employeeId: employee.id, closedAt: null })
  const fetches = await store.ledgerPage({ handsetId: handset.id, limit: fetchesRead })
  const visits = await store.ledgerPage({ employeeId: employee.id, reason: 'invite', outcome: 'served', limit: 1 })
  const tunnelRow = tunnel && (await store.get('tunnel', tunnel.id))
  const certificate = (await store.find('certificate', { handsetId: handset.id, revokedAt: null })).at(-1)
  return {
    now: system.now(),
    createdAt: stored.createdAt,
    enrolledAt: stored.enrolledAt,
    newLinkWaits: stored.enrolledAt === null && stored.formerTokenHash !== null,
    removedAt: stored.removedAt,
    linkUntil: invites.at(-1)?.expiresAt ?? null,
    fetches,
    linkOpenedAt: visits[0]?.at ?? null,
    tunnel: tunnelRow
      ? {
          hasKey: tunnelRow.publicKey !== null,
          madeByRouter: tunnelRow.keyOrigin === 'device',
          firstHandshakeAt: tunnelRow.firstHandshakeAt,
          // As the hub last listed it: the row's own may be minutes old.
          lastHandshakeAt: tunnel?.lastHandshakeAt ?? null,
          replacementWaits: tunnelRow.nextPublicKey !== null,
          throughGateway: tunnelRow.carrierKind === 'gateway',
        }
      : null,
    doors: access.map(({ acknowledged, ...line }) => ({ ...line, acknowledged: acknowledged !== null })),
    doubts: handset.warnings,
    certificate: certificate ?? null,
    staleSince: await staleSince(context, stored),
    filesDiffer: stored.removedAt === null && (await differing(context, handset.id)),
    hub: watch.description && watch.failure === null ? { preview: watch.description.is.mode === 'preview' } : null,
    demo: config.demo,
  }
}

/** A file that cannot be made is told by its door. */
async function differing(context: JourneyContext, handsetId: string): Promise<boolean> {
  try {
    return (await handsetFiles(context, handsetId)).some(({ differs }) => differs === true)
  } catch {
    return false
  }
}

function fineOf({ doors, fetches, enrolledAt, tunnel, certificate, doubts, removedAt }: PhoneFacts): string[] {
  if (removedAt !== null) return []
  const open = doors.filter(({ verdict, wanted }) => verdict === 'converged' && wanted === 'open')
  const got = fetches.find(({ outcome }) => outcome === 'served' || outcome === 'not-modified')
  return [
    ...(open.length > 0 ? [`seen open: ${[...new Set(open.map(({ system }) => system))].join(', ')}`] : []),
    ...(tunnel?.lastHandshakeAt ? [`its tunnel was last heard at ${tunnel.lastHandshakeAt}`] : []),
    ...(got ? [`it last got a file at ${got.at}`] : []),
    ...(enrolledAt !== null ? [`it took over its own link at ${enrolledAt}`] : []),
    ...(certificate ? [`its certificate is good until ${certificate.notAfter}`] : []),
    ...(doubts.length === 0 && got ? ['what it says of itself fits what was handed out'] : []),
  ]
}
