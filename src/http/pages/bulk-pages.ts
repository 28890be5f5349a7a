/** The same for several people at once: first a page that names exactly who is hit. */
import { z } from 'zod'
import type { Actor } from '../../domain/token.ts'
import { AppError } from '../../errors.ts'
import type { Application, EmployeeView, Onboarded } from '../../journeys/application.ts'
import { chosenIds, mostChosen } from '../chosen.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { type PageTools, pageText } from './layout.ts'
import { momentText } from './moment.ts'

const chosen = z.object({ id: chosenIds })
const confirmed = z.object({
  id: chosenIds,
  reason: z.string().trim().max(1_000).optional(),
  confirm: z.string().trim().max(100).optional(),
})

const trail = [{ name: 'People', href: '/people' }]

export function bulkPages(application: Application, tools: PageTools): readonly Route[] {
  const page = (actor: Actor, title: string, content: Html) =>
    pageText(tools, { title, actor, here: '/people', trail }, content)
  return [
    route(
      'post',
      '/bulk/offboard/preview',
      'revoke',
      { summary: 'Who would be offboarded', body: { form: chosen }, answer: 'text/html' },
      async ({ actor, body, response }) => {
        const people = await who(application, body.id)
        response.type('html').send(page(actor, 'Offboard', offboardPreview(people, null)))
      },
    ),
    route(
      'post',
      '/bulk/offboard',
      'revoke',
      { summary: 'Offboard several people', body: { form: confirmed }, answer: 'text/html' },
      async ({ actor, body, response }) => {
        const people = await who(application, body.id)
        if (people.length > 1 && body.confirm !== phrase(people)) {
          const said = `Nothing was done: type exactly “${phrase(people)}” to go on.`
          response
            .status(400)
            .type('html')
            .send(page(actor, 'Offboard', offboardPreview(people, said)))
          return
        }
        const outcomes: Outcome[] = []
        for (const { id, name } of people)
          outcomes.push(await tried(name, id, () => application.offboard(id, body.reason || null, actor)))
        response.type('html').send(page(actor, 'Offboard', offboarded(outcomes)))
      },
    ),
    route(
      'post',
      '/bulk/invite/preview',
      'onboard',
      { summary: 'Who would get a new link', body: { form: chosen }, answer: 'text/html' },
      async ({ actor, body, response }) => {
        response.type('html').send(page(actor, 'New links', invitePreview(await who(application, body.id))))
      },
    ),
    route(
      'post',
      '/bulk/invite',
      'onboard',
      { summary: 'New links for several people', body: { form: confirmed }, answer: 'text/html' },
      async ({ actor, body, response }) => {
        const outcomes: Outcome<Onboarded>[] = []
        for (const { id, name } of await who(application, body.id))
          outcomes.push(await tried(name, id, () => application.invite(id, actor)))
        response.type('html').send(page(actor, 'New links', links(outcomes)))
      },
    ),
  ]
}

interface Outcome<T = unknown> {
  readonly id: string
  readonly name: string
  readonly made?: T
  readonly problem?: string
}

/** One that fails does not keep the others from what was asked for. */
async function tried<T>(name: string, id: string, deed: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { id, name, made: await deed() }
  } catch (error) {
    if (error instanceof AppError && error.code !== 'INTERNAL') return { id, name, problem: error.message }
    throw error
  }
}

/** @throws AppError INVALID_INPUT for nobody, NOT_FOUND when somebody is gone: then nobody is touched. */
async function who(application: Application, wanted: readonly string[]): Promise<readonly EmployeeView[]> {
  const distinct = [...new Set(wanted)]
  if (distinct.length === 0)
    throw new AppError('INVALID_INPUT', 'nobody was chosen', {
      hint: 'go back and tick the boxes in front of the names',
    })
  const { people } = await application.people.page({ ids: distinct, limit: mostChosen })
  if (people.length < distinct.length)
    throw new AppError('NOT_FOUND', 'somebody of those chosen is not here any more', {
      hint: 'go back and choose again',
    })
  return people
}

function phrase(people: readonly EmployeeView[]): string {
  return `offboard ${people.length} people`
}

function named(people: readonly EmployeeView[]): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Who is meant"><table><thead><tr><th scope="col">Name</th><th scope="col">Extension</th><th scope="col">Handsets</th></tr></thead><tbody>${people.map(
    ({ id, name, email, extension, handsets, lifecycle }) =>
      html`<tr><th scope="row"><a href="/people/${id}"><bdi>${name}</bdi></a> <small>${email}</small></th><td>${extension}</td><td>${handsets.flatMap(({ model, removedAt }) => (removedAt === null ? [model] : [])).join(', ')}${lifecycle !== 'active' && html` <small>is leaving already</small>`}</td></tr>`,
  )}</tbody></table></div>${people.map(({ id }) => html`<input type="hidden" name="id" value="${id}">`)}`
}

function offboardPreview(people: readonly EmployeeView[], problem: string | null): Html {
  const several = people.length > 1
  return html`<section class="card"><h1>Offboard ${several ? `${people.length} people` : html`<bdi>${people[0]?.name}</bdi>`}?</h1>
${problem !== null && html`<p class="notice bad" role="alert">${problem}</p>`}
<form method="post" action="/bulk/offboard">${named(people)}
<p class="notice bad">Every handset, tunnel, certificate, account and link of ${several ? 'these people' : 'this person'} stops working. <strong>Undo does not exist.</strong></p>
<label>Reason <small>(optional; it stands in ${several ? 'each' : 'the'} leaver file)</small> <input name="reason" maxlength="1000" autocomplete="off"></label>
${several && html`<label>To go on, type <strong>${phrase(people)}</strong> <input name="confirm" required autocomplete="off"></label>`}
<div class="actions"><button class="danger">Offboard</button> <a class="button quiet" role="button" href="/people">Do nothing</a></div></form></section>`
}

function offboarded(outcomes: readonly Outcome[]): Html {
  return html`<section class="card"><h1>Offboarding began</h1><ul>${outcomes.map(({ id, name, problem }) => html`<li><a href="/people/${id}/offboard"><bdi>${name}</bdi></a>${problem !== undefined && `: ${problem}`}</li>`)}</ul>
<p><a href="/people?state=offboarding">Watch who is still leaving</a></p></section>`
}

function invitePreview(people: readonly EmployeeView[]): Html {
  return html`<section class="card"><h1>New ${people.length === 1 ? 'link' : 'links'}?</h1><p>The links before them stop working. Phones in use go on; they set themselves up anew when the new link is used.</p>
<form method="post" action="/bulk/invite">${named(people)}<div class="actions"><button>Make ${people.length === 1 ? 'the link' : `${people.length} links`}</button> <a class="button quiet" role="button" href="/people">Do nothing</a></div></form></section>`
}

function links(outcomes: readonly Outcome<Onboarded>[]): Html {
  return html`<section class="card"><h1>New links</h1><p class="notice wait">They are shown this once.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Links"><table><thead><tr><th scope="col">Name</th><th scope="col">Link</th><th scope="col">Works until</th></tr></thead><tbody>${outcomes.map(
    ({ id, name, made, problem }) =>
      html`<tr><th scope="row"><a href="/people/${id}"><bdi>${name}</bdi></a></th><td>${made ? html`<code>${made.invite.url}</code>` : problem}</td><td>${made && momentText(made.invite.expiresAt)}</td></tr>`,
  )}</tbody></table></div></section>`
}
