/** Many phones fetch their files again: first a page that names exactly who is told. */
import { z } from 'zod'
import type { Actor } from '../../domain/token.ts'
import { AppError } from '../../errors.ts'
import type { Application } from '../../journeys/application.ts'
import type { HandsetPage, HandsetQuery, ModelCount } from '../../journeys/handsets-view.ts'
import { chosenIds } from '../chosen.ts'
import { asHandsetQuery, handsetQuery } from '../handset-query.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { type PageTools, pageText } from './layout.ts'

const mostAtOnce = 2_000
/** So many names fit on a page. */
const namesShown = 500

const bulkForm = z.object({
  id: chosenIds,
  which: z.enum(['chosen', 'all']),
  /** As it stood in the address of the list. */
  filter: z.string().max(2_000).optional().default(''),
  /** How many the preview showed. */
  count: z.coerce.number().int().min(0).optional(),
})
type BulkForm = z.output<typeof bulkForm>

export function bulkResyncPages(application: Application, tools: PageTools): readonly Route[] {
  const trail = [{ name: 'Handsets', href: '/handsets' }]
  const page = (actor: Actor, content: Html) =>
    pageText(tools, { title: 'Fetch files again', actor, here: '/handsets', trail }, content)
  return [
    route(
      'post',
      '/bulk/resync/preview',
      'onboard',
      { summary: 'Who would be told', body: { form: bulkForm }, answer: 'text/html' },
      async ({ actor, body, response }) => {
        const query = queryOf(body)
        const [found, models] = await Promise.all([
          application.handsets.page({ ...query, limit: namesShown }),
          application.handsets.models(query),
        ])
        response.type('html').send(page(actor, preview(body, found, models)))
      },
    ),
    route(
      'post',
      '/bulk/resync',
      'onboard',
      { summary: 'Have several phones fetch their files again', body: { form: bulkForm }, answer: 'text/html' },
      async ({ actor, body, response }) => {
        const { handsets, total } = await application.handsets.page({ ...queryOf(body), limit: mostAtOnce })
        if (total !== body.count || total > mostAtOnce)
          throw new AppError('CONFLICT', `${total} handsets match now, not ${body.count}: nobody was told`, {
            hint: 'look at the list again',
          })
        const told = await application.handsets.resyncAll(
          handsets.map(({ handset }) => handset.id),
          actor,
        )
        response.type('html').send(page(actor, begun(told)))
      },
    ),
  ]
}

/** Only of those in use: the others have nothing to fetch. */
function queryOf({ which, id, filter }: BulkForm): Omit<HandsetQuery, 'limit'> {
  if (which === 'chosen') {
    if (id.length > 0) return { ids: [...new Set(id)], state: 'in-use' }
    throw new AppError('INVALID_INPUT', 'no handset was chosen', { hint: 'go back and tick the boxes in front' })
  }
  const asked = handsetQuery.parse(Object.fromEntries(new URLSearchParams(filter.replace(/^\?/, ''))))
  const query = asHandsetQuery(asked)
  return query.state === undefined ? { ...query, state: 'in-use' } : query
}

function preview(
  { which, id, filter }: BulkForm,
  { handsets, total }: HandsetPage,
  models: readonly ModelCount[],
): Html {
  const named = handsets.filter(({ handset }) => handset.removedAt === null)
  return html`<section class="card"><h1>Have ${total} ${total === 1 ? 'handset' : 'handsets'} fetch ${total === 1 ? 'its' : 'their'} files again?</h1>
<p>They are told by the PBX, 20 at a time. A phone that is in a call waits until it is over. Whoever cannot be told fetches at its next poll or start. What came of each stands in the audit log.</p>
${total > mostAtOnce && html`<p class="notice bad">That is more than ${mostAtOnce} at once: narrow the list.</p>`}
<ul>${models.map(({ name, count }) => html`<li>${name}: ${count}</li>`)}</ul>
<form method="post" action="/bulk/resync">
${total > 0 && total <= mostAtOnce && html`<input type="hidden" name="which" value="${which}"><input type="hidden" name="count" value="${total}"><input type="hidden" name="filter" value="${filter}">${which === 'chosen' && id.map((one) => html`<input type="hidden" name="id" value="${one}">`)}`}
<div class="actions">${total > 0 && total <= mostAtOnce && html`<button>Tell ${total === 1 ? 'it' : `all ${total}`}</button>`} <a class="button quiet" role="button" href="/handsets">Do nothing</a></div></form>
<div class="scroll" tabindex="0" role="region" aria-label="Who is told"><table><thead><tr><th scope="col">Handset</th><th scope="col">Holder</th><th scope="col">Extension</th></tr></thead><tbody>${named.map(
    ({ handset, modelName, employee }) =>
      html`<tr><th scope="row">${modelName} <small>${handset.mac}</small></th><td><bdi>${employee.name}</bdi></td><td>${employee.extension}</td></tr>`,
  )}</tbody></table></div>
${total > handsets.length && html`<p class="told">The first ${handsets.length} of ${total}.</p>`}</section>`
}

function begun(told: number): Html {
  return html`<section class="card narrow"><h1>They are being told</h1><p class="notice good">${told} ${told === 1 ? 'handset is' : 'handsets are'} on the way, 20 at a time.</p>
<p><a href="/audit?kind=handset.resync-asked">What came of each</a> · <a href="/handsets">Back to the handsets</a></p></section>`
}
