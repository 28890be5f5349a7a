/** A roster that runs: how far everybody is, live; it can be stopped, and it outlives reloads and restarts. */
import { z } from 'zod'
import { counted } from '../../domain/counted.ts'
import type { Application } from '../../journeys/application.ts'
import { type RunPerson, type RunView, type Stage, stages } from '../../journeys/roster-view.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { type PageTools, pageText } from './layout.ts'
import { live } from './live.ts'
import { moment } from './moment.ts'

const perPage = 100
const query = z.object({ page: z.coerce.number().int().min(1).max(100_000).optional() })

/** What is sent to a page that follows along while 2,000 people come in. */
const paceMs = 1_000

export function importPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      '/imports/:id',
      'onboard',
      { summary: 'How far a roster is', query, answer: 'text/html' },
      async ({ actor, parameters: { id }, query: { page = 1 }, response }) => {
        const run = await application.rosters.progress(id, { offset: (page - 1) * perPage, limit: perPage })
        response
          .type('html')
          .send(
            pageText(
              tools,
              { title: 'Import', actor, here: '/onboard', trail: [{ name: 'Onboard', href: '/onboard' }] },
              importPage(run, page),
            ),
          )
      },
    ),
    route(
      'post',
      '/imports/:id/cancel',
      'onboard',
      { summary: 'Stop a roster after the people in hand', body: { form: z.object({}) }, answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        await application.rosters.cancel(id, actor)
        response.redirect(303, `/imports/${id}`)
      },
    ),
  ]
}

function importPage(run: RunView, page: number): Html {
  const { id, total, done, finishedAt, createdAt, createdBy, counts } = run
  const pages = Math.max(1, Math.ceil(total / perPage))
  const mails = run.people.some(({ mail }) => mail !== null) || counts.invited > 0
  const brought = total - counts.queued - counts.failed - counts.cancelled
  const href = page > 1 ? `/imports/${id}?page=${page}` : `/imports/${id}`
  return html`<p id="import-said" class="unseen" role="status">${saidOf(run)}</p>
${live(
  { id: 'import', href, paceMs, said: 'import-said' },
  html`<div class="head"><h1>${counted(total, 'person', 'people')}</h1>${runSign(run)}<div class="actions">
${finishedAt === null && run.cancelled === null && html`<form method="post" action="/imports/${id}/cancel"><button class="quiet" id="stop">Stop</button></form>`}
${brought > 0 && html`<a class="button quiet" role="button" id="sheets" href="/imports/${id}/sheets">Print the sheets</a>`}</div></div>
<p><small>Begun ${moment(createdAt)} by <bdi>${createdBy}</bdi>${finishedAt !== null && html`, finished ${moment(finishedAt)}`}. ${run.cancelled && html`Stopped by <bdi>${run.cancelled.by}</bdi>, ${moment(run.cancelled.at)}: nobody new is begun, and who was brought in stays.`}</small></p>
<div class="progress"><progress max="${total}" value="${done}" aria-label="Done"></progress><span>${done} of ${total}</span></div>
<ul class="figures stages">${stages.flatMap((stage) => (counts[stage] > 0 || (way.includes(stage) && (stage !== 'invited' || mails)) ? [html`<li class="${signs[stage]}"><b>${counts[stage]}</b><span>${stage}</span></li>`] : []))}</ul>
${run.steps > 0 && html`<p class="notice wait">${run.steps === 1 ? 'One account waits' : `${run.steps} accounts wait`} for a step on the PBX. <a href="/people?attention=open-doors">See whose</a></p>`}
${run.mailsFailed > 0 && html`<p class="notice bad">${counted(run.mailsFailed, 'mail was', 'mails were')} given up; look below whose. The link can be printed, or sent anew from the person’s page.</p>`}
<section class="card" aria-labelledby="everybody"><h2 id="everybody">Everybody</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Everybody in the roster"><table><thead><tr><th scope="col">Row</th><th scope="col">Name</th><th scope="col">Extension</th><th scope="col">State</th>${mails && html`<th scope="col">Mail</th>`}</tr></thead>
<tbody>${run.people.map((person) => personRow(person, mails))}</tbody></table></div>
${
  pages > 1 &&
  html`<nav class="pages" aria-label="Pages">${page > 1 && html`<a id="before" href="/imports/${id}?page=${page - 1}">Before</a>`}<span>Page ${page} of ${pages}</span>${page < pages && html`<a id="next" href="/imports/${id}?page=${page + 1}">Next</a>`}</nav>`
}</section>`,
)}`
}

/** The way that everybody should go. */
const way: readonly Stage[] = ['queued', 'keys made', 'on PBX', 'invited', 'connected']

const signs: Readonly<Record<Stage, string>> = {
  queued: 'queued',
  'keys made': 'opening',
  'on PBX': 'opening',
  invited: 'opening',
  connected: 'open',
  failed: 'stuck',
  cancelled: 'unverifiable',
}

function runSign({ finishedAt, cancelled, counts }: RunView): Html {
  if (finishedAt === null)
    return cancelled
      ? html`<span class="state closing">stopping</span>`
      : html`<span class="state opening">running</span>`
  if (cancelled) return html`<span class="state unverifiable">stopped</span>`
  return counts.failed > 0
    ? html`<span class="state stuck">${counts.failed} failed</span>`
    : html`<span class="state open">all brought in</span>`
}

/** Read out while it goes on: in steps, since each person would be too much to listen to. */
function saidOf({ total, done, finishedAt, counts, cancelled }: RunView): string {
  if (finishedAt !== null)
    return `${cancelled ? 'Stopped' : 'Finished'}: ${total - counts.failed - counts.cancelled} brought in${counts.failed > 0 ? `, ${counts.failed} failed` : ''}.`
  const tenth = Math.floor((done / Math.max(1, total)) * 10)
  return `${tenth}0 percent are done.`
}

// Focus goes by id when the part is fetched anew: whoever stands on a link stays there.
function personRow({ row, name, email, extension, stage, employeeId, problem, mail }: RunPerson, mails: boolean): Html {
  return html`<tr><td>${row}</td><th scope="row">${employeeId === null ? html`<bdi>${name}</bdi>` : html`<a id="person-${row}" href="/people/${employeeId}"><bdi>${name}</bdi></a>`} <small>${email}</small></th><td>${extension}</td>
<td><span class="state ${signs[stage]}">${stage}</span>${problem !== null && html` <small>${problem}</small>`}</td>${mails && html`<td><small>${mail}</small></td>`}</tr>`
}
