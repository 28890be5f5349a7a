/** API tokens under /api/v1. */
import type { Application } from '../journeys/application.ts'
import { createdToken, listOf, token, tokenRequest } from './api-shapes.ts'
import { type Route, route, v1 } from './route.ts'

export function tokenRoutes(application: Application): readonly Route[] {
  return [
    route(
      'post',
      `${v1}/tokens`,
      'administer',
      { summary: 'Make an API token', body: tokenRequest, answer: createdToken, status: 201 },
      async ({ body, actor }) => {
        const { view, token: secret } = await application.createToken(body.label, body.role, actor)
        return { ...view, token: secret.reveal() }
      },
    ),
    route(
      'get',
      `${v1}/tokens`,
      'administer',
      { summary: 'All API tokens, without their text', answer: listOf(token) },
      async () => ({
        items: await application.tokens(),
      }),
    ),
    route(
      'delete',
      `${v1}/tokens/:id`,
      'administer',
      { summary: 'Revoke an API token', answer: token },
      ({ parameters, actor }) => application.revokeToken(parameters.id, actor),
    ),
  ]
}
