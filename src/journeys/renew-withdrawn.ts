import { tokenHash } from '../domain/invite.ts'
import { itself, type JourneyContext } from './context.ts'
import { steadyTokenOf } from './enrolment.ts'
import { appendToJournal, rotateSecret } from './withdraw.ts'

/**
 * After an older database was restored: the replay took away what had been withdrawn since, but can make nothing new. An
 * account whose secret went gets the next one, which its phones find in their file. A phone that had enrolled after the
 * copy was made gets its own link again, which was never withdrawn and is derived. Everything else waits for a new
 * invite. Does nothing at any other start, and only the rest when it was cut off.
 */
export async function renewWithdrawn(
  context: Pick<JourneyContext, 'store' | 'vault' | 'system' | 'journal' | 'log'>,
): Promise<void> {
  const { store } = context
  const withoutSecret = await store.find('sipCredential', { closedAt: null, secretSealed: null })
  const withoutLink = await store.find('handset', { removedAt: null, steadyTokenHash: null })
  const enrolled = withoutLink.filter(({ enrolledAt }) => enrolledAt !== null)
  if (withoutSecret.length === 0 && enrolled.length === 0) return
  const at = context.system.now().toISOString()
  const withdrawn = await store.transaction(async (tx) => {
    for (const { id, doorGeneration } of enrolled)
      await tx.update('handset', id, { steadyTokenHash: tokenHash(steadyTokenOf(context, id, doorGeneration)) })
    const rotated = []
    for (const credential of withoutSecret) {
      const employeeId = (await tx.get('assignment', credential.assignmentId))?.employeeId ?? null
      rotated.push(...(await rotateSecret(context, tx, credential, { employeeId, at, actor: itself })))
    }
    return rotated
  })
  await appendToJournal(context, withdrawn)
}
