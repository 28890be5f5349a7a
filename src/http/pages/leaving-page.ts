/** A leaving date and time, set ahead. */
import { z } from 'zod'
import { AppError } from '../../errors.ts'
import type { Application, EmployeeView } from '../../journeys/application.ts'
import type { LeavingView } from '../../journeys/people-view.ts'
import { problemWords } from '../console-words.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { type PageTools, pageText } from './layout.ts'
import { localInput, momentText, readLocal, zone } from './moment.ts'
import { personFrame } from './person-page.ts'

const leavingForm = z.object({ at: z.string().trim().max(40), reason: z.string().trim().max(1_000).optional() })

export function leavingPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      '/people/:id/leaving',
      'revoke',
      { summary: 'Set a leaving date', answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const [view, set] = await Promise.all([application.employee(id), application.people.leaving(id)])
        const typed = { at: set ? localInput(set.at) : '', reason: set?.reason ?? '' }
        response
          .type('html')
          .send(pageText(tools, personFrame(actor, view, 'Leaving date'), form(view, set, typed, null)))
      },
    ),
    route(
      'post',
      '/people/:id/leaving',
      'revoke',
      { summary: 'Set a leaving date', body: { form: leavingForm }, answer: 'text/html' },
      async ({ actor, parameters: { id }, body: { at, reason = '' }, response }) => {
        try {
          const set = await application.people.setLeaving(id, { at: readLocal(at), reason: reason || null }, actor)
          response.redirect(303, `/people/${set.employeeId}`)
        } catch (error) {
          if (!(error instanceof AppError) || error.code !== 'INVALID_INPUT') throw error
          const [view, set] = await Promise.all([application.employee(id), application.people.leaving(id)])
          const content = form(view, set, { at, reason }, error)
          response
            .status(400)
            .type('html')
            .send(pageText(tools, personFrame(actor, view, 'Leaving date'), content))
        }
      },
    ),
    route(
      'post',
      '/people/:id/leaving/cancel',
      'revoke',
      { summary: 'Cancel a leaving date', body: { form: z.object({}) }, answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const { employeeId } = await application.people.cancelLeaving(id, actor)
        response.redirect(303, `/people/${employeeId}`)
      },
    ),
  ]
}

function form(
  { id, name }: EmployeeView,
  set: LeavingView | null,
  typed: { readonly at: string; readonly reason: string },
  error: AppError | null,
): Html {
  return html`<section class="card narrow"><h1>When does <bdi>${name}</bdi> leave?</h1>
<p>At that time Ringfence offboards by itself, also when it was switched off meanwhile: then as soon as it runs again. A day before, it reminds. Until then the date can be cancelled; afterwards undo does not exist.</p>
${set && html`<p class="notice wait">Set now: <strong>${momentText(set.at)}</strong>, by <bdi>${set.askedBy}</bdi>. A new date takes its place.</p>`}
${error && html`<div class="notice bad" role="alert"><p>${problemWords(error)}</p></div>`}
<form method="post" action="/people/${id}/leaving">
<label>Date and time <small>in the time zone of this server: ${zone()}</small> <input type="datetime-local" name="at" required value="${typed.at}"${error && html` aria-invalid="true"`}></label>
<label>Reason <small>(optional; it stands in the leaver file)</small> <input name="reason" maxlength="1000" autocomplete="off" value="${typed.reason}"></label>
<div class="actions"><button>Set the date</button> <a class="button quiet" role="button" href="/people/${id}">Do nothing</a></div></form>
${set && html`<form method="post" action="/people/${id}/leaving/cancel"><button class="quiet">Cancel the date that is set</button></form>`}</section>`
}
