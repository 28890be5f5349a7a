/** One handset: what it is, its doors, tunnel, files and settings, and what can be done with it. */
import { z } from 'zod'
import { type Actor, mayDo } from '../../domain/token.ts'
import { AppError } from '../../errors.ts'
import type { Application } from '../../journeys/application.ts'
import type { HandsetFile } from '../../journeys/file-view.ts'
import type { HandsetDetail, HandsetRow, LedgerLine } from '../../journeys/handsets-view.ts'
import type { ResyncView } from '../../journeys/phone-view.ts'
import type { EffectiveSettingView } from '../../journeys/setting-view.ts'
import { capital } from '../capital.ts'
import { problemWords } from '../console-words.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { doorsPicture } from './doors-picture.ts'
import { handsetSign } from './handset-sign.ts'
import { type Frame, type PageTools, pageText } from './layout.ts'
import { ledgerTable } from './ledger-page.ts'
import { live } from './live.ts'
import { moment, withMoments } from './moment.ts'
import { settingForm, settingTable } from './setting-forms.ts'
import { trafficCharts } from './traffic-chart.ts'

const fetchesShown = 8

/** What came of a resync; the words of the moment are in the audit log. */
const outcomes: Readonly<Record<ResyncView['outcome'], string>> = {
  told: 'The PBX sent it the message. Its next fetch, below, shows whether it obeyed.',
  'not-registered': 'It is not registered at the PBX now: it fetches its files when it starts, or at its next poll.',
  'no-event': 'No way is known to tell this model: it fetches its files when it starts, or at its next poll.',
  'pbx-cannot': 'This PBX cannot tell it: it fetches its files when it starts, or at its next poll.',
}
const handsetAsked = z.object({
  resync: z.enum(['told', 'not-registered', 'no-event', 'pbx-cannot']).optional().catch(undefined),
})

/** @param guides names of the documents that are there */
export function handsetPages(
  application: Application,
  tools: PageTools,
  guides: ReadonlySet<string>,
): readonly Route[] {
  return [
    route(
      'get',
      '/handsets/:id',
      'read',
      { summary: 'A handset', query: handsetAsked, answer: 'text/html' },
      async ({ actor, parameters: { id }, query, response }) => {
        const detail = await application.handsets.one(id)
        const [files, settings, ledger] = await Promise.all([
          filesOf(application, detail),
          application.handsetSettings(id),
          application.handsets.ledger({ handset: id, limit: fetchesShown }),
        ])
        const told = query.resync && outcomes[query.resync]
        const content = page({ actor, detail, files, settings, lines: ledger.lines, told, guides })
        response.type('html').send(pageText(tools, handsetFrame(actor, detail), content))
      },
    ),
  ]
}

export function handsetFrame(actor: Actor, { handset, modelName, employee }: HandsetRow, below?: string): Frame {
  const title = `${modelName} of ${employee.name}`
  const trail = [{ name: 'Handsets', href: '/handsets' }]
  return below === undefined
    ? { title, actor, here: '/handsets', trail }
    : { title: below, actor, here: '/handsets', trail: [...trail, { name: title, href: `/handsets/${handset.id}` }] }
}

/** A file that cannot be made is a sentence, not a page that fails. */
async function filesOf(
  application: Application,
  { handset }: HandsetDetail,
): Promise<readonly HandsetFile[] | AppError> {
  if (handset.removedAt !== null) return []
  try {
    return await application.handsetFiles(handset.id)
  } catch (error) {
    if (error instanceof AppError && error.code !== 'INTERNAL') return error
    throw error
  }
}

interface Parts {
  readonly actor: Actor
  readonly detail: HandsetDetail
  readonly files: readonly HandsetFile[] | AppError
  readonly settings: readonly EffectiveSettingView[]
  readonly lines: readonly LedgerLine[]
  readonly told: string | undefined
  readonly guides: ReadonlySet<string>
}

