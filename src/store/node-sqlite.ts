import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { SqliteDatabase, SqliteStatement } from 'kysely'
import { assertSqlValue, type SqlValue } from './sql-value.ts'

// Enough for every statement of the store; multi-row inserts of odd lengths push each other out, not these.
const cachedStatements = 256

// How long a writer waits for another process. The wait blocks the event loop, so it is short.
const busyTimeoutMs = 2_000

interface SqliteFileOptions {
  readonly path: string
  /** A read-only connection sees committed rows only and never waits for a writer (WAL). */
  readonly readOnly: boolean
}

export function openSqliteFile({ path, readOnly }: SqliteFileOptions): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly, timeout: busyTimeoutMs, enableForeignKeyConstraints: true })
  if (!readOnly) {
    database.exec('PRAGMA journal_mode = WAL')
    // A commit is on the disk when it returns (https://www.sqlite.org/pragma.html#pragma_synchronous).
    database.exec('PRAGMA synchronous = FULL')
    // Erased means erased: deleted content is overwritten with zeros.
    database.exec('PRAGMA secure_delete = ON')
  }
  return database
}

/**
 * The shape that Kysely's SqliteDialect asks for, over node:sqlite: checked parameters, plain-object rows, compiled
 * statements kept. A writer's transactions begin IMMEDIATE, so that "busy" comes at the start, never at the commit.
 */
export function kyselyDatabase(database: DatabaseSync, { readOnly }: { readonly readOnly: boolean }): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()
  return {
    close: () => database.close(),
    prepare(sql) {
      const known = statements.get(sql)
      if (known !== undefined) return known
      const statement = adapted(database.prepare(sql === 'begin' && !readOnly ? 'begin immediate' : sql))
      if (statements.size >= cachedStatements) statements.delete(statements.keys().next().value!)
      statements.set(sql, statement)
      return statement
    },
  }
}

function adapted(statement: StatementSync): SqliteStatement {
  // Its own row objects have no prototype, which surprises comparisons and `instanceof`; to copy each costs four times as
  // much as to make them of lists.
  statement.setReturnArrays(true)
  // Asked anew each time, since a migration may have changed what `select *` means.
  const names = () => statement.columns().map(({ name }) => name)
  return {
    reader: statement.columns().length > 0,
    all(parameters) {
      const rows = statement.all(...checked(parameters)) as unknown as readonly Values[]
      const columns = names()
      return rows.map((values) => rowOf(columns, values))
    },
    run: (parameters) => statement.run(...checked(parameters)),
    *iterate(parameters) {
      let columns: readonly string[] | null = null
      for (const values of statement.iterate(...checked(parameters))) {
        columns ??= names()
        yield rowOf(columns, values as unknown as Values)
      }
    },
  }
}

/** What `setReturnArrays` makes of a row; the types of node:sqlite do not know. */
type Values = readonly unknown[]

function rowOf(columns: readonly string[], values: Values): object {
  const row: Record<string, unknown> = {}
  for (let index = 0; index < columns.length; index++) row[columns[index]!] = values[index]
  return row
}

function checked(parameters: readonly unknown[]): Exclude<SqlValue, boolean>[] {
  return parameters.map((value) => {
    assertSqlValue(value)
    return typeof value === 'boolean' ? Number(value) : value
  })
}
