/** The hub: what it is, who its peers are, what passes, and what somebody else did to it. */
import { z } from 'zod'
import { counted } from '../../domain/counted.ts'
import type { Application } from '../../journeys/application.ts'
import { type HubView, type PeerView, peerKinds } from '../../journeys/hub-view.ts'
import { onlineMinutes, quietDays } from '../../journeys/people-view.ts'
import { problemWords, sentence } from '../console-words.ts'
import { type Html, html } from '../html.ts'
import { listAddress } from '../list-address.ts'
import { type Route, route } from '../route.ts'
import { stateSign } from './doors-picture.ts'
import { type PageTools, pageText } from './layout.ts'
import { pager, placeWords } from './list-parts.ts'
import { moment } from './moment.ts'
import { trafficCharts, trafficSpark } from './traffic-chart.ts'

const path = '/hub'
const pageSize = 50

const hubQuery = z.object({
  show: z.enum(peerKinds).catch('all').default('all'),
  page: z.coerce.number().int().min(1).max(1_000_000).catch(1).default(1),
})
type HubAsked = z.output<typeof hubQuery>

const kindWords: Readonly<Record<HubAsked['show'], string>> = {
  all: 'peers',
  online: `heard within ${onlineMinutes} minutes`,
  quiet: `quiet for ${quietDays} days or more`,
  never: 'never heard',
  strange: 'not issued by Ringfence',
}

export function hubPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      path,
      'read',
      { summary: 'The hub', query: hubQuery, answer: 'text/html' },
      async ({ actor, query, response }) => {
        const view = await application.records.hub({
          show: query.show,
          limit: pageSize,
          offset: (query.page - 1) * pageSize,
        })
        response.type('html').send(pageText(tools, { title: 'Hub', actor, here: path }, content(view, query)))
      },
    ),
  ]
}

function content(view: HubView, query: HubAsked): Html {
  return html`<div class="head"><h1>Hub</h1>${modeSign(view)}</div>
${view.failure && html`<p class="notice bad" role="alert">The hub could not be asked ${moment(view.failure.at)}: ${view.failure.message}. ${view.failure.hint && sentence(view.failure.hint)}</p>`}
${view.said?.mode === 'preview' && html`<p class="notice wait">Preview: this hub remembers what it is told and moves no packets. <a href="/about/doctor">Doctor</a> says what to install.</p>`}
${view.said?.problems.map(({ message, hint }) => html`<p class="notice bad">${problemWords({ message, hint })}</p>`)}
<div class="columns">${facts(view)}${firewall(view)}</div>
<section class="card" aria-labelledby="traffic"><h2 id="traffic">Traffic of all tunnels</h2>${trafficCharts(view.traffic, moment(view.since))}</section>
${peers(view, query)}
${drift(view)}`
}

function modeSign({ said, failure }: HubView): Html {
  if (said === null) return stateSign('waiting', 'has not answered yet')
  if (failure) return stateSign('stuck', 'does not answer')
  const words = { kernel: 'WireGuard in the kernel', userspace: 'wireguard-go', preview: 'preview' }[said.mode]
  return stateSign(said.mode === 'preview' ? 'waiting' : 'open', words)
}

function facts({ said, endpoint, subnets, phoneSubnets }: HubView): Html {
  return html`<section class="card" aria-labelledby="facts"><h2 id="facts">What it is</h2><dl class="facts">
<dt>Handsets dial</dt><dd><code>${endpoint}</code></dd>
${said && html`<dt>Interface, port</dt><dd>${said.interface}, UDP ${said.listenPort}</dd><dt>Public key</dt><dd><code>${said.publicKey}</code></dd><dt>Its addresses</dt><dd>${said.addresses.join(', ')}</dd>`}
<dt>Addresses of handsets</dt><dd>${subnets.join(', ')}</dd>
${phoneSubnets.length > 0 && html`<dt>Behind home gateways</dt><dd>${phoneSubnets.join(', ')}</dd>`}
${said && said.did.length > 0 && html`<dt>Set up by itself</dt><dd>${said.did.join('; ')}</dd>`}
${said && html`<dt>Last heard</dt><dd>${moment(said.at)}</dd>`}</dl></section>`
}

