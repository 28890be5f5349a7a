import { z } from 'zod'
import { roles } from '../../domain/token.ts'
import type { Application, TokenView } from '../../journeys/application.ts'
import { formKeyField } from '../form-key.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { roleWords } from './administrator-pages.ts'
import { type PageTools, pageText } from './layout.ts'
import { moment } from './moment.ts'

const here = '/tokens'
/** Which entry of the navigation leads here. */
const lit = '/administrators'
const tokenForm = z.object({ label: z.string().max(100), role: z.enum(roles) })

export function tokenPages(application: Application, tools: PageTools): readonly Route[] {
  const page = { answer: 'text/html' } as const
  const trail = [{ name: 'Administrators', href: lit }]
  return [
    route('get', here, 'administer', { summary: 'API tokens', ...page }, async ({ actor, response }) => {
      const frame = { title: 'API tokens', actor, here: lit, trail }
      response.type('html').send(pageText(tools, frame, list(await application.tokens())))
    }),
    route(
      'post',
      here,
      'administer',
      { summary: 'Make an API token', body: { form: tokenForm }, once: true, ...page },
      async ({ actor, body, response }) => {
        const { view, token } = await application.createToken(body.label, body.role, actor)
        const frame = { title: 'New token', actor, here: lit, trail: [...trail, { name: 'API tokens', href: here }] }
        response
          .status(201)
          .type('html')
          .send(
            pageText(
              tools,
              frame,
              html`<section class="card narrow"><h1><bdi>${view.label}</bdi></h1>
<p class="notice wait">The token is shown this once. It opens the API as ${view.role}: keep it where only its program reads it.</p>
<p class="secret"><code>${token.reveal()}</code></p><p><a href="${here}">Back to the list</a></p></section>`,
            ),
          )
      },
    ),
    route(
      'post',
      `${here}/:id/revoke`,
      'administer',
      { summary: 'Revoke an API token', ...page },
      async ({ actor, parameters, response }) => {
        await application.revokeToken(parameters.id, actor)
        response.redirect(303, here)
      },
    ),
  ]
}

function list(tokens: readonly TokenView[]): Html {
  const newest = tokens.toReversed()
  return html`<div class="head"><h1>API tokens</h1></div>
<section class="card"><h2>Make one</h2><form method="post" action="${here}" class="make">${formKeyField()}
<label>What will use it<input name="label" required maxlength="80" placeholder="such as HR script" autocomplete="off"></label>
<label>Role<select name="role">${roles.toReversed().map((role) => html`<option value="${role}">${role}: ${roleWords[role]}</option>`)}</select></label>
<button type="submit">Make a token</button></form></section>
<section class="card"><div class="scroll" tabindex="0" role="region" aria-label="Tokens"><table><thead><tr><th scope="col">Used by</th><th scope="col">Role</th><th scope="col">Made</th><th scope="col">Last used</th><th scope="col">State</th></tr></thead><tbody>
${newest.map(row)}
${newest.length === 0 && html`<tr><td colspan="5">There are none.</td></tr>`}
</tbody></table></div></section>`
}

function row({ id, label, role, createdAt, createdBy, lastUsedAt, revokedAt }: TokenView): Html {
  return html`<tr><th scope="row"><bdi>${label}</bdi></th><td>${role}</td><td>${moment(createdAt)}<br><small>by ${createdBy}</small></td><td>${lastUsedAt === null ? 'never' : moment(lastUsedAt)}</td><td>${
    revokedAt === null
      ? html`<form method="post" action="${here}/${id}/revoke"><span class="state open">live</span> <button class="quiet" aria-label="Revoke the token ${label}">Revoke</button></form>`
      : html`<span class="state shut">revoked</span>`
  }</td></tr>`
}
