import { type Kysely, sql } from 'kysely'
import { isPostgres } from '../schema.ts'

/** What was ticked, and since when a step waits, for as long as a PBX is away and nobody can look. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Byte order in both databases, as in the first tables.
  const text = isPostgres(db) ? sql`text collate "C"` : sql`text`
  for (const column of ['acknowledgedClaim', 'waitingSince'])
    await db.schema.alterTable('verdict').addColumn(column, text).execute()
}
