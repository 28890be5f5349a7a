/** The leaver file as a page to print and sign; the same as JSON is the API's report. */
import type { Application, LeaverFile } from '../../journeys/application.ts'
import { doorName, doorState } from '../door-words.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { stateSign } from './doors-picture.ts'
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
${leaverFileText(file)}
<p class="sign-here">Equipment returned, date and signature</p></section>`
        response.type('html').send(pageText(tools, personFrame(actor, file.employee, 'Leaver file'), content))
      },
    ),
  ]
}

/** What the file says, wherever it is shown. */
export function leaverFileText(file: LeaverFile): Html {
  const { complete, employee, requestedAt, requestedBy, reason, completedAt, durationMs, doors, handsets } = file
  return html`<p class="notice ${complete ? 'good' : 'wait'}">${complete ? 'Complete and frozen.' : 'Not complete: this is how it looks now.'}</p>
<dl class="facts"><dt>Person</dt><dd><bdi>${employee.name}</bdi>, ${employee.email}, extension ${employee.extension}</dd>
<dt>Asked for</dt><dd>${momentText(requestedAt)} by <bdi>${requestedBy}</bdi></dd>
<dt>Reason</dt><dd>${reason ?? 'none given'}</dd>
<dt>Completed</dt><dd>${completedAt === null ? 'not yet' : momentText(completedAt)}${durationMs !== null && `, ${duration(durationMs)} after the click`}</dd></dl>
<div class="scroll" role="region" aria-label="Doors" tabindex="0"><table><thead><tr><th scope="col">Door</th><th scope="col">State</th><th scope="col">Evidence</th><th scope="col">After the click</th></tr></thead>
<tbody>${doors.map(
    (line) =>
      html`<tr><th scope="row">${doorName(line.system)}</th><td>${stateSign(doorState(line))}</td><td>${line.verdict === 'converged' ? line.evidence?.summary : line.problem}${line.acknowledged && html` <small>ticked by <bdi>${line.acknowledged.by}</bdi>, ${momentText(line.acknowledged.at)}</small>`}</td><td>${afterClick(line, requestedAt)}</td></tr>`,
  )}</tbody></table></div>
<dl class="facts"><dt>Equipment</dt>${handsets.length === 0 && html`<dd>none</dd>`}${handsets.map(
    ({ model, mac, certificateSerials }) =>
      html`<dd>${model}${mac !== null && ` ${mac}`}${certificateSerials.length > 0 && `, certificate ${certificateSerials.join(', ')}`}</dd>`,
  )}
${file.addenda.length > 0 && html`<dt>What came later</dt>${file.addenda.map(({ at, summary }) => html`<dd>${momentText(at)}: ${summary}</dd>`)}`}</dl>
${file.auditHead && html`<p><small>Audit chain: position ${file.auditHead.position}, <code>${file.auditHead.hash}</code>. Times are ${zone()}.</small></p>`}`
}

/** Seen shut or ticked; nothing before that. */
function afterClick(line: LeaverFile['doors'][number], requestedAt: string): string {
  const at = line.verdict === 'converged' ? line.at : line.acknowledged?.at
  return at === undefined ? 'not yet' : duration(Date.parse(at) - Date.parse(requestedAt))
}
