/** The list of people: paged by the server, searched while typing, each with the signs of its doors. */
import { extensionAt } from '../../domain/sip-account.ts'
import { type Actor, mayDo } from '../../domain/token.ts'
import type { Application, EmployeeView } from '../../journeys/application.ts'
import { certificateDueDays, type PeopleChoices, type PeoplePage, secretOldDays } from '../../journeys/people-view.ts'
import { type Html, type HtmlValue, html } from '../html.ts'
import { asQuery, type PeopleAsked, peopleAddress, peoplePageSize, peopleQuery, type sorts } from '../people-query.ts'
import { type Route, route } from '../route.ts'
import { doorSigns } from './doors-picture.ts'
import { type PageTools, pageText } from './layout.ts'
import { lifecycleSign } from './lifecycle-sign.ts'
import { moment } from './moment.ts'

export function peoplePages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      '/people',
      'read',
      { summary: 'People', query: peopleQuery, answer: 'text/html' },
      async ({ actor, query, response }) => {
        const page = query.page ?? 1
        const [found, choices] = await Promise.all([
          application.people.page({
            ...asQuery(query),
            limit: peoplePageSize,
            offset: (page - 1) * peoplePageSize,
          }),
          application.people.choices(),
        ])
        const content = [head(actor, query), filters(query, choices), list(actor, query, found)]
        response.type('html').send(pageText(tools, { title: 'People', actor, here: '/people' }, content))
      },
    ),
  ]
}

function head(actor: Actor, query: PeopleAsked): Html {
  const { page: _, ...filter } = query
  return html`<div class="head"><h1>People</h1><div class="actions">
${mayDo(actor.role, 'onboard') && html`<a class="button" role="button" href="/onboard">Onboard somebody</a>`}
<a class="button quiet" role="button" id="export" href="${peopleAddress(filter, '/api/v1/employees.csv')}" download="people.csv">Export as CSV</a>
</div></div>`
}

function filters(query: PeopleAsked, { models, sites }: PeopleChoices): Html {
  return html`<form class="filters" method="get" action="/people" aria-label="Find people"
 hx-get="/people" hx-trigger="input delay:250ms from:#search, change, submit" hx-target="#list" hx-select="#list" hx-swap="outerHTML" hx-select-oob="#export" hx-push-url="true" hx-sync="this:replace">
<label for="search">Search <input type="search" id="search" name="q" value="${query.q ?? ''}" placeholder="Name, e-mail or extension" autocomplete="off"></label>
${choice('state', 'State', query.state, [
  ['active', 'active'],
  ['offboarding', 'leaving'],
  ['offboarded', 'left'],
])}
${choice('tunnel', 'Tunnel', query.tunnel, [
  ['online', 'online now'],
  ['1', 'quiet for a day'],
  ['7', 'quiet for a week'],
  ['30', 'quiet for a month'],
  ['90', 'quiet for three months'],
  ['never', 'never connected'],
])}
${choice('attention', 'Needs a look', query.attention, [
  ['open-doors', 'a door is not as it should be'],
  ['certificate-due', `certificate ends within ${certificateDueDays} days`],
  ['secret-old', `SIP password older than ${secretOldDays} days`],
  ['leaving-set', 'leaving date set'],
])}
${
  models.length > 0 &&
  choice(
    'model',
    'Model',
    query.model,
    models.map(({ id, name }) => [id, name]),
  )
}
${
  sites.length > 1 &&
  choice(
    'site',
    'Site',
    query.site,
    sites.map(({ id, name }) => [id, name]),
  )
}
${query.sort && html`<input type="hidden" name="sort" value="${query.sort}">`}${query.down && html`<input type="hidden" name="down" value="1">`}
<button class="quiet">Search</button>
<a class="reset" href="/people">Show everybody</a>
</form>`
}

export function choice(
  name: string,
  label: string,
  chosen: string | number | undefined,
  options: readonly (readonly [value: string, words: string])[],
): Html {
  const known = options.some(([value]) => value === String(chosen))
  return html`<label>${label} <select name="${name}"><option value="">any</option>${options.map(
    ([value, words]) => html`<option value="${value}"${value === String(chosen) && html` selected`}>${words}</option>`,
  )}${chosen !== undefined && !known && html`<option value="${chosen}" selected>${chosen}</option>`}</select></label>`
}

