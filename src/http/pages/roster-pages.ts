/** A roster before it runs: pasted, chosen or dropped, every problem beside its row, mended in place. */
import { z } from 'zod'
import { counted } from '../../domain/counted.ts'
import { leftOut, rosterColumns } from '../../domain/roster.ts'
import { AppError } from '../../errors.ts'
import type { Application } from '../../journeys/application.ts'
import type { DraftPage, DraftRow, DraftView } from '../../journeys/roster-view.ts'
import { problemWords, sentence } from '../console-words.ts'
import { formKeyField } from '../form-key.ts'
import { type Html, type HtmlValue, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { type PageTools, pageText } from './layout.ts'
import { momentText } from './moment.ts'
import { mailChoice, mailSelect } from './onboard-form.ts'

const perPage = 50
const upload = z.object({ text: z.string().optional(), file: z.instanceof(Uint8Array).optional() })
const query = z.object({
  page: z.coerce.number().int().min(1).max(100_000).optional(),
  rows: z.enum(['wrong', 'all']).optional(),
})
const cells = z.record(z.string().max(40), z.string().max(1_000))

export function rosterPages(application: Application, tools: PageTools): readonly Route[] {
  const { rosters } = application
  const frame = (title: string) => ({ title, here: '/onboard', trail: [{ name: 'Onboard', href: '/onboard' }] })
  return [
    route(
      'post',
      '/onboard/roster',
      'onboard',
      { summary: 'A roster to check', body: { upload }, answer: 'text/html' },
      async ({ actor, body, response }) => {
        const csv = body.file ?? Buffer.from(body.text ?? '')
        try {
          if (csv.byteLength === 0)
            throw new AppError('INVALID_INPUT', 'there is nothing in it', { hint: 'choose a file, or paste the rows' })
          const draft = await rosters.draft(csv, actor)
          response.redirect(303, `/onboard/roster/${draft.id}${draft.wrong > 0 ? '?rows=wrong' : ''}`)
        } catch (error) {
          if (!(error instanceof AppError) || error.code === 'INTERNAL') throw error
          response
            .status(400)
            .type('html')
            .send(
              pageText(
                tools,
                { ...frame('Roster'), actor },
                html`<h1>Many people</h1><section class="card">${rosterForm(error, typed(body))}</section>`,
              ),
            )
        }
      },
    ),
    route(
      'get',
      '/onboard/roster/:id',
      'onboard',
      { summary: 'A roster, with what is wrong with it', query, answer: 'text/html' },
      async ({ actor, parameters: { id }, query: wanted, response }) => {
        const run = rosters.runOf(id)
        if (run !== null) return response.redirect(303, `/imports/${run}`)
        const page = pageOf(wanted)
        const draft = await whatIsLeft(application, await rosters.lookAtDraft(id, page), page)
        response.type('html').send(pageText(tools, { ...frame('Roster'), actor }, draftPage(draft, page, application)))
      },
    ),
    route(
      'post',
      '/onboard/roster/:id',
      'onboard',
      { summary: 'Mend a roster', body: { form: cells }, query, answer: 'text/html' },
      async ({ actor, parameters: { id }, query: wanted, body, response, request }) => {
        const page = pageOf(wanted)
        const changes = Object.entries(body).flatMap(([name, value]) => {
          const [, line, column] = /^cell-(\d{1,7})-(\d{1,3})$/.exec(name) ?? []
          return line === undefined ? [] : [{ line: Number(line), column: Number(column), value: value.trim() }]
        })
        const draft = await whatIsLeft(application, await rosters.mendDraft(id, changes, page), page)
        // A row that was mended stays in sight while somebody types in the next one.
        if (request.get('hx-request') !== undefined)
          response
            .type('html')
            .send(pageText(tools, { ...frame('Roster'), actor }, draftPage(draft, page, application)))
        else response.redirect(303, `/onboard/roster/${id}${queryOf(page)}`)
      },
    ),
    route(
      'post',
      '/onboard/roster/:id/start',
      'onboard',
      {
        summary: 'Onboard everybody in a roster',
        body: { form: z.object({ mail: z.string().max(20).optional() }) },
        once: true,
        answer: 'text/html',
      },
      async ({ actor, parameters: { id }, body, response }) => {
        const ran = rosters.runOf(id)
        if (ran !== null) return response.redirect(303, `/imports/${ran}`)
        const run = await rosters.startDraft(id, mailChoice(body.mail ?? ''), actor)
        response.redirect(303, `/imports/${run.id}`)
      },
    ),
  ]
}

/** Longer ones are mended in the file itself. */
const longestMended = 200_000

/** What was sent, to be mended in place: a file that is text stands in the field for pasted rows. */
function typed({ text, file }: z.output<typeof upload>): string | undefined {
  if (file === undefined || file.byteLength > longestMended) return text
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file)
  } catch {
    // No text in the one encoding that is taken: there is nothing to show.
    return text
  }
}

