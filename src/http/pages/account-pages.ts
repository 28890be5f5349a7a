import type { Request } from 'express'
import { z } from 'zod'
import { Secret } from '../../domain/secret.ts'
import { AppError } from '../../errors.ts'
import type { Application } from '../../journeys/application.ts'
import type { AccountView } from '../../journeys/sign-in-view.ts'
import { sessionCookie } from '../caller.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { giveCookie, visitorOf } from '../session-cookie.ts'
import { type PageTools, pageText } from './layout.ts'
import { moment } from './moment.ts'
import { otherHostNote, passkeyAnswer, passkeyButton, passkeyScript } from './passkey-button.ts'
import { authenticatorSteps } from './second-factor-pages.ts'

const here = '/account'
const passwordForm = z.object({
  current: z.string().max(1_000).default(''),
  password: z.string().max(1_000),
  again: z.string().max(1_000),
})
const passkeyForm = z.object({ label: z.string().max(60).default(''), answer: z.string().min(2).max(20_000) })
const codeForm = z.object({ code: z.string().max(20) })

const done: Readonly<Record<string, string>> = {
  password: 'The password is changed, and every other session is ended.',
  authenticator: 'The authenticator app is set up.',
  'authenticator-removed': 'The authenticator app is removed.',
  passkey: 'The passkey is added.',
  'passkey-removed': 'The passkey is removed.',
  session: 'That session is ended.',
}

/** One's own account. Every deed goes by the cookie, so nobody reaches another's. */
export function accountPages(application: Application, tools: PageTools): readonly Route[] {
  const { account } = application
  const page = { answer: 'text/html' } as const
  const back = (what: string) => `${here}?done=${what}`
  return [
    route(
      'get',
      here,
      'read',
      { summary: 'My account', query: z.object({ done: z.string().max(40).optional() }).loose(), ...page },
      async ({ request, response, actor, query }) => {
        const view = await account.view(cookieOf(request))
        const said = query.done === undefined ? null : (done[query.done] ?? null)
        response
          .type('html')
          .send(pageText(tools, { title: 'My account', actor, here }, content(request, tools, view, said)))
      },
    ),
    route(
      'post',
      `${here}/password`,
      'read',
      { summary: 'Change my password', body: { form: passwordForm }, ...page },
      async ({ request, response, body }) => {
        if (body.password !== body.again)
          throw new AppError('INVALID_INPUT', 'the two new passwords are not the same', {
            hint: 'go back and type them again',
          })
        const { current, password } = body
        const visitor = visitorOf(request, tools)
        giveCookie(
          request,
          response,
          await account.changePassword(cookieOf(request), new Secret(current), new Secret(password), visitor),
        )
        response.redirect(303, back('password'))
      },
    ),
    route(
      'get',
      `${here}/authenticator`,
      'read',
      { summary: 'Set up an authenticator app', ...page },
      async ({ request, response, actor }) => {
        const key = await account.newAuthenticator(cookieOf(request))
        const title = 'Authenticator app'
        response.type('html').send(
          pageText(
            tools,
            { title, actor, here, trail: [{ name: 'My account', href: here }] },
            html`<section class="card narrow sign-in"><h1>${title}</h1>
${authenticatorSteps(tools, key)}
<form method="post" action="${here}/authenticator"><label>The code that the app shows<input name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="10" autofocus></label><button type="submit">Set it up</button></form></section>`,
          ),
        )
      },
    ),
    route(
      'post',
      `${here}/authenticator`,
      'read',
      { summary: 'Confirm the authenticator app', body: { form: codeForm }, ...page },
      async ({ request, response, body }) => {
        await account.confirmAuthenticator(cookieOf(request), body.code)
        response.redirect(303, back('authenticator'))
      },
    ),
    route(
      'post',
      `${here}/authenticator/remove`,
      'read',
      { summary: 'Remove the authenticator app', ...page },
      async ({ request, response }) => {
        await account.removeAuthenticator(cookieOf(request))
        response.redirect(303, back('authenticator-removed'))
      },
    ),
    route(
      'post',
      `${here}/passkeys`,
      'read',
      { summary: 'Add a passkey', body: { form: passkeyForm }, ...page },
      async ({ request, response, body }) => {
        await account.addPasskey(cookieOf(request), body.label, body.answer)
        response.redirect(303, back('passkey'))
      },
    ),
    route(
      'post',
      `${here}/passkeys/:id/remove`,
      'read',
      { summary: 'Remove a passkey', ...page },
      async ({ request, response, parameters }) => {
        await account.removePasskey(cookieOf(request), parameters.id)
        response.redirect(303, back('passkey-removed'))
      },
    ),
    route(
      'post',
      `${here}/sessions/:id/end`,
      'read',
      { summary: 'End one of my sessions', ...page },
      async ({ request, response, parameters }) => {
        await account.endSession(cookieOf(request), parameters.id)
        response.redirect(303, back('session'))
      },
    ),
  ]
}