function list(actor: Actor, query: PeopleAsked, { people, total }: PeoplePage): Html {
  const may = { offboard: mayDo(actor.role, 'revoke'), invite: mayDo(actor.role, 'onboard') }
  const from = ((query.page ?? 1) - 1) * peoplePageSize
  const told =
    total === 0
      ? 'Nobody matches'
      : people.length === 0
        ? `${total} in all`
        : `${from + 1} to ${from + people.length} of ${total}`
  const table = html`<div class="scroll"><table class="people">
<thead><tr>${may.invite && html`<th scope="col"><span class="unseen">Choose</span></th>`}${column(query, 'name', 'Name')}${column(query, 'extension', 'Extension')}<th scope="col">State</th><th scope="col">Handsets</th>${column(query, 'heard', 'Last handshake')}<th scope="col">Doors</th></tr></thead>
<tbody>${people.map((view) => row(view, may.invite))}</tbody></table></div>`
  return html`<section id="list" class="card">
<p class="pages" role="status">${told}${total === 0 && html`. <a href="/people">Show everybody</a>`}</p>
${people.length > 0 && (may.invite ? html`<form method="post" action="/bulk/invite/preview">${table}<div class="actions bulk"><span>With those chosen:</span> <button class="quiet">New links …</button>${may.offboard && html` <button class="quiet" formaction="/bulk/offboard/preview">Offboard …</button>`}</div></form>` : table)}
${pager(query, total)}
</section>`
}

function column(query: PeopleAsked, sort: (typeof sorts)[number], words: string): Html {
  const lit = (query.sort ?? 'name') === sort
  const down = lit && query.down !== '1'
  const { page: _, down: __, ...rest } = query
  const href = peopleAddress({ ...rest, sort, ...(down ? { down: '1' as const } : {}) })
  const order = query.down === '1' ? 'descending' : 'ascending'
  return html`<th scope="col"${lit && html` aria-sort="${order}"`}><a href="${href}">${words}<span aria-hidden="true">${lit && (order === 'ascending' ? ' ↑' : ' ↓')}</span></a></th>`
}

function row(view: EmployeeView, choosing: boolean): Html {
  const { id, name, email, extension, lifecycle, access } = view
  return html`<tr>${choosing && html`<td><input type="checkbox" name="id" value="${id}" aria-label="${name}, ${extension}"${lifecycle !== 'active' && html` disabled`}></td>`}
<th scope="row"><a href="/people/${id}"><bdi>${name}</bdi></a><br><small>${email}</small></th>
<td>${extensionAt(view)}</td><td>${lifecycleSign(lifecycle)}</td><td>${handsets(view)}</td><td>${heard(view)}</td><td>${doorSigns(access)}</td></tr>`
}

function handsets({ handsets: all }: EmployeeView): HtmlValue {
  const counts = Map.groupBy(
    all.filter(({ removedAt }) => removedAt === null),
    ({ model }) => model,
  )
  if (counts.size === 0) return html`<small>none</small>`
  return [...counts].map(([model, of], index) => html`${index > 0 && ', '}${model}${of.length > 1 && ` ×${of.length}`}`)
}

/** Of all tunnels in use the latest. */
export function lastHeard({ tunnels, lifecycle }: EmployeeView): string | null {
  if (lifecycle !== 'active') return null
  return (
    tunnels
      .flatMap(({ lastHandshakeAt }) => lastHandshakeAt ?? [])
      .sort()
      .at(-1) ?? null
  )
}

function heard(view: EmployeeView): HtmlValue {
  const at = lastHeard(view)
  if (at !== null) return moment(at)
  return view.lifecycle === 'active' ? html`<small>never</small>` : html`<small>–</small>`
}

function pager(query: PeopleAsked, total: number): Html | false {
  const last = Math.ceil(total / peoplePageSize)
  const page = query.page ?? 1
  if (last < 2) return false
  const to = (number: number, words: string, rel: string) =>
    number >= 1 &&
    number <= last &&
    html`<a href="${peopleAddress({ ...query, page: number })}" rel="${rel}">${words}</a>`
  return html`<nav class="pages" aria-label="Pages">${page > 2 && to(1, 'First', 'first')} ${to(page - 1, 'Previous', 'prev')} <span>Page ${page} of ${last}</span> ${to(page + 1, 'Next', 'next')} ${page < last - 1 && to(last, 'Last', 'last')}</nav>`
}
