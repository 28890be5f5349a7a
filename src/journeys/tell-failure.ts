import { auditEvent, itself } from './context.ts'
import type { Guesses } from './guesses.ts'
import type { SignInContext } from './open-session.ts'
import type { Visitor } from './sign-in-view.ts'

export interface Failure {
  readonly administratorId: string | null
  readonly visitor: Visitor
  readonly how: string
  /** Where the person was known and is not let in. */
  readonly reason?: string
}

/** Into the audit log, where it is one to be told. What was typed is never written down: it may be the password in the wrong field. */
export async function tellFailure(
  context: Pick<SignInContext, 'store' | 'system'>,
  { count }: Pick<Guesses, 'count'>,
  { administratorId, visitor, how, reason }: Failure,
): Promise<void> {
  const told = count(visitor.network, reason)
  if (told === null) return
  const { failures, addresses } = told
  // Many at once are one event, which is about nobody in particular.
  const [subjectId, detail] =
    addresses === null
      ? [
          administratorId,
          {
            how,
            from: visitor.remoteAddress,
            failures,
            ...(reason === undefined ? { known: administratorId !== null } : { reason }),
          },
        ]
      : [null, { failures, addresses }]
  await context.store.transaction((tx) =>
    tx.record(auditEvent(context, 'sign-in.failed', { subjectId, actor: itself }, detail)),
  )
}