/** Where nothing is wrong any more the rows are shown that are about to be written. */
async function whatIsLeft({ rosters }: Application, draft: DraftView, page: DraftPage): Promise<DraftView> {
  const allFit = page.onlyWrong && draft.listed === 0 && draft.wrong === 0
  return allFit ? rosters.lookAtDraft(draft.id, { ...page, offset: 0, onlyWrong: false }) : draft
}

export function rosterForm(error: AppError | null, typed = ''): Html {
  return html`${error && html`<div class="notice bad" role="alert"><p>${sentence(error.message)}</p>${error.problems.length > 1 && error.problems.map(({ row, message, hint }) => html`<p>${row !== undefined && `Row ${row}: `}${problemWords({ message, hint })}</p>`)}${error.problems.length < 2 && html`<p>${error.problems[0]?.row !== undefined && `Row ${error.problems[0].row}. `}<small>${error.hint !== undefined && sentence(error.hint)}</small></p>`}</div>`}
<form method="post" action="/onboard/roster" enctype="multipart/form-data" class="roster">
<p>One row for each handset; rows with the same extension are one person. The first row names the columns: <code>name, email, extension, model, mac</code>, and if you like <code>gateway, language</code>. Nothing is written before you have seen all of it.</p>
<div class="columns">
<div class="drop" data-drop="file"><label for="file">A CSV file <small>drop it here, or choose it</small></label><input type="file" id="file" name="file" accept=".csv,.txt,text/csv,text/plain"></div>
<div class="field"><label for="text">or pasted <small>out of a spreadsheet too</small></label><textarea id="text" name="text" rows="5" spellcheck="false" placeholder="name,email,extension,model,mac&#10;Ada Example,ada@example.com,1001,linphone-mobile,">${typed}</textarea></div>
</div>
<div class="actions"><button>Check it</button></div></form>`
}

function pageOf({ page = 1, rows = 'all' }: z.output<typeof query>): DraftPage {
  return { offset: (page - 1) * perPage, limit: perPage, onlyWrong: rows === 'wrong' }
}

