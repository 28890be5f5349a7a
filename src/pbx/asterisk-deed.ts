import { AppError } from '../errors.ts'
import { type AmiAction, type AmiSession, field } from './ami-conversation.ts'

/**
 * Takes something away; that it is gone already is what was wanted. The words are Asterisk's own (main/manager.c,
 * main/db.c; 22.10.1 says of an entry that is not there that it "could not be deleted"). The next look tells the rest.
 */
export async function actUnlessGone(session: AmiSession, action: AmiAction): Promise<void> {
  const answer = await session.ask(action)
  if (field(answer, 'Response') === 'Success') return
  const words = field(answer, 'Message').trim()
  if (/^(No such channel|Database entry (not found|could not be deleted))$/i.test(words)) return
  throw new AppError('PBX_REFUSED', `the PBX refused ${action.Action}: ${words.slice(0, 200)}`, {
    hint: 'the manager user needs `write = system` in manager.conf',
    retryable: true,
  })
}
