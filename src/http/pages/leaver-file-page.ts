/** The leaver file as a page to print and sign; the same as JSON is the API's report. */
import { byClick } from '../../domain/leaver-doors.ts'
import type { AccessLine, Application } from '../../journeys/application.ts'
import type { LeaverFile } from '../../journeys/leaver-view.ts'
import { placeWords } from '../../journeys/pbx-view.ts'
import { doorName, doorOwners, doorState } from '../door-words.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { stateSign, whyBefore } from './doors-picture.ts'
import { type PageTools, pageText } from './layout.ts'
import { duration, momentText, zone } from './moment.ts'
import { personFrame } from './person-page.ts'

export function leaverFilePages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      '/people/:id/leaver-file',
      'read',
      { summary: 'The leaver file', answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const file = await application.report(id)
        const json = `/api/v1/employees/${file.employee.id}/report`
        const content = html`<section class="card sheet"><div class="head"><h1>Leaver file: <bdi>${file.employee.name}</bdi></h1>
<div class="actions"><a class="button quiet" role="button" href="${json}" download="leaver-${file.employee.extension}.json">Download as JSON</a> <button type="button" class="quiet print" hidden>Print</button></div></div>
${leaverFileText(file, application)}
<p class="sign-here">Equipment returned, date and signature</p></section>`
        response.type('html').send(pageText(tools, personFrame(actor, file.employee, 'Leaver file'), content))
      },
    ),
  ]
}

/** What the file says, wherever it is shown. */
export function leaverFileText(file: LeaverFile, application: Application): Html {
  const { complete, employee, requestedAt, requestedBy, reason, completedAt, durationMs } = file
  const { during, before } = byClick(file.doors, requestedAt)
  const models = application.models()
  const ownerOf = doorOwners(models)
  return html`<p class="notice ${complete ? 'good' : 'wait'}">${complete ? 'Complete and frozen.' : 'Not complete: this is how it looks now.'}</p>
<dl class="facts"><dt>Person</dt><dd><bdi>${employee.name}</bdi>, ${employee.email}, extension ${employee.extension}</dd>
${employee.pbx && html`<dt>PBX</dt><dd>${placeWords(employee.pbx)}</dd>`}
<dt>Asked for</dt><dd>${momentText(requestedAt)} by <bdi>${requestedBy}</bdi></dd>
<dt>Reason</dt><dd>${reason ?? 'none given'}</dd>
<dt>Completed</dt><dd>${completedAt === null ? 'not yet' : momentText(completedAt)}${durationMs !== null && `, ${duration(durationMs)} after the click`}</dd></dl>
<div class="scroll" role="region" aria-label="Doors" tabindex="0"><table class="fold"><thead><tr><th scope="col">Door</th><th scope="col">State</th><th scope="col">Evidence</th><th scope="col">After the click</th></tr></thead>
<tbody>${during.map(
    (line) =>
      html`<tr>${which(line, ownerOf)}<td class="beside">${stateSign(doorState(line))}</td><td>${line.verdict === 'converged' ? line.evidence?.summary : line.problem}${line.acknowledged && html` <small>ticked by <bdi>${line.acknowledged.by}</bdi>, ${momentText(line.acknowledged.at)}</small>`}</td><td data-head="After the click:">${afterClick(line, requestedAt)}</td></tr>`,
  )}</tbody></table></div>
${
  before.length > 0 &&
  html`<div class="scroll" role="region" aria-label="Doors shut before the click" tabindex="0"><table class="fold"><caption>Shut before the click, and still shut</caption><thead><tr><th scope="col">Door</th><th scope="col">Why</th><th scope="col">Shut</th><th scope="col">Evidence</th></tr></thead>
<tbody>${before.map(
    (line) =>
      html`<tr>${which(line, ownerOf)}<td class="beside">${whyBefore(line)}</td><td data-head="Shut:">${momentText(line.shutAt ?? line.at)}</td><td>${line.evidence?.summary}</td></tr>`,
  )}</tbody></table></div>`
}
<dl class="facts">${equipment(file, new Map(models.map(({ id, name }) => [id, name])))}
${file.addenda.length > 0 && html`<dt>What came later</dt>${file.addenda.map(({ at, summary }) => html`<dd>${momentText(at)}: ${summary}</dd>`)}`}</dl>
${file.auditHead && html`<p><small>Audit chain: position ${file.auditHead.position}, <code>${file.auditHead.hash}</code>. Times are ${zone()}.</small></p>`}`
}

function which({ system, subject }: AccessLine, ownerOf: ReturnType<typeof doorOwners>): Html {
  const owner = ownerOf(subject)
  return html`<th scope="row">${doorName(system)}${owner !== null && html` <small>${owner}</small>`}</th>`
}

/** What is to be handed back; an app lives on a device of the leaver's own. */
function equipment({ handsets, gateways = [] }: LeaverFile, names: ReadonlyMap<string, string>): Html {
  const phones = handsets.filter(({ mac }) => mac !== null)
  const apps = handsets.filter(({ mac }) => mac === null)
  const nameOf = (model: string) => names.get(model) ?? model
  const serials = (all: readonly string[]) => all.length > 0 && `, certificate ${all.join(', ')}`
  return html`<dt>Equipment</dt>${phones.length + gateways.length === 0 && html`<dd>none</dd>`}${phones.map(
    ({ model, mac, certificateSerials, takenBackAt }) =>
      html`<dd>${nameOf(model)} ${mac}${serials(certificateSerials)}${takenBackAt && `, taken back ${momentText(takenBackAt)}`}</dd>`,
  )}${gateways.map(({ kind }) => html`<dd>Home gateway (${kind})</dd>`)}
${apps.length > 0 && html`<dt>Apps, on devices of their own</dt>${apps.map(({ model, certificateSerials }) => html`<dd>${nameOf(model)}${serials(certificateSerials)}</dd>`)}`}`
}

/** Seen shut or ticked; nothing before that. */
function afterClick(line: LeaverFile['doors'][number], requestedAt: string): string {
  const at = line.verdict === 'converged' ? line.at : line.acknowledged?.at
  return at === undefined ? 'not yet' : duration(Date.parse(at) - Date.parse(requestedAt))
}
