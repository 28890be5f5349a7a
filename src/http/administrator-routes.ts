/** Administrators under /api/v1; the command line is built on it. */
import { z } from 'zod'
import { roles } from '../domain/token.ts'
import type { Application } from '../journeys/application.ts'
import type { AdministratorLink } from '../journeys/sign-in-view.ts'
import { emptyRequest, listOf } from './api-shapes.ts'
import { type Route, route, v1 } from './route.ts'

const at = `${v1}/administrators`

const administrator = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  role: z.enum(roles),
  createdAt: z.string(),
  createdBy: z.string(),
  disabledAt: z.string().nullable(),
  ways: z.array(z.string()).describe('how they sign in; empty: the link was not used yet'),
  lastSeenAt: z.string().nullable(),
})
const invited = administrator.extend({
  setupUrl: z.string().describe('a secret; good once, shown this once'),
  setupExpiresAt: z.string(),
})
const invitation = z.strictObject({ name: z.string().max(500), email: z.string().max(500), role: z.enum(roles) })
const newRole = z.strictObject({ role: z.enum(roles) })

export function administratorRoutes({ administrators }: Application): readonly Route[] {
  return [
    route('get', at, 'administer', { summary: 'All administrators', answer: listOf(administrator) }, async () => ({
      items: await administrators.list(),
    })),
    route(
      'post',
      at,
      'administer',
      { summary: 'Invite an administrator by a one-time link', body: invitation, answer: invited, status: 201 },
      async ({ body, actor }) => withLink(await administrators.invite(body, actor)),
    ),
    route(
      'post',
      `${at}/:id/recovery`,
      'administer',
      { summary: 'A one-time link to come back in', body: emptyRequest, answer: invited, status: 201 },
      async ({ parameters, actor }) => withLink(await administrators.recover(parameters.id, actor)),
    ),
    route(
      'post',
      `${at}/:id/role`,
      'administer',
      { summary: 'Another role', body: newRole, answer: administrator },
      ({ parameters, body, actor }) => administrators.setRole(parameters.id, body.role, actor),
    ),
    route(
      'delete',
      `${at}/:id`,
      'administer',
      { summary: 'Disable an administrator, by id or e-mail address', answer: administrator },
      ({ parameters, actor }) => administrators.disable(parameters.id, actor),
    ),
  ]
}

function withLink({ administrator: view, link, expiresAt }: AdministratorLink) {
  return { ...view, setupUrl: link.reveal(), setupExpiresAt: expiresAt }
}
