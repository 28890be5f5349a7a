import type { Actor } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { derivedPassword } from './file-values.ts'
import type { PhonePasswords } from './phone-view.ts'

/**
 * The passwords of a phone's own pages, as its file sets them. Also of a handset that was taken back: whoever gets it in
 * hand wants in. Each look is an audit event.
 */
export async function showPhonePasswords(
  context: JourneyContext,
  handsetId: string,
  actor: Actor,
): Promise<PhonePasswords> {
  const handset = await context.store.get('handset', handsetId)
  if (!handset) throw new AppError('NOT_FOUND', 'there is no such handset')
  const { admin, user } = context.catalogue.phonePasswords(handset.model, {
    phoneAdminPassword: derivedPassword(context, handset, 'admin'),
    phoneUserPassword: derivedPassword(context, handset, 'user'),
  })
  if (admin === null && user === null) {
    throw new AppError('CONFLICT', `the files of ${handset.model} set no password on the phone`, {
      hint: 'an app has none of its own',
    })
  }
  const { employeeId } = handset
  await context.store.transaction((tx) =>
    tx.record(auditEvent(context, 'handset.passwords-shown', { employeeId, subjectId: handsetId, actor })),
  )
  return { admin, user, generation: handset.doorGeneration }
}
