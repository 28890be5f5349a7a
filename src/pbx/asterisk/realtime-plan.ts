import { AppError } from '../../errors.ts'
import type { AccountChanges } from './account-writer.ts'
import { isOwnAuthList, parseAuthName } from './asterisk-account.ts'
import { contextOf } from './asterisk-dialplan.ts'
import { type RealtimeSchema, type Row, rowOf, tableOf } from './realtime-schema.ts'

/** What has to change in Asterisk's tables so that these extensions are as wanted. Pure. */
export type AccountTable = (typeof tableOf)[keyof typeof tableOf]

export const accountTables: readonly AccountTable[] = Object.values(tableOf)

/** What is there, of the rows that these changes may touch. */
export interface PresentRows {
  readonly rows: Readonly<Record<AccountTable, ReadonlyMap<string, Row>>>
  /** The names of all secrets in the table. */
  readonly secrets: readonly string[]
}

export interface RowPlan {
  readonly insert: Readonly<Record<AccountTable, Row[]>>
  readonly update: { readonly table: AccountTable; readonly id: string; readonly changed: Row }[]
  readonly remove: Readonly<Record<AccountTable, string[]>>
}

/** @throws AppError PBX_REFUSED when the tables cannot hold it, CONFLICT when somebody else was there first. */
export function planRows(changes: AccountChanges, present: PresentRows, schema: RealtimeSchema): RowPlan {
  const plan: RowPlan = { insert: perTable(), update: [], remove: perTable() }
  const wanted = new Set<string>()
  for (const [extension, { objects, adopted }] of changes) {
    const endpoint = present.rows.ps_endpoints.get(extension)
    const isOurs = endpoint !== undefined && isOwnAuthList(extension, text(endpoint.auth))
    // Looked at a moment ago; whoever came in between is not overwritten.
    if (endpoint !== undefined && !isOurs && !(adopted && objects !== null)) {
      throw new AppError('CONFLICT', `somebody made extension ${extension} on the PBX at this moment`, {
        retryable: true,
      })
    }
    // Taken over once: with secrets of ours beside it, what stands there was made or changed by others since.
    if (endpoint !== undefined && !isOurs && present.secrets.some((id) => parseAuthName(id)?.extension === extension)) {
      throw new AppError('PBX_REFUSED', `extension ${extension} on the PBX is not Ringfence's any more`, {
        hint: `see whose it is now: its column auth in ps_endpoints names no secret of Ringfence's. If nobody needs it, remove its rows from ps_endpoints and ps_aors: Ringfence makes it anew`,
        retryable: true,
      })
    }
    for (const object of objects ?? []) {
      const [table, { id }] = [tableOf[object.type], object]
      const row = rowOf(object, schema)
      const before = present.rows[table].get(id)
      if (object.type === 'auth') wanted.add(id)
      if (!before) plan.insert[table].push({ id, ...row })
      else {
        const changed = difference(before, adopted ? takenOver(table, { id, ...row }, before, schema) : row)
        if (Object.keys(changed).length > 0) plan.update.push({ table, id, changed })
      }
    }
    if (objects === null && isOurs) {
      plan.remove.ps_endpoints.push(extension)
      plan.remove.ps_aors.push(extension)
    }
  }
  for (const id of present.secrets) {
    if (!wanted.has(id) && changes.has(parseAuthName(id)?.extension ?? '')) plan.remove.ps_auths.push(id)
  }
  return plan
}

/**
 * Of an extension that was taken over these stay as they were: how calls run, what the other side sees. What changes is
 * who may log in, from where the phone is seen to come, and that its media is encrypted.
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

/**
 * What goes with the old owner. A pinned transport: a phone that registered over TLS could not be called through it. A
 * fixed contact or a proxy: calls for the extension would go there as well, also when its last phone is closed. Another
 * `redirect_method`: by Asterisk's own (`user`) a phone that sends a call on is bound by the extension's call class.
 */
const ways: Readonly<Record<AccountTable, readonly string[]>> = {
  ps_endpoints: ['transport', 'outbound_proxy', 'redirect_method'],
  ps_aors: ['contact', 'outbound_proxy'],
  ps_auths: [],
}

/** But a call policy lives in a context of its own, and ends by leaving it. */
function takenOver(table: AccountTable, row: Row, before: Row, { columns }: RealtimeSchema): Row {
  const own = contextOf(text(row.id))
  const isKept = (column: string) =>
    !habits.has(column) || (column === 'context' && [row.context, before.context].includes(own))
  const kept = Object.fromEntries(Object.entries(row).filter(([column]) => isKept(column)))
  const gone = ways[table].filter((column) => columns.get(table)?.has(column))
  return { ...kept, ...Object.fromEntries(gone.map((column) => [column, null])) }
}

/** A number comes back as a number where its column is one. */
function difference(before: Row, wanted: Row): Row {
  const isSame = (column: string, value: Row[string]) =>
    value === null ? (before[column] ?? null) === null : text(before[column]) === value
  return Object.fromEntries(Object.entries(wanted).filter(([column, value]) => !isSame(column, value)))
}

function perTable<Item>(): Record<AccountTable, Item[]> {
  return { ps_endpoints: [], ps_auths: [], ps_aors: [] }
}

export function text(value: Row[string] | undefined): string {
  return value === null || value === undefined ? '' : String(value)
}
