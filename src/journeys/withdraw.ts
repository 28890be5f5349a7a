/** What ends without being a door of its own: written with the deed that ends it, then into the journal. */
import type { SipCredential } from '../domain/sip-account.ts'
import type { Actor } from '../domain/token.ts'
import type { Tombstone } from '../domain/tombstone.ts'
import { type Withdrawal, withdrawalOf } from '../domain/withdrawal.ts'
import type { StoreWriter } from '../store/store.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { newSipSecret } from './enrolment.ts'

/** In the caller's transaction; what it returns goes to `appendToJournal` once that is committed. */
export async function withdraw(tx: StoreWriter, withdrawals: readonly Withdrawal[]): Promise<readonly Withdrawal[]> {
  await tx.put('withdrawal', withdrawals)
  return withdrawals
}

/** Closes every link that this person has. */
export async function closeInvites(tx: StoreWriter, employeeId: string, at: string): Promise<readonly Withdrawal[]> {
  const open = await tx.find('invite', { employeeId, closedAt: null })
  for (const { id } of open) await tx.update('invite', id, { closedAt: at })
  return withdraw(
    tx,
    open.map(({ id }) => withdrawalOf('invite', id, { employeeId, at })),
  )
}

/** A new secret in place of one that somebody knows who should not. */
export async function rotateSecret(
  context: Pick<JourneyContext, 'system' | 'vault'>,
  tx: StoreWriter,
  { id, generation: last }: SipCredential,
  { employeeId, at, actor }: { employeeId: string | null; at: string; actor: Actor },
): Promise<readonly Withdrawal[]> {
  const generation = last + 1
  const secretSealed = context.vault.seal(newSipSecret(context), `sip:${id}:${generation}`)
  await tx.update('sipCredential', id, { generation, secretSealed })
  await tx.record(auditEvent(context, 'sip-credential.rotated', { employeeId, subjectId: id, actor }))
  return withdraw(tx, [withdrawalOf('sip-secret', id, { employeeId, at, generation })])
}

/** After the commit. The database knows it already, so an error is for the log: upkeep appends what the journal lacks. */
export async function appendToJournal(
  { journal, log }: Pick<JourneyContext, 'journal' | 'log'>,
  rows: readonly (Tombstone | Withdrawal)[],
): Promise<void> {
  if (rows.length === 0) return
  try {
    await journal.append(rows)
  } catch (error) {
    log.error({ err: error }, 'the leaver journal could not be written; it is tried again every minute')
  }
}
