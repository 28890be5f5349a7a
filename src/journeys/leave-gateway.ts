/** What becomes of home gateways when phones behind them are taken back. */
import type { Subject, TunnelSubject } from '../domain/access.ts'
import type { Gateway, Handset } from '../domain/handset.ts'
import type { Tunnel } from '../domain/tunnel.ts'
import { type Withdrawal, withdrawalOf } from '../domain/withdrawal.ts'
import type { StoreWriter } from '../store/store.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'
import { gatewayDoor } from './enrolment.ts'
import { retireKey } from './renew-invite.ts'
import { withdraw } from './withdraw.ts'

interface StayingGateway {
  readonly gateway: Gateway
  readonly tunnel: Tunnel
  readonly leaving: readonly Handset[]
  /** Of the phones that stay. */
  readonly holders: readonly string[]
}

/** Which gateways go with these handsets, and which stay for others. `leaver`: also those that were given to them. */
export async function gatewaysOf(
  tx: StoreWriter,
  handsets: readonly Handset[],
  leaver: string | null,
): Promise<{ gateways: readonly Gateway[]; staying: readonly StayingGateway[] }> {
  const given = leaver === null ? [] : await tx.find('gateway', { employeeId: leaver, removedAt: null })
  const ids = new Set([...handsets.map(({ gatewayId }) => gatewayId), ...given.map(({ id }) => id)])
  const gateways: Gateway[] = []
  const staying: StayingGateway[] = []
  for (const id of ids) {
    const gateway = id === null ? undefined : await tx.get('gateway', id)
    if (!gateway || gateway.removedAt !== null) continue
    const leaving = handsets.filter(({ gatewayId }) => gatewayId === gateway.id)
    const gone = new Set(leaving.map((handset) => handset.id))
    const carried = await tx.find('handset', { gatewayId: gateway.id, removedAt: null })
    const others = carried.filter((handset) => !gone.has(handset.id))
    const [tunnel] = await tx.find('tunnel', { carrierId: gateway.id, closedAt: null })
    if (others.length === 0) gateways.push(gateway)
    else if (tunnel) staying.push({ gateway, tunnel, leaving, holders: others.map(({ employeeId }) => employeeId) })
  }
  return { gateways, staying }
}

/**
 * Whoever leaves may have kept the script, the `.conf` and the link in the DHCP option: links end, and with them a key that
 * was not in use yet. The key in use is the router's and goes on for the others; the verdict names it until it is replaced.
 * Somebody who gives back one phone of several behind it loses that phone's address only.
 */
export async function leaveGateway(
  context: Pick<JourneyContext, 'system' | 'vault'>,
  tx: StoreWriter,
  { gateway, tunnel, leaving, holders }: StayingGateway,
  at: string,
): Promise<{ readonly shut: readonly Subject[]; readonly withdrawn: readonly Withdrawal[] }> {
  const generation = tunnel.generation + 1
  await tx.update('tunnel', tunnel.id, { generation })
  const left = [...leaving.map((handset) => handset.employeeId), gateway.employeeId].some((id) => !holders.includes(id))
  const inUse = tunnel.firstHandshakeAt === null ? null : tunnel.publicKey
  const phones = leaving.map((handset) =>
    phoneSubject(tunnel, handset, generation, left && inUse !== null ? [inUse] : []),
  )
  if (!left) return { shut: phones, withdrawn: [] }

  const employeeId = holders.includes(gateway.employeeId) ? gateway.employeeId : holders[0]!
  const doorGeneration = gateway.doorGeneration + 1
  await tx.update('gateway', gateway.id, { employeeId, ...gatewayDoor(context, gateway.id, doorGeneration) })
  if (employeeId !== gateway.employeeId) {
    const about = { employeeId, subjectId: gateway.id, actor: itself }
    await tx.record(auditEvent(context, 'gateway.handed-over', about, { from: gateway.employeeId }))
  }
  const unused = [tunnel.publicKey, tunnel.nextPublicKey].filter((key) => key !== null && key !== inUse) as string[]
  await tx.update('tunnel', tunnel.id, {
    generation: generation + unused.length,
    publicKey: inUse,
    nextPublicKey: null,
    privateKeySealed: null,
    keyWindowEndsAt: null,
  })
  const retired: Subject[] = []
  for (const [place, key] of unused.entries())
    retired.push(...(await retireKey(tx, { ...tunnel, generation: generation + place }, employeeId, key, at)))
  const links = withdrawalOf('door-links', gateway.id, { employeeId, at, generation: doorGeneration })
  return { shut: [...phones, ...retired], withdrawn: await withdraw(tx, [links]) }
}

function phoneSubject(
  { id, hubId }: Tunnel,
  handset: Handset,
  generation: number,
  keys: readonly string[],
): TunnelSubject {
  return {
    kind: 'tunnel',
    id: `${id}#${handset.id}`,
    employeeId: handset.employeeId,
    wanted: 'closed',
    generation,
    hubId,
    publicKeys: [],
    activeKey: null,
    retiredKeys: [],
    prefixes: handset.phoneAddress === null ? [] : [`${handset.phoneAddress}/32`],
    admitted: [],
    gatewayStays: { keys },
    presharedKeySealed: null,
  }
}
