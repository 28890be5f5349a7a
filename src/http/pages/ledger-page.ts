/** The phone door's ledger: every fetch and refusal with its real reason, the newest first. */
import type { Application } from '../../journeys/application.ts'
import type { LedgerLine, LedgerPage } from '../../journeys/handsets-view.ts'
import { type Html, html } from '../html.ts'
import { listAddress } from '../list-address.ts'
import { asLedgerQuery, type LedgerAsked, ledgerQuery, recordPageSize } from '../record-query.ts'
import { type Route, route } from '../route.ts'
import { stateSign } from './doors-picture.ts'
import { type PageTools, pageText } from './layout.ts'
import { choice, olderPager, recordWords } from './list-parts.ts'
import { moment } from './moment.ts'

const path = '/ledger'

export function ledgerPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      path,
      'read',
      { summary: 'Phone door ledger', query: ledgerQuery, answer: 'text/html' },
      async ({ actor, query, response }) => {
        const found = await application.handsets.ledger({ ...asLedgerQuery(query), limit: recordPageSize })
        const content = [
          html`<div class="head"><h1>Phone door</h1><p><small>Every fetch and refusal with its real reason. Whoever was refused saw one and the same answer.</small></p></div>`,
          filters(query),
          list(query, found),
        ]
        response.type('html').send(pageText(tools, { title: 'Phone door', actor, here: path }, content))
      },
    ),
  ]
}

function filters(query: LedgerAsked): Html {
  return html`<form class="filters records" method="get" action="${path}" role="search" aria-label="Phone door"
 hx-get="${path}" hx-trigger="input delay:300ms, submit" hx-target="#list" hx-select="#list" hx-swap="outerHTML" hx-push-url="true">
<label>Person <input type="search" name="who" value="${query.who ?? ''}" placeholder="E-mail or extension" autocomplete="off"></label>
<label>Address <input type="search" name="address" value="${query.address ?? ''}" placeholder="192.0.2." autocomplete="off"></label>
${choice('outcome', 'Outcome', query.outcome, [
  ['served', 'got it'],
  ['not-modified', 'had it already'],
  ['blanked', 'got the tombstone'],
  ['refused', 'refused'],
])}
<label>Reason <input type="search" name="reason" value="${query.reason ?? ''}" placeholder="part of it" autocomplete="off"></label>
<label>From <input type="date" name="since" value="${query.since ?? ''}"></label>
<label>To <input type="date" name="until" value="${query.until ?? ''}"></label>
${query.handset && html`<input type="hidden" name="handset" value="${query.handset}">`}
<button class="quiet">Search</button>
<a class="reset" href="${path}">Show all</a>
</form>`
}

function list(query: LedgerAsked, { lines, next, unknown }: LedgerPage): Html {
  const { before, ...filter } = query
  const older = next === null ? null : listAddress(path, { ...filter, before: next })
  const told = recordWords('line', { count: lines.length, next, unknown })
  return html`<section id="list" class="card"><p class="pages" role="status">${told}${query.handset && lines[0]?.handset && html`, of <a href="/handsets/${query.handset}">${lines[0].handset.name}</a>`}</p>
${lines.length > 0 && ledgerTable(lines)}
${olderPager(listAddress(path, filter), before === undefined, older)}</section>`
}

export function ledgerTable(lines: readonly LedgerLine[]): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Requests to the phone door"><table class="ledger"><thead><tr><th scope="col">When</th><th scope="col">Outcome</th><th scope="col">Whose</th><th scope="col">File</th><th scope="col">From</th><th scope="col">Says it is</th></tr></thead><tbody>${lines.map(line)}</tbody></table></div>`
}

function line({ at, outcome, reason, employee, handset, fileName, remoteAddress, userAgent }: LedgerLine): Html {
  return html`<tr><td>${moment(at)}</td><td>${outcomeSign(outcome)}<br><small>${reason}</small></td>
<td>${employee ? html`<a href="/people/${employee.id}"><bdi>${employee.name}</bdi></a>` : html`<small>a stranger</small>`}${handset && html`<br><a href="/handsets/${handset.id}">${handset.name}</a>`}</td>
<td>${fileName ?? html`<small>none</small>`}</td><td class="address"><a href="${listAddress(path, { address: remoteAddress })}">${remoteAddress}</a></td><td><small><bdi>${userAgent ?? 'nothing'}</bdi></small></td></tr>`
}

function outcomeSign(outcome: string): Html {
  switch (outcome) {
    case 'served':
      return stateSign('open', 'got it')
    case 'not-modified':
      return stateSign('open', 'had it already')
    case 'blanked':
      return stateSign('shut', 'got the tombstone')
    default:
      return stateSign('stuck', outcome)
  }
}
