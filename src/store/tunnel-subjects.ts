import type { TunnelSubject } from '../domain/access.ts'
import { chunks, type Database } from './schema.ts'
import { notShut, shutSubjects } from './shut-subjects.ts'

/** Four queries whatever the number of tunnels; two more when only some are asked for and closed ones are among them. */
export async function tunnelSubjects(db: Database, ids?: readonly string[]): Promise<readonly TunnelSubject[]> {
  const query = db
    .selectFrom('tunnel')
    .leftJoin('handset', (join) =>
      join.onRef('handset.id', '=', 'tunnel.carrierId').on('tunnel.carrierKind', '=', 'handset'),
    )
    .leftJoin('gateway', (join) =>
      join.onRef('gateway.id', '=', 'tunnel.carrierId').on('tunnel.carrierKind', '=', 'gateway'),
    )
    .select(['tunnel.id', 'tunnel.hubId', 'tunnel.publicKey', 'tunnel.nextPublicKey', 'tunnel.presharedKeySealed'])
    .select(['tunnel.generation', 'handset.employeeId as handsetHolder', 'gateway.employeeId as gatewayHolder'])
    .where('tunnel.closedAt', 'is', null)
    .where(notShut('tunnel', 'tunnel.id', 'tunnel.generation'))
    .orderBy('tunnel.id')
  const rows = await (ids === undefined ? query : query.where('tunnel.id', 'in', ids)).execute()
  const addresses = await liveAddresses(db, ids === undefined ? {} : { tunnelIds: ids })
  const held = Map.groupBy(addresses, (address) => address.tunnelId)
  const reserved = await reservedAddresses(db, ids === undefined ? {} : { tunnelIds: ids })
  const phones = Map.groupBy(reserved, (address) => address.tunnelId)
  const open = rows.map(
    (row): TunnelSubject => ({
      kind: 'tunnel',
      id: row.id,
      employeeId: row.handsetHolder ?? row.gatewayHolder,
      wanted: 'open',
      generation: row.generation,
      hubId: row.hubId,
      publicKeys: [row.publicKey, row.nextPublicKey].filter((key) => key !== null),
      activeKey: row.publicKey ?? row.nextPublicKey,
      retiredKeys: [],
      prefixes: (held.get(row.id) ?? []).map((address) => address.prefix),
      admitted: [
        ...(held.get(row.id) ?? []).filter(({ purpose }) => purpose === 'carrier').map((address) => address.prefix),
        ...(phones.get(row.id) ?? []).map((address) => address.prefix),
      ],
      presharedKeySealed: row.presharedKeySealed,
    }),
  )
  const closed = await shutSubjects(db, 'tunnel', open, ids)
  if (ids === undefined) return [...open, ...withoutReused(closed, [...addresses, ...reserved])]
  const theirs = { prefixes: closed.flatMap((tunnel) => tunnel.prefixes) }
  const others = [...(await liveAddresses(db, theirs)), ...(await reservedAddresses(db, theirs))]
  return [...open, ...withoutReused(closed, others)]
}

/** A closed tunnel's address that meanwhile belongs to a live one must not be shut with it. */
function withoutReused(closed: readonly TunnelSubject[], live: readonly LiveAddress[]): readonly TunnelSubject[] {
  const taken = new Set(live.map((address) => `${address.hubId} ${address.prefix}`))
  return closed.map((tunnel) => {
    const prefixes = tunnel.prefixes.filter((prefix) => !taken.has(`${tunnel.hubId} ${prefix}`))
    return prefixes.length === tunnel.prefixes.length ? tunnel : { ...tunnel, prefixes }
  })
}

interface LiveAddress {
  readonly tunnelId: string
  readonly hubId: string
  readonly prefix: string
  readonly purpose: 'carrier' | 'phones' | 'phone'
}

interface Only {
  readonly tunnelIds?: readonly string[]
  readonly prefixes?: readonly string[]
}

async function liveAddresses(db: Database, only: Only): Promise<readonly LiveAddress[]> {
  const query = db
    .selectFrom('tunnelAddress')
    .innerJoin('tunnel', 'tunnel.id', 'tunnelAddress.tunnelId')
    .select(['tunnelAddress.tunnelId', 'tunnelAddress.hubId', 'tunnelAddress.prefix', 'tunnelAddress.purpose'])
    .where('tunnelAddress.releasedAt', 'is', null)
    .where('tunnel.closedAt', 'is', null)
    .where(notShut('tunnel', 'tunnel.id', 'tunnel.generation'))
    .orderBy('tunnelAddress.id')
  if (only.tunnelIds !== undefined) return query.where('tunnelAddress.tunnelId', 'in', only.tunnelIds).execute()
  if (only.prefixes === undefined) return query.execute()
  const found: LiveAddress[] = []
  for (const part of chunks(only.prefixes)) found.push(...(await query.where('prefix', 'in', part).execute()))
  return found
}

/** Of the phones in use behind gateways. */
async function reservedAddresses(db: Database, only: Only): Promise<readonly LiveAddress[]> {
  const query = db
    .selectFrom('handset')
    .innerJoin('tunnel', 'tunnel.carrierId', 'handset.gatewayId')
    .select(['tunnel.id as tunnelId', 'tunnel.hubId', 'handset.phoneAddress'])
    .where('handset.removedAt', 'is', null)
    .where('handset.phoneAddress', 'is not', null)
    .where('tunnel.closedAt', 'is', null)
    .orderBy('handset.id')
  const found: Awaited<ReturnType<typeof query.execute>> = []
  if (only.tunnelIds !== undefined) found.push(...(await query.where('tunnel.id', 'in', only.tunnelIds).execute()))
  else if (only.prefixes === undefined) found.push(...(await query.execute()))
  else {
    const addresses = only.prefixes.flatMap((prefix) => /^([0-9.]+)\/32$/.exec(prefix)?.[1] ?? [])
    for (const part of chunks(addresses))
      found.push(...(await query.where('handset.phoneAddress', 'in', part).execute()))
  }
  return found.map(({ phoneAddress, ...row }) => ({ ...row, prefix: `${phoneAddress}/32`, purpose: 'phone' }))
}
