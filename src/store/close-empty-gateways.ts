/** A home gateway goes with its last phone; where replay took the last one, the gateway has no tombstone of its own yet. */
import { closed, type TunnelSubject } from '../domain/access.ts'
import { type Tombstone, tombstoneOf } from '../domain/tombstone.ts'
import type { Shut } from './shut-contradicted.ts'
import type { StoreWriter } from './store.ts'

/** An older copy may have gateways that were set up, or shared, otherwise since: nobody stands behind these. */
export async function closeEmptyGateways(
  tx: StoreWriter,
  at: string,
): Promise<{ readonly shut: readonly Shut[]; readonly tombstones: readonly Tombstone[] }> {
  const carried = new Set((await tx.find('handset', { removedAt: null })).map(({ gatewayId }) => gatewayId))
  const shut: Shut[] = []
  const tombstones: Tombstone[] = []
  for (const { id, employeeId } of await tx.find('gateway', { removedAt: null })) {
    if (carried.has(id)) continue
    await tx.update('gateway', id, { removedAt: at })
    shut.push({ employeeId, at })
    const tunnels = (await tx.find('tunnel', { carrierId: id, closedAt: null })).map((tunnel) => tunnel.id)
    if (tunnels.length === 0) continue
    const subjects: readonly TunnelSubject[] = await tx.subjects('tunnel', tunnels)
    tombstones.push(...subjects.map((subject) => tombstoneOf(closed(subject, at), at)))
  }
  await tx.put('tombstone', tombstones)
  return { shut, tombstones }
}