function firewall({ firewall: seen }: HubView): Html {
  return html`<section class="card" aria-labelledby="firewall"><h2 id="firewall">Firewall</h2>
${
  seen === null
    ? html`<p>Not looked at yet since the server started.</p>`
    : html`<p>${seen.rulesIntact ? stateSign('shut', 'rules intact') : stateSign('stuck', 'rules are not ours')}</p>
<p>${seen.rulesIntact ? 'The table holds exactly the rules that Ringfence asked for: handsets reach the PBX and the phone door, and nothing else.' : 'Somebody changed the table. Ringfence puts it right with the next sweep; the audit log has it.'}</p>
<dl class="facts"><dt>Let through</dt><dd>${counted(seen.admitted, 'address', 'addresses')}</dd><dt>Looked at</dt><dd>${moment(seen.at)}</dd></dl>`
}</section>`
}

function peers({ listing }: HubView, { show, page }: HubAsked): Html {
  if (listing === null)
    return html`<section class="card" aria-labelledby="peers"><h2 id="peers">Peers</h2><p>Not listed yet since the server started.</p></section>`
  const { count, matching, peers: rows, at } = listing
  return html`<section class="card" aria-labelledby="peers"><h2 id="peers">Peers</h2>
<nav class="tabs" aria-label="Which peers"><ul>${peerKinds.map((kind) => html`<li><a href="${listAddress(path, { show: kind })}#peers"${kind === show && html` aria-current="true"`}><b>${count[kind]}</b> ${kindWords[kind]}</a></li>`)}</ul></nav>
<p class="pages" role="status">${placeWords((page - 1) * pageSize, rows.length, matching)}, as listed ${moment(at)}</p>
${rows.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="List of peers"><table><thead><tr><th scope="col">Whose</th><th scope="col">Addresses</th><th scope="col">Last handshake</th><th scope="col">Seen at</th><th scope="col">24 hours</th></tr></thead><tbody>${rows.map(peer)}</tbody></table></div>`}
${pager(page, Math.ceil(matching / pageSize), (number) => `${listAddress(path, { show, page: number })}#peers`)}</section>`
}

function peer({ publicKey, allowedIps, lastHandshakeAt, endpoint, owner, traffic }: PeerView): Html {
  return html`<tr><th scope="row">${owner ? whose(owner) : stateSign('stuck', 'not issued by Ringfence')}<br><small><code>${publicKey.slice(0, 12)}…</code></small></th>
<td>${allowedIps.length === 0 ? html`<small>none</small>` : allowedIps.join(', ')}</td>
<td>${lastHandshakeAt === null ? html`<small>never</small>` : moment(lastHandshakeAt)}</td>
<td>${endpoint ?? html`<small>–</small>`}</td><td>${trafficSpark(traffic)}</td></tr>`
}

function whose({ employeeId, name, handsetId, what, replacement }: NonNullable<PeerView['owner']>): Html {
  return html`${employeeId === null ? 'nobody any more' : html`<a href="/people/${employeeId}"><bdi>${name}</bdi></a>`}, ${handsetId === null ? what : html`<a href="/handsets/${handsetId}">${what}</a>`}${replacement && html` <small>new key, waits for its first handshake</small>`}`
}

function drift({ drift: events }: HubView): Html {
  return html`<section class="card" aria-labelledby="drift"><h2 id="drift">Drift and strangers</h2>
${events.length === 0 && html`<p><small>None seen: nobody else changed tunnels or firewall.</small></p>`}
<ol class="story">${events.map(({ at, text }) => html`<li class="alarm">${moment(at)} <span>${text}</span></li>`)}</ol>
${events.length > 0 && html`<p><a href="/audit?kind=access.drift">All drift in the audit log</a></p>`}</section>`
}
