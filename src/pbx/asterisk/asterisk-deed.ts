import { AppError } from '../../errors.ts'
import { type AmiAction, type AmiSession, field } from './ami-conversation.ts'

/**
 * Takes something away; that it is gone already is what was wanted. The words are Asterisk's own (main/manager.c,
 * main/db.c; 22.10.1 says of an entry that is not there that it "could not be deleted"). The next look tells the rest.
 */
export async function actUnlessGone(session: AmiSession, action: AmiAction): Promise<void> {
  const gone = /^(No such channel|Database entry (not found|could not be deleted))$/i
  await actUnless(session, action, gone, 'the manager user needs `write = system` in manager.conf')
}

/** False where Asterisk says no with these words, which do no harm; any other no is an error with this hint. */
export async function actUnless(
  session: AmiSession,
  action: AmiAction,
  harmless: RegExp,
  hint: string,
): Promise<boolean> {
  const answer = await session.ask(action)
  if (field(answer, 'Response') === 'Success') return true
  const words = field(answer, 'Message').trim()
  if (harmless.test(words)) return false
  throw new AppError('PBX_REFUSED', `the PBX refused ${action.Action}: ${words.slice(0, 200)}`, {
    hint,
    retryable: true,
  })
}
