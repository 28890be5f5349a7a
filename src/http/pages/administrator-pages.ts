import { z } from 'zod'
import { type Role, roles } from '../../domain/token.ts'
import { AppError } from '../../errors.ts'
import type { Application } from '../../journeys/application.ts'
import type { AdministratorLink, AdministratorView } from '../../journeys/sign-in-view.ts'
import { formKeyField } from '../form-key.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { type PageTools, pageText } from './layout.ts'
import { moment } from './moment.ts'

const here = '/administrators'
const inviteForm = z.object({ name: z.string().max(500), email: z.string().max(500), role: z.enum(roles) })
const roleForm = z.object({ role: z.enum(roles) })
const trail = [{ name: 'Administrators', href: here }]

export const roleWords: Readonly<Record<Role, string>> = {
  owner: 'everything, also administrators and API tokens',
  admin: 'onboards, offboards and takes phones back',
  helpdesk: 'onboards and sends new links; sees no secret',
  auditor: 'reads and exports',
}

export function administratorPages(application: Application, tools: PageTools): readonly Route[] {
  const { administrators } = application
  const page = { answer: 'text/html' } as const
  const one = async (id: string): Promise<AdministratorView> => {
    const found = (await administrators.list()).find((each) => each.id === id)
    if (found) return found
    throw new AppError('NOT_FOUND', 'there is no such administrator', { hint: 'look at the list' })
  }
  return [
    route('get', here, 'administer', { summary: 'Administrators', ...page }, async ({ actor, response }) => {
      response
        .type('html')
        .send(pageText(tools, { title: 'Administrators', actor, here }, list(await administrators.list())))
    }),
    route(
      'post',
      here,
      'administer',
      { summary: 'Invite an administrator', body: { form: inviteForm }, once: true, ...page },
      async ({ actor, body, response }) => {
        const made = await administrators.invite(body, actor)
        response
          .status(201)
          .type('html')
          .send(pageText(tools, { title: 'Invited', actor, here, trail }, oneTimeLink(made)))
      },
    ),
    route(
      'get',
      `${here}/:id`,
      'administer',
      { summary: 'One administrator', ...page },
      async ({ actor, parameters, response }) => {
        const view = await one(parameters.id)
        response.type('html').send(pageText(tools, { title: view.name, actor, here, trail }, single(view)))
      },
    ),
    route(
      'post',
      `${here}/:id/role`,
      'administer',
      { summary: 'Another role', body: { form: roleForm }, ...page },
      async ({ actor, parameters: { id }, body, response }) => {
        await administrators.setRole(id, body.role, actor)
        response.redirect(303, `${here}/${encodeURIComponent(id)}`)
      },
    ),
    route(
      'post',
      `${here}/:id/recovery`,
      'administer',
      { summary: 'A link to come back in', body: { form: z.object({}) }, once: true, ...page },
      async ({ actor, parameters: { id }, response }) => {
        const made = await administrators.recover(id, actor)
        response
          .status(201)
          .type('html')
          .send(pageText(tools, { title: 'Recovery link', actor, here, trail }, oneTimeLink(made)))
      },
    ),
    route(
      'post',
      `${here}/:id/disable`,
      'administer',
      { summary: 'Disable an administrator', ...page },
      async ({ actor, parameters: { id }, response }) => {
        await administrators.disable(id, actor)
        response.redirect(303, `${here}/${encodeURIComponent(id)}`)
      },
    ),
  ]
}

