import type { EmployeeView } from '../journeys/application.ts'
import type { ResyncView } from '../journeys/phone-view.ts'
import { path } from './api-client.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { print, printJson, type Session } from './session.ts'
import { paint, safe, type Terminal, table } from './terminal.ts'
import { personLine, verdictLines } from './verdict-lines.ts'

/** Ends with `open` when nobody was told: a script that changed a file knows then that it must wait for the poll. */
export async function resyncHandset(session: Session, handsetId: string): Promise<ExitCode> {
  const asked = await session.client.send<ResyncView>({ method: 'POST', path: path`/handsets/${handsetId}/resync` })
  if (session.json) printJson(session, asked)
  else print(session, [askedLine(session.terminal, asked)])
  return asked.outcome === 'told' ? exitCodes.ok : exitCodes.open
}

export async function blankHandset(session: Session, handsetId: string): Promise<ExitCode> {
  const { terminal, client } = session
  const blanked = await client.send<{ readonly employee: EmployeeView; readonly words: string }>({
    method: 'POST',
    path: path`/handsets/${handsetId}/blank`,
  })
  if (session.json) printJson(session, blanked)
  else {
    const { employee, words } = blanked
    print(session, [personLine(terminal, employee), '', ...verdictLines(terminal, employee.access), '', safe(words)])
  }
  return exitCodes.ok
}

interface Passwords {
  readonly admin: string | null
  readonly user: string | null
}

/** Printed to whoever asked and nowhere else; the server has noted the look. */
export async function showPhonePasswords(session: Session, handsetId: string): Promise<ExitCode> {
  const passwords = await session.client.send<Passwords>({
    method: 'POST',
    path: path`/handsets/${handsetId}/passwords`,
  })
  if (session.json) printJson(session, passwords)
  else {
    const rows = (['admin', 'user'] as const).map((who) => [who, safe(passwords[who] ?? '(not set by its file)')])
    print(session, table(session.terminal, ['of the phone', 'password'], rows))
  }
  return exitCodes.ok
}

function askedLine(terminal: Terminal, { outcome, words }: ResyncView): string {
  return outcome === 'told'
    ? `${paint(terminal, 'good', '✓ told')}  ${safe(words)}`
    : `${paint(terminal, 'warn', `! ${outcome}`)}  ${safe(words)}`
}
