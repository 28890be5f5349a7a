/** After a link was made: shown, sent or printed, and the doors opening. And the mails to one person. */
import { z } from 'zod'
import { languageNames } from '../../domain/language.ts'
import type { Actor } from '../../domain/token.ts'
import type { Application, EmployeeView } from '../../journeys/application.ts'
import type { MailView } from '../../journeys/mail-view.ts'
import type { HandOver, SheetHandset } from '../../journeys/sheet-view.ts'
import { sentence } from '../console-words.ts'
import { inGroups } from '../dictation.ts'
import { doorOwners } from '../door-words.ts'
import { formKeyField } from '../form-key.ts'
import { type Html, html, trusted } from '../html.ts'
import { type Route, route } from '../route.ts'
import { doorsPicture } from './doors-picture.ts'
import { type PageTools, pageText } from './layout.ts'
import { live } from './live.ts'
import { mailsCard } from './mails-card.ts'
import { moment, momentText } from './moment.ts'
import { mailChoice } from './onboard-form.ts'
import { personFrame } from './person-page.ts'

const linkQuery = z.object({ link: z.string().max(1_000).optional() })
const nothing = z.object({})

export function handOverPath(employeeId: string, reference: string): string {
  return `/people/${employeeId}/hand-over?link=${encodeURIComponent(reference)}`
}

export function handOverPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      '/people/:id/hand-over',
      'onboard',
      { summary: 'The link, to be handed over', query: linkQuery, answer: 'text/html' },
      async ({ actor, parameters: { id }, query: { link }, response }) => {
        if (link === undefined) {
          const view = await application.employee(id)
          response
            .type('html')
            .send(pageText(tools, personFrame(actor, view, 'Hand-over'), askForLink(view.id, view.name, application)))
          return
        }
        const [handOver, mails] = await Promise.all([
          application.handOver.open(id, link, actor),
          application.mails.ofPerson(id),
        ])
        response
          .type('html')
          .send(
            pageText(
              tools,
              personFrame(actor, handOver.employee, 'Hand-over'),
              handOverPage({ handOver, link, mails, actor }, application, tools),
            ),
          )
      },
    ),
    route(
      'post',
      '/people/:id/new-link',
      'onboard',
      {
        summary: 'A new link in place of the old one, shown, printed or sent',
        body: { form: z.object({ mail: z.string().max(20).optional() }) },
        once: true,
        answer: 'text/html',
      },
      async ({ actor, parameters: { id }, body, response }) => {
        const choice = mailChoice(body.mail ?? '')
        const made = await (choice ? application.mails.sendNewLink(id, choice, actor) : application.invite(id, actor))
        response.redirect(303, handOverPath(made.employee.id, application.handOver.reference(made)))
      },
    ),
    ...(['retry', 'cancel'] as const).map((deed) =>
      route(
        'post',
        `/mails/:id/${deed}` as const,
        'onboard',
        { summary: `${deed} a mail`, body: { form: nothing }, answer: 'text/html' },
        async ({ actor, parameters: { id }, request, response }) => {
          const mail = await (deed === 'retry'
            ? application.mails.tryNow(id, actor)
            : application.mails.cancel(id, actor))
          response.redirect(303, backTo(request.get('referer'), `/people/${mail.employeeId}`))
        },
      ),
    ),
  ]
}

/** The page of ours that the button stood on; another site's address is not followed. */
function backTo(referer: string | undefined, otherwise: string): string {
  const url = referer === undefined ? null : URL.parse(referer)
  return url && /^\/(people|imports)\/[0-9a-f-]{36}/.test(url.pathname) ? `${url.pathname}${url.search}` : otherwise
}

