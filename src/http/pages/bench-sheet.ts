import type { Sheet, SheetHandset } from '../../journeys/sheet-view.ts'
import { inGroups } from '../dictation.ts'
import { type Html, html, trusted } from '../html.ts'
import type { PageTools } from './layout.ts'
import { momentText } from './moment.ts'

/** For whoever stages the phone on a bench; it stays there and never goes home with the phone. */
export function benchSheet(sheet: Sheet, handset: SheetHandset, provisioningUrl: string, { drawQr }: PageTools): Html {
  const { name, extension, expiresAt, gateways } = sheet
  const { modelName, mac, typing, notes, behindGateway } = handset
  return html`<article class="paper bench" lang="en">
<header><h2>${modelName}</h2><p class="number">${(mac?.match(/../g) ?? []).join(' ').toUpperCase()}</p><p>for <strong><bdi>${name}</bdi></strong>, extension <strong class="number">${extension}</strong></p></header>
<p class="warn"><strong>Secret.</strong> Whoever has this address can fetch the phone’s passwords. Works until ${momentText(expiresAt)}, or until the phone has signed in. Destroy it then.</p>
<ol class="steps">
<li><span class="box">☐</span><div><p><strong>Compare the label</strong> with model and MAC address above, reset the phone to factory settings, and connect it to a network with Internet access.</p></div></li>
<li><span class="box">☐</span><div><p><strong>Give it this address</strong> for auto provisioning, then restart it. Capital and small letters matter; digits are printed bold.</p>
<p class="dictate" translate="no">${inGroups(provisioningUrl)}</p>
${typing !== null && html`<p><strong>${typing}</strong></p>`}
<p>Instead of typing: DHCP option 66 on the bench with the same address${drawQr && ', or copy it from the code'}.</p>
${drawQr && html`<div class="code">${trusted(drawQr(provisioningUrl, 'address', 'Code with the provisioning address'))}</div>`}</div></li>
<li><span class="box">☐</span><div><p><strong>Wait until it shows extension ${extension}</strong>${behindGateway ? html`, then pack it with its home gateway${gateways.length > 0 && html` (${gateways.map(({ name: kind }) => kind)})`}: at home it works behind that alone.` : '.'}</p></div></li>
</ol>
${notes.length > 0 && html`<section><h3>To know about this model</h3><ul>${notes.map((note) => html`<li>${note}</li>`)}</ul></section>`}
<p class="signatures"><span>Staged: date, name</span><span>Serial number</span></p>
</article>`
}
