import { type Kysely, PostgresAdapter } from 'kysely'
import type { AuditEvent } from '../domain/audit.ts'
import type { SqlValue } from './sql-value.ts'
import type { Rows } from './store.ts'

/** All tables as the database has them: the domain's rows word for word, and what the store keeps for itself. */
export interface Schema extends Rows {
  auditEvent: AuditEvent
  auditDetail: { readonly eventId: string; readonly salt: string; readonly detail: string }
  counter: { readonly id: string; readonly value: number }
  lease: LeaseRow
}

/** `host`, `pid`, `startedAt`, `expiresAt` are null while nobody holds it; `token` only ever grows. */
export interface LeaseRow {
  readonly id: string
  readonly token: number
  readonly host: string | null
  readonly pid: number | null
  readonly startedAt: string | null
  readonly expiresAt: string | null
}

/** A connection pool or, inside a transaction, its connection. */
export type Database = Kysely<Schema>

/** For code that works on any table; the caller's generic types keep it honest. */
export type AnyTables = Kysely<Record<string, Record<string, SqlValue>>>

export function anyTables(db: Database): AnyTables {
  return db as unknown as AnyTables
}

export function isPostgres(db: Pick<Kysely<unknown>, 'getExecutor'>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

/** Several queries over one state of the database; inside a transaction that is so anyway. */
export async function snapshot<T>(db: Database, work: (db: Database) => Promise<T>): Promise<T> {
  if (db.isTransaction) return work(db)
  return db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work)
}

// SQLite takes 32,766 and PostgreSQL 65,535 parameters in a statement; small statements also compile faster.
const listLimit = 1_000

export function* chunks<T>(items: readonly T[], size = listLimit): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
