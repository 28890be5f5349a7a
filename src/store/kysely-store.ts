import { AsyncLocalStorage } from 'node:async_hooks'
import { sql } from 'kysely'
import { AppError } from '../errors.ts'
import { record, verifyAuditChain } from './audit-chain.ts'
import { databaseError } from './database-error.ts'
import { trimDoorLedger } from './door-ledger.ts'
import { erasePerson } from './erase-person.ts'
import * as handsets from './handset-list.ts'
import { howFar } from './how-far.ts'
import { acquireLease, releaseLease, renewLease } from './lease.ts'
import * as lookups from './lookups.ts'
import { employeeBy, employeesWithAccess } from './people.ts'
import * as lists from './people-list.ts'
import * as records from './record-lists.ts'
import * as rows from './rows.ts'
import { type Database, isPostgres } from './schema.ts'
import { shutAdministrator } from './shut-administrator.ts'
import type { Store, StoreReader, StoreWriter } from './store.ts'
import { subjects } from './subjects.ts'
import { taken } from './taken.ts'
import { mailsDue, openInvites, recentImports } from './work-lists.ts'

export interface Connections {
  readonly writer: Database
  /** Sees committed rows only and never waits for the writer; with PostgreSQL the same pool. */
  readonly reader: Database
  /** The questions of the hot path without the query builder's cost, where the database allows it. */
  readonly quick?: Partial<Pick<StoreReader, 'get' | 'handsetByTokenHash'>>
  /** After an erasure: also out of what the database keeps beside its tables. */
  forgetErased?(): void
  close(): Promise<void>
}

export function kyselyStore({ writer, reader, quick, forgetErased, close }: Connections): Store {
  const transaction = transactionsOf(writer)
  return {
    ...translated({ ...readerOf(reader), ...quick }),
    transaction,
    acquireLease: (...args) => transaction((_, db) => acquireLease(db, ...args)),
    renewLease: (...args) => transaction((_, db) => renewLease(db, ...args)),
    releaseLease: (...args) => transaction((_, db) => releaseLease(db, ...args)),
    verifyAuditChain: () => verifyAuditChain(reader).catch(rethrow),
    async erasePerson(employeeId, now) {
      await transaction((_, db) => erasePerson(db, employeeId, now))
      forgetErased?.()
    },
    trimDoorLedger: (now) => transaction((_, db) => trimDoorLedger(db, now)),
    close,
  }
}

function readerOf(db: Database): StoreReader {
  return {
    get: (table, id) => rows.get(db, table, id),
    find: (table, where) => rows.find(db, table, where),
    employeeBy: (who) => employeeBy(db, who),
    employeesWithAccess: (filter) => employeesWithAccess(db, filter),
    subjects: (kind, ids) => subjects(db, kind, ids),
    takenPrefixes: (hubId, since) => lookups.takenPrefixes(db, hubId, since),
    prefixHolders: (hubId) => lookups.prefixHolders(db, hubId),
    handsetByTokenHash: (hash) => lookups.handsetByTokenHash(db, hash),
    knowsTunnelKey: (publicKey) => lookups.knowsTunnelKey(db, publicKey),
    retiredTunnelKeys: (tunnelId, since) => lookups.retiredTunnelKeys(db, tunnelId, since),
    certifiedHandsets: () => lookups.certifiedHandsets(db),
    revokedCertificates: (now) => lookups.revokedCertificates(db, now),
    auditTrail: (filter) => lookups.auditTrail(db, filter),
    taken: (pbxId, claims) => taken(db, pbxId, claims),
    howFar: (employeeIds) => howFar(db, employeeIds),
    openInvites: (employeeIds, now) => openInvites(db, employeeIds, now),
    recentImports: (limit) => recentImports(db, limit),
    mailsDue: (now, limit) => mailsDue(db, now, limit),
    peoplePage: (filter, order) => lists.peoplePage(db, filter, order),
    modelsInUse: () => lists.modelsInUse(db),
    eventsSince: (filter) => lists.eventsSince(db, filter),
    personLedger: (employeeId, limit) => lists.personLedger(db, employeeId, limit),
    handsetPage: (filter, order) => handsets.handsetPage(db, filter, order),
    seenKinds: () => handsets.seenKinds(db),
    handsetModels: (filter) => handsets.handsetModels(db, filter),
    ledgerPage: (filter) => records.ledgerPage(db, filter),
    auditPage: (filter) => records.auditPage(db, filter),
    auditLength: () => records.auditLength(db),
    tunnelOwners: (keys) => records.tunnelOwners(db, keys),
    strangeKeys: (keys) => records.strangeKeys(db, keys),
    counts: () => lookups.counts(db),
  }
}

