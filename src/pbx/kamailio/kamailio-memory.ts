import { z } from 'zod'
import { AppError } from '../../errors.ts'
import type { KamailioRpc } from './kamailio-rpc.ts'

/** What a running Kamailio has in its memory. Each answer is checked: one that is not understood is an error, never "none". */

const tableSchema = z.array(
  z.object({ slot: z.array(z.object({ name: z.string(), value: z.union([z.string(), z.number()]) })) }),
)

/** All rows of a table of module htable; one without any is an empty list. */
export async function tableRows(
  rpc: KamailioRpc,
  table: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const slots = tableSchema.safeParse(await rpc.call('htable.dump', [table], signal))
  if (!slots.success) throw notUnderstood('htable.dump')
  return new Map(slots.data.flatMap(({ slot }) => slot.map(({ name, value }) => [name, String(value)] as const)))
}

export interface Connection {
  readonly id: number
  /** `CONN_OK`; `CONN_BAD`: given up, and only waiting for the last hand on it (core/tcp_conn.h). */
  readonly state: string
}

const connectionsSchema = z.array(z.object({ id: z.number(), state: z.string() }))

export async function listConnections(rpc: KamailioRpc, signal: AbortSignal): Promise<readonly Connection[]> {
  const list = connectionsSchema.safeParse(await rpc.call('core.tcp_list', [], signal))
  if (!list.success) throw notUnderstood('core.tcp_list')
  return list.data
}

/** Bytes of shared memory that are free. Kamailio refuses every TLS connection when there are too few. */
export async function freeMemory(rpc: KamailioRpc, signal: AbortSignal): Promise<number> {
  const answer = z.object({ free: z.number() }).safeParse(await rpc.call('core.shmmem', [], signal))
  if (!answer.success) throw notUnderstood('core.shmmem')
  return answer.data.free
}

export function notUnderstood(question: string): AppError {
  return new AppError('PBX_REFUSED', `Kamailio's answer to ${question} was not understood`, {
    hint: 'it must run what Ringfence wrote for it; this was tried with Kamailio 5.6.3',
    retryable: true,
  })
}
