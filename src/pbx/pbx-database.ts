import { accessSync, constants } from 'node:fs'
import { Socket } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import { Pool } from 'pg'
import type { Secret } from '../domain/secret.ts'
import { AppError } from '../errors.ts'
import { kyselyDatabase } from '../store/node-sqlite.ts'
import { rightsHint, sqliteRefusal } from './sqlite-refusal.ts'

/**
 * The database that a PBX reads its accounts from. It is the PBX's: opened for one piece of work, spoken to in its own
 * mode, never created, never migrated.
 */
export type PbxDatabase = { readonly sqlite: string } | { readonly postgres: Secret }

// The wait for a lock blocks the event loop, so it is short; the caller tries again.
const lockWaitMs = 250

const connectTimeoutMs = 10_000

interface DatabaseChoice {
  /** For a SQLite file with tables of ours alone: whoever reads it never waits for us, and what is deleted is overwritten. */
  readonly writeAhead?: boolean
}

/**
 * Opens, runs `work`, closes on every way out. The signal cuts the connection under whatever is going on; what is in a
 * transaction then has not happened.
 * @throws AppError PBX_UNREACHABLE (retryable: not there, locked, given up), PBX_REFUSED (rights, tables, values).
 */
export async function withPbxDatabase<Schema, T>(
  location: PbxDatabase,
  signal: AbortSignal,
  work: (db: Kysely<Schema>) => Promise<T>,
  { writeAhead = false }: DatabaseChoice = {},
): Promise<T> {
  if (signal.aborted) throw givenUp()
  const { dialect, cut } =
    'sqlite' in location ? openSqlite(location.sqlite, writeAhead) : openPostgres(location.postgres)
  const db = new Kysely<Schema>({ dialect })
  signal.addEventListener('abort', cut, { once: true })
  try {
    return await work(db)
  } catch (error) {
    throw signal.aborted ? givenUp() : databaseRefusal(error, location)
  } finally {
    signal.removeEventListener('abort', cut)
    await db.destroy()
    cut()
  }
}

function openSqlite(path: string, writeAhead: boolean) {
  try {
    // Opening alone would make an empty file where there is none.
    accessSync(path, constants.R_OK | constants.W_OK)
    const file = new DatabaseSync(path, { timeout: lockWaitMs, enableForeignKeyConstraints: false })
    if (writeAhead) {
      file.exec('PRAGMA journal_mode = WAL')
      file.exec('PRAGMA synchronous = FULL')
      file.exec('PRAGMA secure_delete = ON')
    }
    return {
      dialect: new SqliteDialect({ database: kyselyDatabase(file, { readOnly: false }) }),
      // Every statement is over when it returns: there is nothing to wait for.
      cut: () => undefined,
    }
  } catch (error) {
    throw databaseRefusal(error, { sqlite: path })
  }
}

function openPostgres(url: Secret) {
  const socket = new Socket()
  const pool = new Pool({
    connectionString: url.reveal(),
    max: 1,
    connectionTimeoutMillis: connectTimeoutMs,
    stream: () => socket,
  })
  // A connection that breaks is told by the query that waits for it; without a listener the event would end the process.
  pool.on('error', () => undefined)
  return { dialect: new PostgresDialect({ pool }), cut: () => void socket.destroy() }
}

/** Codes only: the words of a database may repeat the values of a row. What is no database's error stays as it is. */
function databaseRefusal(error: unknown, location: PbxDatabase): unknown {
  if (error instanceof AppError || !(error instanceof Error)) return error
  if ('errcode' in error && typeof error.errcode === 'number' && 'sqlite' in location)
    return sqliteRefusal(error.errcode, location.sqlite)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (/^(ENOENT|EACCES|EPERM)$/.test(code) && 'path' in error) {
    return new AppError(
      'PBX_REFUSED',
      `the database file of the PBX, ${String(error.path)}, ${code === 'ENOENT' ? 'is not there' : 'may not be read and written'} (${code})`,
      {
        hint:
          (code === 'ENOENT' ? null : rightsHint(String(error.path))) ??
          'check RINGFENCE_PBX_DATABASE, and that the user that runs Ringfence may read and write the file and its folder',
        retryable: true,
      },
    )
  }
  if (code === '') return /connect|timeout/i.test(error.message) ? unreachable(code) : error
  // Else it is a SQLSTATE, five digits and letters.
  if (/^(08|53|57P)/.test(code) || !/^[0-9][0-9A-Z]{4}$/.test(code)) return unreachable(code)
  if (/^(40|55P03)/.test(code))
    return unreachable(code, 'another program is changing the same rows; Ringfence tries again')
  if (/^28/.test(code)) return refusal(code, loginHint, 'refused the user or the password')
  if (/^3D/.test(code)) return refusal(code, loginHint)
  if (code === '42501') return refusal(code, 'give the user select, insert, update and delete on the tables')
  if (code === '25006') return refusal(code, 'this is a standby, which takes no changes: name the first server')
  if (code === '22001')
    return refusal(code, 'a column is too narrow: bring the tables up to date with what comes with the PBX')
  return refusal(code)
}

function unreachable(
  code: string,
  hint = 'check that it runs and that this host may reach it, over TLS where the address asks for it',
): AppError {
  return new AppError('PBX_UNREACHABLE', `the database of the PBX is not reachable${code ? ` (${code})` : ''}`, {
    hint,
    retryable: true,
  })
}

const loginHint = 'compare user, password and database with the settings, and with pg_hba.conf'

function refusal(code: string, hint = "the database's own log of this minute names the reason", words = 'refused') {
  return new AppError('PBX_REFUSED', `the database of the PBX ${words} (${code})`, { hint, retryable: true })
}

function givenUp(): AppError {
  return unreachable('', 'the request was given up; Ringfence tries again')
}
