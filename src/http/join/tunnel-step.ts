/** The steps that bring a tunnel onto a device, with a key of the browser's or, where it cannot make one, of the server's. */
import { type Device, devices, type JoinTunnel } from '../../journeys/join-view.ts'
import { type Html, html } from '../html.ts'
import { wireguardEverywhere, wireguardStores } from './device.ts'
import { choice, code, type Desk, fileLink, pageLink, qr, step } from './parts.ts'
import { addPicture, switchPicture } from './pictures.ts'

/** @param fits the devices on which this handset can be; none where nobody knows */
export function installStep(desk: Desk, fits: readonly Device[]): Html {
  const { say, text, device } = desk
  // Whoever reads this on a computer while setting up a phone needs the phone's app.
  const first = device !== null && (fits.length === 0 || fits.includes(device)) ? [device] : fits
  const others = devices.filter((other) => !first.includes(other))
  const button = (one: Device) =>
    html`<a class="button" href="${wireguardStores[one]}" rel="noreferrer">${say('join.install.get', { device: text(`join.device.${one}`) })}</a> `
  return step(
    say('join.install.title'),
    html`<p>${say('join.install.why')}</p>
${first.length > 0 && html`<p class="buttons">${first.map(button)}</p>`}
<p class="stores">${say('join.install.others')} ${others.map((other) => html`<a href="${wireguardStores[other]}" rel="noreferrer">${say(`join.device.${other}`)}</a> `)}<a href="${wireguardEverywhere}" rel="noreferrer">${say('join.install.all')}</a></p>`,
  )
}

/** @param fits the devices on which this handset can be; the page may be on one of them, or on a screen beside it */
export function tunnelStep(desk: Desk, tunnel: JoinTunnel, fits: readonly Device[]): Html {
  return step(desk.say('join.tunnel.title'), tunnelContent(desk, tunnel, { fits, scan: true }))
}

export interface Use {
  readonly fits: readonly Device[]
  /** Whether its app can scan a code. */
  readonly scan: boolean
}

export function tunnelContent(desk: Desk, tunnel: JoinTunnel, use: Use): Html {
  if (desk.serverKey && tunnel.configuration !== null) return byServer(desk, tunnel, use)
  if (tunnel.browserMayMakeKey) return byBrowser(desk, tunnel, use)
  // A router's own key, or one that has spoken.
  return tunnel.configuration === null ? gone(desk) : byServer(desk, tunnel, use)
}

function byServer(desk: Desk, tunnel: JoinTunnel, use: Use): Html {
  const { say, text } = desk
  const drawn = use.scan ? qr(desk, tunnel.configuration!.reveal(), 'tunnel', text('join.tunnel.qr')) : null
  return html`${handOver(desk, tunnel, use, drawn, fileLink(desk, tunnel.fileName))}
<p class="aside">${say('join.tunnel.byServer')}</p>`
}

/** The script fills in code and file; without script there is the way around. */
function byBrowser(desk: Desk, tunnel: JoinTunnel, use: Use): Html {
  const { say, text, token } = desk
  const made = tunnel.keyOrigin === 'browser'
  const serverWay = html`<a href="${pageLink(desk, { serverKey: true })}">${say('join.tunnel.server')}</a>`
  return html`<div class="maker" data-maker data-post="/join/${token}/${tunnel.id}/key" data-file="${tunnel.fileName}" data-title="${text('join.tunnel.qr')}" data-making="${text('join.tunnel.making')}" data-made="${text('join.tunnel.made')}" data-failed="${text('join.tunnel.failed')}">
<div data-with-script hidden>
<div data-unmade><p>${say(made ? 'join.tunnel.before' : 'join.tunnel.why')}</p>
<p><button type="button" class="button" data-make>${say(made ? 'join.tunnel.again' : 'join.tunnel.make')}</button></p></div>
<p role="status" class="said" data-said></p>
${!made && html`<p class="aside" data-instead hidden>${serverWay}</p>`}
</div>
<noscript><p>${say('join.tunnel.noScript')}</p>${tunnel.configuration === null ? gone(desk) : html`<p>${serverWay}</p>`}</noscript>
<template>${handOver(desk, tunnel, use, use.scan ? html`` : null, '')}<p class="aside">${say('join.tunnel.once')}</p></template>
</div>`
}

function handOver(desk: Desk, { fileName }: JoinTunnel, use: Use, drawn: Html | null, href: string): Html {
  const { say, device } = desk
  const file = html`<p><a class="button" href="${href}" download="${fileName}" data-download>${say('join.download', { file: fileName })}</a></p>`
  if (!use.scan) return html`${file}<p class="aside">${say('join.tunnel.keep')}</p>`
  const fits = use.fits.length === 0 ? devices : use.fits
  const here = device !== null && fits.includes(device)
  const mobile = fits.filter((one) => one === 'ios' || one === 'android')
  const pictures = mobile.length > 0 ? mobile : (['ios', 'android'] as const)
  return choice(desk, {
    hereFirst: here,
    code: drawn,
    scan: html`<p>${say('join.tunnel.scan')}</p><div class="pictures">${pictures.map((one) => addPicture(one, desk))}</div><p>${say('join.tunnel.on')}</p>`,
    here: html`${file}${fileWay(desk, fileName)}${device !== 'linux' && html`<div class="pictures">${addPicture(device ?? 'windows', desk)}${switchPicture(desk)}</div>`}<p>${say('join.tunnel.on')}</p>`,
  })
}

function fileWay({ device, say }: Desk, fileName: string): Html {
  if (device === 'linux')
    return html`<p>${say('join.tunnel.file.linux', { command: code(`sudo wg-quick up ./${fileName}`) })}</p>`
  return html`<p>${say(device === 'ios' || device === 'android' ? `join.tunnel.file.${device}` : 'join.tunnel.file.desktop')}</p>`
}

function gone({ say }: Desk): Html {
  return html`<div class="erased"><p>${say('join.tunnel.gone')}</p>
<ul><li>${say('join.tunnel.gone.yes')}</li><li>${say('join.tunnel.gone.no')}</li></ul></div>`
}
