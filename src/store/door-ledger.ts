import type { ExpressionBuilder } from 'kysely'
import type { Database, Schema } from './schema.ts'

const keptDays = 400
/** What is about a handset or a person, and what strangers asked for: a flood of the one never costs the other a row. */
const keptRows = { known: 100_000, strangers: 20_000 }

/** Keeps the newest rows of each, and none that is older than the limit; ids are in order of time. Returns how many went. */
export async function trimDoorLedger(tx: Database, now: Date): Promise<number> {
  const oldest = new Date(now.getTime() - keptDays * 86_400_000).toISOString()
  const aged = await tx.deleteFrom('doorFetch').where('at', '<', oldest).executeTakeFirst()
  let gone = Number(aged.numDeletedRows)
  for (const whose of ['known', 'strangers'] as const) {
    const first = await tx
      .selectFrom('doorFetch')
      .select('id')
      .where(isOf(whose))
      .orderBy('id', 'desc')
      .limit(1)
      .offset(keptRows[whose])
      .executeTakeFirst()
    if (first === undefined) continue
    const surplus = await tx.deleteFrom('doorFetch').where('id', '<=', first.id).where(isOf(whose)).executeTakeFirst()
    gone += Number(surplus.numDeletedRows)
  }
  return gone
}

function isOf(whose: keyof typeof keptRows) {
  return (eb: ExpressionBuilder<Schema, 'doorFetch'>) =>
    whose === 'known'
      ? eb.or([eb('handsetId', 'is not', null), eb('employeeId', 'is not', null)])
      : eb.and([eb('handsetId', 'is', null), eb('employeeId', 'is', null)])
}