function queryOf({ offset, onlyWrong }: DraftPage, page = offset / perPage + 1): string {
  const parts = [onlyWrong ? 'rows=wrong' : '', page > 1 ? `page=${page}` : ''].filter(Boolean)
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

function draftPage(draft: DraftView, asked: DraftPage, application: Application): Html {
  const { id, total, wrong, listed, people, problems, header, expiresAt } = draft
  const page = { ...asked, onlyWrong: asked.onlyWrong && wrong > 0 }
  const action = `/onboard/roster/${id}${queryOf(page)}`
  const mail = application.mails.settings()
  const pages = Math.max(1, Math.ceil(listed / perPage))
  const at = page.offset / perPage + 1
  const ready = wrong === 0 && problems.length === 0 && people > 0
  // After mending one goes on to the button: fields of rows that fit would only stand in the way of the Tab key.
  const toRead = ready && asked.onlyWrong
  return html`<div class="head"><h1>Roster</h1></div>
<div id="draft" class="live">
<p id="draft-said" role="status" class="notice ${ready ? 'good' : 'bad'}">${
    ready
      ? `Everything fits: ${counted(people, 'person', 'people')} in ${counted(total, 'row', 'rows')}. Nothing is written yet.`
      : header.problems.length > 0
        ? `${counted(total, 'row', 'rows')}, and the columns need a name: choose it in the head of the table.`
        : `${counted(wrong + problems.length, 'row needs', 'rows need')} another look, of ${total}. Nothing is written before all of them fit.`
  }</p>
${problems.map(({ message, hint }) => html`<p class="notice bad">${problemWords({ message, hint })}</p>`)}
${
  ready &&
  html`<form method="post" action="/onboard/roster/${id}/start" class="card start">${formKeyField()}
${mail && html`<div class="field"><label for="mail">Links by mail <small>in this language, where the roster names no other</small></label>${mailSelect('mail', mail, 'default')}</div>`}
<div class="actions"><button>Onboard ${counted(people, 'person', 'people')}</button></div></form>`
}
<section class="card" aria-labelledby="rows"><div class="head"><h2 id="rows">${page.onlyWrong ? 'Rows that need a look' : 'All rows'}</h2>
${toRead && html`<nav class="actions" aria-label="Rows"><a href="/onboard/roster/${id}">change them</a></nav>`}
${(page.onlyWrong || wrong > 0) && html`<nav class="actions" aria-label="Rows"><a href="/onboard/roster/${id}${queryOf({ ...page, onlyWrong: !page.onlyWrong }, 1)}">${page.onlyWrong ? `all ${total} rows` : `only the ${wrong} that need a look`}</a></nav>`}</div>
${
  draft.rows.length === 0
    ? html`<p>None.</p>`
    : toRead
      ? html`<div class="scroll" tabindex="0" role="region" aria-label="Rows"><table><thead><tr><th scope="col">Row</th>${headings(draft)}</tr></thead>
<tbody>${draft.rows.map(({ line, cells: values }) => html`<tr><th scope="row">${line}</th>${values.map((value) => html`<td>${value}</td>`)}</tr>`)}</tbody></table></div>`
      : html`<form method="post" action="${action}" hx-post="${action}" hx-trigger="change delay:150ms, submit" hx-target="#draft" hx-select="#draft" hx-swap="outerHTML" hx-sync="this:queue last">
<div class="scroll"><table class="draft"><thead><tr><th scope="col">Row</th>${headings(draft)}</tr></thead>
<tbody>${draft.rows.map((row) => draftRow(row, draft.columns))}</tbody></table></div>
<div class="actions"><button class="quiet">Check again</button></div></form>`
}
${
  pages > 1 &&
  html`<nav class="pages" aria-label="Pages">${at > 1 && html`<a href="/onboard/roster/${id}${queryOf(page, at - 1)}">Before</a>`}<span>Page ${at} of ${pages}</span>${at < pages && html`<a href="/onboard/roster/${id}${queryOf(page, at + 1)}">Next</a>`}</nav>`
}
<p><small>Kept in memory until ${momentText(expiresAt)}, and not over a restart.</small></p></section>
<datalist id="models">${application.models().map(({ id: model, name, kind }) => kind !== 'gateway' && html`<option value="${model}">${name}</option>`)}</datalist>
</div>`
}

/** A first row that does not name the columns as they are called here is answered in its own place. */
function headings({ columns, header }: DraftView): HtmlValue {
  if (header.problems.length === 0) return columns.map((column) => html`<th scope="col">${column}</th>`)
  const known: readonly string[] = [...rosterColumns, leftOut]
  return columns.map((column, index) => {
    const isTwice = column !== leftOut && columns.indexOf(column) !== index
    const isWrong = !known.includes(column) || isTwice
    return html`<th scope="col"><label>${header.cells[index]} <select name="cell-${header.line}-${index}"${isWrong && html` aria-invalid="true"`}>${isWrong && html`<option value="${header.cells[index] ?? ''}">choose …</option>`}${rosterColumns.map((name) => html`<option value="${name}"${!isWrong && name === column && html` selected`}>${name}</option>`)}<option value="${leftOut}"${column === leftOut && html` selected`}>leave it out</option></select></label></th>`
  })
}

function draftRow({ line, cells: values, problems }: DraftRow, columns: readonly string[]): Html {
  const said = `row-${line}-said`
  const wrong = new Set(problems.map(({ field }) => field))
  return html`<tr class="${problems.length > 0 ? 'wrong' : ''}"><th scope="row">${line}</th>${columns.map(
    (column, index) =>
      html`<td><input id="cell-${line}-${index}" name="cell-${line}-${index}" value="${values[index] ?? ''}" aria-label="${column} in row ${line}"${wrong.has(column) && html` aria-invalid="true" aria-describedby="${said}"`}${column === 'model' && html` list="models"`} spellcheck="false" autocomplete="off"></td>`,
  )}</tr>
${
  problems.length > 0 &&
  html`<tr class="wrong said"><td></td><td colspan="${columns.length}" id="${said}"><div>${problems.map(({ message, hint }) => html`<span>× ${problemWords({ message, hint })}</span> `)}</div></td></tr>`
}`
}
