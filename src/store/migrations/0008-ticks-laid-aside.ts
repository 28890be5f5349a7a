import { type Kysely, sql } from 'kysely'
import { isPostgres } from '../schema.ts'

/** What was ticked, for as long as a PBX is away and nobody can look. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Byte order in both databases, as in the first tables.
  const text = isPostgres(db) ? sql`text collate "C"` : sql`text`
  await db.schema.alterTable('verdict').addColumn('acknowledgedClaim', text).execute()
}
