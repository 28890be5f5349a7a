import { setTimeout as pause } from 'node:timers/promises'
import type { DisconnectTarget } from '../pbx-driver.ts'
import { matcherOf } from '../source-address.ts'
import type { AccountWriter } from './account-writer.ts'
import type { AmiSession } from './ami-conversation.ts'
import { actUnlessGone } from './asterisk-deed.ts'
import { listCalls, listRegistrations } from './asterisk-state.ts'

/** How long a hung-up channel may take to go, and how often it is looked at. */
const settleMs = 2000
const lookEveryMs = 20

/**
 * Removes contacts and ends calls until none is left that was meant. Every act names one contact or one channel in full.
 * There is no action that unregisters a phone (PJSIPUnregister is for outbound registrations); the contact's row in
 * Asterisk's database is the registration.
 */
export async function cut(
  session: AmiSession,
  targets: readonly DisconnectTarget[],
  { removeContacts }: Pick<AccountWriter, 'removeContacts'>,
  signal: AbortSignal,
): Promise<void> {
  const meant = matcherOf(targets)
  const deadline = performance.now() + settleMs
  const asked = new Set<string>()
  for (let round = 0; ; round++) {
    const [registrations, calls] = await Promise.all([listRegistrations(session), listCalls(session)])
    const contacts = registrations.filter(meant)
    const channels = calls.filter(meant)
    if (contacts.length === 0 && channels.length === 0) return
    // What still stands after this is for the next look to report.
    if (performance.now() > deadline) return
    await Promise.all([
      ...contacts.map(({ id }) => actUnlessGone(session, { Action: 'DBDel', Family: 'registrar/contact', Key: id })),
      ...channels
        .filter(({ id }) => !asked.has(id))
        .map(({ id }) => actUnlessGone(session, { Action: 'Hangup', Channel: id, Cause: '16' })),
    ])
    if (contacts.length > 0) {
      const ids = contacts.map(({ id }) => id)
      await removeContacts?.(ids, signal)
    }
    for (const { id } of channels) asked.add(id)
    if (channels.length > 0 || round > 0) await pause(lookEveryMs, undefined, { signal })
  }
}
