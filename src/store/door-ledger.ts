import type { Database } from './schema.ts'

const keptRows = 100_000
const keptDays = 400

/** Keeps the newest rows, and none that is older than the limit; ids are in order of time. Returns how many went. */
export async function trimDoorLedger(tx: Database, now: Date, rows = keptRows): Promise<number> {
  const oldest = new Date(now.getTime() - keptDays * 86_400_000).toISOString()
  const aged = await tx.deleteFrom('doorFetch').where('at', '<', oldest).executeTakeFirst()
  const first = await tx
    .selectFrom('doorFetch')
    .select('id')
    .orderBy('id', 'desc')
    .limit(1)
    .offset(rows)
    .executeTakeFirst()
  if (first === undefined) return Number(aged.numDeletedRows)
  const surplus = await tx.deleteFrom('doorFetch').where('id', '<=', first.id).executeTakeFirst()
  return Number(aged.numDeletedRows + surplus.numDeletedRows)
}
