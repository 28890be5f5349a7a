import type { Request, Response } from 'express'
import { z } from 'zod'
import type { Problem } from '../../domain/parse.ts'
import { Secret } from '../../domain/secret.ts'
import { AppError } from '../../errors.ts'
import type { Application } from '../../journeys/application.ts'
import type { SetupView, SignedIn } from '../../journeys/sign-in-view.ts'
import { sentence } from '../console-words.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { giveCookie, visitorOf } from '../session-cookie.ts'
import { type PageTools, pageText } from './layout.ts'
import { otherHostNote, passkeyAnswer, passkeyButton, passkeyScript } from './passkey-button.ts'

const who = { name: z.string().max(500).default(''), email: z.string().max(500).default('') }
const passwordForm = z.object({ ...who, password: z.string().max(1_000), again: z.string().max(1_000) })
const passkeyForm = z.object({ ...who, answer: z.string().min(2).max(20_000) })

type Who = z.output<typeof passkeyForm> | z.output<typeof passwordForm>

/** The one-time link. A wrong, used and outdated one look alike. */
export function setUpPages(application: Application, tools: PageTools): readonly Route[] {
  const { signIn } = application

  const show = async (
    request: Request,
    response: Response,
    token: string,
    typed: Partial<Who>,
    problems: readonly Problem[],
  ) => {
    const view = await signIn.setup(token)
    if (view === null) throw gone()
    response
      .status(problems.length === 0 ? 200 : 422)
      .type('html')
      .send(
        pageText(tools, { title: titles[view.purpose], actor: null }, content(request, tools, view, typed, problems)),
      )
  }
  const attempt = async (
    request: Request,
    response: Response,
    token: string,
    typed: Who,
    deed: () => Promise<SignedIn | null>,
  ) => {
    try {
      const signedIn = await deed()
      if (signedIn === null) throw gone()
      giveCookie(request, response, signedIn)
      response.redirect(303, signedIn.next === 'console' ? '/' : '/sign-in/second-factor')
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'INVALID_INPUT') throw error
      const { message, hint } = error
      await show(
        request,
        response,
        token,
        typed,
        error.problems.length > 0 ? error.problems : [{ message, ...(hint ? { hint } : {}) }],
      )
    }
  }

  return [
    route(
      'get',
      '/setup/:token',
      'public',
      { summary: 'A one-time link', answer: 'text/html' },
      ({ request, response, parameters }) => show(request, response, parameters.token, {}, []),
    ),
    route(
      'post',
      '/setup/:token',
      'public',
      { summary: 'Set a password', body: { form: passwordForm }, answer: 'text/html' },
      ({ request, response, parameters: { token }, body }) =>
        attempt(request, response, token, body, async () => {
          if (body.password !== body.again)
            throw new AppError('INVALID_INPUT', 'the two passwords are not the same', {
              problems: [{ field: 'again', message: 'the two passwords are not the same', hint: 'type both again' }],
            })
          return signIn.setupWithPassword(token, body, new Secret(body.password), visitorOf(request, tools))
        }),
    ),
    route(
      'post',
      '/setup/:token/passkey',
      'public',
      { summary: 'Set a passkey', body: { form: passkeyForm }, answer: 'text/html' },
      ({ request, response, parameters: { token }, body }) =>
        attempt(request, response, token, body, () =>
          signIn.setupWithPasskey(token, body, body.answer, visitorOf(request, tools)),
        ),
    ),
  ]
}

const titles: Readonly<Record<SetupView['purpose'], string>> = {
  'first-owner': 'Become the owner',
  new: 'Your way in',
  recovery: 'Come back in',
}

function gone(): AppError {
  return new AppError('NOT_FOUND', 'this link works no more', {
    hint: 'it is good once and for 24 hours; on the server `ringfence admin recover` or a new start makes another',
  })
}

function content(
  request: Request,
  tools: PageTools,
  view: SetupView,
  typed: Partial<Who>,
  problems: readonly Problem[],
): Html {
  const { purpose, email, name, role } = view
  const note = otherHostNote(request, view)
  const wrong = new Set(problems.map(({ field }) => field))
  const marked = (field: string) => wrong.has(field) && html` aria-invalid="true"`
  const at = request.path.replace(/\/passkey$/, '')
  return html`<section class="card narrow sign-in">
<h1>${titles[purpose]}</h1>
${purpose === 'first-owner' && html`<p>This console has nobody yet. The owner makes all others, and is the only one who can.</p>`}
${purpose === 'new' && html`<p>Hello <bdi>${name}</bdi>. You are to be <strong>${role}</strong> here, as <bdi>${email}</bdi>.</p>`}
${purpose === 'recovery' && html`<p>Hello <bdi>${name}</bdi>. What you had as <bdi>${email}</bdi>, password, authenticator app, passkeys and open sessions, ends with this.</p>`}
${problems.map(({ message, hint }) => html`<p class="notice bad" role="alert">${sentence(message)}${hint && html` ${sentence(hint)}`}</p>`)}
${note}
<form method="post" action="${at}">
${
  email === null &&
  html`<label>Your name<input name="name" data-who autocomplete="name" required maxlength="120" autofocus${marked('name')} value="${typed.name ?? ''}"></label>
<label>E-mail address<input type="email" name="email" data-who autocomplete="username" required maxlength="254"${marked('email')} value="${typed.email ?? ''}"></label>`
}
${email !== null && html`<input type="hidden" name="username" autocomplete="username" value="${email}">`}
${
  note === null &&
  html`<div hidden data-with-passkey class="way"><h2>With a passkey</h2>
<p>Fingerprint, face or PIN of this device, or a security key. Nothing to remember, and nothing else is needed.</p></div>
${passkeyButton({ ask: 'create', label: 'Create a passkey', action: `${at}/passkey`, options: view.passkeyCreation })}
${passkeyAnswer}`
}
<h2>${note === null ? 'Or with a password' : 'With a password'}</h2>
${(role === 'owner' || role === 'admin') && html`<p>As ${role} you set up a second factor right after it.</p>`}
<label>Password<input type="password" name="password" autocomplete="new-password" required maxlength="200" aria-describedby="strength"${marked('password')}></label>
<small id="strength">Twelve characters or more, or a shorter one that is hard to guess. A few words are easiest; no rules about signs.</small>
<label>Password again<input type="password" name="again" autocomplete="new-password" required maxlength="200"${marked('again')}></label>
<button type="submit"${note === null && html` class="quiet"`}>Set the password</button>
</form>
</section>
${passkeyScript(tools)}`
}
