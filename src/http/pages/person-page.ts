/** One person: the doors, live; the handsets; everything that happened; what can be done. */

import { policyWords } from '../../domain/call-words.ts'
import { byClick } from '../../domain/leaver-doors.ts'
import { extensionAt } from '../../domain/sip-account.ts'
import { type Actor, mayDo } from '../../domain/token.ts'
import type { Application, EmployeeView } from '../../journeys/application.ts'
import type { MailView } from '../../journeys/mail-view.ts'
import type { Happening, LeavingView } from '../../journeys/people-view.ts'
import { doorOwners } from '../door-words.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { doorsPicture, shutBefore } from './doors-picture.ts'
import { type Frame, type PageTools, pageText } from './layout.ts'
import { lifecycleSign } from './lifecycle-sign.ts'
import { live } from './live.ts'
import { mailsCard } from './mails-card.ts'
import { clockTime, dayOf, moment, momentText, withMoments } from './moment.ts'

export function personPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      '/people/:id',
      'read',
      { summary: 'A person', answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const [view, story, leaving, mails] = await Promise.all([
          application.employee(id),
          application.people.happenings(id),
          application.people.leaving(id),
          application.mails.ofPerson(id),
        ])
        response
          .type('html')
          .send(pageText(tools, personFrame(actor, view), person({ actor, view, story, leaving, mails }, application)))
      },
    ),
  ]
}

export function personFrame(actor: Actor, { id, name }: Pick<EmployeeView, 'id' | 'name'>, below?: string): Frame {
  const people = { name: 'People', href: '/people' }
  return below === undefined
    ? { title: name, actor, here: '/people', trail: [people] }
    : { title: below, actor, here: '/people', trail: [people, { name, href: `/people/${id}` }] }
}

interface PersonParts {
  readonly actor: Actor
  readonly view: EmployeeView
  readonly story: readonly Happening[]
  readonly leaving: LeavingView | null
  readonly mails: readonly MailView[]
}

function person({ actor, view, story, leaving, mails }: PersonParts, application: Application): Html {
  const { id, access, offboardRequestedAt } = view
  const { during, before } = byClick(access, offboardRequestedAt)
  const subject = doorOwners(application.models())
  const tickAt = mayDo(actor.role, 'revoke') ? `/people/${id}/tick` : undefined
  return live(
    { id: 'person', href: `/people/${id}`, employeeId: id },
    html`<div class="head"><h1><bdi>${view.name}</bdi></h1>${lifecycleSign(view.lifecycle)}<div class="actions">${actions(actor, view)}</div></div>
${facts(actor, view)}
${leaving && leavingNotice(actor, leaving)}
${whatIsLeft(view, tickAt !== undefined)}
<section class="card" aria-labelledby="doors"><h2 id="doors">Doors</h2>
${doorsPicture(during, { tickAt, clickedAt: offboardRequestedAt, subject })}${shutBefore(before, subject)}</section>
<section class="card" aria-labelledby="handsets"><h2 id="handsets">Handsets</h2>${handsets(actor, view, application)}${gateways(view)}</section>
${mailsCard(mails, actor)}
<section class="card" aria-labelledby="story"><h2 id="story">What happened</h2>
<p><small>Newest first.</small></p>${storyOf(story)}</section>`,
  )
}

function actions(actor: Actor, { id, lifecycle }: EmployeeView): Html {
  const link = (href: string, words: string, looks: string) =>
    html`<a class="${looks}" role="button" href="/people/${id}/${href}">${words}</a>`
  if (lifecycle !== 'active') return link('offboard', 'How the offboarding went', 'button quiet')
  return html`${mayDo(actor.role, 'onboard') && html`${link('hand-over', 'New link', 'button quiet')}${link('handset', 'Add a handset', 'button quiet')}`}
${mayDo(actor.role, 'revoke') && html`<form method="post" action="/people/${id}/secrets"><button class="quiet">SIP password</button></form>${link('leaving', 'Leaving date', 'button quiet')}${link('offboard', 'Offboard', 'button danger')}`}`
}

function facts(actor: Actor, view: EmployeeView): Html {
  const { id, email, calls, lifecycle, createdAt, offboardRequestedAt, offboardedAt } = view
  const isHere = lifecycle === 'active'
  return html`<dl class="facts row"><div><dt>Extension</dt><dd>${extensionAt(view)}</dd></div><div><dt>E-mail</dt><dd>${email}</dd></div>
${isHere && html`<div><dt>May dial</dt><dd>${policyWords(calls)}${mayDo(actor.role, 'revoke') && html` <a href="/people/${id}/calls">Change</a>`}</dd></div>`}
<div><dt>Onboarded</dt><dd>${moment(createdAt)}</dd></div>
${offboardRequestedAt && html`<div><dt>Offboarded</dt><dd>${moment(offboardRequestedAt)}</dd></div>`}
${offboardedAt && html`<div><dt>Complete</dt><dd>${moment(offboardedAt)}</dd></div>`}</dl>`
}

