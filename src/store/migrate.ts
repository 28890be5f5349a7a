import { rename, rm, writeFile } from 'node:fs/promises'
import { backup, type DatabaseSync } from 'node:sqlite'
import { type Kysely, SqliteAdapter, SqliteDialect } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { AppError } from '../errors.ts'

/** By name, in order of name. */
export type Migrations = Readonly<Record<string, Migration>>

/**
 * Kysely's dialect says that SQLite cannot change its tables inside a transaction. It can
 * (https://www.sqlite.org/lang_transaction.html), and saying so makes the migrator wrap all steps in one: a step that
 * fails leaves the file as it was. `store-migrations.test.ts` shows it.
 */
export class TransactionalSqliteDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalSqliteAdapter()
  }
}

class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/**
 * Brings the tables to the newest state. `beforeChange` runs once when there is something to do to a database that is
 * already in use.
 * @throws AppError CONFIG_INVALID for a database that a newer Ringfence wrote; INTERNAL when a step fails.
 */
export async function migrate<T>(
  db: Kysely<T>,
  migrations: Migrations,
  beforeChange: (firstStep: string) => Promise<void>,
): Promise<void> {
  const done = await appliedMigrations(db as unknown as Kysely<MigrationTable>)
  const strange = done.filter((name) => !(name in migrations))
  if (strange.length > 0) {
    throw new AppError(
      'CONFIG_INVALID',
      `the database was written by a newer Ringfence (it has ${strange.join(', ')})`,
      {
        hint: 'start the newer version, or restore the copy that it made beside the database before it changed it',
      },
    )
  }
  const next = Object.keys(migrations)
    .sort()
    .find((name) => !done.includes(name))
  if (next === undefined) return
  if (done.length > 0) await beforeChange(next)
  const { error, results } = await new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
  }).migrateToLatest()
  if (error === undefined) return
  const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? next
  throw new AppError('INTERNAL', `the database could not be brought up to date (step ${failed})`, {
    hint: 'nothing was changed; start the version that was running before, and report the step with the server log',
    cause: error,
  })
}

interface MigrationTable {
  kysely_migration: { name: string }
}

async function appliedMigrations(db: Kysely<MigrationTable>): Promise<readonly string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return []
  const rows = await db.selectFrom('kysely_migration').select('name').execute()
  return rows.map((row) => row.name)
}

/** A copy of the live file beside it, complete or absent. Returns its path. */
export async function copyBeside(database: DatabaseSync, path: string, step: string): Promise<string> {
  const target = `${path}.before-${step}`
  const temporary = `${target}.tmp`
  await rm(temporary, { force: true })
  // SQLite keeps the mode of a file that is already there.
  await writeFile(temporary, '', { mode: 0o600 })
  await backup(database, temporary)
  await rename(temporary, target)
  return target
}
