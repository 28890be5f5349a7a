/** About: the version, the licence, and what doctor finds, with the commands that mend it. */
import { counted } from '../../domain/counted.ts'
import type { Application } from '../../journeys/application.ts'
import type { DoctorCheck } from '../../journeys/doctor-view.ts'
import { inConsole } from '../console-words.ts'
import type { Guide } from '../guides.ts'
import { type Html, html, htmlText } from '../html.ts'
import { type Route, route } from '../route.ts'
import { stateSign } from './doors-picture.ts'
import { type PageTools, pageText } from './layout.ts'
import { withMoments } from './moment.ts'

const path = '/about'

export function aboutPages(application: Application, tools: PageTools, guides: readonly Guide[]): readonly Route[] {
  return [
    route('get', path, 'read', { summary: 'About', answer: 'text/html' }, async ({ actor, response }) => {
      const content = [about(tools.version), waiting(), guideList(guides)]
      response.type('html').send(pageText(tools, { title: 'About', actor, here: path }, content))
    }),
    route(
      'get',
      '/about/doctor',
      'read',
      { summary: 'What is missing on this host, and what mends it', answer: 'text/html' },
      async ({ actor, request, response }) => {
        const isPart = request.headers['hx-request'] === 'true'
        const card = doctor((await application.doctor()).checks, isPart)
        // The page above puts it into itself; whoever has no script follows the link.
        if (isPart) return void response.type('html').send(htmlText(card))
        const frame = { title: 'Doctor', actor, here: path, trail: [{ name: 'About', href: path }] }
        response.type('html').send(pageText(tools, frame, card))
      },
    ),
  ]
}

function about(version: string): Html {
  return html`<div class="head"><h1>About</h1></div><section class="card" aria-labelledby="version"><h2 id="version">Ringfence ${version}</h2>
<dl class="facts"><dt>Licence</dt><dd>Apache-2.0</dd><dt>Node</dt><dd>${process.versions.node}</dd><dt>SQLite</dt><dd>${process.versions.sqlite ?? 'unknown'}</dd><dt>API</dt><dd><a href="/api/v1/openapi.json">/api/v1/openapi.json</a></dd></dl></section>`
}

/** Looking at everything takes longer than a page should. */
function waiting(): Html {
  return html`<section class="card" id="doctor" aria-labelledby="doctor-head" hx-get="/about/doctor" hx-trigger="load" hx-swap="outerHTML"><h2 id="doctor-head">Doctor</h2><p role="status"><a href="/about/doctor">Look at host, hub, PBX, keys and files</a></p></section>`
}

const areas: readonly DoctorCheck['area'][] = [
  'host',
  'hub',
  'phone door',
  'pbx',
  'edge',
  'pki',
  'store',
  'settings',
  'templates',
]
const areaWords: Readonly<Partial<Record<DoctorCheck['area'], string>>> = {
  pbx: 'PBX',
  edge: 'SIP edge',
  pki: 'keys',
  store: 'database',
}
const signs: Readonly<Record<DoctorCheck['state'], Html>> = {
  ok: stateSign('open', 'in order'),
  note: stateSign('waiting', 'to know'),
  problem: stateSign('stuck', 'to mend'),
}

function doctor(checks: readonly DoctorCheck[], isPart: boolean): Html {
  const wrong = checks.filter(({ state }) => state === 'problem').length
  const sorted = areas.flatMap((area) => checks.filter((check) => check.area === area))
  return html`<section class="card" id="doctor" aria-labelledby="doctor-head">${isPart ? html`<h2 id="doctor-head">Doctor</h2>` : html`<h1 id="doctor-head">Doctor</h1>`}
<p role="status">${wrong === 0 ? 'Nothing is to be mended.' : `${counted(wrong, 'thing is', 'things are')} to be mended.`}</p>
<div class="scroll" tabindex="0" role="region" aria-label="Checks"><table><thead><tr><th scope="col">What</th><th scope="col">State</th><th scope="col">Seen</th><th scope="col">What mends it</th></tr></thead><tbody>${sorted.map(
    ({ area, state, message, hint }) =>
      html`<tr><th scope="row">${areaWords[area] ?? area}</th><td>${signs[state]}</td><td>${withMoments(message)}</td><td>${hint && inConsole(hint)}</td></tr>`,
  )}</tbody></table></div></section>`
}

function guideList(guides: readonly Guide[]): Html | false {
  return (
    guides.length > 0 &&
    html`<section class="card" aria-labelledby="guides"><h2 id="guides">Guides</h2><p><a href="/guides">Installation guides</a> for each PBX and phone vendor, and for running Ringfence.</p></section>`
  )
}
