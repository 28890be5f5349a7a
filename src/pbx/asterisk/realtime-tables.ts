import type { Kysely } from 'kysely'
import { parseExtension } from '../../domain/sip-account.ts'
import { AppError } from '../../errors.ts'
import { type PbxDatabase, withPbxDatabase } from '../pbx-database.ts'
import type { ExistingExtension } from '../pbx-driver.ts'
import type { AccountChanges, Holdings } from './account-writer.ts'
import { contactFields, isEdgeRule, isOwnAuthList, namesIn, pathFields } from './asterisk-account.ts'
import { type AccountTable, accountTables, type PresentRows, planRows, type RowPlan, text } from './realtime-plan.ts'
import {
  contactsTable,
  edgeColumnProblems,
  type RealtimeSchema,
  type RealtimeTables,
  type Row,
  readSchema,
  schemaProblem,
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
      within(signal, (db, schema) => db.transaction().execute((transaction) => write(transaction, schema, changes))),
    listExisting: (signal: AbortSignal) => within(signal, listExisting),
    /** Registrations that Asterisk keeps in a table; those that it keeps elsewhere are not found, which is no error. */
    removeContacts: (ids: readonly string[], signal: AbortSignal) =>
      within(signal, async (db, { columns }) => {
        if (!columns.has(contactsTable) || ids.length === 0) return
        // The semicolon in a contact's id is written as Asterisk's realtime writes it (ast_realtime_encode_chunk).
        const stored = ids.flatMap((id) => [id, id.replaceAll(';', '^3B')])
        await db.deleteFrom(contactsTable).where('id', 'in', stored).execute()
      }),
    align: (edge: string | null, signal: AbortSignal) =>
      within(signal, (db, schema) => db.transaction().execute((transaction) => align(transaction, schema, edge))),
    unaligned: (edge: string | null, signal: AbortSignal) =>
      within(signal, (db, schema) => unaligned(db, schema, edge)),
    edgeProblems: (edge: string | null, signal: AbortSignal) =>
      within(signal, async (_db, schema) => edgeColumnProblems(schema, edge)),
    /** The names of all endpoints in the table, whoever made them. */
    endpoints: (signal: AbortSignal) =>
      within(signal, async (db) =>
        (await db.selectFrom('ps_endpoints').select('id').execute()).map(({ id }) => text(id)),
      ),
  }
}

async function look(db: Db, extensions: readonly string[]): Promise<Holdings> {
  const [ours, foreign] = [new Set<string>(), new Set<string>()]
  for (const asked of portions(extensions)) {
    const endpoints = await db.selectFrom('ps_endpoints').select(['id', 'auth']).where('id', 'in', asked).execute()
    const aors = await db.selectFrom('ps_aors').select('id').where('id', 'in', asked).execute()
    for (const { id, auth } of endpoints) (isOwn(text(id), auth) ? ours : foreign).add(text(id))
    for (const { id } of aors) if (!ours.has(text(id))) foreign.add(text(id))
  }
  return { ours, foreign }
}

async function write(db: Db, schema: RealtimeSchema, changes: AccountChanges): Promise<void> {
  for (const some of portions([...changes])) {
    const part: AccountChanges = new Map(some)
    await carryOut(db, planRows(part, await readPresent(db, part), schema))
  }
}

/** @throws AppError PBX_REFUSED when the tables cannot hold it. */
async function unaligned(db: Db, schema: RealtimeSchema, edge: string | null): Promise<readonly string[]> {
  const columns = schema.columns.get('ps_endpoints')
  // An account in a table without it knows of no edge, and none is to be written.
  if (edge === null && !columns?.has('deny')) return []
  const [problem] = edgeColumnProblems(schema, edge)
  if (problem) throw new AppError('PBX_REFUSED', problem.message, { hint: problem.hint })
  const rows = await db.selectFrom('ps_endpoints').select(['id', 'auth', 'deny']).execute()
  const rule = text(contactOf(edge).deny)
  return (
    rows
      .filter(({ id, auth, deny }) => isOwn(text(id), auth) && text(deny) !== rule)
      // A rule of the admin's own on an extension that was taken over is not ours to lift.
      .filter(({ deny }) => edge !== null || isEdgeRule(text(deny)))
      .map(({ id }) => text(id))
  )
}

function contactOf(edge: string | null): Row {
  return { deny: null, ...Object.fromEntries(contactFields(edge)) }
}

