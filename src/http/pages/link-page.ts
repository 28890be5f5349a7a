/** What is shown exactly once: a new link with its code, and SIP passwords for a PBX that is operated by hand. */
import { z } from 'zod'
import type { Actor } from '../../domain/token.ts'
import { AppError } from '../../errors.ts'
import type { Application, EmployeeView, ModelView, Onboarded, SipSecretView } from '../../journeys/application.ts'
import { problemWords, sentence } from '../console-words.ts'
import { formKeyField } from '../form-key.ts'
import { type Html, html, trusted } from '../html.ts'
import { modelIdOf } from '../model-choice.ts'
import { type Route, route } from '../route.ts'
import { handOverPath } from './hand-over-pages.ts'
import { type PageTools, pageText } from './layout.ts'
import { momentText } from './moment.ts'
import { personFrame } from './person-page.ts'

const text = z.string().trim().max(254).optional()
const handsetForm = z.object({ model: z.string().trim().max(100), mac: text, gateway: text, gatewayOf: text })
type HandsetForm = z.output<typeof handsetForm>

export function linkPages(application: Application, tools: PageTools): readonly Route[] {
  const page = (actor: Actor, view: EmployeeView, title: string, content: Html) =>
    pageText(tools, personFrame(actor, view, title), content)
  return [
    route(
      'get',
      '/people/:id/handset',
      'onboard',
      { summary: 'Add a handset', answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const view = await application.employee(id)
        response.type('html').send(page(actor, view, 'Add a handset', addForm(view, application.models(), {}, null)))
      },
    ),
    route(
      'post',
      '/people/:id/handset',
      'onboard',
      { summary: 'Add a handset', body: { form: handsetForm }, once: true, answer: 'text/html' },
      async ({ actor, parameters: { id }, body, response }) => {
        try {
          const { model, mac, gateway, gatewayOf } = body
          const made = await application.addHandset(
            id,
            {
              model: modelIdOf(model, application.models()),
              mac: mac || null,
              ...(gateway && { gateway }),
              ...(gatewayOf && { gatewayOf }),
            },
            actor,
          )
          response.type('html').send(page(actor, made.employee, 'New link', newLink(made, application, tools)))
        } catch (error) {
          // What was typed stays: only the wrong part is to be typed again.
          if (!(error instanceof AppError) || error.code === 'NOT_FOUND' || error.code === 'INTERNAL') throw error
          const view = await application.employee(id)
          const form = addForm(view, application.models(), body, error)
          response
            .status(400)
            .type('html')
            .send(page(actor, view, 'Add a handset', form))
        }
      },
    ),
    route(
      'post',
      '/people/:id/secrets',
      'revoke',
      { summary: 'SIP passwords, recorded', body: { form: z.object({}) }, answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const view = await application.employee(id)
        const secrets = await application.showSecrets(id, actor)
        response.type('html').send(page(actor, view, 'SIP password', secretList(secrets)))
      },
    ),
  ]
}

export function newLink(made: Onboarded, application: Application, { drawQr }: PageTools): Html {
  const { employee, invite, provisioningUrls, warnings } = made
  const desk = employee.handsets.filter(({ mac, removedAt }) => mac !== null && removedAt === null)
  return html`<section class="card narrow">
<h1>A new link for <bdi>${employee.name}</bdi></h1>
<p class="notice wait">It is shown this once. The link before it has stopped working.</p>
${warnings.map((warning) => html`<p class="notice wait">${sentence(warning)}</p>`)}
${drawQr && html`<div class="qr">${trusted(drawQr(invite.url, 'address', 'The link as a code'))}</div>`}
<p><label>Link <input readonly value="${invite.url}" class="copy"></label></p>
<p>It works until <strong>${momentText(invite.expiresAt)}</strong>.</p>
${desk.map(({ id, model, mac }) => {
  const url = provisioningUrls[id]
  return (
    url !== undefined &&
    html`<p><label>Provisioning address of ${model} ${mac} <input readonly value="${url}" class="copy"></label></p>`
  )
})}
<p><a href="${handOverPath(employee.id, application.handOver.reference(made))}">Print it, and watch the doors open</a></p>
<p><a href="/people/${employee.id}">Back to <bdi>${employee.name}</bdi></a></p>
</section>`
}

function addForm(
  view: EmployeeView,
  models: readonly ModelView[],
  typed: Partial<HandsetForm>,
  error: AppError | null,
): Html {
  const gateways = models.filter(({ kind }) => kind === 'gateway')
  return html`<section class="card narrow"><h1>Add a handset for <bdi>${view.name}</bdi></h1>
${error && html`<div class="notice bad" role="alert">${(error.problems.length > 0 ? error.problems : [error]).map((problem) => html`<p>${problemWords(problem)}</p>`)}</div>`}
<form method="post" action="/people/${view.id}/handset">${formKeyField()}
<label>Model <input name="model" list="models" required autofocus autocomplete="off" value="${typed.model ?? ''}" placeholder="yealink-t54w"></label>
<datalist id="models">${models.map(({ id, name, kind }) => kind !== 'gateway' && html`<option value="${id}">${name}</option>`)}</datalist>
<label>MAC address <small>of a desk phone; printed on its back</small> <input name="mac" autocomplete="off" value="${typed.mac ?? ''}" placeholder="80:5e:c0:11:22:33"></label>
<label>Home gateway <small>for a desk phone without WireGuard</small> <select name="gateway"><option value="">the usual one, where one is needed</option>${gateways.map(
    ({ id, name }) => {
      const kind = id.replace(/^gateway-/, '')
      return html`<option value="${kind}"${kind === typed.gateway && html` selected`}>${name}</option>`
    },
  )}</select></label>
<label>Or hang it on the gateway of <small>somebody of the same home: e-mail address or extension</small> <input name="gatewayOf" autocomplete="off" value="${typed.gatewayOf ?? ''}"></label>
<p><small>The person gets a new link; the one before it stops working.</small></p>
<button>Add it and make the link</button></form></section>`
}

function secretList(secrets: readonly SipSecretView[]): Html {
  return html`<section class="card narrow"><h1>SIP password</h1>
<p class="notice wait">To type into a PBX that is operated by hand. That you looked at it is in the audit log.</p>
${secrets.length === 0 && html`<p>There is none.</p>`}
${secrets.map(
  ({ extension, username, secret }) =>
    html`<dl class="facts"><dt>Extension</dt><dd>${extension}</dd><dt>User name</dt><dd><code>${username}</code></dd><dt>Password</dt><dd><code>${secret.reveal()}</code></dd></dl>`,
)}</section>`
}
