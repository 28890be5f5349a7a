import type { TokenView } from '../journeys/application.ts'
import { path } from './api-client.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { type List, print, printJson, type Session } from './session.ts'
import { safe, table, when } from './terminal.ts'

/** The token alone on standard output, so that `TOKEN=$(ringfence token create …)` works; the rest beside it. */
export async function createToken(session: Session, role: string, label: string): Promise<ExitCode> {
  const created = await session.client.send<TokenView & { token: string }>({
    method: 'POST',
    path: '/tokens',
    json: { role, label },
  })
  if (session.json) printJson(session, created)
  else {
    session.terminal.err(`token ${created.id} of role ${created.role}; it is shown this once:`)
    session.terminal.out(created.token)
  }
  return exitCodes.ok
}

export async function listTokens(session: Session): Promise<ExitCode> {
  const list = await session.client.send<List<TokenView>>({ method: 'GET', path: '/tokens' })
  if (session.json) printJson(session, list)
  else if (list.items.length === 0) session.terminal.out('no tokens')
  else
    print(session, table(session.terminal, ['id', 'role', 'label', 'made', 'last used', 'state'], list.items.map(row)))
  return exitCodes.ok
}

export async function revokeToken(session: Session, id: string): Promise<ExitCode> {
  const view = await session.client.send<TokenView>({ method: 'DELETE', path: path`/tokens/${id}` })
  if (session.json) printJson(session, view)
  else session.terminal.out(`token ${safe(view.label)} is revoked`)
  return exitCodes.ok
}

function row({ id, role, label, createdAt, createdBy, lastUsedAt, revokedAt }: TokenView): string[] {
  return [
    id,
    role,
    safe(label),
    `${when(createdAt)} by ${safe(createdBy)}`,
    lastUsedAt === null ? 'never' : when(lastUsedAt),
    revokedAt === null ? 'live' : 'revoked',
  ]
}
