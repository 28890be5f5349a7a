/** The frame around every page of the console: who is signed in, where one can go, and what is only a demo. */
import type { IncomingMessage } from 'node:http'
import { type Actor, type Authority, mayDo } from '../../domain/token.ts'
import type { Assets } from '../assets.ts'
import { type Html, type HtmlValue, html, htmlText } from '../html.ts'
import type { DrawQr } from '../join/parts.ts'
import { zone } from './moment.ts'

export interface PageTools {
  readonly assets: Assets
  readonly version: string
  readonly demo: () => readonly string[]
  /** Who is at the other end, also behind a proxy. */
  readonly addressOf: (request: IncomingMessage) => string
  /** Draws a link as a code to scan, where that is wanted. */
  readonly drawQr?: DrawQr | undefined
}

export interface Frame {
  readonly title: string
  /** Null on the pages for whoever is not signed in. */
  readonly actor: Actor | null
  /** Which entry of the navigation is lit. */
  readonly here?: string
  /** Where this page is: from the list to the thing. */
  readonly trail?: readonly { readonly name: string; readonly href: string }[]
}

interface Place {
  readonly href: string
  readonly name: string
  readonly needs: Authority
}

/** In the order of a day's work. */
const places: readonly Place[] = [
  { href: '/', name: 'Today', needs: 'read' },
  { href: '/people', name: 'People', needs: 'read' },
  { href: '/handsets', name: 'Handsets', needs: 'read' },
  { href: '/onboard', name: 'Onboard', needs: 'onboard' },
  { href: '/ledger', name: 'Phone door', needs: 'read' },
  { href: '/hub', name: 'Hub', needs: 'read' },
  { href: '/audit', name: 'Audit log', needs: 'read' },
  { href: '/settings', name: 'Settings', needs: 'read' },
  { href: '/administrators', name: 'Administrators', needs: 'administer' },
  { href: '/about', name: 'About', needs: 'read' },
]

/** `People` for any page under it; null for pages that the navigation does not lead to. */
export function placeOf(pathname: string): string | null {
  return places.find(({ href }) => href === pathname || (href !== '/' && pathname.startsWith(`${href}/`)))?.name ?? null
}

export function pageText(tools: PageTools, frame: Frame, content: HtmlValue): string {
  return htmlText(wholePage(tools, frame, content))
}

function wholePage(
  { assets, version, demo }: PageTools,
  { title, actor, here, trail = [] }: Frame,
  content: HtmlValue,
): Html {
  const reasons = demo()
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="htmx-config" content="{&quot;allowEval&quot;:false,&quot;includeIndicatorStyles&quot;:false,&quot;selfRequestsOnly&quot;:true,&quot;historyCacheSize&quot;:0}">
<title>${title} · Ringfence</title>
<link rel="icon" href="${assets.address('icon.svg')}">
<link rel="stylesheet" href="${assets.address('console.css')}">
<script defer src="${assets.address('console.js')}"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="bar">
<a class="brand" href="/">Ringfence</a>
${actor && navigation(actor, here)}
${actor && who(actor)}
</header>
${reasons.length > 0 && demoLine(reasons)}
<main id="content" tabindex="-1">
${trail.length > 0 && html`<nav class="trail" aria-label="Where you are"><ol>${trail.map((step) => html`<li><a href="${step.href}">${step.name}</a></li>`)}<li aria-current="page">${title}</li></ol></nav>`}
${content}
</main>
<footer class="foot">Ringfence ${version}${actor && html` · Times are ${zone()}.`}</footer>
</body>
</html>
`
}

function navigation(actor: Actor, here: string | undefined): Html {
  const open = places.filter(({ needs }) => mayDo(actor.role, needs))
  const links = html`<ul>
${open.map(({ href, name }) => html`<li><a href="${href}"${href === here && html` aria-current="page"`}>${name}</a></li>`)}
</ul>`
  // One of the two is shown: on a phone all places folded away, with where one is on the fold.
  const lit = open.find(({ href }) => href === here)?.name ?? 'Menu'
  return html`<nav class="places" aria-label="Main">${links}</nav>
<details class="menu"><summary>${lit}</summary><nav aria-label="Main, folded">${links}</nav></details>`
}

function who({ name, role, via }: Actor): Html {
  return html`<div class="who"><a href="/account"><bdi>${name}</bdi></a> <small>${role}</small>
${via === 'session' && html`<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>`}</div>`
}

function demoLine(reasons: readonly string[]): Html {
  return html`<aside class="demo" aria-label="Demo mode"><details><summary><strong>Demo mode.</strong> Everything can be tried, but no phone out there can connect yet.</summary>
<ul>${reasons.map((reason) => html`<li>${reason}</li>`)}</ul></details></aside>`
}