function page({ actor, detail, files, settings, lines, told, guides }: Parts): Html {
  const { handset, modelName, employee, access, staleSince, model } = detail
  const { id, warnings, removedAt } = handset
  const tickAt = mayDo(actor.role, 'revoke') ? `/people/${employee.id}/tick` : undefined
  return html`<div class="head"><h1>${modelName}</h1>${handsetSign(handset)}<div class="actions">${actions(actor, detail)}</div></div>
<p class="told">Of <a href="/people/${employee.id}"><bdi>${employee.name}</bdi></a>, extension ${employee.extension}. ${capital(handset.status)}.</p>
${told && html`<p class="notice" role="status">${told}</p>`}
${warnings.map((warning) => html`<p class="notice wait">It may not be what was handed out: ${warning}.</p>`)}
${staleSince && html`<p class="notice wait">Names or addresses of this installation changed ${moment(staleSince)}, after its files were handed out. A new link for <bdi>${employee.name}</bdi> brings it up to date.</p>`}
<div class="columns">${facts(detail)}${tunnelCard(detail)}</div>
${live(
  { id: 'handset-doors', href: `/handsets/${id}`, employeeId: employee.id },
  html`<section class="card" aria-labelledby="doors"><h2 id="doors">Doors</h2>${doorsPicture(access, { tickAt })}</section>`,
)}
${removedAt === null && filesCard(id, files)}
<section class="card" aria-labelledby="settings"><h2 id="settings">Phone settings</h2>
<p class="told">What its files say beside account and addresses. A value of this handset wins over its model's, and that one over the site's.</p>
${settingTable(settings, mayDo(actor.role, 'revoke') ? `/handsets/${id}/settings` : null)}
${removedAt === null && mayDo(actor.role, 'revoke') && settingForm('handset', `/handsets/${id}/settings`)}</section>
<section class="card" aria-labelledby="fetches"><h2 id="fetches">Its last fetches</h2>
${lines.length === 0 ? html`<p>It has never asked the phone door for anything.</p>` : ledgerTable(lines)}
<p><a href="/ledger?handset=${id}">All its requests to the phone door</a> · <a href="/audit?subject=${id}">Its lines in the audit log</a></p></section>
${model && model.notes.length > 0 && html`<section class="card" aria-labelledby="notes"><h2 id="notes">About this model</h2><ul>${model.notes.map((note) => html`<li>${capital(note)}</li>`)}</ul>${vendorGuide(model.vendor, guides)}</section>`}`
}

function actions(actor: Actor, { handset, employee, model }: HandsetDetail): Html {
  const { id, removedAt, enrolledAt } = handset
  const link = (href: string, words: string, looks = 'button quiet') =>
    html`<a class="${looks}" role="button" href="/handsets/${id}/${href}">${words}</a>`
  if (removedAt !== null) return html`${mayDo(actor.role, 'revoke') && passwordsButton(id)}`
  return html`${link('why', 'Why does it not work?')}
${mayDo(actor.role, 'onboard') && html`<form method="post" action="/handsets/${id}/resync"><button class="quiet">Resync</button></form>`}
${mayDo(actor.role, 'onboard') && employee.lifecycle === 'active' && link('link', 'New link and QR')}
${mayDo(actor.role, 'onboard') && employee.lifecycle === 'active' && enrolledAt === null && model?.kind === 'desk-phone' && link('bench-sheet', 'Bench sheet')}
${mayDo(actor.role, 'revoke') && html`${passwordsButton(id)}${employee.lifecycle === 'active' && link('replace', 'Replace')}${link('back', 'Take back', 'button danger')}`}`
}

function passwordsButton(id: string): Html {
  return html`<form method="post" action="/handsets/${id}/passwords"><button class="quiet">Its passwords</button></form>`
}

