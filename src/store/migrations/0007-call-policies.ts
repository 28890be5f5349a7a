import { type Kysely, sql } from 'kysely'
import { isPostgres } from '../schema.ts'
import { type Widened, widen } from './widen.ts'

/** What an extension may dial, and what outlives its password, is a further kind of subject. */
const subjectKinds = ['tunnel', 'certificate', 'sip-credential', 'assignment', 'phone-door', 'administrator']

const widened = [
  {
    name: 'verdict',
    column: 'subjectKind',
    values: subjectKinds,
    columns: {
      system: 'text',
      instance: 'text',
      subjectKind: 'text',
      subjectId: 'text',
      employeeId: 'text?',
      wanted: 'text',
      generation: 'integer',
      state: 'text',
      evidence: 'text?',
      problem: 'text?',
      hint: 'text?',
      nextTryAt: 'text?',
      attempts: 'integer',
      at: 'text',
      acknowledgedBy: 'text?',
      acknowledgedAt: 'text?',
    },
    allowed: { state: ['converged', 'retrying', 'waiting', 'unverifiable'], wanted: ['open', 'closed'] },
    indexes: [['employeeId'], ['subjectKind', 'subjectId'], ['state']],
  },
  {
    name: 'tombstone',
    column: 'kind',
    values: subjectKinds,
    columns: {
      kind: 'text',
      subjectId: 'text',
      employeeId: 'text?',
      closedAt: 'text',
      generation: 'integer',
      subject: 'text',
    },
    allowed: {},
    indexes: [['kind'], ['employeeId']],
  },
] satisfies readonly Widened[]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of widened) await widen(db, table)
  // Byte order in both databases, as in the first tables.
  const text = isPostgres(db) ? sql`text collate "C"` : sql`text`
  await db.schema.alterTable('assignment').addColumn('callPolicy', text).execute()
  await db.schema
    .alterTable('assignment')
    .addColumn('generation', 'integer', (column) => column.notNull().defaultTo(1))
    .execute()
}
