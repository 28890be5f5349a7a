import type { Request } from 'express'
import { z } from 'zod'
import { Secret } from '../../domain/secret.ts'
import type { Application } from '../../journeys/application.ts'
import type { SignInWays } from '../../journeys/sign-in-view.ts'
import { sessionCookie } from '../caller.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { giveCookie, givePending, localPath, takeCookie, takePending, visitorOf } from '../session-cookie.ts'
import { type PageTools, pageText } from './layout.ts'
import { otherHostNote, passkeyAnswer, passkeyButton, passkeyScript } from './passkey-button.ts'

const next = z.string().max(500).optional()
const passwordForm = z.object({ email: z.string().max(254), password: z.string().max(1_000), next })
export const answerForm = z.object({ answer: z.string().min(2).max(20_000), next })
const nextQuery = z.object({ next }).loose()

const page_ = 'text/html'

/** How one comes in and goes out. Public, since whoever asks is nobody yet; each deed looks at what it is given. */
export function signInPages(application: Application, tools: PageTools): readonly Route[] {
  const { signIn } = application
  const page = async (request: Request, to: string, problem: string | null, email = '') =>
    pageText(
      tools,
      { title: 'Sign in', actor: null },
      signInForm({ request, tools, ways: await signIn.ways(), to, problem, email }),
    )
  const wrong =
    'That is not right. Check the e-mail address and the password; after several tries each one takes longer.'

  return [
    route('get', '/sign-in', 'public', { summary: 'Sign in', query: nextQuery, answer: page_ }, async (call) => {
      const { request, response, query } = call
      const to = localPath(query.next)
      const cookie = sessionCookie(request)
      if (cookie !== null && (await application.authenticateSession(cookie)) !== null) return response.redirect(303, to)
      if (cookie !== null && (await signIn.secondStep(cookie)) !== null)
        return response.redirect(303, `/sign-in/second-factor?next=${encodeURIComponent(to)}`)
      response.type('html').send(await page(request, to, null))
    }),
    route(
      'post',
      '/sign-in',
      'public',
      { summary: 'Sign in with a password', body: { form: passwordForm }, answer: page_ },
      async (call) => {
        const { request, response, body, signal } = call
        const to = localPath(body.next)
        const visitor = visitorOf(request, tools)
        const signedIn = await signIn.withPassword(body.email, new Secret(body.password), visitor, signal)
        if (signedIn === null)
          return void response
            .status(422)
            .type('html')
            .send(await page(request, to, wrong, body.email))
        giveCookie(request, response, signedIn)
        if (signedIn.next === 'console') return response.redirect(303, to)
        response.redirect(303, `/sign-in/second-factor?next=${encodeURIComponent(to)}`)
      },
    ),
    route(
      'post',
      '/sign-in/passkey',
      'public',
      { summary: 'Sign in with a passkey', body: { form: answerForm }, answer: page_ },
      async (call) => {
        const { request, response, body } = call
        const to = localPath(body.next)
        const signedIn = await signIn.withPasskey(body.answer, visitorOf(request, tools))
        if (signedIn === null) {
          const problem = 'This passkey is not known here, or the page was open for too long. Try again.'
          return void response
            .status(422)
            .type('html')
            .send(await page(request, to, problem))
        }
        giveCookie(request, response, signedIn)
        response.redirect(303, to)
      },
    ),
    route(
      'get',
      '/sign-in/sso',
      'public',
      { summary: 'Begin single sign-on', query: nextQuery, answer: page_ },
      async ({ request, response, query }) => {
        const { url, sealed } = await signIn.beginSingleSignOn(localPath(query.next))
        givePending(request, response, sealed)
        response.redirect(303, url)
      },
    ),
    route(
      'get',
      '/sign-in/callback',
      'public',
      { summary: 'The provider sends the browser back', answer: page_ },
      async ({ request, response }) => {
        const pending = takePending(request, response)
        const done =
          pending === null ? null : await signIn.finishSingleSignOn(request.url, pending, visitorOf(request, tools))
        if (done === null) {
          const problem =
            'Single sign-on did not let you in. Start again; if it stays so, ask an owner which of your groups has a role here.'
          return void response
            .status(422)
            .type('html')
            .send(await page(request, '/', problem))
        }
        giveCookie(request, response, done.signedIn)
        // Not a redirect: the browser came from another site and would not send the new, strict cookie along with it.
        const to = localPath(done.next)
        const content = html`<section class="card narrow"><h1>Signed in</h1><meta http-equiv="refresh" content="0; url=${to}"><p><a href="${to}">Go on</a></p></section>`
        response.type('html').send(pageText(tools, { title: 'Signed in', actor: null }, content))
      },
    ),
    route('post', '/sign-out', 'public', { summary: 'Sign out', answer: page_ }, async ({ request, response }) => {
      const cookie = sessionCookie(request)
      if (cookie !== null) await signIn.out(cookie)
      takeCookie(request, response)
      response.redirect(303, '/sign-in')
    }),
  ]
}

interface SignInForm {
  readonly request: Request
  readonly tools: PageTools
  readonly ways: SignInWays
  readonly to: string
  readonly problem: string | null
  /** As it was typed; with it the password is what is to be typed again. */
  readonly email: string
}

function signInForm({ request, tools, ways, to, problem, email }: SignInForm): Html {
  const note = otherHostNote(request, ways)
  const { singleSignOn, firstOwner } = ways
  return html`<section class="card narrow sign-in">
<h1>Sign in</h1>
${problem !== null && html`<p class="notice bad" role="alert">${problem}</p>`}
${firstOwner && html`<p class="notice wait">Nobody can sign in here yet. The server printed a link for its first owner when it started; <code>ringfence admin create</code> on the server makes another.</p>`}
<form method="post" action="/sign-in">
<input type="hidden" name="next" value="${to}">
<label>E-mail address<input type="email" name="email" autocomplete="username" required${email === '' && html` autofocus`} maxlength="254" value="${email}"></label>
<label>Password<input type="password" name="password" autocomplete="current-password" required${email !== '' && html` autofocus`} maxlength="1000"></label>
<button type="submit">Sign in</button>
</form>
${(note === null || singleSignOn !== null) && html`<p class="or"${singleSignOn === null && html` hidden data-with-passkey`}>or</p>`}
${note === null && html`<form method="post" action="/sign-in/passkey"><input type="hidden" name="next" value="${to}">${passkeyButton({ ask: 'get', label: 'Sign in with a passkey', action: '/sign-in/passkey', options: ways.passkeyRequest, quiet: true })}${passkeyAnswer}</form>`}
${singleSignOn !== null && html`<a class="button quiet wide" role="button" href="/sign-in/sso?next=${encodeURIComponent(to)}">Sign in with ${singleSignOn}</a>`}
${note}
</section>
${passkeyScript(tools)}`
}
