import { type Kysely, sql } from 'kysely'
import { isPostgres } from '../schema.ts'

const kinds = ['api-token', 'invite', 'door-links', 'enrolment-link', 'sip-secret']

/** What was withdrawn before there was a table for it; `id` is what it is about. */
const known: readonly string[] = [
  `select 'api-token', "id", null, "revokedAt", 1 from "apiToken" where "revokedAt" is not null`,
  `select 'invite', "id", "employeeId", "closedAt", 1 from "invite" where "closedAt" is not null`,
  `select 'door-links', "id", "employeeId", "createdAt", "doorGeneration" from "handset" where "doorGeneration" > 1`,
  `select 'enrolment-link', "id", "employeeId", "enrolledAt", "doorGeneration" from "handset" where "enrolledAt" is not null`,
  `select 'sip-secret', "sipCredential"."id", "assignment"."employeeId", "sipCredential"."createdAt", "generation"
    from "sipCredential" join "assignment" on "assignment"."id" = "sipCredential"."assignmentId"
    where "sipCredential"."closedAt" is null and "generation" > 1`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  const postgres = isPostgres(db)
  // Byte order in both databases, as in the first tables.
  const text = postgres ? sql`text collate "C"` : sql`text`
  const table = db.schema
    .createTable('withdrawal')
    .addColumn('id', text, (column) => column.notNull().primaryKey())
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('subjectId', text, (column) => column.notNull())
    .addColumn('employeeId', text)
    .addColumn('at', text, (column) => column.notNull())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addCheckConstraint('withdrawal_kind_allowed', sql`"kind" in (${sql.join(kinds.map((kind) => sql.lit(kind)))})`)
  await (postgres ? table : table.modifyEnd(sql`strict`)).execute()
  for (const rows of known) {
    await sql`insert into "withdrawal" ("id", "kind", "subjectId", "employeeId", "at", "generation")
      with "old" ("kind", "about", "holder", "at", "generation") as (${sql.raw(rows)})
      select "kind" || '/' || "about", "kind", "about", "holder", "at", "generation" from "old"`.execute(db)
  }
}
