import { randomBytes } from 'node:crypto'
import { type Kysely, NoResultError, sql, type Transaction } from 'kysely'
import { AppError } from '../../errors.ts'
import { type PbxDatabase, withPbxDatabase } from '../pbx-database.ts'

/** One login, as the script reads it: a row for each credential. */
export interface CredentialRow {
  readonly username: string
  /** H(user:realm:secret), lower-case hex. */
  readonly ha1: string
  readonly extension: string
  /** What others see as the caller's name (`callerName`); empty for none. */
  readonly display_name: string
  readonly credential_id: string
  readonly generation: number
  readonly max_contacts: number
  readonly policy: string
}

export interface Tables {
  ringfence_credential: CredentialRow
  /** One row that changes with every change: seen through Kamailio it proves that Kamailio reads this database. */
  ringfence_mark: { id: number; mark: string }
  /** One row: what dialled numbers mean (`planText`). */
  ringfence_plan: { id: number; plan: string }
  /** As module htable wants its tables. */
  ringfence_denied: { key_name: string; key_type: number; value_type: number; key_value: string; expires: number }
  /** Kamailio's own table; Ringfence only takes a row away when its extension is taken over. */
  subscriber: { username: string; domain: string }
}

export type Database = Kysely<Tables>
export type Change = Transaction<Tables>

/** A connection for one piece of work. @throws AppError PBX_UNREACHABLE (the database), PBX_REFUSED */
export function withTables<T>(
  location: PbxDatabase,
  signal: AbortSignal,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const named = (database: Database) =>
    work(database).catch((error: unknown) => {
      throw isMissing(error) ? tablesAreMissing(error) : error
    })
  // Kamailio's db_sqlite waits for nobody: with the old journal a login would fail while a row is being written.
  return withPbxDatabase<Tables, T>(location, signal, named, { writeAhead: true })
}

/** Complete: the compiler asks for one more here when there is one more. */
const ownTables = Object.keys({
  ringfence_credential: true,
  ringfence_mark: true,
  ringfence_plan: true,
  ringfence_denied: true,
} satisfies Record<Exclude<keyof Tables, 'subscriber'>, true>)

/**
 * Makes our tables where they are missing. PostgreSQL asks for the right to create also of "if not exists", and a role
 * that an admin made the tables for need not have it.
 */
export async function prepareTables(database: Database): Promise<void> {
  if (await areThere(database)) return
  await makeTables(database).catch((error: unknown) => {
    throw (error as { code?: string }).code === '42501' ? mayNotMake(error) : error
  })
}

async function areThere(database: Database): Promise<boolean> {
  try {
    for (const table of ownTables) {
      const { rows } = await sql`select 1 from ${sql.table(table)} limit 1`.execute(database)
      if (table === 'ringfence_mark' && rows.length === 0) return false
    }
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

async function makeTables(database: Database): Promise<void> {
  const { schema } = database
  await schema
    .createTable('ringfence_credential')
    .ifNotExists()
    .addColumn('username', 'varchar(64)', (column) => column.primaryKey())
    .addColumn('ha1', 'varchar(64)', (column) => column.notNull())
    .addColumn('extension', 'varchar(15)', (column) => column.notNull())
    .addColumn('display_name', 'varchar(79)', (column) => column.notNull())
    .addColumn('credential_id', 'varchar(64)', (column) => column.notNull())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('max_contacts', 'integer', (column) => column.notNull())
    .addColumn('policy', 'varchar(1024)', (column) => column.notNull())
    .execute()
  await schema
    .createIndex('ringfence_credential_extension')
    .ifNotExists()
    .on('ringfence_credential')
    .column('extension')
    .execute()
  await schema
    .createTable('ringfence_mark')
    .ifNotExists()
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('mark', 'varchar(32)', (column) => column.notNull())
    .execute()
  await database
    .insertInto('ringfence_mark')
    .values({ id: 1, mark: newMark() })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await schema
    .createTable('ringfence_plan')
    .ifNotExists()
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('plan', 'varchar(1024)', (column) => column.notNull())
    .execute()
  await schema
    .createTable('ringfence_denied')
    .ifNotExists()
    .addColumn('key_name', 'varchar(64)', (column) => column.primaryKey())
    .addColumn('key_type', 'integer', (column) => column.notNull())
    .addColumn('value_type', 'integer', (column) => column.notNull())
    .addColumn('key_value', 'varchar(128)', (column) => column.notNull())
    .addColumn('expires', 'integer', (column) => column.notNull())
    .execute()
}

export function newMark(): string {
  return randomBytes(8).toString('hex')
}

/** Whether the database is also the one of an older Kamailio, with extensions of its own. */
export async function hasSubscribers(database: Database): Promise<boolean> {
  const tables = await database.introspection.getTables()
  return tables.some(({ name }) => name === 'subscriber')
}

function isMissing(error: unknown): boolean {
  const { message, code } = error as { message?: string; code?: string }
  return error instanceof NoResultError || code === '42P01' || /no such table/.test(message ?? '')
}

function mayNotMake(cause: unknown): AppError {
  return new AppError(
    'PBX_REFUSED',
    "Ringfence's tables are missing from the database of Kamailio, and it may not make them",
    {
      hint: 'make them with the statements in docs/kamailio.md, or let its database user create tables once',
      retryable: true,
      cause,
    },
  )
}

function tablesAreMissing(cause: unknown): AppError {
  return new AppError('PBX_REFUSED', "Ringfence's tables are missing from the database of Kamailio", {
    hint: 'restart Ringfence: it makes them at its start, if its database user may create tables; docs/kamailio.md has the statements',
    cause,
  })
}
