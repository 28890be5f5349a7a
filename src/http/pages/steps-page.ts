/** Steps on a PBX that is operated by hand: everybody's as a list, one person's as a sheet to print, do and tick. */
import { wordsMark } from '../../domain/condition.ts'
import { counted } from '../../domain/counted.ts'
import { type Actor, mayDo } from '../../domain/token.ts'
import type { Application } from '../../journeys/application.ts'
import { placeWords } from '../../journeys/pbx-view.ts'
import type { OpenStep, PersonSteps, StepSheet } from '../../journeys/step-view.ts'
import { sentence } from '../console-words.ts'
import { doorName } from '../door-words.ts'
import { type Html, type HtmlValue, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { stateSign } from './doors-picture.ts'
import { type PageTools, pageText } from './layout.ts'
import { moment } from './moment.ts'
import { personFrame } from './person-page.ts'

export function stepsPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      '/steps',
      'read',
      { summary: 'Steps that wait for somebody', answer: 'text/html' },
      async ({ actor, response }) => {
        const steps = await application.people.openSteps()
        const frame = { title: 'Steps by hand', actor, here: '/', trail: [{ name: 'Today', href: '/' }] }
        response.type('html').send(pageText(tools, frame, everybody(steps, mayDo(actor.role, 'revoke'))))
      },
    ),
    route(
      'get',
      '/people/:id/steps',
      'read',
      { summary: 'The steps of one person, to print', answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const person = await application.people.stepsOf(id)
        const frame = personFrame(actor, { id: person.employeeId, name: person.name }, 'Steps')
        response.type('html').send(pageText(tools, frame, onePerson(person, actor)))
      },
    ),
  ]
}

/** As many as a page can show; the command line lists them all. */
const mostShown = 200

function everybody(steps: readonly OpenStep[], mayTick: boolean): Html {
  return html`<div class="head"><h1>Steps by hand</h1></div>
<section class="card" aria-label="Steps that wait">
<p class="pages" role="status">${steps.length === 0 ? 'No step waits for anybody.' : `${counted(steps.length, 'step')} to be done and ticked, oldest first`}</p>
${
  steps.length > 0 &&
  html`<div class="scroll"><table class="fold steps"><thead><tr><th scope="col">Whose</th><th scope="col">Open since</th><th scope="col">What to do</th><th scope="col"><span class="unseen">What can be done</span></th></tr></thead>
<tbody>${steps.slice(0, mostShown).map((step) => line(step, mayTick))}</tbody></table></div>`
}
${steps.length > mostShown && html`<p><small>${steps.length - mostShown} more: ringfence steps</small></p>`}</section>`
}

function line(open: OpenStep, mayTick: boolean): Html {
  const { employeeId, name, extension, who, pbx, system, wanted, step, at, late } = open
  const whose = name ?? 'somebody who was erased'
  return html`<tr><th scope="row"><a href="/people/${employeeId}"><bdi>${whose}</bdi></a> <small>${who}${pbx && who !== extension && ` · ${placeWords(pbx)}`}</small></th>
<td class="beside" data-head="since">${moment(at)}${late && html` ${stateSign('waiting', 'late')}`}</td>
<td><strong>${doorName(system)}, to be ${wanted === 'closed' ? 'shut' : 'opened'}.</strong> ${sentence(step)}</td>
<td><div class="actions"><a class="button quiet" role="button" href="/people/${employeeId}/steps">Step by step, to print<span class="unseen">: <bdi>${whose}</bdi>, ${doorName(system)}</span></a>
${mayTick && tickForm(open, html`<input type="hidden" name="from" value="steps"><button class="quiet">I did this: tick it<span class="unseen">: <bdi>${whose}</bdi>, ${doorName(system)}</span></button>`)}</div></td></tr>`
}

function onePerson(person: PersonSteps, actor: Actor): Html {
  const mayTick = mayDo(actor.role, 'revoke')
  return html`<div class="head off-paper"><h1>Steps for <bdi>${person.name}</bdi></h1><div class="actions"><button class="print" hidden>Print</button></div></div>
${person.sheets.length === 0 && html`<p class="notice good off-paper">Nothing is left to do by hand. <a href="/people/${person.employeeId}">To the person</a></p>`}
${mayTick && person.sheets.map(tick)}
<div class="papers a4" role="region" aria-label="As it will be printed" tabindex="0">${person.sheets.map((sheet) => paper(person, sheet))}</div>`
}

/** Where the page is read on a screen: a sheet of paper is ticked with a pen first. */
function tick(sheet: StepSheet): Html {
  return html`<div class="off-paper">${tickForm(sheet, html`<button>${capitals[sheet.deed]} done: tick it</button>`)}</div>`
}

/** Of the words that stand beside it, and no others. */
function tickForm({ employeeId, system, subjectId, step }: OpenStep, button: Html): Html {
  return html`<form method="post" action="/people/${employeeId}/tick" class="tick"><input type="hidden" name="system" value="${system}">
<input type="hidden" name="subjectId" value="${subjectId}">
<input type="hidden" name="shown" value="${wordsMark(step)}">
${button}</form>`
}

const capitals = { opening: 'Opening', rotating: 'New password', closing: 'Closing' } as const

const titles = {
  opening: 'Set up the extension',
  rotating: 'Change the password of the extension',
  closing: 'Shut the extension',
} as const

function paper({ name, extension }: PersonSteps, { brand, deed, parts, step, pbx, system, at }: StepSheet): Html {
  const lines = parts.length > 0 ? parts : [step]
  return html`<article class="paper steps">
<header><h2>${titles[deed]}</h2><p><bdi>${name}</bdi></p><p>Extension <strong class="number">${extension}</strong></p>${pbx && html`<p>PBX <strong>${placeWords(pbx)}</strong></p>`}</header>
<section><p>${doorName(system)} on ${brand ?? 'its system'}. Asked for ${moment(at)}. In this order:</p>
<table><thead><tr><th scope="col">Step</th><th scope="col" class="tick">Done</th></tr></thead>
<tbody>${lines.map((line, index) => html`<tr><th scope="row">${index + 1}. ${withCode(line)}</th><td class="tick">☐</td></tr>`)}</tbody></table></section>
<p class="signatures"><span>Done by</span><span>Date and time</span></p>
<p><small>Then tick it in Ringfence: your name and the time are kept. ${deed === 'closing' && 'Until then the offboarding is not complete.'}</small></p>
</article>`
}

/** What stands between backticks is a command. */
function withCode(text: string): HtmlValue {
  return text.split(/`([^`]+)`/).map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))
}
