/** Many phones fetch their files again: first a page that names exactly who is told. */
import { z } from 'zod'
import { counted } from '../../domain/counted.ts'
import type { Actor } from '../../domain/token.ts'
import type { Application } from '../../journeys/application.ts'
import type { HandsetRow, ModelCount } from '../../journeys/handsets-view.ts'
import { formKeyField } from '../form-key.ts'
import { type ChoiceForm, choiceForm, chosenIds, filterFields, freeze, refuseMany } from '../frozen-choice.ts'
import { asHandsetQuery, handsetQuery } from '../handset-query.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { frozenField, type NamesPage, namesPage, namesPager } from './frozen-list.ts'
import { type PageTools, pageText } from './layout.ts'

const limit = { most: 2_000, things: 'handsets' } as const
/** No filter: only whom the preview named. */
const confirmed = z.object({ id: chosenIds })
const action = '/bulk/resync'

export function bulkResyncPages(application: Application, tools: PageTools): readonly Route[] {
  const trail = [{ name: 'Handsets', href: '/handsets' }]
  const page = (actor: Actor, content: Html) =>
    pageText(tools, { title: 'Fetch files again', actor, here: '/handsets', trail }, content)
  return [
    route(
      'post',
      `${action}/preview`,
      'onboard',
      { summary: 'Who would be told', body: { form: choiceForm }, answer: 'text/html' },
      async ({ actor, body, response }) => {
        const { ids: frozen } = await inUse(application, await freezeHandsets(application, body))
        const names = namesPage(frozen, body.page)
        const [{ handsets }, models] = await Promise.all([
          application.handsets.page({ ids: names.ids, limit: names.ids.length }),
          application.handsets.models({ ids: frozen }),
        ])
        response.type('html').send(page(actor, preview({ frozen, names, handsets, models })))
      },
    ),
    route(
      'post',
      action,
      'onboard',
      {
        summary: 'Have several phones fetch their files again',
        body: { form: confirmed },
        once: true,
        answer: 'text/html',
      },
      async ({ actor, body, response }) => {
        refuseMany(body.id.length, limit)
        const { ids } = await inUse(application, body.id)
        response.type('html').send(page(actor, begun(await application.handsets.resyncAll(ids, actor))))
      },
    ),
  ]
}

/** Whoever was taken back, also since the preview, has nothing to fetch. */
function inUse(application: Application, ids: readonly string[]) {
  return application.handsets.matching({ ids, state: 'in-use', limit: limit.most })
}

function freezeHandsets(application: Application, form: ChoiceForm): Promise<readonly string[]> {
  const asked = asHandsetQuery(handsetQuery.parse(filterFields(form.filter)))
  return freeze(form, (most) => application.handsets.matching({ state: 'in-use', ...asked, limit: most }), limit)
}

interface Meant {
  readonly frozen: readonly string[]
  readonly names: NamesPage
  /** Of this page. */
  readonly handsets: readonly HandsetRow[]
  readonly models: readonly ModelCount[]
}

function preview({ frozen, names, handsets, models }: Meant): Html {
  const { length } = frozen
  return html`<section class="card"><h1>Have ${counted(length, 'handset')} fetch ${length === 1 ? 'its' : 'their'} files again?</h1>
<p>They are told by the PBX, 20 at a time. A phone that is in a call waits until it is over. Whoever cannot be told fetches at its next poll or start. What came of each stands in the audit log.</p>
<ul>${models.map(({ name, count }) => html`<li>${name}: ${count}</li>`)}</ul>
<form method="post" action="${action}">${formKeyField()}
<div class="actions">${length > 0 && html`<button>Tell ${length === 1 ? 'it' : `all ${length}`}</button>`} <a class="button quiet" role="button" href="/handsets">Do nothing</a></div>
<h2>Who is told</h2><div class="scroll" tabindex="0" role="region" aria-label="Who is told"><table><thead><tr><th scope="col">Handset</th><th scope="col">Holder</th><th scope="col">Extension</th></tr></thead><tbody>${handsets.map(
    ({ handset, modelName, employee }) =>
      html`<tr><th scope="row">${modelName} <small>${handset.mac}</small></th><td><bdi>${employee.name}</bdi></td><td>${employee.extension}</td></tr>`,
  )}</tbody></table></div>${frozenField(frozen)}${namesPager(names, `${action}/preview`)}</form></section>`
}

function begun(told: number): Html {
  return html`<section class="card narrow"><h1>They are being told</h1><p class="notice good">${counted(told, 'handset is', 'handsets are')} on the way, 20 at a time.</p>
<p><a href="/audit?kind=handset.resync-asked">What came of each</a> · <a href="/handsets">Back to the handsets</a></p></section>`
}
