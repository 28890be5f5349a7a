/** Offboarding: what dies is said before the click, then the doors shut one after another before your eyes. */
import { z } from 'zod'
import { counted } from '../../domain/counted.ts'
import { byClick } from '../../domain/leaver-doors.ts'
import { type Actor, mayDo, type Role } from '../../domain/token.ts'
import type { Application, EmployeeView } from '../../journeys/application.ts'
import type { LeaverFile } from '../../journeys/leaver-view.ts'
import { doorOwners, doorState } from '../door-words.ts'
import { formKeyField } from '../form-key.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { doorsPicture, shutBefore } from './doors-picture.ts'
import { type PageTools, pageText } from './layout.ts'
import { leaverFileText } from './leaver-file-page.ts'
import { lifecycleSign } from './lifecycle-sign.ts'
import { live } from './live.ts'
import { duration, moment } from './moment.ts'
import { personFrame, stepsNotice } from './person-page.ts'

/** Without script the answer to the click shows the doors already shut, as far as they shut this quickly. */
const waitMs = 4_000

const reasonForm = z.object({ reason: z.string().trim().max(1_000).optional() })
const tickForm = z.object({
  system: z.string().min(1).max(100),
  subjectId: z.string().max(200).optional(),
  shown: z.string().min(1).max(100),
  /** Ticked in the list of everybody's steps: the next one is there. */
  from: z.literal('steps').optional(),
})

export function offboardPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      '/people/:id/offboard',
      'read',
      { summary: 'Offboard a person', answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const view = await application.employee(id)
        const file = view.lifecycle === 'offboarded' ? await application.report(id) : null
        const content =
          view.lifecycle === 'active'
            ? await question(actor, view, application)
            : progress(actor, view, file, application)
        response.type('html').send(pageText(tools, personFrame(actor, view, 'Offboard'), content))
      },
    ),
    route(
      'post',
      '/people/:id/offboard',
      'revoke',
      { summary: 'Shut every door of a person', body: { form: reasonForm }, once: true, answer: 'text/html' },
      async ({ actor, parameters: { id }, body, request, response, signal }) => {
        const clicked = await application.offboard(id, body.reason || null, actor)
        const address = `/people/${clicked.id}/offboard`
        // With script the page watches by itself: it is shown at once.
        if (request.get('HX-Request') === 'true') return void response.set('HX-Redirect', address).status(204).end()
        await application.settled(clicked.id, waitMs, signal)
        response.redirect(303, address)
      },
    ),
    route(
      'post',
      '/people/:id/tick',
      'revoke',
      { summary: 'Tick a step of a person', body: { form: tickForm }, answer: 'text/html' },
      async ({ actor, parameters: { id }, body: { system, subjectId, shown, from }, response }) => {
        const { id: known, lifecycle } = await application.acknowledge(id, system, subjectId || null, actor, shown)
        const person = lifecycle === 'active' ? `/people/${known}` : `/people/${known}/offboard`
        response.redirect(303, from === 'steps' ? '/steps' : person)
      },
    ),
  ]
}

async function question(actor: Actor, view: EmployeeView, application: Application): Promise<Html> {
  const { id, name, email } = view
  const administrators = await application.administrators.list()
  const role = administrators.find((each) => each.email === email && each.disabledAt === null)?.role ?? null
  return html`<section class="card narrow"><h1>Offboard <bdi>${name}</bdi>?</h1>
${whatDies(view, application, role)}
<p class="notice bad"><strong>Undo does not exist.</strong> Who comes back is onboarded anew, with new keys, certificate and password.</p>
${
  mayDo(actor.role, 'revoke')
    ? html`<form method="post" action="/people/${id}/offboard" hx-post="/people/${id}/offboard" hx-disabled-elt="find button">${formKeyField()}
<label>Reason <small>(optional; it stands in the leaver file)</small> <input name="reason" maxlength="1000" autocomplete="off"></label>
<div class="actions"><button class="danger">Offboard ${name} now</button> <a class="button quiet" role="button" href="/people/${id}">Do nothing</a></div></form>
<p><a href="/people/${id}/leaving">Set a date and time ahead instead</a></p>`
    : html`<p class="hint">Your role, ${actor.role}, may look but not offboard.</p>`
}</section>`
}

