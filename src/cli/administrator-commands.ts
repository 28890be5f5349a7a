import type { AdministratorView } from '../journeys/sign-in-view.ts'
import { path } from './api-client.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { type List, print, printJson, type Session } from './session.ts'
import { safe, table, when } from './terminal.ts'

type Linked = AdministratorView & { readonly setupUrl: string; readonly setupExpiresAt: string }

export async function listAdministrators(session: Session): Promise<ExitCode> {
  const list = await session.client.send<List<AdministratorView>>({ method: 'GET', path: '/administrators' })
  if (session.json) printJson(session, list)
  else if (list.items.length === 0) session.terminal.out('no administrators; `ringfence admin create` makes the first')
  else
    print(
      session,
      table(session.terminal, ['e-mail', 'name', 'role', 'signs in with', 'last seen'], list.items.map(row)),
    )
  return exitCodes.ok
}

export async function createAdministrator(
  session: Session,
  invitation: { readonly name: string; readonly email: string; readonly role: string },
): Promise<ExitCode> {
  const { name, email, role } = invitation
  const json = { name, email, role }
  return shown(session, await session.client.send<Linked>({ method: 'POST', path: '/administrators', json }))
}

export async function recoverAdministrator(session: Session, who: string): Promise<ExitCode> {
  const target = path`/administrators/${who}/recovery`
  return shown(session, await session.client.send<Linked>({ method: 'POST', path: target, json: {} }))
}

export async function disableAdministrator(session: Session, who: string): Promise<ExitCode> {
  const view = await session.client.send<AdministratorView>({ method: 'DELETE', path: path`/administrators/${who}` })
  if (session.json) printJson(session, view)
  else session.terminal.out(`${safe(view.email)} cannot sign in any more`)
  return exitCodes.ok
}

/** The link alone on standard output, so that it can be piped to where it belongs; the rest beside it. */
function shown(session: Session, linked: Linked): ExitCode {
  if (session.json) printJson(session, linked)
  else {
    const { email, role, setupUrl, setupExpiresAt } = linked
    session.terminal.err(`${safe(email)}, ${role}; the link works once, until ${when(setupExpiresAt)}:`)
    session.terminal.out(setupUrl)
  }
  return exitCodes.ok
}

function row({ name, email, role, ways, lastSeenAt, disabledAt }: AdministratorView): string[] {
  const how = disabledAt !== null ? 'disabled' : ways.length > 0 ? ways.join(', ') : 'link not used yet'
  return [safe(email), safe(name), role, how, lastSeenAt === null ? 'never' : when(lastSeenAt)]
}
