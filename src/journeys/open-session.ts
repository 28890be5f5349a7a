import type { Administrator, Session } from '../domain/administrator.ts'
import type { StoreWriter } from '../store/store.ts'
import { auditEvent, inPerson, type JourneyContext } from './context.ts'
import { startSession } from './sessions.ts'
import type { SignedIn, Visitor } from './sign-in-view.ts'

export type SignInContext = Pick<JourneyContext, 'store' | 'system' | 'vault' | 'signIn' | 'config' | 'journal' | 'log'>

/** The end of every way in. Only a full session is a sign-in worth telling. */
export async function openSession(
  context: SignInContext,
  tx: StoreWriter,
  administrator: Administrator,
  session: { level: Session['level']; how: string; visitor: Visitor; instead: Session | null },
): Promise<SignedIn> {
  const { id: administratorId } = administrator
  if (session.level === 'full') {
    const { how, visitor } = session
    const detail = { how, from: visitor.remoteAddress }
    await tx.record(
      auditEvent(context, 'sign-in.done', { subjectId: administratorId, actor: inPerson(administrator) }, detail),
    )
  }
  return startSession(context, tx, { administratorId, ...session })
}
