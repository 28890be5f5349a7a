import { type Kysely, sql } from 'kysely'
import { isPostgres } from '../schema.ts'

/** An extension that was on the PBX before Ringfence is taken over. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Byte order in both databases, as in the first tables.
  const text = isPostgres(db) ? sql`text collate "C"` : sql`text`
  await db.schema.alterTable('assignment').addColumn('adoptedAt', text).execute()
}
