/** The list of people: paged by the server, searched while typing, each with the signs of its doors. */
import { extensionAt } from '../../domain/sip-account.ts'
import { type Actor, mayDo } from '../../domain/token.ts'
import type { Application, EmployeeView } from '../../journeys/application.ts'
import {
  certificateDueDays,
  lastHeard,
  type PeopleChoices,
  type PeoplePage,
  secretOldDays,
} from '../../journeys/people-view.ts'
import { type Html, type HtmlValue, html } from '../html.ts'
import { listAddress } from '../list-address.ts'
import { asQuery, type PeopleAsked, peoplePageSize, peopleQuery, type sorts } from '../people-query.ts'
import { type Route, route } from '../route.ts'
import { doorSigns } from './doors-picture.ts'
import { type PageTools, pageText } from './layout.ts'
import { lifecycleSign } from './lifecycle-sign.ts'
import { choice, choiceOf, keptOrder, pager, placeWords, sortColumn, tunnelChoice } from './list-parts.ts'
import { moment } from './moment.ts'

const path = '/people'

export function peoplePages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      path,
      'read',
      { summary: 'People', query: peopleQuery, answer: 'text/html' },
      async ({ actor, query, response }) => {
        const page = query.page ?? 1
        const { page: _, sort: __, down: ___, ...filter } = query
        const isFiltered = Object.values(filter).some((value) => value !== undefined)
        const couldLeave = isFiltered && (query.state === undefined || query.state === 'active')
        const [found, choices, active] = await Promise.all([
          application.people.page({
            ...asQuery(query),
            limit: peoplePageSize,
            offset: (page - 1) * peoplePageSize,
          }),
          application.people.choices(),
          couldLeave ? application.people.matching({ ...asQuery(query), state: 'active', limit: 0 }) : { total: 0 },
        ])
        const content = [head(actor, query), filters(query, choices), list(actor, query, found, active.total)]
        response.type('html').send(pageText(tools, { title: 'People', actor, here: path }, content))
      },
    ),
  ]
}

function head(actor: Actor, query: PeopleAsked): Html {
  const { page: _, ...filter } = query
  return html`<div class="head"><h1>People</h1><div class="actions">
${mayDo(actor.role, 'onboard') && html`<a class="button" role="button" href="/onboard">Onboard somebody</a>`}
<a class="button quiet" role="button" id="export" href="${listAddress('/api/v1/employees.csv', filter)}" download="people.csv">Export as CSV</a>
</div></div>`
}

function filters(query: PeopleAsked, { models, sites }: PeopleChoices): Html {
  return html`<form class="filters" method="get" action="/people" aria-label="Find people"
 hx-get="/people" hx-trigger="input delay:250ms from:#search, change, submit" hx-target="#list" hx-select="#list" hx-swap="outerHTML" hx-select-oob="#export" hx-push-url="true" hx-sync="this:queue last">
<label for="search">Search <input type="search" id="search" name="q" value="${query.q ?? ''}" placeholder="Name, e-mail or extension" autocomplete="off"></label>
${choice('state', 'State', query.state, [
  ['active', 'active'],
  ['offboarding', 'leaving'],
  ['offboarded', 'left'],
])}
${tunnelChoice(query.tunnel)}
${choice('attention', 'Needs a look', query.attention, [
  ['open-doors', 'a door is not as it should be'],
  ['certificate-due', `certificate ends within ${certificateDueDays} days`],
  ['secret-old', `SIP password older than ${secretOldDays} days`],
  ['leaving-set', 'leaving date set'],
])}
${models.length > 0 && choiceOf('model', 'Model', query.model, models)}
${sites.length > 1 && choiceOf('site', 'Site', query.site, sites)}
${keptOrder(query)}
<button class="quiet">Search</button>
<a class="reset" href="/people">Show everybody</a>
</form>`
}

/** @param active how many of those that match could be meant by a deed for many; 0 where nothing is filtered */
function list(actor: Actor, query: PeopleAsked, { people, total }: PeoplePage, active: number): Html {
  const may = { offboard: mayDo(actor.role, 'revoke'), invite: mayDo(actor.role, 'onboard') }
  const page = query.page ?? 1
  const place = placeWords((page - 1) * peoplePageSize, people.length, total, 'Nobody matches')
  const column = (sort: (typeof sorts)[number], words: string) => sortColumn(path, query, sort, words)
  const table = html`<div class="scroll"><table class="people">
<thead><tr>${may.invite && html`<th scope="col"><span class="unseen">Choose</span></th>`}${column('name', 'Name')}${column('extension', 'Extension')}<th scope="col">State</th><th scope="col">Handsets</th>${column('heard', 'Last handshake')}<th scope="col">Doors</th></tr></thead>
<tbody>${people.map((view) => row(view, may.invite))}</tbody></table></div>`
  return html`<section id="list" class="card">
<p class="pages" role="status">${place}${total === 0 && html`. <a href="/people">Show everybody</a>`}</p>
${people.length > 0 && (may.invite ? html`<form method="post" action="/bulk/invite/preview">${table}${bulk(query, may, active)}</form>` : table)}
${pager(page, Math.ceil(total / peoplePageSize), (number) => listAddress(path, { ...query, page: number }))}
</section>`
}

/** The choice of all appears with a filter: without one it would mean the whole company. */
function bulk({ page: _, ...filter }: PeopleAsked, may: { readonly offboard: boolean }, active: number): Html {
  const all = active === 1 ? 'The one that matches' : `All ${active} that match`
  return html`<div class="actions bulk">${active > 0 && html`<label class="all"><input type="checkbox" name="which" value="all"> <span>${all} this filter, on every page</span></label><input type="hidden" name="filter" value="${listAddress('', filter)}">`}
<span>With those ticked:</span> <button class="quiet">New links …</button>${may.offboard && html` <button class="quiet" formaction="/bulk/offboard/preview">Offboard …</button>`}</div>`
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

function heard(view: EmployeeView): HtmlValue {
  const at = lastHeard(view)
  if (at !== null) return moment(at)
  return view.lifecycle === 'active' ? html`<small>never</small>` : html`<small>–</small>`
}
