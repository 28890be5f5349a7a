import { chmod, open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import type { Secret } from '../domain/secret.ts'
import { privateFolder } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import { databaseError } from './database-error.ts'
import { kyselyStore } from './kysely-store.ts'
import { copyBeside, type Migrations, migrate, TransactionalSqliteDialect } from './migrate.ts'
import { migrations } from './migrations.ts'
import { kyselyDatabase, openSqliteFile } from './node-sqlite.ts'
import { quickReads } from './quick-reads.ts'
import type { Schema } from './schema.ts'
import type { Store } from './store.ts'

/** A file for the embedded database, or the URL of a PostgreSQL (`postgres://user:password@host/name`). */
export type StoreLocation = { readonly sqlite: string } | { readonly postgres: Secret }

/**
 * Opens, brings the tables up to date (an existing SQLite file is copied to `<file>.before-<step>` first) and serves.
 * @throws AppError CONFIG_INVALID for a database of a newer version or an unusable location, STORE_BUSY when it cannot
 * be reached.
 */
export function openStore(location: StoreLocation, steps: Migrations = migrations): Promise<Store> {
  return 'sqlite' in location ? openSqlite(location.sqlite, steps) : openPostgres(location.postgres, steps)
}

async function openSqlite(path: string, steps: Migrations): Promise<Store> {
  if (path.includes(':memory:') || path === '') {
    throw new AppError('CONFIG_INVALID', 'the embedded database needs a file', {
      hint: 'name a file inside the data folder',
    })
  }
  await privateFolder(dirname(path), [basename(path)])
  // SQLite gives -wal and -shm the mode of the file itself.
  await (await open(path, 'a', 0o600)).close()
  await chmod(path, 0o600)
  const opened: DatabaseSync[] = []
  const connect = (readOnly: boolean) => {
    const database = openSqliteFile({ path, readOnly })
    opened.push(database)
    return database
  }
  // The writer last: the last one to close folds the log into the file, which a read-only one cannot.
  const dispose = () => {
    for (const database of opened.toReversed()) if (database.isOpen) database.close()
  }
  try {
    const file = connect(false)
    const writer = new Kysely<Schema>({
      dialect: new TransactionalSqliteDialect({ database: kyselyDatabase(file, { readOnly: false }) }),
    })
    await migrate(writer, steps, async (step) => void (await copyBeside(file, path, step)))
    const readFile = connect(true)
    const reader = new Kysely<Schema>({
      dialect: new TransactionalSqliteDialect({ database: kyselyDatabase(readFile, { readOnly: true }) }),
    })
    return kyselyStore({
      writer,
      reader,
      // A connection of its own: it has no transaction in which it could see an older state.
      quick: quickReads(connect(true)),
      forgetErased: () => file.exec('PRAGMA wal_checkpoint(TRUNCATE)'),
      close: async () => dispose(),
    })
  } catch (error) {
    dispose()
    throw databaseError(error)
  }
}

async function openPostgres(url: Secret, steps: Migrations): Promise<Store> {
  // libpq's spelling for a socket has no host (`postgres://user@/name?host=/run/postgresql`); a URL must have one.
  if (!/^postgres(ql)?:\/\//.test(url.reveal()) || !URL.canParse(url.reveal().replace('@/', '@socket/'))) {
    throw new AppError('CONFIG_INVALID', 'the PostgreSQL URL cannot be read', {
      hint: 'write postgres://user:password@host/database, special characters percent-encoded',
    })
  }
  const pool = new Pool({ connectionString: url.reveal(), max: 10, connectionTimeoutMillis: 10_000 })
  // An idle connection that breaks is replaced at the next query, which reports if that fails too; without a listener
  // the event would end the process.
  pool.on('error', () => undefined)
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  try {
    // A dump before an upgrade is the database administrator's; the steps are one transaction.
    await migrate(db, steps, async () => undefined)
    return kyselyStore({ writer: db, reader: db, close: () => db.destroy() })
  } catch (error) {
    await db.destroy()
    throw databaseError(error)
  }
}
