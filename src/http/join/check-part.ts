/** "Is it working?": what was seen, and plain help for what usually goes wrong. The page's script fetches it again. */
import type { JoinStatus, JoinView, PhoneStatus } from '../../journeys/join-view.ts'
import { type Html, html } from '../html.ts'
import type { Speaker } from './messages.ts'
import { code, type Desk, pageLink } from './parts.ts'

export function checkPart(desk: Desk, status: JoinStatus): Html {
  const { say, token, view, language } = desk
  return html`<section id="check" aria-labelledby="title-check">
<h2 id="title-check">${say('join.check.title')}</h2>
<div role="status" data-check="/join/${token}/status?lang=${language}">${checkLines(desk, view, status)}</div>
<p class="aside"><span data-with-script hidden>${say('join.check.live')}</span> <a href="${pageLink(desk, {})}#check" data-again>${say('join.check.again')}</a></p>
</section>`
}

type Sign = 'done' | 'open' | 'stuck'

/** The part that changes; `data-done` tells the script that it need not look so often any more. */
export function checkLines(speaker: Speaker, view: JoinView, status: JoinStatus): Html {
  const { say } = speaker
  const gateways = new Set(view.gateways.map(({ tunnel }) => tunnel.id))
  const name = new Map(view.handsets.map(({ id, modelName }) => [id, modelName]))
  const phones = status.phones.filter(({ id }) => name.has(id))
  // With several tunnels each says whose it is.
  const several = status.tunnels.length > 1
  const phoneOn = (tunnelId: string) => {
    const phone = gateways.has(tunnelId) ? undefined : phones.find((one) => one.tunnelId === tunnelId)
    return phone && html` <span class="whose">${name.get(phone.id)}</span>`
  }
  const done =
    status.tunnels.every(({ state }) => state === 'connected') && phones.every((phone) => signOf(phone) === 'done')
  const wanted = new Set(phones.flatMap(({ help }) => help ?? []))
  return html`<div class="check"${done && html` data-done="yes"`}>
<ul class="lines">
${status.tunnels.map(({ id, state }) =>
  line(
    html`${say(gateways.has(id) ? 'join.check.gateway' : 'join.check.tunnel')}${several && phoneOn(id)}`,
    say(`join.check.tunnel.${state}`),
    state === 'connected' ? 'done' : state === 'quiet' ? 'stuck' : 'open',
  ),
)}
${phones.map((phone) => line(html`${name.get(phone.id)}`, say(`join.check.phone.${wordsOf(phone)}`), signOf(phone)))}
</ul>
${done ? html`<p class="all">${say('join.check.done')}</p>` : help(speaker, view, wanted)}
</div>`
}

function line(what: Html, state: Html, sign: Sign): Html {
  const marks = { done: '✓', open: '', stuck: '!' } as const
  return html`<li class="${sign}"><span class="sign" aria-hidden="true">${marks[sign]}</span><span>${what}</span> <span class="state">${state}</span></li>`
}

function wordsOf({ tunnel, fetched, account }: PhoneStatus): string {
  if (account === 'registered') return 'registered'
  if (tunnel !== null && tunnel !== 'connected') return 'waiting'
  return fetched === false ? 'settings' : account
}

function signOf(phone: PhoneStatus): Sign {
  const words = wordsOf(phone)
  if (words === 'registered') return 'done'
  return phone.help === 'name' || phone.help === 'sign-in' ? 'stuck' : 'open'
}

function help({ say }: Speaker, view: JoinView, wanted: ReadonlySet<PhoneStatus['help']>): Html {
  const host = view.pbxHost
  const entry = (kind: 'tunnel' | 'name' | 'sign-in', content: Html) => {
    // Before anything was tried the tunnel is silent for everybody: that is no finding yet.
    const likely = kind !== 'tunnel' && wanted.has(kind)
    return html`<details${likely && html` open`}><summary>${say(`join.help.${kind}.title`)}${likely && html` <strong>${say('join.help.likely')}</strong>`}</summary>${content}</details>`
  }
  return html`<div class="help"><h3>${say('join.help.title')}</h3>
${entry('tunnel', html`<p>${say('join.help.tunnel')}</p>`)}
${entry(
  'name',
  html`<p>${say('join.help.name', { host })}</p><ul><li>${say('join.help.name.try')}</li>
${view.pbxAddress !== null && html`<li>${say('join.help.name.command', { command: code(`nslookup ${host}`), address: code(view.pbxAddress) })}</li>`}
<li>${say('join.help.name.fritz', { host })}</li></ul>`,
)}
${entry('sign-in', html`<p>${say('join.help.sign-in')}</p>`)}</div>`
}
