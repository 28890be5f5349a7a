/** The audit log: a hash-chained list, read, checked and taken along. */
import { z } from 'zod'
import type { Application } from '../../journeys/application.ts'
import type { AuditLine, AuditPage } from '../../journeys/records-view.ts'
import { type Html, html } from '../html.ts'
import { listAddress } from '../list-address.ts'
import { type AuditAsked, asAuditQuery, auditQuery, recordPageSize } from '../record-query.ts'
import { type Route, route } from '../route.ts'
import { type PageTools, pageText } from './layout.ts'
import { choice, olderPager, recordWords } from './list-parts.ts'
import { moment, withMoments } from './moment.ts'

const path = '/audit'

export function auditPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      path,
      'read',
      { summary: 'Audit log', query: auditQuery, answer: 'text/html' },
      async ({ actor, query, response }) => {
        const found = await application.records.audit({ ...asAuditQuery(query), limit: recordPageSize })
        const content = [head(query, found), filters(query, found), list(query, found)]
        response.type('html').send(pageText(tools, { title: 'Audit log', actor, here: path }, content))
      },
    ),
    route(
      'post',
      '/audit/verify',
      'read',
      { summary: 'Check the chain', body: { form: z.object({}) }, answer: 'text/html' },
      async ({ actor, response }) => {
        const checked = await application.records.verifyAudit()
        const frame = { title: 'The chain', actor, here: path, trail: [{ name: 'Audit log', href: path }] }
        response.type('html').send(pageText(tools, frame, verdict(checked)))
      },
    ),
  ]
}

function head(query: AuditAsked, { length }: AuditPage): Html {
  const { before: _, ...filter } = query
  return html`<div class="head"><h1>Audit log</h1><p><small>${length} events, each chained to the one before by its hash.</small></p><div class="actions">
<form method="post" action="/audit/verify"><button class="quiet">Check the chain</button></form>
<a class="button quiet" role="button" href="${listAddress('/api/v1/audit.csv', filter)}" download="audit.csv">CSV</a>
<a class="button quiet" role="button" href="${listAddress('/api/v1/audit.jsonl', filter)}" download="audit.jsonl">JSON lines</a></div></div>`
}

/** What kinds begin with, in words; one that has none yet is shown as it is. */
const groupWords: Readonly<Record<string, string>> = {
  employee: 'people',
  leaving: 'leaving dates',
  handset: 'handsets',
  invite: 'links',
  tunnel: 'tunnels',
  'sip-credential': 'SIP passwords',
  access: 'doors',
  stranger: 'strangers',
  'phone-setting': 'phone settings',
  templates: 'templates',
  settings: 'names and addresses',
  token: 'API tokens',
  journal: 'the leaver journal',
  gateway: 'home gateways',
  mail: 'mails',
  administrator: 'administrators',
  'sign-in': 'signing in',
  session: 'sessions',
  passkey: 'passkeys',
  password: 'passwords of administrators',
  authenticator: 'authenticator apps',
}

function filters(query: AuditAsked, { groups }: AuditPage): Html {
  return html`<form class="filters records" method="get" action="${path}" role="search" aria-label="Audit log"
 hx-get="${path}" hx-trigger="input delay:300ms, submit" hx-target="#list" hx-select="#list" hx-swap="outerHTML" hx-push-url="true">
<label>Person <input type="search" name="who" value="${query.who ?? ''}" placeholder="E-mail or extension" autocomplete="off"></label>
${choice(
  'kind',
  'About',
  query.kind,
  groups.map((group) => [group, groupWords[group] ?? group]),
)}
<label>From <input type="date" name="since" value="${query.since ?? ''}"></label>
<label>To <input type="date" name="until" value="${query.until ?? ''}"></label>
${query.subject && html`<input type="hidden" name="subject" value="${query.subject}">`}
<button class="quiet">Search</button>
<a class="reset" href="${path}">Show all</a>
</form>`
}

function list(query: AuditAsked, { events, next, unknown }: AuditPage): Html {
  const { before, ...filter } = query
  const older = next === null ? null : listAddress(path, { ...filter, before: next })
  const told = recordWords('event', { count: events.length, next, unknown })
  return html`<section id="list" class="card"><p class="pages" role="status">${told}</p>
${events.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="Events"><table class="ledger"><thead><tr><th scope="col">No.</th><th scope="col">When</th><th scope="col">What happened</th><th scope="col">Person</th><th scope="col">By</th></tr></thead><tbody>${events.map(line)}</tbody></table></div>`}
${olderPager(listAddress(path, filter), before === undefined, older)}</section>`
}

function line({ id, position, at, kind, text, employee, by, via, detail, hash, previousHash }: AuditLine): Html {
  return html`<tr><td>${position}</td><td>${moment(at)}</td>
<td>${withMoments(text)}<details class="fine"><summary id="event-${id}">${kind}</summary><dl class="facts"><dt>Particulars</dt><dd><code>${detail ?? 'erased'}</code></dd><dt>Hash</dt><dd><code>${hash}</code></dd><dt>Of the one before</dt><dd><code>${previousHash}</code></dd></dl></details></td>
<td>${employee ? html`<a href="/people/${employee.id}"><bdi>${employee.name ?? 'erased'}</bdi></a>` : html`<small>–</small>`}</td>
<td>${by === null ? html`<small>Ringfence</small>` : html`<bdi>${by}</bdi>${via && html` <small>${via}</small>`}`}</td></tr>`
}

function verdict({ brokenAt, length }: { readonly brokenAt: number | null; readonly length: number }): Html {
  return html`<section class="card narrow"><h1>The chain</h1>
${
  brokenAt === null
    ? html`<p class="notice good">Whole: all ${length} events are in their place, and each says what was recorded.</p>
<p>Checked: positions without a gap, every hash made anew from its event and the hash before, and every particular against its commitment. Particulars that were erased with a person leave their commitment, so they do not break it.</p>
<p><small>Somebody who can write the database could replace the whole chain. The leaver files hold its head at their time, and an export taken along today shows tomorrow whether it is still the same.</small></p>`
    : html`<p class="notice bad" role="alert">Broken at event ${brokenAt}: it was changed, removed or swapped behind Ringfence's back.</p>
<p>Compare the database with a backup from before. Everything before event ${brokenAt} is as it was recorded.</p><p><a href="/audit?before=${brokenAt + 1}">Look at event ${brokenAt}</a></p>`
}
<p><a href="${path}">Back to the audit log</a></p></section>`
}