function list(all: readonly AdministratorView[]): Html {
  const present = all.filter(({ disabledAt }) => disabledAt === null)
  const gone = all.filter(({ disabledAt }) => disabledAt !== null)
  return html`<div class="head"><h1>Administrators</h1><div class="actions"><a class="button quiet" role="button" href="/tokens">API tokens</a></div></div>
<section class="card"><div class="scroll"><table><thead><tr><th scope="col">Name</th><th scope="col">E-mail address</th><th scope="col">Role</th><th scope="col">Signs in with</th><th scope="col">Last seen</th></tr></thead><tbody>
${present.map(row)}
${present.length === 0 && html`<tr><td colspan="5">Nobody yet. Whoever opens the link of the first owner comes first.</td></tr>`}
</tbody></table></div></section>
<section class="card"><h2>Invite somebody</h2>
<form method="post" action="${here}" class="make">${formKeyField()}
<label>Name<input name="name" required maxlength="120" autocomplete="off"></label>
<label>E-mail address<input type="email" name="email" required maxlength="254" autocomplete="off"></label>
<label>Role<select name="role">${roles.map((role) => html`<option value="${role}"${role === 'helpdesk' && html` selected`}>${role}: ${roleWords[role]}</option>`)}</select></label>
<button type="submit">Make a link</button></form>
<p><small>Use the address that they have as an employee: when they leave, their way into the console is shut with their phones.</small></p></section>
${
  gone.length > 0 &&
  html`<details class="card"><summary>Disabled (${gone.length})</summary><div class="scroll"><table><thead><tr><th scope="col">Name</th><th scope="col">E-mail address</th><th scope="col">Role</th><th scope="col">Disabled</th></tr></thead><tbody>
${gone.map(({ id, name, email, role, disabledAt }) => html`<tr><th scope="row"><a href="${here}/${id}"><bdi>${name}</bdi></a></th><td>${email}</td><td>${role}</td><td>${moment(disabledAt ?? '')}</td></tr>`)}
</tbody></table></div></details>`
}`
}

function row({ id, name, email, role, ways, lastSeenAt }: AdministratorView): Html {
  return html`<tr><th scope="row"><a href="${here}/${id}"><bdi>${name}</bdi></a></th><td>${email}</td><td>${role}</td><td>${ways.length > 0 ? ways.join(', ') : html`<span class="state waiting">link not used yet</span>`}</td><td>${lastSeenAt === null ? 'never' : moment(lastSeenAt)}</td></tr>`
}

function single(view: AdministratorView): Html {
  const { id, name, email, role, createdAt, createdBy, disabledAt, ways, lastSeenAt } = view
  return html`<div class="head"><h1><bdi>${name}</bdi></h1>${disabledAt === null ? html`<span class="state open">may sign in</span>` : html`<span class="state shut">disabled</span>`}</div>
<div class="columns">
<section class="card"><h2>Who</h2><dl class="facts"><dt>E-mail address</dt><dd>${email}</dd><dt>Role</dt><dd>${role}: ${roleWords[role]}</dd><dt>Signs in with</dt><dd>${ways.length > 0 ? ways.join(', ') : 'nothing'}</dd><dt>Last seen</dt><dd>${lastSeenAt === null ? 'never' : moment(lastSeenAt)}</dd><dt>Made</dt><dd>${moment(createdAt)} by ${createdBy}</dd>${disabledAt !== null && html`<dt>Disabled</dt><dd>${moment(disabledAt)}</dd>`}</dl></section>
${
  disabledAt === null &&
  html`<section class="card"><h2>Role</h2><form method="post" action="${here}/${id}/role"><label>New role<select name="role">${roles.map((each) => html`<option value="${each}"${each === role && html` selected`}>${each}: ${roleWords[each]}</option>`)}</select></label><button class="quiet" type="submit">Change the role</button></form></section>
<section class="card"><h2>Lost the phone or the password?</h2><p>A one-time link sets up a new password or passkey. What they have now goes when the link is used.</p><form method="post" action="${here}/${id}/recovery">${formKeyField()}<button class="quiet" type="submit">Make a recovery link</button></form></section>
<section class="card"><h2>Disable</h2><p>Ends their sessions, removes passkeys, password and authenticator app, and revokes the API tokens that they made. This cannot be undone; they can be invited again.</p><form method="post" action="${here}/${id}/disable"><button class="danger" type="submit">Disable ${name}</button></form></section>`
}
</div>`
}

function oneTimeLink({ administrator, link, expiresAt }: AdministratorLink): Html {
  return html`<section class="card narrow"><h1>A link for <bdi>${administrator.name}</bdi></h1>
<p class="notice wait">It is shown this once. Whoever opens it is ${administrator.role} here: hand it over in person or by a way that only they read.</p>
<p class="secret"><code>${link.reveal()}</code></p>
<p>It works once, until ${moment(expiresAt)}.</p>
<p><a href="${here}">Back to the list</a></p></section>`
}