/** A token and the local socket have none; the deed says so in words. */
function cookieOf(request: Request): string {
  return sessionCookie(request) ?? ''
}

function content(request: Request, tools: PageTools, view: AccountView, said: string | null): Html {
  return html`<div class="head"><h1>My account</h1></div>
${said !== null && html`<p class="notice good" role="status">${said}</p>`}
<div class="columns">
<section class="card"><h2>You</h2>
<dl class="facts"><dt>Name</dt><dd><bdi>${view.name}</bdi></dd><dt>E-mail address</dt><dd>${view.email}</dd><dt>Role</dt><dd>${view.role}</dd>
${view.singleSignOn && html`<dt>Single sign-on</dt><dd>linked; the role comes from there${!view.localWays && ', and it is the only way in'}</dd>`}</dl></section>
${secondFactor(request, view)}
${view.localWays && password(view)}
</div>
${sessions(view)}
${passkeyScript(tools)}`
}

function secondFactor(request: Request, view: AccountView): Html {
  const note = otherHostNote(request, view)
  return html`<section class="card"><h2>Second factor and passkeys</h2>
<p>${view.secondFactorNeeded ? `The role ${view.role} needs an authenticator app or a passkey beside the password.` : 'Your role can do without; it is safer with one.'} A passkey alone is a full sign-in.</p>
<div class="line"><span>Authenticator app</span> ${
    view.hasAuthenticator
      ? html`<span class="state open">set up</span><form method="post" action="${here}/authenticator/remove"><button class="quiet">Remove</button></form>`
      : html`<span class="state">none</span><a class="button quiet" role="button" href="${here}/authenticator">Set up</a>`
  }</div>
${view.passkeys.map(
  ({ id, label, createdAt, lastUsedAt }) =>
    html`<div class="line"><span><bdi>${label}</bdi><br><small>passkey, since ${moment(createdAt)}, ${lastUsedAt === null ? 'not used yet' : html`last used ${moment(lastUsedAt)}`}</small></span><form method="post" action="${here}/passkeys/${id}/remove"><button class="quiet" aria-label="Remove the passkey ${label}">Remove</button></form></div>`,
)}
${view.localWays && note === null && html`<form method="post" action="${here}/passkeys" class="add"><label>Name of a new passkey<input name="label" maxlength="60" placeholder="such as laptop"></label>${passkeyButton({ ask: 'create', label: 'Add a passkey', action: `${here}/passkeys`, options: view.passkeyCreation, quiet: true })}${passkeyAnswer}</form>`}
${view.localWays && note}</section>`
}

function password({ hasPassword, email }: AccountView): Html {
  return html`<section class="card"><h2>${hasPassword ? 'Change the password' : 'Set a password'}</h2>
<p>Every other session ends with it.</p>
<form method="post" action="${here}/password"><input type="hidden" name="username" autocomplete="username" value="${email}">
${hasPassword && html`<label>Password of now<input type="password" name="current" autocomplete="current-password" required maxlength="1000"></label>`}
<label>New password<input type="password" name="password" autocomplete="new-password" required maxlength="200"></label>
<label>New password again<input type="password" name="again" autocomplete="new-password" required maxlength="200"></label>
<button type="submit">${hasPassword ? 'Change it' : 'Set it'}</button></form></section>`
}

function sessions(view: AccountView): Html {
  return html`<section class="card"><h2>Where I am signed in</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Sessions"><table><thead><tr><th scope="col">From</th><th scope="col">Browser</th><th scope="col">How</th><th scope="col">Since</th><th scope="col">Last seen</th><th scope="col"><span class="off-screen">End</span></th></tr></thead><tbody>
${view.sessions.map(
  ({ id, own, how, createdAt, lastSeenAt, remoteAddress, userAgent }) =>
    html`<tr><th scope="row">${remoteAddress}</th><td>${browser(userAgent)}</td><td>${how}</td><td>${moment(createdAt)}</td><td>${moment(lastSeenAt)}</td><td>${own ? html`<span class="state open">this one</span>` : html`<form method="post" action="${here}/sessions/${id}/end"><button class="quiet" aria-label="End the session from ${remoteAddress}">End</button></form>`}</td></tr>`,
)}
</tbody></table></div></section>`
}

/** The whole line is for machines; a person wants to know which of their devices it is. */
function browser(userAgent: string | null): Html {
  if (userAgent === null) return html`unknown`
  const name = /Edg\//.test(userAgent)
    ? 'Edge'
    : (/(Firefox|Chrome|Safari)\//.exec(userAgent)?.[1] ?? 'another program')
  const system = /Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(userAgent)?.[0]
  return html`<span title="${userAgent}">${name}${system && ` on ${system.replace(' OS X', '')}`}</span>`
}