/** Exactly what stops working with the click. */
function whatDies(
  { handsets, tunnels, access, extension, pbx }: EmployeeView,
  application: Application,
  administratorAs: Role | null,
): Html {
  const models = new Map(application.models().map(({ id, name }) => [id, name]))
  const inUse = handsets.filter(({ removedAt }) => removedAt === null)
  const open = access.filter(({ wanted }) => wanted === 'open')
  const of = (system: string) => open.filter((line) => line.system === system).length
  const carried = new Set(inUse.map(({ tunnelId }) => tunnelId))
  const addresses = tunnels.filter(({ id }) => carried.has(id)).flatMap((tunnel) => tunnel.addresses)
  return html`<p>With the click, these stop working:</p><ul class="dies">
${inUse.map(({ model, mac }) => html`<li><strong>${models.get(model) ?? model}</strong>${mac !== null && ` ${mac}`}: gets no file with a secret any more; for 30 days the document that takes its account away</li>`)}
${of('tunnel') > 0 && html`<li><strong>${counted(of('tunnel'), 'tunnel')}</strong>${addresses.length > 0 && ` (${addresses.join(', ')})`}: the hub forgets the key, the firewall shuts the address</li>`}
${of('certificate') > 0 && html`<li><strong>${counted(of('certificate'), 'certificate')}</strong> ${inUse.flatMap(({ certificate }) => certificate?.serial ?? []).join(', ')}: revoked</li>`}
${of('sip-account') > 0 && html`<li><strong>Extension ${extension}</strong>: ${application.overview().pbxsByHand.includes(pbx) ? 'a step for you on the PBX, which the page tells' : 'password void, calls ended, thrown off the PBX; call forwards and the like are cleared, or listed for you'}</li>`}
${administratorAs !== null && html`<li><strong>Console</strong>: they are ${administratorAs} here; sessions, passkeys and password end, and the API tokens that they made</li>`}
<li><strong>Links</strong>: every invite and phone link of this person</li></ul>`
}

function progress(actor: Actor, view: EmployeeView, file: LeaverFile | null, application: Application): Html {
  const { id, name, lifecycle, offboardRequestedAt, offboardedAt } = view
  const { during, before } = byClick(view.access, offboardRequestedAt)
  const subject = doorOwners(application.models())
  const tickAt = mayDo(actor.role, 'revoke') ? `/people/${id}/tick` : undefined
  const clickedAt = offboardRequestedAt
  const took = offboardedAt && clickedAt ? duration(Date.parse(offboardedAt) - Date.parse(clickedAt)) : null
  return html`<div class="head"><h1>Offboarding <bdi>${name}</bdi></h1><p role="status" id="said">${tally(during, lifecycle, tickAt !== undefined)}</p></div>
${live(
  { id: 'progress', href: `/people/${id}/offboard`, employeeId: id, said: 'said' },
  html`<p>${lifecycleSign(lifecycle)}</p>
<p class="told">${clickedAt && html`Clicked ${moment(clickedAt)}`}${
    took === null
      ? html` · <span data-since="${clickedAt ?? ''}">${clickedAt && duration(Date.now() - Date.parse(clickedAt))}</span> since the click · <a href="/people/${id}/offboard">Look again</a>`
      : ` · complete after ${took}`
  }</p>
${stepsNotice(id, during, tickAt !== undefined)}
<section class="card" aria-labelledby="doors"><h2 id="doors">Doors</h2>${doorsPicture(during, { tickAt, clickedAt, subject })}${shutBefore(before, subject)}</section>
${file && html`<section class="card" id="leaver-file"><div class="head"><h2>Leaver file</h2><div class="actions"><a class="button quiet" role="button" href="/people/${id}/leaver-file">To print</a></div></div>${leaverFileText(file, application)}</section>`}`,
)}
<p><a href="/people/${id}">Back to <bdi>${name}</bdi></a></p>`
}

/** `5 doors: 4 shut, 1 waiting for you.` */
function tally(doors: EmployeeView['access'], lifecycle: EmployeeView['lifecycle'], mayTick: boolean): string {
  const counts = Map.groupBy(doors, doorState)
  const words = [...counts].map(
    ([state, lines]) =>
      `${lines.length} ${state === 'waiting' ? (mayTick ? 'waiting for you' : 'waiting for a person') : state}`,
  )
  return `${counted(doors.length, 'door')}: ${words.join(', ')}.${lifecycle === 'offboarded' ? ' The leaver file is frozen.' : ''}`
}
