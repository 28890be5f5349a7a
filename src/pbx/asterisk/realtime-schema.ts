import { type Kysely, sql } from 'kysely'
import { AppError } from '../../errors.ts'
import { type AsteriskObject, objectTypes } from './asterisk-account.ts'

/**
 * The tables of Asterisk's realtime, as far as an account needs them: which columns there are, and how an object becomes
 * a row of them. Tables grow with Asterisk (contrib/ast-db-manage/config/versions of asterisk/asterisk), so they are
 * looked at before they are written.
 */
export const tableOf = { endpoint: 'ps_endpoints', aor: 'ps_aors', auth: 'ps_auths' } as const

export const contactsTable = 'ps_contacts'

export type Table = (typeof tableOf)[AsteriskObject['type']] | typeof contactsTable

export type Row = Record<string, string | number | null>

export type RealtimeTables = Record<Table, Row>

export interface RealtimeSchema {
  /** The columns of each table that is there, each with the number of characters that it holds; null: no limit. */
  readonly columns: ReadonlyMap<Table, ReadonlyMap<string, number | null>>
  /** What `ps_auths.auth_type` takes; null: any text. */
  readonly authTypes: readonly string[] | null
  /** Asterisk cuts a value at semicolons and takes it for several (res_config_pgsql does, res_config_sqlite3 does not). */
  readonly splitsValues: boolean
}

/** Left out where the column is missing: this is what Asterisk does without (pjsip_configuration.c, location.c). */
const defaults: Readonly<Record<string, string>> = {
  media_encryption_optimistic: 'no',
  send_pai: 'no',
  trust_id_inbound: 'no',
  minimum_expiration: '60',
  qualify_frequency: '0',
}

export async function readSchema(db: Kysely<RealtimeTables>, isPostgres: boolean): Promise<RealtimeSchema> {
  const names = sql.join([...Object.values(tableOf), contactsTable])
  const { rows } = isPostgres
    ? await sql<ColumnRow>`select table_name as "table", column_name as "column", character_maximum_length as "length"
        from information_schema.columns
        where table_schema = any(current_schemas(false)) and table_name in (${names})`.execute(db)
    : await sql<ColumnRow>`select m.name as "table", c.name as "column", null as "length"
        from sqlite_master m join pragma_table_info(m.name) c where m.name in (${names})`.execute(db)
  const columns = new Map<Table, Map<string, number | null>>()
  for (const { table, column, length } of rows) {
    columns.set(table, (columns.get(table) ?? new Map()).set(column, length))
  }
  const authTypes = columns.has('ps_auths') ? await readAuthTypes(db, isPostgres) : null
  return { columns, authTypes, splitsValues: isPostgres }
}

interface ColumnRow {
  readonly table: Table
  readonly column: string
  readonly length: number | null
}

