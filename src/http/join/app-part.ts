import { type Device, devices, type JoinHandset, type JoinSignIn } from '../../journeys/join-view.ts'
import { type Html, html } from '../html.ts'
import { certificates } from './certificates.ts'
import { choice, type Desk, part, qr, step } from './parts.ts'
import { installStep, tunnelStep } from './tunnel-step.ts'

export function appPart(desk: Desk, handset: JoinHandset): Html {
  const { say } = desk
  const { tunnel, signIn, certificateFiles } = handset
  const fits = devices.filter((device) => signIn?.stores[device] !== undefined)
  const steps = [
    ...(tunnel ? [installStep(desk, fits), tunnelStep(desk, tunnel, fits)] : []),
    ...(certificateFiles.length > 0 ? [step(say('join.certificate.title'), certificates(desk, handset))] : []),
    ...(signIn ? [step(say('join.app.title', { app: signIn.app }), signingIn(desk, handset, signIn, fits))] : []),
  ]
  return part(handset.id, handset.modelName, say('join.kind.app'), steps, {
    before: handset.enrolled && enrolled(desk),
    after: afterwards(desk, handset),
  })
}

function enrolled({ say }: Desk): Html {
  return html`<p class="done">${say('join.enrolled')}</p>`
}

/** Facts of the catalogue are in English as they are: for whoever helps, not for whoever just wants to call. */
export function afterwards({ say }: Desk, { emergencyNote, notes }: JoinHandset): Html {
  return html`${emergencyNote !== null && html`<p>${say('join.emergency', { place: emergencyNote })}</p>`}${
    notes.length > 0 &&
    html`<details class="notes"><summary>${say('join.notes')}</summary><ul lang="en">${notes.map((note) => html`<li>${note}</li>`)}</ul></details>`
  }`
}

function signingIn(desk: Desk, handset: JoinHandset, signIn: JoinSignIn, fits: readonly Device[]): Html {
  const { say, text, language, device } = desk
  const { softphoneUrl, softphoneDeepLink } = handset
  const { app, files } = signIn
  const translated = signIn.translations[language]
  const store = device && signIn.stores[device]
  const sentences = html`${store && html`<p><a class="button plain" href="${store}" rel="noreferrer">${say('join.app.get', { app, device: text(`join.device.${device}`) })}</a></p>`}
${spoken(translated ?? signIn.words, translated ? language : 'en')}`
  if (softphoneUrl === null)
    return html`${sentences}
<ul class="files">${files.map(({ name, url, what }) => html`<li><a href="${url}" download="${name}">${name}</a> <span lang="en">${what}</span></li>`)}</ul>
<p class="aside">${say('join.app.keep')}</p>`
  const address = html`<p><code class="address" translate="no">${softphoneUrl}</code></p>`
  const tap =
    softphoneDeepLink !== null &&
    html`<p><a class="button" href="${softphoneDeepLink}">${say('join.open', { app })}</a></p>`
  if (!signIn.scan) return html`${sentences}${tap}${address}`
  return html`${sentences}${choice(desk, {
    hereFirst: device !== null && fits.includes(device),
    code: qr(desk, softphoneUrl, 'address', text('join.app.qr', { app })),
    scan: html`<p>${say('join.app.scan')}</p>`,
    here:
      tap &&
      html`<p>${say('join.app.tap')}</p>${tap}
<p class="aside">${say('join.app.address')}</p>
${address}`,
  })}`
}

/** One sentence needs no list. */
function spoken(sentences: readonly string[], language: string): Html {
  if (sentences.length === 1) return html`<p lang="${language}">${sentences}</p>`
  return html`<ul class="words" lang="${language}">${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`
}
