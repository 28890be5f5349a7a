import type { MailTest, MailView } from '../journeys/mail-view.ts'
import { path } from './api-client.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { findPerson, type List, print, printJson, type Session } from './session.ts'
import { safe, table, when } from './terminal.ts'

export async function testMail(session: Session, address: string): Promise<ExitCode> {
  const told = await session.client.send<MailTest>({ method: 'POST', path: '/mail/test', json: { address } })
  if (session.json) printJson(session, told)
  else
    session.terminal.out(
      `${safe(told.server)} took a letter from ${safe(told.from)} to ${safe(told.address)} in ${told.durationMs} ms. Look whether it arrives.`,
    )
  return exitCodes.ok
}

export async function listMails(session: Session, who: string): Promise<ExitCode> {
  const { id } = await findPerson(session, who)
  const list = await session.client.send<List<MailView>>({ method: 'GET', path: path`/employees/${id}/mails` })
  if (session.json) printJson(session, list)
  else if (list.items.length === 0) session.terminal.out('No mail was sent to this person.')
  else
    print(
      session,
      table(
        session.terminal,
        ['id', 'written', 'to', 'what became of it'],
        list.items.map((mail) => [mail.id, when(mail.createdAt), safe(mail.recipient), safe(mail.words)]),
      ),
    )
  return exitCodes.ok
}

export async function changeMail(session: Session, id: string, deed: 'retry' | 'cancel'): Promise<ExitCode> {
  const mail = await session.client.send<MailView>({ method: 'POST', path: `${path`/mails/${id}`}/${deed}` })
  if (session.json) printJson(session, mail)
  else session.terminal.out(`The mail to ${safe(mail.recipient)} is ${safe(mail.words)}.`)
  return exitCodes.ok
}
