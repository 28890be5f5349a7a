import { setTimeout as pause } from 'node:timers/promises'
import type { DisconnectTarget } from '../pbx-driver.ts'
import { matcherOf } from '../source-address.ts'
import type { KamailioRpc } from './kamailio-rpc.ts'
import { type CallOnKamailio, listCalls, listRegistrations, type RegistrationOnKamailio } from './kamailio-state.ts'

/** How long an ended call or a closed connection may take to go, and how often it is looked at. */
const settleMs = 2000
const lookEveryMs = 20

/**
 * Ends calls, then closes connections, then removes registrations, until none is left that was meant. In this order: a BYE
 * still reaches the phone over its connection, and a phone whose registration goes first registers again over it.
 * Every act names one call, one connection or one contact in full.
 */
export async function cut(rpc: KamailioRpc, targets: readonly DisconnectTarget[], signal: AbortSignal): Promise<void> {
  const meant = matcherOf(targets)
  const deadline = performance.now() + settleMs
  const ended = new Set<string>()
  for (;;) {
    const calls = (await listCalls(rpc, signal)).filter(meant)
    for (const call of calls) {
      if (ended.has(call.id)) continue
      ended.add(call.id)
      await end(rpc, call, signal)
    }
    // A phone whose tunnel is gone never answers the BYE: the other side's answer ends the call, or the next look tells.
    if (calls.length === 0 || performance.now() > deadline) break
    await pause(lookEveryMs, undefined, { signal })
  }
  const closed = new Set<number>()
  for (;;) {
    const registrations = (await listRegistrations(rpc, signal)).filter(meant)
    for (const registration of registrations) await drop(rpc, registration, closed, signal)
    if (registrations.length === 0 || performance.now() > deadline + settleMs) return
    await pause(lookEveryMs, undefined, { signal })
  }
}

/** Closes one connection; that it is gone already is fine. */
export async function closeConnection(rpc: KamailioRpc, connection: number, signal: AbortSignal): Promise<void> {
  await rpc.get(`drop/${connection}`, signal)
}

async function drop(
  rpc: KamailioRpc,
  { extension, contact, connection }: RegistrationOnKamailio,
  closed: Set<number>,
  signal: AbortSignal,
): Promise<void> {
  if (connection > 0 && !closed.has(connection)) {
    closed.add(connection)
    await closeConnection(rpc, connection, signal)
  }
  await rpc.callUnless(/not found/i, 'ul.rm_contact', ['location', extension, contact], signal)
}

async function end(
  rpc: KamailioRpc,
  { answered, entry, number, callId, sequence }: CallOnKamailio,
  signal: AbortSignal,
): Promise<void> {
  // One that ended meanwhile is what we wanted.
  if (answered) await rpc.callUnless(/not found|not exist/i, 'dlg.end_dlg', [entry, number], signal)
  else await rpc.callUnless(/not found|lookup failed/i, 'tm.cancel', [callId, sequence], signal)
}
