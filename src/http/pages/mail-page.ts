/** How mails leave, and a button to see whether they do. */
import { z } from 'zod'
import { languageNames, languages } from '../../domain/language.ts'
import { mayDo } from '../../domain/token.ts'
import { AppError } from '../../errors.ts'
import type { Application } from '../../journeys/application.ts'
import type { MailTest } from '../../journeys/mail-view.ts'
import { inConsole, problemWords } from '../console-words.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { type PageTools, pageText } from './layout.ts'
import { mailChoice } from './onboard-form.ts'

export function mailPages(application: Application, tools: PageTools): readonly Route[] {
  const frame = { title: 'Mail', here: '/settings', trail: [{ name: 'Settings', href: '/settings' }] }
  return [
    route(
      'get',
      '/mail',
      'read',
      { summary: 'How mails are sent', answer: 'text/html' },
      async ({ actor, response }) => {
        response
          .type('html')
          .send(pageText(tools, { ...frame, actor }, page(application, mayDo(actor.role, 'administer'), null)))
      },
    ),
    route(
      'post',
      '/mail/test',
      'administer',
      {
        summary: 'Send a letter without a link',
        body: { form: z.object({ address: z.string().max(254), language: z.string().max(20).optional() }) },
        answer: 'text/html',
      },
      async ({ actor, body, response }) => {
        const tried = await application.mails
          .test(body.address, mailChoice(body.language ?? '') ?? 'default', actor)
          .catch((error: unknown) => {
            if (error instanceof AppError && error.code !== 'INTERNAL') return error
            throw error
          })
        response
          .status(tried instanceof AppError ? 502 : 200)
          .type('html')
          .send(pageText(tools, { ...frame, actor }, page(application, true, { tried, address: body.address })))
      },
    ),
  ]
}

function page(
  { mails }: Application,
  mayTest: boolean,
  test: { readonly tried: MailTest | AppError; readonly address: string } | null,
): Html {
  const settings = mails.settings()
  if (settings === null)
    return html`<h1>Mail</h1><section class="card"><p><strong>No mail server is set up.</strong> Links are shown, printed, or handed over otherwise.</p>
<p class="hint">Set <code>RINGFENCE_SMTP_URL</code> and <code>RINGFENCE_SMTP_FROM</code> in the server’s environment, and start it again; ${inConsole('docs/mail.md')} goes through it.</p></section>`
  return html`<h1>Mail</h1>
<section class="card" aria-labelledby="how"><h2 id="how">How mails leave</h2>
<dl class="facts"><dt>Server</dt><dd>${settings.server}</dd><dt>From</dt><dd>${settings.from}</dd><dt>Usual language</dt><dd>${languageNames[settings.language]}</dd></dl>
<p><small>These come from the server’s environment. A mail holds the link and nothing else that is secret.</small></p></section>
${
  mayTest &&
  html`<section class="card" aria-labelledby="test"><h2 id="test">Try it</h2>
${test && outcome(test.tried)}
<form method="post" action="/mail/test" class="filters"><label>Send a letter without a link to <input type="email" name="address" required value="${test?.address ?? ''}"></label>
<label>in <select name="language">${languages.map((language) => html`<option value="${language}"${language === settings.language && html` selected`}>${languageNames[language]}</option>`)}</select></label>
<button>Send it</button></form></section>`
}`
}

function outcome(tried: MailTest | AppError): Html {
  if (tried instanceof AppError) return html`<div class="notice bad" role="alert"><p>${problemWords(tried)}</p></div>`
  return html`<p class="notice good" role="status">The mail server took it in ${tried.durationMs} ms. Look whether it arrives at ${tried.address}.</p>`
}
