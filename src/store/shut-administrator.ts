import type { Database } from './schema.ts'

export interface ShutAdministrator {
  /** How many ended with it. */
  readonly sessions: number
  readonly passkeys: number
}

/**
 * Inside a transaction. Nothing is left with which this person could sign in; API tokens are the caller's, who knows which
 * are theirs. The identity at the provider stays: it is how a leaver who is still known there is told from somebody new.
 */
export async function shutAdministrator(tx: Database, id: string, at: string): Promise<ShutAdministrator> {
  const nothing = { passwordHash: null, totpSealed: null, totpConfirmedAt: null }
  await tx
    .updateTable('administrator')
    .set({ ...nothing, disabledAt: at })
    .where('id', '=', id)
    .execute()
  const sessions = await tx
    .updateTable('session')
    .set({ endedAt: at })
    .where('administratorId', '=', id)
    .where('endedAt', 'is', null)
    .executeTakeFirst()
  const passkeys = await tx
    .updateTable('passkey')
    .set({ removedAt: at })
    .where('administratorId', '=', id)
    .where('removedAt', 'is', null)
    .executeTakeFirst()
  await tx
    .updateTable('setupLink')
    .set({ usedAt: at })
    .where('administratorId', '=', id)
    .where('usedAt', 'is', null)
    .execute()
  return { sessions: Number(sessions.numUpdatedRows), passkeys: Number(passkeys.numUpdatedRows) }
}
