/** What somebody may dial: looked at and chosen anew, as a whole. */
import { z } from 'zod'
import { policyWords } from '../../domain/call-words.ts'
import { AppError } from '../../errors.ts'
import type { Application, EmployeeView } from '../../journeys/application.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { type CallForm, callFieldsHtml, callsTyped, formOf } from './call-form.ts'
import { type PageTools, pageText } from './layout.ts'
import { personFrame } from './person-page.ts'

const callsForm = z.record(z.string().max(40), z.string().max(500))

export function callsPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      '/people/:id/calls',
      'revoke',
      { summary: 'What somebody may dial', answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const view = await application.employee(id)
        const content = page(view, formOf(view.calls), null)
        response.type('html').send(pageText(tools, personFrame(actor, view, 'Calls'), content))
      },
    ),
    route(
      'post',
      '/people/:id/calls',
      'revoke',
      { summary: 'Choose what somebody may dial', body: { form: callsForm }, answer: 'text/html' },
      async ({ actor, parameters: { id }, body, response }) => {
        try {
          const view = await application.calls.set(id, callsTyped(body), actor)
          response.redirect(303, `/people/${view.id}`)
        } catch (error) {
          if (!(error instanceof AppError) || error.code !== 'INVALID_INPUT') throw error
          const view = await application.employee(id)
          response
            .status(400)
            .type('html')
            .send(pageText(tools, personFrame(actor, view, 'Calls'), page(view, body, error)))
        }
      },
    ),
  ]
}

function page({ id, name, calls }: EmployeeView, form: CallForm, error: AppError | null): Html {
  return html`<section class="card"><h1>What may <bdi>${name}</bdi> dial?</h1>
<p>Now: ${policyWords(calls)}. Emergency numbers may always be dialled. <a href="/guides/call-classes">What the classes mean</a></p>
${error && html`<div class="notice bad" role="alert"><p>${error.message}${error.hint && `. ${error.hint}`}.</p>${error.problems.some(({ field }) => field === 'calls') && html`<p><a href="/settings#dial-plan">Settings: what dialled numbers mean</a></p>`}</div>`}
<form method="post" action="/people/${id}/calls">${callFieldsHtml(form, (field) => html`<small id="${field}-said" class="said"></small>`)}
<div class="actions"><button>Let it be so</button> <a class="button quiet" role="button" href="/people/${id}">Do nothing</a></div></form></section>`
}