function leavingNotice(actor: Actor, { employeeId, at, reason, askedBy }: LeavingView): Html {
  return html`<div class="notice wait leaving"><span>Will be offboarded by itself on <strong>${momentText(at)}</strong>${reason !== null && `, reason: ${reason}`}. Set by <bdi>${askedBy}</bdi>.</span>
${mayDo(actor.role, 'revoke') && html`<form method="post" action="/people/${employeeId}/leaving/cancel"><button class="quiet">Cancel this date</button></form>`}</div>`
}

/** The one line that says what to do next. */
function whatIsLeft({ id, lifecycle, access }: EmployeeView, mayTick: boolean): Html | false {
  if (lifecycle === 'offboarded')
    return html`<p class="notice good">Every door is shut or ticked. <a href="/people/${id}/leaver-file">Open the leaver file</a></p>`
  return stepsNotice(id, access, mayTick)
}

/** Steps that nobody ticked, and where they stand in all their parts. */
export function stepsNotice(id: string, access: EmployeeView['access'], mayTick: boolean): Html | false {
  const waiting = access.filter(({ verdict, acknowledged }) => verdict === 'waiting' && !acknowledged).length
  return (
    waiting > 0 &&
    html`<p class="notice wait">${waiting === 1 ? 'A step is' : `${waiting} steps are`} waiting for ${mayTick ? 'you, below' : 'an administrator'}. <a href="/people/${id}/steps">Step by step, to print</a></p>`
  )
}

function handsets(actor: Actor, { handsets: all, tunnels }: EmployeeView, application: Application): Html {
  if (all.length === 0) return html`<p><small>None has been handed out.</small></p>`
  const models = new Map(application.models().map(({ id: model, name }) => [model, name]))
  return html`<div class="scroll"><table class="fold"><thead><tr><th scope="col">Model</th><th scope="col">MAC</th><th scope="col">Certificate</th><th scope="col">Last handshake</th><th scope="col">State</th>${mayDo(actor.role, 'revoke') && html`<th scope="col"><span class="unseen">What can be done</span></th>`}</tr></thead>
<tbody>${all.map((handset) => {
    const heardAt = tunnels.find((tunnel) => tunnel.id === handset.tunnelId)?.lastHandshakeAt
    return html`<tr><th scope="row"><a href="/handsets/${handset.id}">${models.get(handset.model) ?? handset.model}</a></th><td class="beside">${handset.mac ?? html`<small>no MAC</small>`}</td>
<td${handset.certificate && html` data-head="Certificate:"`}>${handset.certificate ? html`until ${moment(handset.certificate.notAfter)}` : html`<small>${handset.certificateNote}</small>`}</td>
<td data-head="Last handshake:">${heardAt ? moment(heardAt) : html`<small>never</small>`}</td>
<td>${handset.removedAt ? html`taken back ${moment(handset.removedAt)}` : handset.enrolledAt ? html`in use since ${moment(handset.enrolledAt)}` : 'not enrolled yet'}</td>
${mayDo(actor.role, 'revoke') && html`<td>${handset.removedAt === null && html`<a href="/handsets/${handset.id}/back">Take back</a>`}</td>`}</tr>`
  })}</tbody></table></div>`
}

/** The small routers that carry their desk phones: theirs, and those of others in the same home. */
function gateways({ id, gateways: all }: EmployeeView): Html | false {
  return (
    all.length > 0 &&
    html`<h3>Home gateways</h3><ul class="lines">${all.map(
      ({ kind, owner, lastHeardAt }) =>
        html`<li><span>Home gateway (${kind})${owner.id !== id && html`, of <a href="/people/${owner.id}"><bdi>${owner.name}</bdi></a>`}</span><small>${lastHeardAt ? html`last heard ${moment(lastHeardAt)}` : 'never heard'}</small></li>`,
    )}</ul>`
  )
}

/** Grouped by day, so that the clock's time is enough on each line. */
function storyOf(story: readonly Happening[]): Html {
  if (story.length === 0) return html`<p><small>Nothing is recorded yet.</small></p>`
  const days = Map.groupBy(story, ({ at }) => dayOf(at))
  return html`${[...days].map(
    ([day, events]) =>
      html`<h3>${day}</h3><ol class="story">${events.map(
        ({ at, text, by, kind, times, since }) =>
          html`<li class="${kind}">${clockTime(at)} <span>${withMoments(text)}${times > 1 && html` <small>· ${times} times, first ${moment(since)}</small>`}${by !== null && html` <small>· <bdi>${by}</bdi></small>`}</span></li>`,
      )}</ol>`,
  )}`
}
