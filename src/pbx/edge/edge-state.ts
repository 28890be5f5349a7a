import { z } from 'zod'
import { listConnections, tableRows } from '../kamailio/kamailio-memory.ts'
import type { KamailioRpc } from '../kamailio/kamailio-rpc.ts'
import { type EdgeRows, edgeTables } from './edge-tables.ts'

/** What the running edge says of itself. */
export interface EdgeState {
  readonly rows: EdgeRows
  /** Who has a connection that is open now: serials, or `a` and an address for phones without a certificate. */
  readonly connected: ReadonlySet<string>
  /** Numbers in Kamailio's table of connections that belong to none any more. */
  readonly over: readonly string[]
  /** The mark that is set when it has taken a list over; null after a start. */
  readonly list: ListMark | null
}

export interface ListMark {
  readonly number: number
  /** SHA-256 of the file, 16 hex digits. */
  readonly digest: string
}

/** Complete, or an error. */
export async function readEdge(rpc: KamailioRpc, signal: AbortSignal): Promise<EdgeState> {
  const rows = {
    deny: await tableRows(rpc, 'deny', signal),
    bind: await tableRows(rpc, 'bind', signal),
    source: await tableRows(rpc, 'source', signal),
    ...(await readCallTables(rpc, signal)),
  }
  const spoken = await tableRows(rpc, 'conn', signal)
  const connections = await listConnections(rpc, signal)
  // Looked at later than the table, and a number is never given twice: what is not among them is over.
  const known = new Set(connections.map(({ id }) => String(id)))
  const open = new Set(connections.flatMap(({ id, state }) => (state === 'CONN_BAD' ? [] : [String(id)])))
  return {
    rows,
    connected: new Set([...spoken].filter(([connection]) => open.has(connection)).map(([, id]) => id)),
    over: [...spoken.keys()].filter((connection) => !known.has(connection)),
    list: await listMark(rpc, signal),
  }
}

/** What may be dialled, alone. */
export async function readCallTables(
  rpc: KamailioRpc,
  signal: AbortSignal,
): Promise<Pick<EdgeRows, 'plan' | 'policy'>> {
  return { plan: await tableRows(rpc, 'plan', signal), policy: await tableRows(rpc, 'policy', signal) }
}

const markSchema = z.object({ item: z.object({ value: z.string() }) })

export async function listMark(rpc: KamailioRpc, signal: AbortSignal): Promise<ListMark | null> {
  // Kamailio's words for a key that is not there (src/modules/htable/htable.c).
  const answer = await rpc.callUnless(/doesn't exist/, 'htable.get', ['mark', 'list'], signal)
  const value = markSchema.safeParse(answer).data?.item.value ?? ''
  const found = /^([0-9]{1,15}) ([0-9a-f]{16})$/.exec(value)
  return found ? { number: Number(found[1]), digest: found[2]! } : null
}

export function markText({ number, digest }: ListMark): string {
  return `${number} ${digest}`
}

/** Sets and removes single keys, so that nobody else's row is touched for a moment. `deny` only grows. */
export async function changeTables(
  rpc: Pick<KamailioRpc, 'call'>,
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
