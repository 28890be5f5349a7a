import type { Kysely } from 'kysely'
import { parseExtension } from '../domain/sip-account.ts'
import { AppError } from '../errors.ts'
import type { AccountChange, AccountChanges, Holdings } from './account-writer.ts'
import { type AsteriskObject, isOwnAuthList, namesIn, parseAuthName } from './asterisk-account.ts'
import { contextOf } from './asterisk-dialplan.ts'
import { type PbxDatabase, withPbxDatabase } from './pbx-database.ts'
import type { ExistingExtension } from './pbx-driver.ts'
import {
  contactsTable,
  type RealtimeSchema,
  type RealtimeTables,
  type Row,
  readSchema,
  rowOf,
  schemaProblem,
  tableOf,
} from './realtime-schema.ts'

type Db = Kysely<RealtimeTables>

/**
 * The rows of our accounts in Asterisk's tables. Ours is an endpoint whose `auth` names a secret that Ringfence made for
 * it, with its AOR and those secrets; every other row stays as it is. Changes are made by difference, all of them in one
 * transaction: Asterisk reads the tables at each request and never sees half of it.
 */
export function realtimeTables(database: PbxDatabase) {
  const isPostgres = 'postgres' in database
  const within = <T>(signal: AbortSignal, work: (db: Db, schema: RealtimeSchema) => Promise<T>): Promise<T> =>
    withPbxDatabase<RealtimeTables, T>(database, signal, async (db) => {
      const schema = await readSchema(db, isPostgres)
      const problem = schemaProblem(schema)
      if (problem) throw new AppError('PBX_REFUSED', problem.message, { hint: problem.hint })
      return work(db, schema)
    })
  return {
    look: (extensions: readonly string[], signal: AbortSignal) => within(signal, (db) => look(db, extensions)),
    write: (changes: AccountChanges, signal: AbortSignal) =>
      within(signal, (db, schema) =>
        db.transaction().execute(async (transaction) => {
          for (const [extension, change] of changes) await writeAccount(transaction, schema, extension, change)
        }),
      ),
    listExisting: (signal: AbortSignal) => within(signal, listExisting),
    /** Registrations that Asterisk keeps in a table; those that it keeps elsewhere are not found, which is no error. */
    removeContacts: (ids: readonly string[], signal: AbortSignal) =>
      within(signal, async (db, { columns }) => {
        if (!columns.has(contactsTable) || ids.length === 0) return
        // The semicolon in a contact's id is written as Asterisk's realtime writes it (ast_realtime_encode_chunk).
        const stored = ids.flatMap((id) => [id, id.replaceAll(';', '^3B')])
        await db.deleteFrom(contactsTable).where('id', 'in', stored).execute()
      }),
    /** The names of all endpoints in the table, whoever made them. */
    endpoints: (signal: AbortSignal) =>
      within(signal, async (db) =>
        (await db.selectFrom('ps_endpoints').select('id').execute()).map(({ id }) => text(id)),
      ),
  }
}

// SQLite takes 32,766 values in one statement, PostgreSQL 65,535.
const atOnce = 1000

async function look(db: Db, extensions: readonly string[]): Promise<Holdings> {
  const [ours, foreign] = [new Set<string>(), new Set<string>()]
  for (let from = 0; from < extensions.length; from += atOnce) {
    const asked = extensions.slice(from, from + atOnce)
    const endpoints = await db.selectFrom('ps_endpoints').select(['id', 'auth']).where('id', 'in', asked).execute()
    const aors = await db.selectFrom('ps_aors').select('id').where('id', 'in', asked).execute()
    for (const { id, auth } of endpoints) (isOwn(text(id), auth) ? ours : foreign).add(text(id))
    for (const { id } of aors) if (!ours.has(text(id))) foreign.add(text(id))
  }
  return { ours, foreign }
}

async function writeAccount(db: Db, schema: RealtimeSchema, extension: string, { objects, adopted }: AccountChange) {
  const endpoint = await rowWith(db, 'ps_endpoints', extension)
  const isOurs = endpoint !== undefined && isOwn(extension, endpoint.auth)
  // Looked at a moment ago; whoever came in between is not overwritten.
  if (endpoint !== undefined && !isOurs && !(adopted && objects !== null)) {
    throw new AppError('CONFLICT', `somebody made extension ${extension} on the PBX at this moment`, {
      retryable: true,
    })
  }
  for (const object of objects ?? []) await writeObject(db, schema, object, adopted)
  if (objects === null && isOurs) {
    await db.deleteFrom('ps_endpoints').where('id', '=', extension).execute()
    await db.deleteFrom('ps_aors').where('id', '=', extension).execute()
  }
  const wanted = new Set((objects ?? []).map(({ id }) => id))
  const secrets = await db.selectFrom('ps_auths').select('id').where('id', 'like', `${extension}-%`).execute()
  const old = secrets.map(({ id }) => text(id)).filter((id) => !wanted.has(id) && isSecretOf(id, extension))
  if (old.length > 0) await db.deleteFrom('ps_auths').where('id', 'in', old).execute()
}