/** Asterisk's own script makes an enumeration of it, on SQLite a CHECK, and never added `digest` to it. */
async function readAuthTypes(db: Kysely<RealtimeTables>, isPostgres: boolean): Promise<readonly string[] | null> {
  if (isPostgres) {
    const { rows } = await sql<{ label: string }>`select e.enumlabel as label
      from pg_attribute a join pg_enum e on e.enumtypid = a.atttypid
      where a.attrelid = to_regclass('ps_auths') and a.attname = 'auth_type'`.execute(db)
    return rows.length > 0 ? rows.map(({ label }) => label) : null
  }
  const { rows } = await sql<{ sql: string }>`select sql from sqlite_master where name = 'ps_auths'`.execute(db)
  const list = /auth_type["`\]]?\s+IN\s*\(([^)]*)\)/i.exec(rows[0]?.sql ?? '')?.[1]
  return list === undefined ? null : [...list.matchAll(/'([^']*)'/g)].map(([, label]) => label!)
}

/** What keeps accounts from being written into these tables, or null. */
export function schemaProblem({ columns }: RealtimeSchema): { message: string; hint: string } | null {
  for (const type of objectTypes) {
    const table = tableOf[type]
    if (!columns.has(table)) return { message: `there is no table ${table}, or it may not be read`, hint: howToMend }
  }
  const auth = columns.get('ps_auths')!
  if (auth.has('password_digest') || auth.has('md5_cred')) return null
  return { message: 'ps_auths has no column for a digest (password_digest)', hint: howToMend }
}

/** What an account behind the edge needs beside what every account needs. */
export function edgeColumnProblems(
  { columns }: RealtimeSchema,
  edge: string | null,
): { message: string; hint: string }[] {
  if (edge === null) return []
  const needed = [
    ['ps_endpoints', 'rewrite_contact'],
    ['ps_endpoints', 'deny'],
    ['ps_aors', 'support_path'],
  ] as const
  const missing = needed.filter(([table, column]) => columns.has(table) && !columns.get(table)!.has(column))
  if (missing.length === 0) return []
  const names = missing.map(([table, column]) => `${table}.${column}`).join(', ')
  return [{ message: `the tables cannot hold accounts behind the SIP edge: there is no ${names}`, hint: howToMend }]
}

const howToMend =
  "bring the tables up to date with Asterisk's own scripts (contrib/ast-db-manage), and give the user of the database select, insert, update and delete on them"

/**
 * The row for an object. Columns that are not named keep what is in them; in a secret's row every other way in is named
 * and empty.
 * @throws AppError PBX_REFUSED when the tables cannot hold it.
 */
export function rowOf(object: AsteriskObject, schema: RealtimeSchema): Row {
  const table = tableOf[object.type]
  const columns = schema.columns.get(table)
  if (!columns) throw tooOld(`there is no table ${table}`)
  const row: Row = {}
  for (const [given, text] of Object.entries(valuesOf(object, schema))) {
    const isOldDigest: boolean = given === 'password_digest' && !columns.has(given)
    const column = isOldDigest ? 'md5_cred' : given
    if (!columns.has(column)) {
      if (text === null || defaults[column] === text) continue
      throw tooOld(`${table} has no column ${column}`)
    }
    const value: string | null = isOldDigest && text !== null ? text.replace(/^MD5:/, '') : text
    const room = columns.get(column) ?? Number.POSITIVE_INFINITY
    row[column] = column === 'callerid' && value !== null ? shortened(value, room) : value
  }
  return row
}

function valuesOf({ type, fields }: AsteriskObject, schema: RealtimeSchema): Record<string, string | null> {
  const found: Record<string, string | null> = type === 'auth' ? { password: null, md5_cred: null } : {}
  for (const [name, value] of fields) {
    const before = found[name]
    if (typeof before === 'string' && !schema.splitsValues) {
      throw new AppError('PBX_REFUSED', `Asterisk takes only one ${name} from a SQLite table`)
    }
    found[name] = typeof before === 'string' ? `${before};${value}` : value
  }
  // Columns count in their order: what an admin permitted on an extension that was taken over would count after this.
  if (found.deny !== undefined) found.permit = null
  // All kinds but google_oauth mean the same since password_digest is there (res/res_pjsip/config_auth.c).
  if (found.auth_type !== undefined && schema.authTypes && !schema.authTypes.includes('digest')) found.auth_type = 'md5'
  return found
}

/** `"A long name" <1001>`: the name gives way, the number stays. PostgreSQL counts characters. */
function shortened(callerId: string, room: number): string {
  const [, name, number] = /^"([^"]*)" (<[0-9]+>)$/.exec(callerId) ?? []
  const excess = [...callerId].length - room
  if (name === undefined || excess <= 0) return callerId
  return `"${[...name].slice(0, -excess).join('').trim()}" ${number}`
}

function tooOld(message: string): AppError {
  return new AppError('PBX_REFUSED', message, { hint: howToMend })
}