function handOverPage(
  { handOver, link, mails, actor }: { handOver: HandOver; link: string; mails: readonly MailView[]; actor: Actor },
  application: Application,
  { drawQr }: PageTools,
): Html {
  const { employee, warnings, inviteUrl, expiresAt, handsets } = handOver
  const reference = encodeURIComponent(link)
  const desk = handsets.filter(({ kind }) => kind === 'desk-phone')
  return html`<div class="head"><h1><bdi>${employee.name}</bdi>: extension ${employee.extension}</h1>
<div class="actions"><a class="button" role="button" href="/people/${employee.id}/sheet?link=${reference}">Print the sheet</a>
<a class="button quiet" role="button" href="/people/${employee.id}">To the person</a><a class="button quiet" role="button" href="/onboard">Next person</a></div></div>
${live(
  { id: 'doors', href: `/people/${employee.id}/hand-over?link=${reference}`, employeeId: employee.id },
  html`<section class="card" aria-labelledby="opening"><h2 id="opening">Doors</h2>${doorsPicture(employee.access, { subject: doorOwners(application.models()) })}</section>
${mailsCard(mails, actor)}`,
)}
<div class="columns">
<section class="card" aria-labelledby="link"><h2 id="link">The link</h2>
<p>For <bdi>${employee.name}</bdi> alone, until <strong>${momentText(expiresAt)}</strong>. It is shown here for an hour.</p>
${drawQr && html`<div class="qr">${trusted(drawQr(inviteUrl, 'address', 'The link as a code'))}</div>`}
<label>Link <input readonly value="${inviteUrl}" class="copy"></label>
${!mails.some(({ state }) => state === 'queued' || state === 'sent') && sendForm(employee.id, application)}
</section>
${
  desk.length > 0 &&
  html`<section class="card" aria-labelledby="desk"><h2 id="desk">Desk phones</h2>${desk.map((handset) => deskPhone(employee.id, handset, reference))}</section>`
}
${employee.gateways.length > 0 && homeGateways(employee, application)}
${
  warnings.length > 0 &&
  html`<section class="card" aria-labelledby="warnings"><h2 id="warnings">Before you ship it</h2><ul class="warnings">${warnings.map((warning) => html`<li>${sentence(warning)}</li>`)}</ul></section>`
}
</div>`
}

/** The router that a desk phone without WireGuard hangs on: easily forgotten where nobody asked for one by name. */
function homeGateways({ id, gateways }: EmployeeView, application: Application): Html {
  const names = new Map(application.models().map((model) => [model.id, model.name]))
  const told = ({ owner, lastHeardAt }: EmployeeView['gateways'][number]) => {
    if (owner.id !== id)
      return html`The one of <a href="/people/${owner.id}"><bdi>${owner.name}</bdi></a>, in the same home: no other is to be shipped.`
    if (lastHeardAt !== null) return html`In use, last heard ${moment(lastHeardAt)}.`
    return html`<strong>To be shipped too:</strong> at home the desk phone works behind this router alone. How to set it up is on the page behind the link.`
  }
  return html`<section class="card" aria-labelledby="gateways"><h2 id="gateways">Home gateway</h2>${gateways.map(
    (gateway) =>
      html`<div class="handed"><h3>${names.get(`gateway-${gateway.kind}`) ?? gateway.kind} <small>${gateway.kind}, ${gateway.subnets.join(', ')}</small></h3><p>${told(gateway)}</p></div>`,
  )}</section>`
}

function deskPhone(
  employeeId: string,
  { id, modelName, mac, provisioningUrl, typing }: SheetHandset,
  reference: string,
): Html {
  return html`<div class="handed"><h3>${modelName} <small>${mac}</small></h3>
${
  provisioningUrl === null
    ? html`<p>It has signed in and has an address of its own.</p>`
    : html`<p>Provisioning address, to type in or for DHCP:</p><p class="dictate" translate="no">${inGroups(provisioningUrl)}</p>
<label class="unseen" for="url-${id}">Provisioning address of ${modelName} ${mac}</label><input id="url-${id}" readonly value="${provisioningUrl}" class="copy">
${typing !== null && html`<p><strong>${typing}</strong></p>`}
<p><a href="/handsets/${id}/bench-sheet?person=${employeeId}&amp;link=${trusted(reference)}">Bench sheet</a></p>`
}</div>`
}

function sendForm(employeeId: string, { mails }: Application): Html | false {
  return (
    mails.settings() !== null &&
    html`<p><small>To send it by mail after all, a new link is made: <a href="/people/${employeeId}/hand-over">new link by mail</a>. This one stops working then.</small></p>`
  )
}

/** Without a link at hand: what a new one means, before it is made. */
function askForLink(employeeId: string, name: string, { mails }: Application): Html {
  const settings = mails.settings()
  return html`<section class="card narrow"><h1>A new link for <bdi>${name}</bdi></h1>
<p class="notice wait">The link before it stops working. Handsets that nobody has set up yet get new passwords, and their tunnels new keys; what is in use goes on.</p>
<form method="post" action="/people/${employeeId}/new-link">${formKeyField()}
${
  settings &&
  html`<label for="mail">Send it by mail, in <select id="mail" name="mail"><option value="none">no mail: I hand it over myself</option>${Object.entries(
    languageNames,
  ).map(
    ([id, its]) =>
      html`<option value="${id}" lang="${id}"${id === settings.language && html` selected`}>${its}</option>`,
  )}</select></label>`
}
<button>Make a new link</button></form></section>`
}
