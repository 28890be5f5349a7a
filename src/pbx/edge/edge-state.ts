import { AppError } from '../../errors.ts'
import { EdgeRefusal, type EdgeRpc, isObject } from './edge-rpc.ts'
import { type EdgeRows, edgeTables } from './edge-tables.ts'

/** What the running edge says of itself. */
export interface EdgeState {
  readonly rows: EdgeRows
  /** Who has a connection that is open now: serials, or `a` and an address for phones without a certificate. */
  readonly connected: ReadonlySet<string>
  /** The mark that is set when it has taken a list over; null after a start. */
  readonly list: ListMark | null
}

export interface ListMark {
  readonly number: number
  /** SHA-256 of the file, 16 hex digits. */
  readonly digest: string
}

/** Complete, or an error. */
export async function readEdge(rpc: EdgeRpc, signal: AbortSignal): Promise<EdgeState> {
  const rows = {
    deny: await dump(rpc, 'deny', signal),
    bind: await dump(rpc, 'bind', signal),
    source: await dump(rpc, 'source', signal),
    ...(await readCallTables(rpc, signal)),
  }
  const spoken = await dump(rpc, 'conn', signal)
  const open = await openConnections(rpc, signal)
  return {
    rows,
    connected: new Set([...spoken].filter(([connection]) => open.has(connection)).map(([, id]) => id)),
    list: await listMark(rpc, signal),
  }
}

/** What may be dialled, alone. */
export async function readCallTables(rpc: EdgeRpc, signal: AbortSignal): Promise<Pick<EdgeRows, 'plan' | 'policy'>> {
  return { plan: await dump(rpc, 'plan', signal), policy: await dump(rpc, 'policy', signal) }
}

export async function listMark(rpc: EdgeRpc, signal: AbortSignal): Promise<ListMark | null> {
  const answer = await rpc.call('htable.get', ['mark', 'list'], signal).catch((error: unknown) => {
    // Kamailio's words for a key that is not there (src/modules/htable/htable.c).
    if (error instanceof EdgeRefusal && /doesn't exist/.test(error.words)) return null
    throw error
  })
  if (answer === null) return null
  const value = isObject(answer) && isObject(answer.item) ? String(answer.item.value) : ''
  const found = /^([0-9]{1,15}) ([0-9a-f]{16})$/.exec(value)
  return found ? { number: Number(found[1]), digest: found[2]! } : null
}

/** Bytes of shared memory that are free. Kamailio refuses every TLS connection when there are too few. */
export async function freeMemory(rpc: EdgeRpc, signal: AbortSignal): Promise<number> {
  const answer = await rpc.call('core.shmmem', [], signal)
  if (!isObject(answer) || typeof answer.free !== 'number') throw unreadable()
  return answer.free
}

export function markText({ number, digest }: ListMark): string {
  return `${number} ${digest}`
}

/** Sets and removes single keys, so that nobody else's row is touched for a moment. `deny` only grows. */
export async function changeTables(
  rpc: EdgeRpc,
  before: EdgeRows,
  wanted: EdgeRows,
  signal: AbortSignal,
): Promise<void> {
  for (const table of edgeTables) {
    for (const [key, value] of wanted[table]) {
      if (before[table].get(key) !== value) await rpc.call('htable.sets', [table, key, value], signal)
    }
    if (table === 'deny') continue
    for (const key of before[table].keys()) {
      if (!wanted[table].has(key)) await rpc.call('htable.delete', [table, key], signal)
    }
  }
}

/** `[{slot: [{name, value}]}]`; a table without any row is an empty list. */
async function dump(rpc: EdgeRpc, table: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const answer = await rpc.call('htable.dump', [table], signal)
  const rows = new Map<string, string>()
  for (const entry of listOf(answer)) {
    for (const row of listOf(isObject(entry) ? entry.slot : null)) {
      if (!isObject(row) || typeof row.name !== 'string') throw unreadable()
      rows.set(row.name, String(row.value))
    }
  }
  return rows
}

async function openConnections(rpc: EdgeRpc, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const answer = await rpc.call('core.tcp_list', [], signal)
  return new Set(
    listOf(answer).flatMap((one) => {
      if (!isObject(one) || typeof one.id !== 'number') throw unreadable()
      // Given up, and only waiting for the last hand on it (core/tcp_conn.h: S_CONN_BAD).
      return one.state === 'CONN_BAD' ? [] : [String(one.id)]
    }),
  )
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unreadable()
  return value
}

function unreadable(): AppError {
  return new AppError('PBX_REFUSED', 'the edge answered in a form that is not known', {
    hint: 'Kamailio 5.6 was tried; another version may answer otherwise',
    retryable: true,
  })
}