function facts({ handset, gateway, certificate, createdAt, mates, model }: HandsetDetail): Html {
  const { mac, seen, enrolledAt, removedAt, blankedAt } = handset
  return html`<section class="card" aria-labelledby="facts"><h2 id="facts">What it is</h2><dl class="facts">
<dt>MAC address</dt><dd>${mac === null ? 'none: an app' : html`<code>${mac}</code>`}</dd>
<dt>Says it is</dt><dd>${seen === null ? 'nothing yet' : html`<bdi>${[seen.model ?? 'a phone', seen.firmware && `firmware ${seen.firmware}`, seen.mac && `MAC ${seen.mac}`].filter(Boolean).join(', ')}</bdi> <small>${moment(seen.at)}; what a phone says of itself is a hint only</small>`}</dd>
<dt>Certificate</dt><dd>${certificate === null ? handset.certificateNote : html`<code>${certificate.serial}</code> <small>${certificate.revokedAt === null ? html`good until ${moment(certificate.notAfter)}` : html`revoked ${moment(certificate.revokedAt)}`}</small>`}</dd>
${gateway && html`<dt>Home gateway</dt><dd>${gateway.kind}${mates > 0 && `, with ${mates} other ${mates === 1 ? 'phone' : 'phones'}`}${handset.phoneAddress && html`, at <code>${handset.phoneAddress}</code>`}</dd>`}
<dt>Handed out</dt><dd>${moment(createdAt)}</dd>
<dt>Enrolled</dt><dd>${enrolledAt === null ? 'not yet' : moment(enrolledAt)}</dd>
${removedAt && html`<dt>Access revoked</dt><dd>${moment(removedAt)}</dd><dt>Tombstone fetched</dt><dd>${blankedAt === null ? 'not seen' : moment(blankedAt)}</dd>`}
${model && !model.capabilities.testedOnHardware && html`<dt>Tried out</dt><dd>not yet on a real ${model.kind === 'softphone' ? 'device' : 'phone'} of this model</dd>`}
</dl></section>`
}

function tunnelCard({ tunnel, keyWords, traffic, countingSince }: HandsetDetail): Html {
  return html`<section class="card" aria-labelledby="tunnel"><h2 id="tunnel">Tunnel</h2>
${
  tunnel === null
    ? html`<p>It has none any more.</p>`
    : html`<dl class="facts"><dt>Last handshake</dt><dd>${tunnel.lastHandshakeAt === null ? 'never' : moment(tunnel.lastHandshakeAt)}</dd>
<dt>Addresses</dt><dd>${tunnel.addresses.join(', ') || 'none'}</dd>
<dt>Carried by</dt><dd>${tunnel.carrier.kind === 'gateway' ? 'its home gateway' : 'itself'}</dd>
${tunnel.publicKey && html`<dt>Public key</dt><dd><code>${tunnel.publicKey}</code></dd>`}
<dt>Private key</dt><dd>${keyWords && withMoments(keyWords)}</dd></dl>
${traffic ? trafficCharts(traffic, moment(countingSince)) : html`<p class="told">No traffic is known: the hub has not listed its key since the server started.</p>`}`
}</section>`
}

function filesCard(id: string, files: readonly HandsetFile[] | AppError): Html {
  return html`<section class="card" aria-labelledby="files"><h2 id="files">Files</h2>
${
  files instanceof AppError
    ? html`<p class="notice bad">${problemWords(files)}</p>`
    : html`<div class="scroll"><table><thead><tr><th scope="col">File</th><th scope="col">What it is</th><th scope="col">Made from</th><th scope="col">Since its last fetch</th></tr></thead><tbody>${files.map(
        ({ fileName, purpose, template, ownTemplate, fetchedAt, differs }) =>
          html`<tr><th scope="row"><a href="/handsets/${id}/files/${encodeURIComponent(fileName)}">${fileName}</a></th><td>${purpose}</td><td>${template ? html`<code>${template}</code>${ownTemplate && ' (your own)'}` : html`<small>no template</small>`}</td><td>${differs === null ? 'not fetched yet' : differs ? html`<strong>changed</strong>` : 'the same'}${fetchedAt && html` <small>as of ${moment(fetchedAt)}</small>`}</td></tr>`,
      )}</tbody></table></div>`
}</section>`
}

function vendorGuide(vendor: string, guides: ReadonlySet<string>): Html | false {
  const name = `phones-${vendor}`
  return guides.has(name) && html`<p><a href="/guides/${name}">The guide for ${vendor}</a></p>`
}
