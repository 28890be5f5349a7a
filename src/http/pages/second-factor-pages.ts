import type { Request } from 'express'
import { z } from 'zod'
import type { Application } from '../../journeys/application.ts'
import type { SecondStep, SignedIn } from '../../journeys/sign-in-view.ts'
import { sessionCookie } from '../caller.ts'
import { type Html, html, trusted } from '../html.ts'
import { type Route, route } from '../route.ts'
import { giveCookie, localPath, visitorOf } from '../session-cookie.ts'
import { type PageTools, pageText } from './layout.ts'
import { passkeyAnswer, passkeyButton, passkeyScript } from './passkey-button.ts'
import { answerForm } from './sign-in-pages.ts'

const here = '/sign-in/second-factor'
const wrongs = ['code', 'passkey'] as const
type Wrong = (typeof wrongs)[number]
const wrongWords: Readonly<Record<Wrong, string>> = {
  code: 'This code is not right, or was used already. Wait for the next one; check that the clock of the phone is right.',
  passkey: 'The passkey could not be checked. Try again.',
}
const codeForm = z.object({ code: z.string().max(20), next: z.string().max(500).optional() })

/** After the password. Nothing else can be done with such a session, so these look at its cookie themselves. */
export function secondFactorPages(application: Application, tools: PageTools): readonly Route[] {
  const { signIn } = application
  type Try = (cookie: string) => Promise<SignedIn | null>

  /** The page, or the way to the beginning when there is no such session (any more). */
  const show = async (
    request: Request,
    response: Parameters<typeof giveCookie>[1],
    to: string,
    problem: string | null,
  ) => {
    const cookie = sessionCookie(request)
    const step = cookie === null ? null : await signIn.secondStep(cookie)
    if (step === null) return response.redirect(303, `/sign-in?next=${encodeURIComponent(to)}`)
    const title = step.step === 'ask' ? 'One more step' : 'Set up a second factor'
    response.type('html').send(pageText(tools, { title, actor: null }, content(request, tools, step, to, problem)))
  }
  const attempt = async (
    request: Request,
    response: Parameters<typeof giveCookie>[1],
    to: string,
    wrong: Wrong,
    deed: Try,
  ) => {
    const cookie = sessionCookie(request)
    const signedIn = cookie === null ? null : await deed(cookie)
    // Not the page itself: a reload would send the code again, and count as another guess.
    if (signedIn === null) return response.redirect(303, `${here}?wrong=${wrong}&next=${encodeURIComponent(to)}`)
    giveCookie(request, response, signedIn)
    response.redirect(303, to)
  }
  return [
    route(
      'get',
      here,
      'public',
      {
        summary: 'The second factor',
        query: z
          .object({ next: z.string().max(500).optional(), wrong: z.enum(wrongs).optional().catch(undefined) })
          .loose(),
        answer: 'text/html',
      },
      ({ request, response, query }) =>
        show(request, response, localPath(query.next), query.wrong ? wrongWords[query.wrong] : null),
    ),
    route(
      'post',
      here,
      'public',
      { summary: 'Code of the authenticator app', body: { form: codeForm }, answer: 'text/html' },
      ({ request, response, body }) =>
        attempt(request, response, localPath(body.next), 'code', (cookie) =>
          signIn.withCode(cookie, body.code, visitorOf(request, tools)),
        ),
    ),
    route(
      'post',
      `${here}/authenticator`,
      'public',
      { summary: 'Set up the authenticator app', body: { form: codeForm }, answer: 'text/html' },
      ({ request, response, body }) =>
        attempt(request, response, localPath(body.next), 'code', (cookie) =>
          signIn.enrolCode(cookie, body.code, visitorOf(request, tools)),
        ),
    ),
    route(
      'post',
      `${here}/passkey`,
      'public',
      { summary: 'Set up a passkey', body: { form: answerForm }, answer: 'text/html' },
      ({ request, response, body }) =>
        attempt(request, response, localPath(body.next), 'passkey', (cookie) =>
          signIn.enrolPasskey(cookie, body.answer, visitorOf(request, tools)),
        ),
    ),
  ]
}

function content(request: Request, tools: PageTools, step: SecondStep, to: string, problem: string | null): Html {
  const hidden = html`<input type="hidden" name="next" value="${to}">`
  const passkeys = step.passkeyHost === request.hostname
  const alert = problem !== null && html`<p class="notice bad" role="alert">${problem}</p>`
  const leave = html`<form method="post" action="/sign-out"><button class="quiet">Cancel</button></form>`
  if (step.step === 'ask')
    return html`<section class="card narrow sign-in">
<h1>One more step</h1>
<p>Signing in as <bdi>${step.email}</bdi>.</p>
${alert}
${
  step.code &&
  html`<form method="post" action="${here}">${hidden}
<label>Code from your authenticator app<input name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus maxlength="10"></label>
<button type="submit">Go on</button></form>`
}
${passkeys && step.passkeyRequest !== null && html`<form method="post" action="/sign-in/passkey">${hidden}${passkeyButton({ ask: 'get', label: 'Use a passkey', action: '/sign-in/passkey', options: step.passkeyRequest, quiet: step.code })}${passkeyAnswer}</form>`}
${leave}
</section>
${passkeyScript(tools)}`
  return html`<section class="card narrow sign-in">
<h1>Set up a second factor</h1>
<p>Your role can take phones away, so a password alone is not enough for <bdi>${step.email}</bdi>. This is done once.</p>
${alert}
${
  passkeys &&
  html`<h2>A passkey</h2><p>Fingerprint, face or PIN of this device, or a security key.</p>
<form method="post" action="${here}/passkey">${hidden}${passkeyButton({ ask: 'create', label: 'Create a passkey', action: `${here}/passkey`, options: step.passkeyCreation })}${passkeyAnswer}</form>`
}
<h2>${passkeys && 'Or an'}${!passkeys && 'An'} authenticator app</h2>
${authenticatorSteps(tools, step.key)}
<form method="post" action="${here}/authenticator">${hidden}
<label>The code that the app shows<input name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="10"></label>
<button type="submit">Go on</button></form>
${leave}
</section>
${passkeyScript(tools)}`
}

export function authenticatorSteps(
  { drawQr }: PageTools,
  { readable, address }: Extract<SecondStep, { step: 'enrol' }>['key'],
): Html {
  return html`<p>Scan this with any authenticator app, or type the key.</p>
${drawQr && html`<div class="qr">${trusted(drawQr(address.reveal(), 'address', 'QR code for the authenticator app'))}</div>`}
<p class="key"><code>${readable.reveal()}</code></p>`
}
