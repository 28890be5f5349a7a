import type { TunnelSubject } from '../domain/access.ts'
import { chunks, type Database } from './schema.ts'
import { notShut, shutSubjects } from './shut-subjects.ts'

/** Three queries whatever the number of tunnels; a fourth when only some are asked for and closed ones are among them. */
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
  const prefixes = Map.groupBy(addresses, (address) => address.tunnelId)
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
      prefixes: (prefixes.get(row.id) ?? []).map((address) => address.prefix),
      presharedKeySealed: row.presharedKeySealed,
    }),
  )
  const closed = await shutSubjects(db, 'tunnel', open, ids)
  const others =
    ids === undefined ? addresses : await liveAddresses(db, { prefixes: closed.flatMap((tunnel) => tunnel.prefixes) })
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
}

async function liveAddresses(
  db: Database,
  only: { readonly tunnelIds?: readonly string[]; readonly prefixes?: readonly string[] },
): Promise<readonly LiveAddress[]> {
  const query = db
    .selectFrom('tunnelAddress')
    .innerJoin('tunnel', 'tunnel.id', 'tunnelAddress.tunnelId')
    .select(['tunnelAddress.tunnelId', 'tunnelAddress.hubId', 'tunnelAddress.prefix'])
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
