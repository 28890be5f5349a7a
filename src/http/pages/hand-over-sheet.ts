import { type Language, momentIn } from '../../domain/language.ts'
import type { Sheet, SheetHandset } from '../../journeys/sheet-view.ts'
import { type Html, html, trusted } from '../html.ts'
import type { PageTools } from './layout.ts'
import type { SheetWords } from './sheet-words.ts'

/**
 * One sheet of paper: the upper half is kept and comes back with the phone, the lower half holds the link and is torn off.
 * Black on white; nothing is said by colour.
 */
export function handOverSheet(sheet: Sheet, words: SheetWords, language: Language, { drawQr }: PageTools): Html {
  const { name, extension, inviteUrl, expiresAt, handsets, gateways } = sheet
  const desk = handsets.filter(({ kind }) => kind === 'desk-phone')
  // An app lives on a device of their own: there is nothing to give back.
  const isLent = desk.length > 0 || gateways.length > 0
  const until = momentIn(language, expiresAt)
  return html`<article class="paper" lang="${language}">
<section class="kept">
<header><h2>${words.title}</h2><p>${words.for} <strong><bdi>${name}</bdi></strong></p><p>${words.extension} <strong class="number">${extension}</strong></p></header>
<table><caption>${words.what}</caption><thead><tr><th scope="col">${words.device}</th><th scope="col">${words.mark}</th><th scope="col" class="tick">${words.handedOut}</th><th scope="col" class="tick">${words.returned}</th></tr></thead>
<tbody>${handsets.map((handset) => row(handset.modelName, handset.kind === 'softphone' ? words.app : spaced(handset.mac), handset.kind === 'desk-phone'))}
${gateways.map((gateway) => row(`${words.gateway}: ${gateway.name}`, null, true))}
${isLent && row(words.accessories, null, true)}</tbody></table>
${desk.length > 0 && emergency(desk, words)}
<div class="slip"><p>${isLent && html`<strong>${words.slip}.</strong> ${words.slipWords}`}</p><p class="signatures"><span>${words.received}</span>${isLent && html`<span>${words.back}</span>`}</p></div>
</section>
<p class="tear"><span>✂ ${words.tear}</span></p>
<section class="secret">
<div class="code">${drawQr && trusted(drawQr(inviteUrl, 'address', words.code))}</div>
<div><h3>${words.steps}</h3><ol><li>${words.step1}</li><li>${words.step2}</li>${gateways.length > 0 && html`<li>${words.deskStep.replace('{extension}', extension)}</li>`}<li>${words.step3}</li></ol></div>
<p class="address" translate="no">${inviteUrl}</p>
<p class="until"><strong><bdi>${name}</bdi>, ${extension}.</strong> ${words.until.replace('{until}', until)}</p>
</section>
</article>`
}

function row(what: string, mark: string | null, isLent: boolean): Html {
  return html`<tr><th scope="row">${what}</th><td>${mark ?? html`<span class="write"></span>`}</td><td class="tick">${isLent && '☐'}</td><td class="tick">${isLent && '☐'}</td></tr>`
}

/** As on the label of the phone. */
function spaced(mac: string | null): string | null {
  return mac && (mac.match(/../g) ?? []).join(':').toUpperCase()
}

function emergency(handsets: readonly SheetHandset[], words: SheetWords): Html {
  const places = [...new Set(handsets.flatMap(({ emergencyNote }) => emergencyNote ?? []))]
  return html`<div class="emergency"><p><strong>${words.emergency}.</strong> ${places.length > 0 ? words.emergencyNoted : words.emergencyUnknown} ${
    places.length > 0 ? places.map((place) => html`<strong>${place}</strong> `) : html`<span class="write"></span>`
  }${places.length > 0 && words.emergencyWrong}</p></div>`
}
