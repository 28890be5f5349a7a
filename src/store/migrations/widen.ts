/**
 * A column that may hold more than before. SQLite cannot change a check, so there the table is written anew with all its
 * rows (https://www.sqlite.org/lang_altertable.html section 7).
 */
import { type Kysely, sql } from 'kysely'
import { isPostgres } from '../schema.ts'

export type Column = 'text' | 'text?' | 'integer'

export interface Widened {
  readonly name: string
  readonly column: string
  /** What it may hold from now on. */
  readonly values: readonly string[]
  readonly columns: Readonly<Record<string, Column>>
  readonly allowed: Readonly<Record<string, readonly string[]>>
  readonly indexes: readonly (readonly string[])[]
}

export function widen(db: Kysely<unknown>, table: Widened): Promise<void> {
  return isPostgres(db) ? widenConstraint(db, table) : rebuild(db, table)
}

function oneOf(column: string, values: readonly string[]) {
  return sql`${sql.ref(column)} in (${sql.join(values.map((value) => sql.lit(value)))})`
}

async function widenConstraint(db: Kysely<unknown>, { name, column, values }: Widened): Promise<void> {
  const constraint = `${name}_${column}_allowed`
  await db.schema.alterTable(name).dropConstraint(constraint).execute()
  await db.schema.alterTable(name).addCheckConstraint(constraint, oneOf(column, values)).execute()
}

async function rebuild(
  db: Kysely<unknown>,
  { name, column, values, columns, allowed, indexes }: Widened,
): Promise<void> {
  const fresh = `${name}Widened`
  let table = db.schema.createTable(fresh).addColumn('id', sql`text`, (built) => built.notNull().primaryKey())
  for (const [each, kind] of Object.entries(columns)) {
    table = table.addColumn(each, kind === 'integer' ? 'integer' : sql`text`, (built) =>
      kind === 'text?' ? built : built.notNull(),
    )
  }
  for (const [each, allowedValues] of Object.entries({ ...allowed, [column]: values }))
    table = table.addCheckConstraint(`${name}_${each}_allowed`, oneOf(each, allowedValues))
  await table.modifyEnd(sql`strict`).execute()
  const list = sql.join(['id', ...Object.keys(columns)].map((each) => sql.ref(each)))
  await sql`insert into ${sql.table(fresh)} (${list}) select ${list} from ${sql.table(name)}`.execute(db)
  // Its indexes go with it; nothing refers to these tables.
  await db.schema.dropTable(name).execute()
  await db.schema.alterTable(fresh).renameTo(name).execute()
  for (const each of indexes)
    await db.schema
      .createIndex(`${name}By_${each.join('_')}`)
      .on(name)
      .columns([...each])
      .execute()
}
