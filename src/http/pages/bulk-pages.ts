/** The same for several people at once: first a page that names exactly who is hit. */
import { z } from 'zod'
import type { Actor } from '../../domain/token.ts'
import { AppError } from '../../errors.ts'
import type { Application, EmployeeView, Onboarded } from '../../journeys/application.ts'
import { formKeyField } from '../form-key.ts'
import { type ChoiceForm, choiceForm, chosenIds, filterFields, freeze, refuseMany } from '../frozen-choice.ts'
import { type Html, html } from '../html.ts'
import { asQuery, peopleQuery } from '../people-query.ts'
import { type Route, route } from '../route.ts'
import { frozenField, type NamesPage, namesPage, namesPager } from './frozen-list.ts'
import { type PageTools, pageText } from './layout.ts'
import { momentText } from './moment.ts'

/** Each gets a transaction of its own while the browser waits, and links are shown on one page. */
const limits = { offboard: { most: 500, things: 'people' }, invite: { most: 150, things: 'people' } } as const
type Deed = keyof typeof limits

const previewForm = choiceForm.extend({ reason: z.string().trim().max(1_000).optional().default('') })
/** No filter: only whom the preview named. */
const confirmed = z.object({
  id: chosenIds,
  reason: z.string().trim().max(1_000).optional().default(''),
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
      { summary: 'Who would be offboarded', body: { form: previewForm }, answer: 'text/html' },
      async ({ actor, body, response }) => {
        const meant = await lookAt(
          application,
          'offboard',
          await freezePeople(application, 'offboard', body),
          body.page,
        )
        response.type('html').send(page(actor, 'Offboard', offboardPreview(meant, body.reason, null)))
      },
    ),
    route(
      'post',
      '/bulk/offboard',
      'revoke',
      { summary: 'Offboard several people', body: { form: confirmed }, once: true, answer: 'text/html' },
      async ({ actor, body, response }) => {
        const { id: ids, reason, confirm } = body
        if (ids.length > 1 && confirm !== phrase(ids.length)) {
          const said = `Nothing was done: type exactly “${phrase(ids.length)}” to go on.`
          const meant = await lookAt(application, 'offboard', ids)
          response
            .status(400)
            .type('html')
            .send(page(actor, 'Offboard', offboardPreview(meant, reason, said)))
          return
        }
        const outcomes: Outcome[] = []
        for (const { id, name } of await everyone(application, 'offboard', ids))
          outcomes.push(await tried(name, id, () => application.offboard(id, reason || null, actor)))
        response.type('html').send(page(actor, 'Offboard', offboarded(outcomes)))
      },
    ),
    route(
      'post',
      '/bulk/invite/preview',
      'onboard',
      { summary: 'Who would get a new link', body: { form: previewForm }, answer: 'text/html' },
      async ({ actor, body, response }) => {
        const meant = await lookAt(application, 'invite', await freezePeople(application, 'invite', body), body.page)
        response.type('html').send(page(actor, 'New links', invitePreview(meant)))
      },
    ),
    route(
      'post',
      '/bulk/invite',
      'onboard',
      { summary: 'New links for several people', body: { form: confirmed }, once: true, answer: 'text/html' },
      async ({ actor, body, response }) => {
        const outcomes: Outcome<Onboarded>[] = []
        for (const { id, name } of await everyone(application, 'invite', body.id))
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

/** Of those that match only whoever is not leaving already. */
function freezePeople(application: Application, deed: Deed, form: ChoiceForm): Promise<readonly string[]> {
  const asked = asQuery(peopleQuery.parse(filterFields(form.filter)))
  const matching = async (limit: number) =>
    asked.state === undefined || asked.state === 'active'
      ? application.people.matching({ ...asked, state: 'active', limit })
      : { ids: [], total: 0 }
  return freeze(form, matching, limits[deed])
}

interface Meant {
  readonly all: readonly string[]
  readonly names: NamesPage
  /** Of this page. */
  readonly people: readonly EmployeeView[]
}

async function lookAt(application: Application, deed: Deed, ids: readonly string[], asked?: number): Promise<Meant> {
  await mustAllBeHere(application, deed, ids)
  const names = namesPage(ids, asked)
  const { people } = await application.people.page({ ids: names.ids, limit: names.ids.length })
  return { all: ids, names, people }
}

async function everyone(
  application: Application,
  deed: Deed,
  ids: readonly string[],
): Promise<readonly EmployeeView[]> {
  await mustAllBeHere(application, deed, ids)
  return (await application.people.page({ ids, limit: ids.length })).people
}

/** @throws AppError INVALID_INPUT for nobody, NOT_FOUND when somebody is gone: then nobody is touched. */
async function mustAllBeHere(application: Application, deed: Deed, ids: readonly string[]): Promise<void> {
  if (ids.length === 0)
    throw new AppError('INVALID_INPUT', 'nobody was chosen', {
      hint: 'go back and tick the boxes in front of the names',
    })
  refuseMany(ids.length, limits[deed])
  if ((await application.people.matching({ ids, limit: 0 })).total < ids.length)
    throw new AppError('NOT_FOUND', 'somebody of those chosen is not here any more', {
      hint: 'go back and choose again',
    })
}

function phrase(count: number): string {
  return `offboard ${count} people`
}

function named({ all, names, people }: Meant, action: string): Html {
  return html`<h2>Who is meant</h2><div class="scroll" tabindex="0" role="region" aria-label="Who is meant"><table><thead><tr><th scope="col">Name</th><th scope="col">Extension</th><th scope="col">Handsets</th></tr></thead><tbody>${people.map(
    ({ id, name, email, extension, handsets, lifecycle }) =>
      html`<tr><th scope="row"><a href="/people/${id}"><bdi>${name}</bdi></a> <small>${email}</small></th><td>${extension}</td><td>${handsets.flatMap(({ model, removedAt }) => (removedAt === null ? [model] : [])).join(', ')}${lifecycle !== 'active' && html` <small>is leaving already</small>`}</td></tr>`,
  )}</tbody></table></div>${frozenField(all)}${namesPager(names, `${action}/preview`)}`
}

/** The names come last: Enter in a field presses the first button of a form, and that must not turn the page. */
function offboardPreview(meant: Meant, reason: string, problem: string | null): Html {
  const { length } = meant.all
  const several = length > 1
  return html`<section class="card"><h1>Offboard ${several ? `${length} people` : html`<bdi>${meant.people[0]?.name}</bdi>`}?</h1>
${problem !== null && html`<p class="notice bad" role="alert">${problem}</p>`}
<form method="post" action="/bulk/offboard">${formKeyField()}
<p class="notice bad">Every handset, tunnel, certificate, account and link of ${several ? 'these people' : 'this person'} stops working. <strong>Undo does not exist.</strong></p>
<label>Reason <small>(optional; it stands in ${several ? 'each' : 'the'} leaver file)</small> <input name="reason" value="${reason}" maxlength="1000" autocomplete="off"></label>
${several && html`<label>To go on, type <strong>${phrase(length)}</strong> <input name="confirm" required autocomplete="off"></label>`}
<div class="actions"><button class="danger">Offboard</button> <a class="button quiet" role="button" href="/people">Do nothing</a></div>
${named(meant, '/bulk/offboard')}</form></section>`
}

function offboarded(outcomes: readonly Outcome[]): Html {
  return html`<section class="card"><h1>Offboarding began</h1><ul>${outcomes.map(({ id, name, problem }) => html`<li><a href="/people/${id}/offboard"><bdi>${name}</bdi></a>${problem !== undefined && `: ${problem}`}</li>`)}</ul>
<p><a href="/people?state=offboarding">Watch who is still leaving</a></p></section>`
}

function invitePreview(meant: Meant): Html {
  const { length } = meant.all
  return html`<section class="card"><h1>New ${length === 1 ? 'link' : `links for ${length} people`}?</h1><p>The links before them stop working. Phones in use go on; they set themselves up anew when the new link is used.</p>
<form method="post" action="/bulk/invite">${formKeyField()}<div class="actions"><button>Make ${length === 1 ? 'the link' : `${length} links`}</button> <a class="button quiet" role="button" href="/people">Do nothing</a></div>
${named(meant, '/bulk/invite')}</form></section>`
}

function links(outcomes: readonly Outcome<Onboarded>[]): Html {
  return html`<section class="card"><h1>New links</h1><p class="notice wait">They are shown this once.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Links"><table><thead><tr><th scope="col">Name</th><th scope="col">Link</th><th scope="col">Works until</th></tr></thead><tbody>${outcomes.map(
    ({ id, name, made, problem }) =>
      html`<tr><th scope="row"><a href="/people/${id}"><bdi>${name}</bdi></a></th><td>${made ? html`<code>${made.invite.url}</code>` : problem}</td><td>${made && momentText(made.invite.expiresAt)}</td></tr>`,
  )}</tbody></table></div></section>`
}