async function writeObject(db: Db, schema: RealtimeSchema, object: AsteriskObject, adopted: boolean): Promise<void> {
  const table = tableOf[object.type]
  const row = rowOf(object, schema)
  const present = await rowWith(db, table, object.id)
  if (!present) {
    await db
      .insertInto(table)
      .values({ id: object.id, ...row })
      .execute()
    return
  }
  const pinned = adopted && object.type === 'endpoint' && schema.columns.get(table)?.has('transport')
  const desired: Row = adopted ? { ...withoutHabits(row, present), ...(pinned ? { transport: null } : {}) } : row
  const changed = Object.entries(desired).filter(([column, value]) => !isSame(present[column], value))
  if (changed.length > 0) {
    await db.updateTable(table).set(Object.fromEntries(changed)).where('id', '=', object.id).execute()
  }
}

/**
 * Of an extension that was taken over these stay as they were: how calls run, what the other side sees. What changes is
 * who may log in, from where the phone is seen to come, and that its media is encrypted. A pinned transport goes: a phone
 * that registered over TLS could not be called through it.
 */
const habits = new Set([
  'context',
  'callerid',
  'disallow',
  'allow',
  'allow_subscribe',
  'send_pai',
  'trust_id_inbound',
  'minimum_expiration',
  'default_expiration',
  'maximum_expiration',
  'qualify_frequency',
])

/** But a call policy lives in a context of its own, and ends by leaving it. */
function withoutHabits(row: Row, present: Row): Row {
  const own = contextOf(text(present.id))
  const hasPolicy = row.context === own || present.context === own
  return Object.fromEntries(
    Object.entries(row).filter(([column]) => !habits.has(column) || (column === 'context' && hasPolicy)),
  )
}

async function listExisting(db: Db, { columns }: RealtimeSchema): Promise<readonly ExistingExtension[]> {
  const shown = ['context', 'allow', 'transport', 'media_encryption', 'mailboxes'].filter((column) =>
    columns.get('ps_endpoints')?.has(column),
  )
  const judged = ['callerid', 'aors', 'webrtc'].filter((column) => columns.get('ps_endpoints')?.has(column))
  const rows = await db
    .selectFrom('ps_endpoints')
    .select(['id', 'auth', ...shown, ...judged])
    .orderBy('id')
    .execute()
  const aors = new Set((await db.selectFrom('ps_aors').select('id').execute()).map(({ id }) => text(id)))
  return rows.flatMap((row): ExistingExtension[] => {
    const extension = text(row.id)
    if (!parseExtension(extension).ok || isOwn(extension, row.auth)) return []
    const facts = shown.flatMap((column) => (row[column] ? [[column.replaceAll('_', ' '), text(row[column])]] : []))
    return [
      {
        extension,
        displayName: /^"?([^"<]*?)"?\s*(<|$)/.exec(text(row.callerid))?.[1] || null,
        email: null,
        facts: Object.fromEntries(facts),
        obstacle: obstacleOf(extension, row, aors),
      },
    ]
  })
}

function obstacleOf(extension: string, row: Row, aors: ReadonlySet<string>): string | null {
  if (namesIn(text(row.aors)).join() !== extension || !aors.has(extension)) {
    return `its AOR is not called ${extension} and nothing else: give it one of that name in ps_aors and in the column aors`
  }
  if (/^(yes|on|true|1)$/.test(text(row.webrtc))) return 'it is set up for a web browser (webrtc): switch that off'
  return null
}

function rowWith(db: Db, table: keyof RealtimeTables, id: string): Promise<Row | undefined> {
  return db.selectFrom(table).selectAll().where('id', '=', id).executeTakeFirst()
}

function isOwn(extension: string, auth: Row[string] | undefined): boolean {
  return isOwnAuthList(extension, text(auth))
}

function isSecretOf(id: string, extension: string): boolean {
  return parseAuthName(id)?.extension === extension
}

/** A number comes back as a number where its column is one. */
function isSame(present: Row[string] | undefined, wanted: Row[string]): boolean {
  return wanted === null ? (present ?? null) === null : text(present) === wanted
}

function text(value: Row[string] | undefined): string {
  return value === null || value === undefined ? '' : String(value)
}