/** @throws AppError PBX_REFUSED when the tables cannot hold it. */
async function align(db: Db, schema: RealtimeSchema, edge: string | null): Promise<readonly string[]> {
  const changed = await unaligned(db, schema, edge)
  const path = Object.fromEntries(pathFields(edge))
  const contact = contactOf(edge)
  // What an admin permitted would count after our rule.
  if (edge !== null && schema.columns.get('ps_endpoints')?.has('permit')) contact.permit = null
  for (const some of portions(changed)) {
    await db.updateTable('ps_endpoints').set(contact).where('id', 'in', some).execute()
    await db
      .updateTable('ps_aors')
      .set({ support_path: 'no', ...path })
      .where('id', 'in', some)
      .execute()
  }
  return changed
}

async function readPresent(db: Db, changes: AccountChanges): Promise<PresentRows> {
  const extensions = [...changes.keys()]
  const objects = [...changes.values()].flatMap((change) => change.objects ?? [])
  const auths = objects.filter(({ type }) => type === 'auth').map(({ id }) => id)
  return {
    rows: {
      ps_endpoints: await rowsWith(db, 'ps_endpoints', extensions),
      ps_aors: await rowsWith(db, 'ps_aors', extensions),
      ps_auths: await rowsWith(db, 'ps_auths', auths),
    },
    secrets: (await db.selectFrom('ps_auths').select('id').execute()).map(({ id }) => text(id)),
  }
}

async function carryOut(db: Db, { insert, update, remove }: RowPlan): Promise<void> {
  for (const { table, id, changed } of update) await db.updateTable(table).set(changed).where('id', '=', id).execute()
  for (const table of accountTables) {
    for (const ids of portions(remove[table])) await db.deleteFrom(table).where('id', 'in', ids).execute()
    for (const rows of portions(insert[table])) await db.insertInto(table).values(rows).execute()
  }
}

async function rowsWith(db: Db, table: AccountTable, ids: readonly string[]): Promise<ReadonlyMap<string, Row>> {
  const found = new Map<string, Row>()
  for (const some of portions(ids)) {
    for (const row of await db.selectFrom(table).selectAll().where('id', 'in', some).execute())
      found.set(text(row.id), row)
  }
  return found
}

// SQLite takes 32,766 values in one statement, PostgreSQL 65,535; an endpoint has some 20 columns.
const atOnce = 500

function* portions<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += atOnce) yield items.slice(from, from + atOnce)
}

async function listExisting(db: Db, { columns }: RealtimeSchema): Promise<readonly ExistingExtension[]> {
  const shown = ['context', 'allow', 'transport', 'media_encryption', 'mailboxes'].filter((column) =>
    columns.get('ps_endpoints')?.has(column),
  )
  const judged = ['callerid', 'aors', 'webrtc', 'outbound_auth'].filter((column) =>
    columns.get('ps_endpoints')?.has(column),
  )
  const rows = await db
    .selectFrom('ps_endpoints')
    .select(['id', 'auth', ...shown, ...judged])
    .orderBy('id')
    .execute()
  const ways = ['contact', 'outbound_proxy'].filter((column) => columns.get('ps_aors')?.has(column))
  const found = await db
    .selectFrom('ps_aors')
    .select(['id', ...ways])
    .execute()
  const aors = new Map(found.map((aor) => [text(aor.id), aor]))
  return rows.flatMap((row): ExistingExtension[] => {
    const extension = text(row.id)
    if (!parseExtension(extension).ok || isOwn(extension, row.auth)) return []
    const aor = aors.get(extension) ?? {}
    const facts = [
      ...shown.flatMap((column) => (row[column] ? [[column.replaceAll('_', ' '), text(row[column])]] : [])),
      ...ways.flatMap((column) => (aor[column] ? [[fixedWays[column]!, text(aor[column])]] : [])),
    ]
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

const fixedWays: Readonly<Record<string, string>> = {
  contact: 'fixed contact, which goes',
  outbound_proxy: 'fixed proxy, which goes',
}

function obstacleOf(extension: string, row: Row, aors: Pick<ReadonlyMap<string, Row>, 'has'>): string | null {
  if (namesIn(text(row.aors)).join() !== extension || !aors.has(extension)) {
    return `its AOR is not called ${extension} and nothing else: give it one of that name in ps_aors and in the column aors`
  }
  if (text(row.outbound_auth) !== '') return 'it logs in elsewhere itself (outbound_auth), as a trunk does'
  if (/^(yes|on|true|1)$/.test(text(row.webrtc))) return 'it is set up for a web browser (webrtc): switch that off'
  return null
}

function isOwn(extension: string, auth: Row[string] | undefined): boolean {
  return isOwnAuthList(extension, text(auth))
}
