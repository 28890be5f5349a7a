/** The list of handsets: paged by the server, searched while typing, each with its own doors. */
import { type Actor, mayDo } from '../../domain/token.ts'
import type { Application } from '../../journeys/application.ts'
import type { HandsetChoices, HandsetPage, HandsetRow, handsetSorts } from '../../journeys/handsets-view.ts'
import { certificateDueDays } from '../../journeys/people-view.ts'
import { asHandsetQuery, type HandsetAsked, handsetPageSize, handsetQuery } from '../handset-query.ts'
import { type Html, html } from '../html.ts'
import { listAddress } from '../list-address.ts'
import { type Route, route } from '../route.ts'
import { doorSigns } from './doors-picture.ts'
import { handsetSign } from './handset-sign.ts'
import { type PageTools, pageText } from './layout.ts'
import { choice, choiceOf, keptOrder, pager, placeWords, sortColumn, tunnelChoice } from './list-parts.ts'
import { moment } from './moment.ts'

const path = '/handsets'

export function handsetsPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      path,
      'read',
      { summary: 'Handsets', query: handsetQuery, answer: 'text/html' },
      async ({ actor, query, response }) => {
        const offset = ((query.page ?? 1) - 1) * handsetPageSize
        const [found, choices] = await Promise.all([
          application.handsets.page({ ...asHandsetQuery(query), limit: handsetPageSize, offset }),
          application.handsets.choices(),
        ])
        const content = [head(query), filters(query, choices), list(actor, query, found)]
        response.type('html').send(pageText(tools, { title: 'Handsets', actor, here: path }, content))
      },
    ),
  ]
}

function head(query: HandsetAsked): Html {
  const { page: _, ...filter } = query
  return html`<div class="head"><h1>Handsets</h1><div class="actions">
<a class="button quiet" role="button" id="export" href="${listAddress('/api/v1/handsets.csv', filter)}" download="handsets.csv">Export as CSV</a>
</div></div>`
}

function filters(query: HandsetAsked, { models, sites, gateways, firmwares }: HandsetChoices): Html {
  return html`<form class="filters" method="get" action="${path}" role="search" aria-label="Handsets"
 hx-get="${path}" hx-trigger="input delay:250ms from:#search, change, submit" hx-target="#list" hx-select="#list" hx-swap="outerHTML" hx-select-oob="#export" hx-push-url="true">
<label for="search">Search <input type="search" id="search" name="q" value="${query.q ?? ''}" placeholder="Holder, extension, MAC or model" autocomplete="off"></label>
${choice('state', 'State', query.state, [
  ['in-use', 'in use'],
  ['waiting', 'not enrolled yet'],
  ['enrolled', 'enrolled'],
  ['taken-back', 'taken back'],
  ['blanked', 'tombstone fetched'],
  ['not-blanked', 'tombstone not fetched'],
])}
${tunnelChoice(query.tunnel)}
${choice('attention', 'Needs a look', query.attention, [
  ['open-doors', 'a door is not as it should be'],
  ['warnings', 'not what was handed out'],
  ['certificate-due', `certificate ends within ${certificateDueDays} days`],
  ['stale', 'handed out before names changed'],
])}
${choiceOf('model', 'Model', query.model, models)}
${choice('gateway', 'Gateway', query.gateway, [
  ['none', 'its own tunnel'],
  ['any', 'behind any gateway'],
  ...gateways.map(({ kind, name }) => [kind, name] as const),
])}
${choice('firmware', 'Firmware', query.firmware, [
  ['unknown', 'never told'],
  ...firmwares.map((firmware) => [firmware, firmware] as const),
])}
${sites.length > 1 && choiceOf('site', 'Site', query.site, sites)}
${keptOrder(query)}
<button class="quiet">Search</button>
<a class="reset" href="${path}">Show all</a>
</form>`
}

function list(actor: Actor, query: HandsetAsked, { handsets, total }: HandsetPage): Html {
  const choosing = mayDo(actor.role, 'onboard')
  const page = query.page ?? 1
  const told = placeWords((page - 1) * handsetPageSize, handsets.length, total)
  const { page: _, ...filter } = query
  const column = (sort: (typeof handsetSorts)[number], words: string) => sortColumn(path, query, sort, words)
  const table = html`<div class="scroll"><table class="people wide">
<thead><tr>${choosing && html`<th scope="col"><span class="unseen">Choose</span></th>`}${column('model', 'Handset')}${column('name', 'Holder')}${column('extension', 'Extension')}<th scope="col">State</th>${column('heard', 'Last handshake')}<th scope="col">Doors</th></tr></thead>
<tbody>${handsets.map((row) => line(row, choosing))}</tbody></table></div>`
  return html`<section id="list" class="card">
<p class="pages" role="status">${told}${total === 0 && html`. <a href="${path}">Show all</a>`}</p>
${
  handsets.length > 0 &&
  (choosing
    ? html`<form method="post" action="/bulk/resync/preview">${table}<input type="hidden" name="filter" value="${listAddress('', filter)}">
<div class="actions bulk"><span>Have them fetch their files again:</span> <button class="quiet" name="which" value="chosen">Those chosen …</button> <button class="quiet" name="which" value="all">All ${total} that match …</button></div></form>`
    : table)
}
${pager(page, Math.ceil(total / handsetPageSize), (number) => listAddress(path, { ...query, page: number }))}
</section>`
}

function line({ handset, modelName, employee, tunnel, access, gateway }: HandsetRow, choosing: boolean): Html {
  const { id, mac, removedAt, seen, warnings } = handset
  const heardAt = removedAt === null ? tunnel?.lastHandshakeAt : null
  return html`<tr>${choosing && html`<td><input type="checkbox" name="id" value="${id}" aria-label="${modelName} of ${employee.name}"${removedAt !== null && html` disabled`}></td>`}
<th scope="row"><a href="/handsets/${id}">${modelName}</a><br><small>${[mac ?? 'app', seen?.firmware && `firmware ${seen.firmware}`, gateway && `gateway: ${gateway.kind}`].filter(Boolean).join(' · ')}</small></th>
<td><a href="/people/${employee.id}"><bdi>${employee.name}</bdi></a></td><td>${employee.extension}</td>
<td>${handsetSign(handset)}${warnings.length > 0 && html`<br><span class="state waiting" title="${warnings.join('; ')}">not as handed out</span>`}</td>
<td>${heardAt ? moment(heardAt) : html`<small>${removedAt === null ? 'never' : '–'}</small>`}</td>
<td>${doorSigns(access)}</td></tr>`
}
