import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, NoResultError, PostgresDialect, SqliteDialect, type Transaction } from 'kysely'
import { Pool } from 'pg'
import { AppError } from '../errors.ts'
import type { DatabaseLocation } from './kamailio-options.ts'

/** One login, as the script reads it: a row for each credential. */
export interface CredentialRow {
  readonly username: string
  /** H(user:realm:secret), lower-case hex. */
  readonly ha1: string
  readonly extension: string
  readonly credential_id: string
  readonly generation: number
  readonly max_contacts: number
  readonly policy: string
}

export interface Tables {
  ringfence_credential: CredentialRow
  /** One row that changes with every change: seen through Kamailio it proves that Kamailio reads this database. */
  ringfence_mark: { id: number; mark: string }
  /** As module htable wants its tables. */
  ringfence_denied: { key_name: string; key_type: number; value_type: number; key_value: string; expires: number }
  /** Kamailio's own table; Ringfence only takes a row away when its extension is taken over. */
  subscriber: { username: string; domain: string }
}

export type Database = Kysely<Tables>
export type Change = Transaction<Tables>

// A writer waits for another one this long; it blocks the event loop, so it is short.
const busyTimeoutMs = 2_000
const answerMs = 10_000

/** A connection for one piece of work. @throws AppError PBX_UNREACHABLE (the database), PBX_REFUSED */
export async function withTables<T>(location: DatabaseLocation, work: (database: Database) => Promise<T>): Promise<T> {
  try {
    const database = open(location)
    try {
      return await work(database)
    } finally {
      await database.destroy()
    }
  } catch (error) {
    throw tableError(error)
  }
}

/** Makes our tables where they are missing. */
export async function makeTables(database: Database): Promise<void> {
  const { schema } = database
  await schema
    .createTable('ringfence_credential')
    .ifNotExists()
    .addColumn('username', 'varchar(64)', (column) => column.primaryKey())
    .addColumn('ha1', 'varchar(64)', (column) => column.notNull())
    .addColumn('extension', 'varchar(15)', (column) => column.notNull())
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

function open(location: DatabaseLocation): Database {
  if ('postgres' in location) {
    const pool = new Pool({
      connectionString: location.postgres.reveal(),
      max: 1,
      connectionTimeoutMillis: answerMs,
      query_timeout: answerMs,
    })
    // A connection that breaks while idle is reported by the next query; without a listener it would end the process.
    pool.on('error', () => undefined)
    return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  }
  const file = new DatabaseSync(location.sqlite, { timeout: busyTimeoutMs })
  // Kamailio's db_sqlite waits for nobody: with the old journal a login would fail while a row is being written.
  file.exec('PRAGMA journal_mode = WAL')
  file.exec('PRAGMA synchronous = FULL')
  file.exec('PRAGMA secure_delete = ON')
  return new Kysely<Tables>({
    dialect: new SqliteDialect({
      database: {
        close: () => file.close(),
        prepare(sql) {
          // Busy comes at the start of a transaction, never at its end.
          const statement = file.prepare(sql === 'begin' ? 'begin immediate' : sql)
          const values = (parameters: readonly unknown[]) => parameters as (string | number | null)[]
          return {
            reader: statement.columns().length > 0,
            all: (parameters) => statement.all(...values(parameters)).map((row) => ({ ...row })),
            run: (parameters) => statement.run(...values(parameters)),
            iterate: (parameters) => statement.iterate(...values(parameters)),
          }
        },
      },
    }),
  })
}

function tableError(error: unknown): unknown {
  if (error instanceof AppError) return error
  const { message, code } = error as { message?: string; code?: string }
  const words = String(message ?? '')
  if (error instanceof NoResultError || /no such table|does not exist/.test(words) || code === '42P01') {
    return new AppError('PBX_REFUSED', "Ringfence's tables are missing from the database of Kamailio", {
      hint: 'restart Ringfence: it makes them at its start; its database user needs the right to create tables once',
      cause: error,
    })
  }
  if (/readonly|permission denied|password authentication failed|authentication failed/.test(words)) {
    return new AppError('PBX_REFUSED', 'the database of Kamailio does not let Ringfence in, or not write', {
      hint: 'docs/kamailio.md lists the rights that it needs',
      retryable: true,
      cause: error,
    })
  }
  // node:sqlite gives its errors a number, pg and the network a word; anything else is a mistake of ours.
  const isDatabase = typeof (error as { errcode?: unknown }).errcode === 'number' || typeof code === 'string'
  if (!isDatabase && !/timeout|terminated/i.test(words)) return error
  return new AppError('PBX_UNREACHABLE', 'the database of Kamailio cannot be reached', {
    hint: 'check that it runs, or that its file and folder can be written, and that nothing else keeps it locked',
    retryable: true,
    cause: error,
  })
}
