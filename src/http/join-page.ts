/** The employee's page: on the phone that is set up or on a screen beside it, with and without script. */
import { momentIn } from '../domain/language.ts'
import { devices, type JoinView } from '../journeys/join-view.ts'
import { type Html, html, trusted } from './html.ts'
import { appPart } from './join/app-part.ts'
import { checkPart } from './join/check-part.ts'
import { deskPart, gatewayPart } from './join/desk-part.ts'
import { type Desk, type JoinPageOptions, pageLink } from './join/parts.ts'

export function joinPage(view: JoinView, options: JoinPageOptions): Html {
  const desk: Desk = { ...options, ...options.messages.speaker(options.language), view }
  const { say, text, status } = desk
  const parts = inOrder(view)
  return html`<!doctype html>
<html lang="${desk.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex, nofollow">
<title>${text('join.title')}</title>
<style>${trusted(options.style)}</style>
<script type="module" src="${options.script}"></script>
</head>
<body>
${view.demo.length > 0 && demoBanner(desk)}
<main>
<header>
${languages(desk)}
<p class="brand">Ringfence</p>
<h1>${say('join.hello', { name: html`<bdi>${view.name}</bdi>` })}</h1>
<p class="lead">${say('join.lead', { extension: view.extension })}</p>
<p class="expiry">${say('join.expiry', { time: momentIn(desk.language, view.expiresAt) })}</p>
</header>
${reading(desk)}
${
  parts.length > 1 &&
  html`<nav class="contents" aria-label="${text('join.contents')}"><ul>
${parts.map(({ id, title }) => html`<li><a href="#part-${id}">${title(desk)}</a></li>`)}
</ul></nav>`
}
${parts.map(({ draw }) => draw(desk))}
${status && checkPart(desk, status)}
<footer><p>${say('join.footer')}</p></footer>
</main>
</body>
</html>
`
}

interface Part {
  readonly id: string
  readonly title: (desk: Desk) => string
  readonly draw: (desk: Desk) => Html
}

/** Apps first: they work at once. A desk phone comes after the gateway that it hangs on. */
function inOrder(view: JoinView): readonly Part[] {
  const handsets = view.handsets.map((handset) => ({
    id: handset.id,
    title: () => handset.modelName,
    ownTunnel: handset.tunnel !== null,
    draw: (desk: Desk) => (handset.kind === 'softphone' ? appPart(desk, handset) : deskPart(desk, handset)),
  }))
  const gateways = view.gateways.map((gateway) => ({
    id: gateway.id,
    title: ({ text }: Desk) => text('join.gateway.title'),
    draw: (desk: Desk) => gatewayPart(desk, gateway),
  }))
  return [
    ...handsets.filter(({ ownTunnel }) => ownTunnel),
    ...gateways,
    ...handsets.filter(({ ownTunnel }) => !ownTunnel),
  ]
}

function demoBanner({ say, text, view }: Desk): Html {
  return html`<aside class="demo" aria-label="${text('join.demo.title')}"><div><strong>${say('join.demo.title')}</strong>
<span>${say('join.demo.text')}</span>
<ul lang="en">${view.demo.map((reason) => html`<li>${reason}</li>`)}</ul></div></aside>`
}

function languages(desk: Desk): Html {
  return html`<nav class="languages" aria-label="${desk.text('join.languages')}"><ul>
${desk.messages.languages.map(({ code, name }) => html`<li><a href="${pageLink(desk, { language: code })}" lang="${code}" hreflang="${code}"${code === desk.language && html` aria-current="true"`}>${name}</a></li>`)}
</ul></nav>`
}

/** What the page took the device for, and every other way. */
function reading(desk: Desk): Html {
  return html`<nav class="reading" aria-label="${desk.text('join.reading')}"><p>${desk.say('join.reading')}</p><ul>
${devices.map((device) => html`<li><a href="${pageLink(desk, { device })}"${device === desk.device && html` aria-current="true"`}>${desk.say(`join.device.${device}`)}</a></li>`)}
</ul></nav>`
}
