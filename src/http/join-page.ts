import { AppError } from '../errors.ts'
import type { JoinGateway, JoinHandset, JoinSignIn, JoinTunnel, JoinView } from '../journeys/join-view.ts'
import { type Html, html, trusted } from './html.ts'

/** `title` is what a screen reader says. */
export type DrawQr = (text: string, content: 'tunnel' | 'address', title: string) => string

export interface JoinPageOptions {
  /** For the links to the files beside the page. */
  readonly token: string
  readonly style: string
  readonly drawQr: DrawQr
}

/** The employee's page: works without script, on the phone that is set up and on a screen beside it. */
export function joinPage(view: JoinView, options: JoinPageOptions): Html {
  const parts = inOrder(view).map(({ draw }) => draw(options))
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex, nofollow">
<title>Set up your phone</title>
<style>${trusted(options.style)}</style>
</head>
<body>
${view.demo.length > 0 && demoBanner(view.demo)}
<main>
<header>
<p class="brand">Ringfence</p>
<h1>Hello <bdi>${view.name}</bdi></h1>
<p class="lead">Here is your office phone, extension <strong>${view.extension}</strong>. Follow the steps from top to bottom; there is no password to type.</p>
<p class="expiry">This page works <strong>until ${inWords(view.expiresAt)}</strong>. It is yours alone: please do not pass the link on.</p>
</header>
${parts.length > 1 && contents(view)}
${parts}
<footer><p>Something does not work? Ask your IT department; they can send you a new link at any time.</p></footer>
</main>
</body>
</html>
`
}

function demoBanner(reasons: readonly string[]): Html {
  return html`<aside class="demo" aria-label="Demo mode"><div><strong>Demo mode.</strong>
<span>This page shows how it will look; a real phone cannot connect yet:</span>
<ul>${reasons.map((reason) => html`<li>${reason}</li>`)}</ul></div></aside>`
}

/** Apps first: they work at once. A desk phone comes after the gateway that it hangs on. */
function inOrder(view: JoinView): { id: string; title: string; draw: (options: JoinPageOptions) => Html }[] {
  const handsets = view.handsets.map((handset) => ({
    id: handset.id,
    title: handset.modelName,
    ownTunnel: handset.tunnel !== null,
    draw: (options: JoinPageOptions) => handsetPart(handset, view, options),
  }))
  const gateways = view.gateways.map((gateway) => ({
    id: gateway.id,
    title: 'Your home gateway',
    draw: (options: JoinPageOptions) => gatewayPart(gateway, options),
  }))
  return [
    ...handsets.filter(({ ownTunnel }) => ownTunnel),
    ...gateways,
    ...handsets.filter(({ ownTunnel }) => !ownTunnel),
  ]
}

function contents(view: JoinView): Html {
  return html`<nav aria-label="On this page"><ul>
${inOrder(view).map(({ id, title }) => html`<li><a href="#part-${id}">${title}</a></li>`)}
</ul></nav>`
}

function gatewayPart(gateway: JoinGateway, options: JoinPageOptions): Html {
  const { id, kindName, script, tunnel, phoneSubnet, instructionsHtml } = gateway
  const file = script ?? tunnel
  return part(id, 'Your home gateway', `A small box between your router and your desk phones: ${kindName}`, [
    step(
      script ? 'Save its set-up script' : 'Save its configuration',
      file.configuration === null
        ? erased()
        : html`
<p><a class="button" href="${fileLink(options, file.fileName)}" download>Download ${file.fileName}</a></p>
<p class="aside">Keep the file to yourself and delete it when you are done: ${
            script ? 'it lets a router join the office network.' : 'whoever has it can use your tunnel.'
          }</p>`,
    ),
    step(script ? 'Run it on the box' : 'Load it into the box', trusted(instructionsHtml)),
    step(
      'Connect your phones to it',
      html`<p>Desk phones are plugged into the box and get an address from <code>${phoneSubnet}</code>. Your other devices stay where they are.</p>`,
    ),
  ])
}

function handsetPart(handset: JoinHandset, view: JoinView, options: JoinPageOptions): Html {
  const steps = handset.kind === 'softphone' ? softphoneSteps(handset, options) : deskPhoneSteps(handset, view, options)
  const kind = handset.kind === 'softphone' ? 'App on your phone or computer' : 'Desk phone'
  return part(handset.id, handset.modelName, kind, steps, {
    before:
      handset.enrolled &&
      html`<p class="done"><strong>✓ This phone has signed in.</strong> Its code is used up; to set up another device, ask for a new link.</p>`,
    // Facts of the catalogue: for whoever helps, not for whoever just wants to call.
    after: html`${
      handset.emergencyNote !== null &&
      html`<p>Place noted for emergency calls from this phone: <strong>${handset.emergencyNote}</strong>. If that is wrong, tell your IT department.</p>`
    }${
      handset.notes.length > 0 &&
      html`<details class="notes"><summary>Notes for your IT department</summary><ul>${handset.notes.map((note) => html`<li>${note}</li>`)}</ul></details>`
    }`,
  })
}

function softphoneSteps(handset: JoinHandset, options: JoinPageOptions): readonly Html[] {
  const { tunnel, signIn, certificateFiles } = handset
  return [
    ...(tunnel ? [installTunnelApp(), step('Add the tunnel', tunnelChoice(tunnel, options))] : []),
    ...(certificateFiles.length > 0 ? [step('Save your certificate', certificates(handset, options))] : []),
    ...(signIn ? [step(`Set up ${signIn.app}`, signingIn(handset, signIn, options))] : []),
  ]
}

function signingIn(
  { softphoneUrl, softphoneDeepLink }: JoinHandset,
  signIn: JoinSignIn,
  options: JoinPageOptions,
): Html {
  const { app, words, files } = signIn
  const sentences = html`<ul>${words.map((sentence) => html`<li>${sentence}</li>`)}</ul>`
  if (softphoneUrl === null)
    return html`${sentences}
<ul class="files">${files.map(({ name, url, what }) => html`<li><a href="${url}" download="${name}">${name}</a> <span>${what}</span></li>`)}</ul>
<p class="aside">Keep these files to yourself: whoever has them can use your extension from your tunnel.</p>`
  const address = html`<p><code class="address">${softphoneUrl}</code></p>`
  if (!signIn.scan)
    return html`${sentences}
${softphoneDeepLink !== null && html`<p><a class="button" href="${softphoneDeepLink}">Open in ${app}</a></p>`}${address}`
  return html`${sentences}${choice(
    qr(options, softphoneUrl, 'address', `QR code that sets up ${app}`),
    html`<p>In the app, choose to sign in or to set up with a QR code, and scan this one.</p>`,
    softphoneDeepLink !== null &&
      html`<p>Reading this on the device with the app?</p>
<p><a class="button" href="${softphoneDeepLink}">Open in ${app}</a></p>
<p class="aside">Or enter this address as the app's remote provisioning address:</p>
${address}`,
  )}`
}

function deskPhoneSteps(handset: JoinHandset, view: JoinView, options: JoinPageOptions): readonly Html[] {
  const { tunnel, provisioningUrl, typing, certificateFiles } = handset
  return [
    ...(tunnel
      ? [
          step(
            'Add the tunnel',
            html`
<p>Load this file into the phone, on its own web page under VPN or WireGuard.</p>${tunnelFile(tunnel, options)}`,
          ),
        ]
      : []),
    ...(tunnel === null && view.gateways.length > 0
      ? [step('Plug it in', html`<p>Connect the phone to your home gateway, not to your router.</p>`)]
      : []),
    ...(certificateFiles.length > 0 ? [step('Save its certificate', certificates(handset, options))] : []),
    ...(provisioningUrl === null
      ? []
      : [
          step(
            'Tell it where its settings are',
            html`
<p>In the phone's menu or on its own web page, find <em>auto provisioning</em> and enter this as the server address. Capital and small letters matter.</p>
<p class="dictate" translate="no">${inGroups(provisioningUrl)}</p>
${typing !== null && html`<p><strong>${typing}</strong></p>`}
<p>Then restart the phone. It fetches its settings and shows extension ${view.extension}.</p>`,
          ),
        ]),
  ]
}

function installTunnelApp(): Html {
  return step(
    'Install the WireGuard app',
    html`
<p>It makes the private connection to your office, for your calls only; your other traffic goes on as before.</p>
<p><a href="https://www.wireguard.com/install/" rel="noreferrer">wireguard.com/install</a> has it for every system, with the links to the app stores.</p>`,
  )
}

function tunnelChoice(tunnel: JoinTunnel, options: JoinPageOptions): Html {
  if (tunnel.configuration === null) return erased()
  return choice(
    qr(options, tunnel.configuration.reveal(), 'tunnel', 'QR code of the tunnel'),
    html`<p>On the device, tap <strong>+</strong> in the WireGuard app, choose the QR code and scan this one. Name it <em>Office</em>, switch it on and leave it on.</p>`,
    html`<p>Reading this on the device itself?</p>${tunnelFile(tunnel, options)}<p class="aside">Open it with the WireGuard app, switch it on and leave it on.</p>`,
  )
}

function tunnelFile(tunnel: JoinTunnel, options: JoinPageOptions): Html {
  if (tunnel.configuration === null) return erased()
  return html`<p><a class="button" href="${fileLink(options, tunnel.fileName)}" download>Download ${tunnel.fileName}</a></p>`
}

/** The private key is gone from our side: after the first contact, or when its window ended. */
function erased(): Html {
  return html`<div class="erased"><p><strong>This tunnel has been handed over.</strong> Its key was erased here, so that nobody can copy it from this page.</p>
<ul><li>It is on your device already? Then there is nothing to do in this step.</li><li>It is not, or the device is new? Ask your IT department for a new link.</li></ul></div>`
}

function certificates({ modelId, certificateFiles }: JoinHandset, options: JoinPageOptions): Html {
  const key = certificateFiles.find(({ name }) => /key/i.test(name))
  const authority = certificateFiles.find(({ name }) => name.endsWith('-ca.pem'))
  const chain = certificateFiles.find((file) => file !== key && file !== authority)
  const linphone = modelId === 'linphone-desktop' && key && chain
  return html`<p>Save ${certificateFiles.length > 1 ? 'these files' : 'this file'} in a folder that only you can read.</p>
<ul class="files">${certificateFiles.map(({ name, what }) => html`<li><a href="${fileLink(options, name)}" download>${name}</a> <span>${what}</span></li>`)}</ul>
${
  linphone &&
  html`<p>Close Linphone, and add these two lines to the section <code>[sip]</code> of its file <code>linphonerc</code>, with the folder where you saved them:</p>
<pre translate="no"><code>[sip]
client_cert_chain=/your/folder/${chain.name}
client_cert_key=/your/folder/${key.name}</code></pre>
${authority && html`<p class="aside">If Linphone then says that it does not trust the server, add one more line, <code>root_ca=/your/folder/${authority.name}</code>: your office signs its own certificates.</p>`}`
}`
}

/** A code to scan from another screen, and the way for those who read this on the device itself. */
function choice(code: Html | null, scan: Html, here: Html | false): Html {
  return html`<div class="choice">
${code === null ? html`<p class="scan">This one is too long for a QR code; use the file.</p>` : html`<div class="scan"><figure class="qr">${code}</figure>${scan}</div>`}
${here && html`<div class="here">${here}</div>`}
</div>`
}

function qr({ drawQr }: JoinPageOptions, text: string, content: 'tunnel' | 'address', title: string): Html | null {
  try {
    return trusted(drawQr(text, content, title))
  } catch (error) {
    if (error instanceof AppError && error.code === 'TOO_LARGE') return null
    throw error
  }
}

function part(
  id: string,
  title: string,
  kind: string,
  steps: readonly Html[],
  { before = false, after = false }: { readonly before?: Html | false; readonly after?: Html | false } = {},
): Html {
  return html`<section id="part-${id}" aria-labelledby="title-${id}">
<h2 id="title-${id}">${title}</h2><p class="kind">${kind}</p>
${before}<ol class="steps">${steps}</ol>${after}
</section>`
}

function step(title: string, content: Html): Html {
  return html`<li><h3>${title}</h3>${content}</li>`
}

function fileLink({ token }: JoinPageOptions, name: string): string {
  return `/join/${token}/${encodeURIComponent(name)}`
}

/**
 * Scheme, host, folder, and the token in groups of four, with digits set apart from letters. Only the gaps are drawn:
 * nothing is added, so copying gives the address itself.
 */
function inGroups(url: string): readonly Html[] {
  const [, scheme = '', host = '', path = url] = /^(https?:\/\/)([^/]+)(.*)$/.exec(url) ?? []
  const pieces = path
    .split(/(?<=\/)/)
    .flatMap((piece) => (piece.length >= 32 ? (piece.match(/.{1,4}\/?/g) ?? []) : [piece]))
  // `/p/` reads as one.
  const folder = pieces.slice(0, 2).join('')
  return [scheme, host, folder, ...pieces.slice(2)]
    .filter((group) => group !== '')
    .map(
      (group) =>
        html`<span>${[...group].map((sign) => (/[0-9]/.test(sign) ? html`<b>${sign}</b>` : sign))}</span><wbr>`,
    )
}

/** `Sunday 29 November, 14:00 UTC`: no device's clock or zone is needed to read it. */
function inWords(time: string): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: 'UTC',
  })
  const parts = Object.fromEntries(format.formatToParts(new Date(time)).map(({ type, value }) => [type, value]))
  return `${parts.weekday} ${parts.day} ${parts.month}, ${parts.hour}:${parts.minute} UTC`
}
