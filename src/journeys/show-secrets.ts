import type { Actor } from '../domain/token.ts'
import type { SipSecretView } from './application.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { activeHolder } from './onboard.ts'

/** For a PBX that is operated by hand: what its admin must type in. Each look is an audit event. */
export async function showSecrets(
  context: JourneyContext,
  employeeId: string,
  actor: Actor,
): Promise<readonly SipSecretView[]> {
  const { assignment } = await activeHolder(context, employeeId)
  const credentials = await context.store.find('sipCredential', { assignmentId: assignment.id, closedAt: null })
  await context.store.transaction((tx) =>
    tx.record(auditEvent(context, 'sip-credential.shown', { employeeId, subjectId: assignment.id, actor })),
  )
  return credentials.flatMap(({ id, username, generation, secretSealed }) =>
    secretSealed === null
      ? []
      : [
          {
            extension: assignment.extension,
            username,
            generation,
            secret: context.vault.open(secretSealed, `sip:${id}:${generation}`),
          },
        ],
  )
}
