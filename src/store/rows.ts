/** Whole rows by id or by equal columns: the same few words for every table. */
import type { ExpressionBuilder } from 'kysely'
import { AppError } from '../errors.ts'
import { anyTables, chunks, type Database } from './schema.ts'
import { assertSqlValue, type SqlValue } from './sql-value.ts'
import type { Rows, Table } from './store.ts'

type Columns = Record<string, SqlValue>

// 2,000 parameters a statement: far below both limits, and compiled quickly.
const parametersPerInsert = 2_000

export async function get<T extends Table>(db: Database, table: T, id: string): Promise<Rows[T] | undefined> {
  const row = await anyTables(db).selectFrom(nameOf(table)).selectAll().where('id', '=', id).executeTakeFirst()
  return row as Rows[T] | undefined
}

export async function find<T extends Table>(
  db: Database,
  table: T,
  where: Partial<Rows[T]>,
): Promise<readonly Rows[T][]> {
  const equal = checked(where)
  const rows = await anyTables(db).selectFrom(nameOf(table)).selectAll().where(matches(equal)).orderBy('id').execute()
  return rows as unknown as readonly Rows[T][]
}

export async function insert<T extends Table>(db: Database, table: T, rows: readonly Rows[T][]): Promise<void> {
  for (const part of insertable(rows)) await anyTables(db).insertInto(nameOf(table)).values(part).execute()
  await refuseSharedKeys(db, table, rows)
}

export async function put<T extends Table>(db: Database, table: T, rows: readonly Rows[T][]): Promise<void> {
  for (const part of insertable(rows)) {
    const columns = Object.keys(part[0] ?? {}).filter((column) => column !== 'id')
    await anyTables(db)
      .insertInto(nameOf(table))
      .values(part)
      .onConflict((conflict) =>
        conflict
          .column('id')
          .doUpdateSet((eb) => Object.fromEntries(columns.map((column) => [column, eb.ref(`excluded.${column}`)]))),
      )
      .execute()
  }
  await refuseSharedKeys(db, table, rows)
}

export async function update<T extends Table>(
  db: Database,
  table: T,
  id: string,
  patch: Partial<Rows[T]>,
): Promise<void> {
  if (!(await change(db, table, { id }, patch))) {
    throw new AppError('NOT_FOUND', `there is no ${table} ${id}`, {
      hint: 'it may have been removed meanwhile; look again',
    })
  }
}

export function updateIf<T extends Table>(
  db: Database,
  table: T,
  id: string,
  expected: Partial<Rows[T]>,
  patch: Partial<Rows[T]>,
): Promise<boolean> {
  return change(db, table, { ...checked(expected), id }, patch)
}

export async function remove(db: Database, table: Table, ids: readonly string[]): Promise<void> {
  for (const part of chunks(ids)) await anyTables(db).deleteFrom(nameOf(table)).where('id', 'in', part).execute()
}

async function change(db: Database, table: Table, where: Columns, patch: object): Promise<boolean> {
  const columns = checked(patch)
  const any = anyTables(db)
  if (Object.keys(columns).length === 0) {
    return (await any.selectFrom(nameOf(table)).select('id').where(matches(where)).executeTakeFirst()) !== undefined
  }
  const { numUpdatedRows } = await any.updateTable(nameOf(table)).set(columns).where(matches(where)).executeTakeFirst()
  if (numUpdatedRows > 0n) await refuseSharedKeys(db, table, [{ ...columns, id: where.id }])
  return numUpdatedRows > 0n
}

/** Keeps the query builder from looking into what a generic table's columns may be. */
function nameOf(table: Table): string {
  return table
}

function matches(where: Columns) {
  return (eb: ExpressionBuilder<Record<string, Columns>, string>) =>
    eb.and(Object.entries(where).map(([column, value]) => eb(column, value === null ? 'is' : '=', value)))
}

function insertable(rows: readonly object[]): readonly (readonly Columns[])[] {
  const width = Math.max(1, Object.keys(rows[0] ?? {}).length)
  return [...chunks(rows.map(checked), Math.max(1, Math.floor(parametersPerInsert / width)))]
}

/** A forgotten value (`undefined`) would be left out in silence; here it is an error. */
function checked(row: object): Columns {
  for (const value of Object.values(row)) assertSqlValue(value)
  return row as Columns
}

/**
 * No unique index spans two columns of different rows: a key that one live tunnel uses must not be another's
 * replacement either, or closing one would silence the other.
 */
async function refuseSharedKeys(db: Database, table: Table, rows: readonly object[]): Promise<void> {
  if (table !== 'tunnel') return
  const keys = (rows as readonly Partial<Rows['tunnel']>[])
    .flatMap((row) => [row.publicKey, row.nextPublicKey])
    .filter((key) => typeof key === 'string')
  for (const part of chunks(keys)) {
    const twice = await db
      .selectFrom('tunnel as a')
      .innerJoin('tunnel as b', 'a.publicKey', 'b.nextPublicKey')
      .select('a.id')
      .where('a.closedAt', 'is', null)
      .where('b.closedAt', 'is', null)
      .whereRef('a.id', '<>', 'b.id')
      .where('a.publicKey', 'in', part)
      .limit(1)
      .execute()
    if (twice.length === 0) continue
    const message = 'another tunnel already uses this public key'
    const hint = 'make a new key on the phone; a key must never be in two places'
    throw new AppError('CONFLICT', message, { hint, problems: [{ field: 'publicKey', message, hint }] })
  }
}
