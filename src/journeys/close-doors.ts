/** Shuts, in the caller's transaction, all that some handsets hold; what the click and "take this phone back" share. */
import { closed, type Subject, type SubjectKind, type TunnelSubject } from '../domain/access.ts'
import type { Gateway, Handset } from '../domain/handset.ts'
import { tombstoneOf } from '../domain/tombstone.ts'
import type { Tunnel } from '../domain/tunnel.ts'
import type { StoreWriter } from '../store/store.ts'

export interface ClosedDoors {
  /** For the lanes to shut. */
  readonly shut: readonly Subject[]
  /** Tunnels of gateways that stay for other phones: the lanes look at them anew. */
  readonly narrowed: readonly string[]
}

/**
 * Afterwards nothing sealed is left of them (a shut door needs no secret) and their tombstones are written. A home gateway
 * goes with its last handset; one that stays belongs to somebody who stays, and lets the leaver's phone through no more.
 * @param shared also the credentials that belong to the extension and not to one handset
 */
export async function closeDoors(
  tx: StoreWriter,
  { handsets, shared, at }: { handsets: readonly Handset[]; shared: boolean; at: string },
): Promise<ClosedDoors> {
  const { gateways, staying } = await gatewaysOf(tx, handsets)
  const carriers = [...handsets, ...gateways].map(({ id }) => id)
  const assignments = [...new Set(handsets.map(({ assignmentId }) => assignmentId))]
  const tunnels = (await each(carriers, (carrierId) => tx.find('tunnel', { carrierId, closedAt: null }))).map(
    ({ id }) => id,
  )
  const certificates = (
    await each(handsets, ({ id }) => tx.find('certificate', { handsetId: id, revokedAt: null }))
  ).map(({ id }) => id)
  const credentials = (
    await each(assignments, (assignmentId) => tx.find('sipCredential', { assignmentId, closedAt: null }))
  )
    .filter(({ handsetId }) => (handsetId === null ? shared : handsets.some(({ id }) => id === handsetId)))
    .map(({ id }) => id)

  // Read as they are now, before the rows change: addresses and keys are what the lanes will look for.
  const open = [
    ...(await subjectsOf(tx, 'tunnel', tunnels)),
    ...(await subjectsOf(tx, 'sip-credential', credentials)),
    ...(await subjectsOf(tx, 'certificate', certificates)),
    ...(await subjectsOf(
      tx,
      'phone-door',
      handsets.map(({ id }) => id),
    )),
  ]
  const phones: Subject[] = []
  for (const gateway of staying) phones.push(...(await leaveGateway(tx, gateway)))
  const shut = [...open.filter(({ wanted }) => wanted === 'open').map((subject) => closed(subject, at)), ...phones]
  const generation = (kind: SubjectKind, id: string) =>
    shut.find((subject) => subject.kind === kind && subject.id === id)?.generation ?? 1

  for (const { id } of handsets) await tx.update('handset', id, { removedAt: at, enrolExpiresAt: at })
  for (const { id } of gateways) await tx.update('gateway', id, { removedAt: at })
  for (const id of tunnels) {
    await tx.update('tunnel', id, {
      closedAt: at,
      privateKeySealed: null,
      presharedKeySealed: null,
      generation: generation('tunnel', id),
    })
    for (const address of await tx.find('tunnelAddress', { tunnelId: id, releasedAt: null }))
      await tx.update('tunnelAddress', address.id, { releasedAt: at })
  }
  for (const id of certificates) await tx.update('certificate', id, { revokedAt: at, privateKeySealed: null })
  for (const id of credentials)
    await tx.update('sipCredential', id, {
      closedAt: at,
      secretSealed: null,
      generation: generation('sip-credential', id),
    })
  await tx.put(
    'tombstone',
    shut.map((subject) => tombstoneOf(subject, at)),
  )
  return { shut, narrowed: staying.map(({ tunnel }) => tunnel.id) }
}

interface StayingGateway {
  readonly gateway: Gateway
  readonly tunnel: Tunnel
  readonly leaving: readonly Handset[]
  /** Of the phones that stay. */
  readonly holders: readonly string[]
}

/** Which gateways go with these handsets, and which stay for others. */
async function gatewaysOf(
  tx: StoreWriter,
  handsets: readonly Handset[],
): Promise<{ gateways: readonly Gateway[]; staying: readonly StayingGateway[] }> {
  const gateways: Gateway[] = []
  const staying: StayingGateway[] = []
  for (const [gatewayId, leaving] of Map.groupBy(handsets, (handset) => handset.gatewayId)) {
    const gateway = gatewayId === null ? undefined : await tx.get('gateway', gatewayId)
    if (!gateway || gateway.removedAt !== null) continue
    const gone = new Set(leaving.map(({ id }) => id))
    const others = (await tx.find('handset', { gatewayId, removedAt: null })).filter(({ id }) => !gone.has(id))
    const [tunnel] = await tx.find('tunnel', { carrierId: gateway.id, closedAt: null })
    if (others.length === 0) gateways.push(gateway)
    else if (tunnel) staying.push({ gateway, tunnel, leaving, holders: others.map(({ employeeId }) => employeeId) })
  }
  return { gateways, staying }
}

/** The tombstones of the reserved addresses of phones that leave a gateway which stays. */
async function leaveGateway(
  tx: StoreWriter,
  { gateway, tunnel, leaving, holders }: StayingGateway,
): Promise<readonly TunnelSubject[]> {
  const generation = tunnel.generation + 1
  await tx.update('tunnel', tunnel.id, { generation })
  if (!holders.includes(gateway.employeeId)) await tx.update('gateway', gateway.id, { employeeId: holders[0]! })
  return leaving.map(({ id, employeeId, phoneAddress }) => ({
    kind: 'tunnel',
    id: `${tunnel.id}#${id}`,
    employeeId,
    wanted: 'closed',
    generation,
    hubId: tunnel.hubId,
    publicKeys: [],
    activeKey: null,
    retiredKeys: [],
    prefixes: phoneAddress === null ? [] : [`${phoneAddress}/32`],
    admitted: [],
    gatewayStays: true,
    presharedKeySealed: null,
  }))
}

async function subjectsOf<K extends SubjectKind>(
  tx: StoreWriter,
  kind: K,
  ids: readonly string[],
): Promise<readonly Subject[]> {
  return ids.length === 0 ? [] : tx.subjects(kind, ids)
}

async function each<In, Out>(items: readonly In[], find: (item: In) => Promise<readonly Out[]>): Promise<Out[]> {
  const found: Out[] = []
  for (const item of items) found.push(...(await find(item)))
  return found
}
