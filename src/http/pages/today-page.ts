/** The first page: what needs a look today. Each number is the length of the list that it leads to. */
import { counted } from '../../domain/counted.ts'
import { extensionAt } from '../../domain/sip-account.ts'
import { mayDo } from '../../domain/token.ts'
import type { Application, EmployeeView } from '../../journeys/application.ts'
import {
  type Alarm,
  certificateDueDays,
  type LeavingView,
  quietDays,
  secretOldDays,
  type Today,
} from '../../journeys/people-view.ts'
import { type Html, html } from '../html.ts'
import { listAddress } from '../list-address.ts'
import type { PeopleAsked } from '../people-query.ts'
import { type Route, route } from '../route.ts'
import { doorSigns } from './doors-picture.ts'
import { type PageTools, pageText } from './layout.ts'
import { live } from './live.ts'
import { dayOf, duration, moment } from './moment.ts'

export function todayPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route('get', '/', 'read', { summary: 'Today', answer: 'text/html' }, async ({ actor, response }) => {
      const day = await application.people.today()
      response
        .type('html')
        .send(pageText(tools, { title: 'Today', actor, here: '/' }, content(day, mayDo(actor.role, 'onboard'))))
    }),
  ]
}

function content(day: Today, mayOnboard: boolean): Html {
  return html`<div class="head"><h1>Today</h1><p>${dayOf(day.at)}</p><div class="actions"><a class="button quiet" role="button" href="/steps">Steps by hand</a></div></div>
${live(
  { id: 'today', href: '/', paceMs: 2_000 },
  html`${day.people + day.leaversTotal === 0 && mayOnboard && begin(day.left)}
<ul class="figures" aria-label="People by what needs a look">
${figure(day.online, 'people with a phone online', { tunnel: 'online' })}
${figure(day.openDoors, 'people with a door that needs a look', { attention: 'open-doors' }, 'wait')}
${figure(day.leaversTotal, 'people leaving right now', { state: 'offboarding' }, 'wait')}
${figure(day.quiet, `quiet for ${quietDays} days or more`, { tunnel: quietDays })}
${figure(day.never, 'never connected', { tunnel: 'never' })}
${figure(day.certificatesDue, `whose certificate ends within ${certificateDueDays} days`, { attention: 'certificate-due' }, 'wait')}
${figure(day.secretsOld, `with a SIP password older than ${secretOldDays} days`, { attention: 'secret-old' })}
${figure(day.leaving, 'with a leaving date set', { attention: 'leaving-set' })}
</ul>
<p class="told">${counted(day.people, 'person holds', 'people hold')} ${counted(day.handsets, 'handset')}.</p>
<div class="columns">${leavers(day)}${leavings(day.leavings)}</div>
${alarms(day.alarms)}`,
)}`
}

/** Who reads this after everybody left, or after a restore, must not think that nothing is kept. */
function begin(left: number): Html {
  return html`<section class="card" aria-labelledby="begin"><h2 id="begin">Nobody has a phone ${left === 0 ? 'yet' : 'now'}</h2>
${left > 0 && html`<p><a href="${listAddress('/people', { state: 'offboarded' })}">${counted(left, 'person has', 'people have')} left</a>: the leaver files are kept.</p>`}
<div class="actions"><a class="button" role="button" href="/onboard">Onboard ${left === 0 ? 'your first person' : 'somebody'}</a></div></section>`
}

/** Zero is quiet; the rest is as loud as it deserves. */
function figure(count: number, words: string, filter: Partial<PeopleAsked>, tone = ''): Html {
  return html`<li><a class="${count > 0 ? tone : 'none'}" href="${listAddress('/people', filter)}"><b>${count}</b> <span>${words}</span></a></li>`
}

function leavers({ leavers: people, leaversTotal, at }: Today): Html {
  return html`<section class="card" aria-labelledby="leavers"><h2 id="leavers">Leavers in progress</h2>
${people.length === 0 && html`<p><small>Nobody is leaving right now.</small></p>`}
<ul class="lines">${people.map((view) => leaver(view, at))}</ul>
${leaversTotal > people.length && html`<p><a href="${listAddress('/people', { state: 'offboarding' })}">All ${leaversTotal}</a></p>`}
</section>`
}

function leaver(view: EmployeeView, now: string): Html {
  const { id, name, offboardRequestedAt, access } = view
  const since = offboardRequestedAt ?? now
  return html`<li><div><a href="/people/${id}/offboard"><bdi>${name}</bdi></a> <small>${extensionAt(view)}</small></div>
${doorSigns(access)}<small>since the click: <span data-since="${since}">${duration(Date.parse(now) - Date.parse(since))}</span></small></li>`
}

function leavings(next: readonly LeavingView[]): Html {
  return html`<section class="card" aria-labelledby="leavings"><h2 id="leavings">Leaving dates coming up</h2>
${next.length === 0 && html`<p><small>None is set.</small></p>`}
<ul class="lines">${next.map(
    ({ employeeId, name, at, reason }) =>
      html`<li><div><a href="/people/${employeeId}"><bdi>${name}</bdi></a>${reason !== null && html` <small>${reason}</small>`}</div><span>${moment(at)}</span></li>`,
  )}</ul></section>`
}

function alarms(causes: readonly Alarm[]): Html {
  return html`<section class="card" aria-labelledby="alarms"><h2 id="alarms">Alarms of the last 24 hours</h2>
${causes.length === 0 && html`<p><small>None. Nothing was found that Ringfence did not put there, and no door moved by itself.</small></p>`}
${causes.length > 0 && html`<ol class="story">${causes.map(alarm)}</ol>`}</section>`
}

function alarm({ at, since, text, count, kind, employeeId }: Alarm): Html {
  const href = employeeId === null ? `/audit?kind=${kind}` : `/people/${employeeId}`
  return html`<li class="alarm">${moment(at)} <span><a href="${href}">${text}</a>${count > 1 && html` <strong>and ${count - 1} more like it</strong>${since !== at && html` <small>since ${moment(since)}</small>`}`}</span></li>`
}