function writerOf(db: Database): StoreWriter {
  return {
    ...readerOf(db),
    insert: (table, list) => rows.insert(db, table, list),
    update: (table, id, patch) => rows.update(db, table, id, patch),
    updateIf: (table, id, expected, patch) => rows.updateIf(db, table, id, expected, patch),
    put: (table, list) => rows.put(db, table, list),
    remove: (table, ids) => rows.remove(db, table, ids),
    shutAdministrator: (id, at) => shutAdministrator(db, id, at),
    record: (event) => record(db, event),
    nextNumber: (name) => nextNumber(db, name),
  }
}

async function nextNumber(db: Database, name: string): Promise<number> {
  const { value } = await db
    .insertInto('counter')
    .values({ id: name, value: 1 })
    .onConflict((conflict) => conflict.column('id').doUpdateSet((eb) => ({ value: eb('counter.value', '+', 1) })))
    .returning('value')
    .executeTakeFirstOrThrow()
  return value
}

// Any number will do, as long as nothing else in this database uses it.
const writersLock = 7_464_236

/**
 * One writing transaction at a time, in both databases: SQLite has one writer anyway, and what a transaction read must
 * still be true when it writes (is the extension free? who is last in the chain?).
 */
function transactionsOf(writer: Database) {
  const current = new AsyncLocalStorage<{ open: boolean }>()
  return async <T>(work: (tx: StoreWriter, db: Database) => Promise<T>): Promise<T> => {
    if (current.getStore()?.open) {
      throw new AppError('INTERNAL', 'a transaction was begun inside another', {
        hint: 'this is a fault in Ringfence; please report it',
      })
    }
    const state = { open: true }
    // PostgreSQL gives a transaction up at its first error, SQLite would go on: here both give it up.
    const failures: AppError[] = []
    const fail = (error: unknown): never => {
      const told = databaseError(error)
      failures.push(told)
      throw told
    }
    // Errors of the work itself pass as they are: what the database said inside it is translated where it was said.
    let own: { readonly error: unknown } | undefined
    const keep = (error: unknown): never => {
      own = { error }
      throw error
    }
    try {
      return await writer.transaction().execute(async (db) => {
        if (isPostgres(db)) await sql`select pg_advisory_xact_lock(${sql.lit(writersLock)})`.execute(db)
        const result = await current.run(state, () => work(guarded(writerOf(db), state, fail), db)).catch(keep)
        if (failures[0] !== undefined) throw failures[0]
        return result
      })
    } catch (error) {
      throw own === undefined ? databaseError(error) : own.error
    } finally {
      state.open = false
    }
  }
}

function rethrow(error: unknown): never {
  throw databaseError(error)
}

type Methods = Record<string, (...args: never[]) => Promise<unknown>>

function translated(reader: StoreReader): StoreReader {
  return wrapped(reader, (call) => call().catch(rethrow))
}

/** A `tx` that somebody kept beyond its transaction would write without one. */
function guarded(tx: StoreWriter, state: { readonly open: boolean }, fail: (error: unknown) => never): StoreWriter {
  return wrapped(tx, async (call) => {
    if (!state.open)
      throw new AppError('INTERNAL', 'this transaction is over', {
        hint: 'this is a fault in Ringfence; please report it',
      })
    return call().catch(fail)
  })
}

function wrapped<T extends object>(methods: T, around: (call: () => Promise<unknown>) => Promise<unknown>): T {
  const entries = Object.entries(methods as Methods).map(([name, method]) => [
    name,
    (...args: never[]) => around(() => method(...args)),
  ])
  return Object.fromEntries(entries) as T
}
