/** The PBXs, what each can do, and what is on them that Ringfence did not make. */
import { type Actor, mayDo } from '../../domain/token.ts'
import type { Application } from '../../journeys/application.ts'
import type { ExistingOnPbx, ExistingView, PbxView } from '../../journeys/pbx-view.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { type PageTools, pageText } from './layout.ts'

const here = '/settings'
const path = '/pbxs'
const trail = [{ name: 'Settings', href: here }]

export function pbxPages({ pbxs }: Application, tools: PageTools): readonly Route[] {
  return [
    route('get', path, 'read', { summary: 'PBXs', answer: 'text/html' }, async ({ actor, response }) => {
      const content = [
        html`<div class="head"><h1>PBXs</h1><div class="actions"><a class="button quiet" role="button" href="/steps">Steps by hand</a></div></div>`,
        ...pbxs.list().map((pbx) => card(pbx, actor)),
      ]
      response.type('html').send(pageText(tools, { title: 'PBXs', actor, here, trail }, content))
    }),
    route(
      'get',
      `${path}/:name/existing`,
      'revoke',
      { summary: 'Extensions that Ringfence did not make', answer: 'text/html' },
      async ({ actor, parameters, response }) => {
        const found = await pbxs.existing(parameters.name)
        const below = { title: 'Existing extensions', actor, here, trail: [...trail, { name: 'PBXs', href: path }] }
        response.type('html').send(pageText(tools, below, existing(found)))
      },
    ),
  ]
}

function card(pbx: PbxView, actor: Actor): Html {
  const { name, site, driver, address, host, edge, configured, abilities, can, cannot } = pbx
  const list = (items: readonly string[]) =>
    html`<ul>${items.map((item) => html`<li>${item}${edge?.enforces.includes(item) && html` <small>by the edge in front</small>`}</li>`)}</ul>`
  return html`<section class="card" aria-labelledby="pbx-${name}"><h2 id="pbx-${name}">${name}</h2>
${!configured && html`<p class="notice bad">It is not among the settings any more, and people still hold extensions on it. Nothing was deleted.</p>`}
<dl class="facts"><dt>Kind</dt><dd>${driver}</dd><dt>Site</dt><dd><bdi>${site}</bdi></dd><dt>Address</dt><dd>${address ?? 'not set'}</dd><dt>Name that handsets use</dt><dd>${host}${edge && html` <small>the edge’s</small>`}</dd>
${edge && html`<dt>Edge in front</dt><dd>${edge.address} <small>phones dial it instead of the PBX</small></dd>`}</dl>
<h3>It can</h3>${can.length > 0 ? list(can) : html`<p>nothing by itself: each change is a step for a person</p>`}
${cannot.length > 0 && html`<h3>It cannot</h3>${list(cannot)}`}
${abilities.adoption && mayDo(actor.role, 'revoke') && html`<div class="actions"><a class="button quiet" role="button" href="${path}/${name}/existing">Extensions that were there before</a></div>`}
</section>`
}

function existing({ pbx, items }: ExistingOnPbx): Html {
  return html`<div class="head"><h1>Extensions on ${pbx} that Ringfence did not make</h1></div>
<section class="card"><p>${items.length === 0 ? 'There is none.' : 'Nothing is touched until somebody is onboarded on one of them.'}</p>
${items.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="Extensions"><table><thead><tr><th scope="col">Extension</th><th scope="col">Name there</th><th scope="col">Known here</th><th scope="col">To know</th><th scope="col">Take over</th></tr></thead><tbody>${items.map((item) => row(item, pbx))}</tbody></table></div>`}
</section>`
}

function row(item: ExistingView, pbx: string): Html {
  const { extension, displayName, email, facts, obstacle, known, differs } = item
  const told = Object.entries(facts).map(([name, value]) => `${name}: ${value}`)
  return html`<tr><th scope="row">${extension}</th><td><bdi>${displayName ?? ''}</bdi>${email !== null && html` <small>${email}</small>`}</td>
<td>${known && html`<a href="/people/${known.id}"><bdi>${known.name}</bdi></a> <small>by ${known.by}</small>`}</td>
<td>${[...differs, ...told].map((line) => html`<small>${line}</small><br>`)}</td>
<td>${obstacle === null ? html`<a class="button quiet" role="button" href="${onboardAddress(item, pbx)}">Take over</a>` : html`<small>${obstacle}</small>`}</td></tr>`
}

/** The onboarding page with what is known; nothing is written before it is sent. */
function onboardAddress({ extension, displayName, email }: ExistingView, pbx: string): string {
  const words = { extension, pbx, adopt: 'yes', name: displayName ?? '', email: email ?? '' }
  return `/onboard?${new URLSearchParams(words)}`
}
