/** Paper: the hand-over sheet of one person or of everybody in a roster, and the bench sheet of a desk phone. */
import { z } from 'zod'
import { languageNames, languages } from '../../domain/language.ts'
import { AppError } from '../../errors.ts'
import type { Application } from '../../journeys/application.ts'
import { type Html, type HtmlValue, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { benchSheet } from './bench-sheet.ts'
import { handOverSheet } from './hand-over-sheet.ts'
import { type PageTools, pageText } from './layout.ts'
import { sheetWords } from './sheet-words.ts'

/** So many sheets are one page of the console: each holds a code, which is a picture. */
const perPage = 50

const paper = z.object({
  link: z.string().max(1_000).optional(),
  paper: z.enum(['a4', 'letter']).optional(),
  language: z.enum(languages).optional(),
})
type Paper = z.output<typeof paper>

export function sheetPages(application: Application, tools: PageTools): readonly Route[] {
  const wordsOf = sheetWords()
  return [
    route(
      'get',
      '/people/:id/sheet',
      'onboard',
      { summary: 'The hand-over sheet, to print', query: paper, answer: 'text/html' },
      async ({ actor, parameters: { id }, query, response }) => {
        // Without a link there is nothing to hand over: a new one is offered, with what that means.
        if (query.link === undefined) return response.redirect(303, `/people/${encodeURIComponent(id)}/hand-over`)
        const sheet = await application.handOver.open(id, query.link, actor)
        const language = query.language ?? sheet.language
        const path = `/people/${sheet.employeeId}`
        const trail = [
          { name: sheet.name, href: path },
          { name: 'Hand-over', href: `${path}/hand-over?link=${encodeURIComponent(query.link)}` },
        ]
        const content = handOverSheet(sheet, wordsOf(language), language, tools)
        response
          .type('html')
          .send(
            pageText(tools, { title: 'Sheet', actor, here: '/people', trail }, [
              toolbar('Hand-over sheet', `${path}/sheet`, { ...query, language }),
              onPaper(query, [content]),
            ]),
          )
      },
    ),
    route(
      'get',
      '/imports/:id/sheets',
      'onboard',
      {
        summary: 'The hand-over sheets of a roster, to print',
        query: paper.extend({ page: z.coerce.number().int().min(1).max(100_000).optional() }),
        answer: 'text/html',
      },
      async ({ actor, parameters: { id }, query: { page = 1, ...query }, response }) => {
        const pile = await application.handOver.ofImport(id, { offset: (page - 1) * perPage, limit: perPage }, actor)
        const pages = Math.max(1, Math.ceil(pile.total / perPage))
        const sheets = pile.sheets.map((sheet) => {
          const language = query.language ?? sheet.language
          return handOverSheet(sheet, wordsOf(language), language, tools)
        })
        const trail = [
          { name: 'Onboard', href: '/onboard' },
          { name: 'Import', href: `/imports/${id}` },
        ]
        response.type('html').send(
          pageText(tools, { title: 'Sheets', actor, here: '/onboard', trail }, [
            toolbar('Hand-over sheets', `/imports/${id}/sheets`, query, page),
            html`<p class="off-paper">${pile.total === 0 ? 'There is no link that is still good.' : `${pile.total} sheets, those ${(page - 1) * perPage + 1} to ${(page - 1) * perPage + pile.sheets.length} are here.`}
${pile.stale > 0 && html`<small>${pile.stale} people are left out: their link was replaced, shut or has run out. Their own page makes a new one.</small>`}</p>
${pages > 1 && html`<nav class="pages off-paper" aria-label="Pages">${page > 1 && html`<a href="${address(`/imports/${id}/sheets`, query, page - 1)}">Before</a>`}<span>Page ${page} of ${pages}</span>${page < pages && html`<a href="${address(`/imports/${id}/sheets`, query, page + 1)}">Next</a>`}</nav>`}`,
            onPaper(query, sheets),
          ]),
        )
      },
    ),
    route(
      'get',
      '/handsets/:id/bench-sheet',
      'onboard',
      {
        summary: 'The bench sheet of a desk phone, to print',
        query: paper.extend({ person: z.string().max(100).optional() }),
        answer: 'text/html',
      },
      async ({ actor, parameters: { id }, query: { person, ...query }, response }) => {
        if (person === undefined || query.link === undefined) {
          // The address to type in is known beside a new link only: what that means comes first.
          const { employee } = await application.handsets.one(id)
          return response.redirect(303, `/people/${employee.id}/hand-over`)
        }
        const sheet = await application.handOver.open(person, query.link, actor)
        const handset = sheet.handsets.find((one) => one.id === id)
        if (!handset?.provisioningUrl || handset.kind !== 'desk-phone')
          throw new AppError('NOT_FOUND', 'this phone has no address that could be typed in', {
            hint: 'it has signed in already, or it is an app; a new link starts it anew',
          })
        const trail = [{ name: sheet.name, href: `/people/${sheet.employeeId}` }]
        response
          .type('html')
          .send(
            pageText(tools, { title: 'Bench sheet', actor, here: '/people', trail }, [
              toolbar('Bench sheet', `/handsets/${id}/bench-sheet`, { ...query, person }),
              onPaper(query, [benchSheet(sheet, handset, handset.provisioningUrl, tools)]),
            ]),
          )
      },
    ),
  ]
}

type Wanted = Paper & { readonly person?: string }

function address(path: string, wanted: Wanted, page = 1): string {
  const parts = Object.entries({ ...wanted, ...(page > 1 ? { page: String(page) } : {}) })
  const query = new URLSearchParams(
    parts.flatMap(([name, value]) => (value ? [[name, value] as [string, string]] : [])),
  )
  return query.size === 0 ? path : `${path}?${query}`
}

/** On the screen only: paper and language are links, and printing is the browser's. */
function toolbar(title: string, path: string, wanted: Wanted, page = 1): Html {
  const size = wanted.paper ?? 'a4'
  const choice = (name: string, change: Wanted, isChosen: boolean, lang?: string) =>
    html`<a href="${address(path, { ...wanted, ...change }, page)}"${isChosen && html` aria-current="true"`}${lang !== undefined && html` lang="${lang}"`}>${name}</a>`
  return html`<div class="head off-paper"><h1>${title}</h1><div class="actions"><button class="print" hidden>Print</button></div></div>
<div class="head off-paper"><p class="choices">Paper: ${choice('A4', { paper: 'a4' }, size === 'a4')} ${choice('Letter', { paper: 'letter' }, size === 'letter')}</p>
${wanted.person === undefined && html`<p class="choices">Language: ${languages.map((language) => html`${choice(languageNames[language], { language }, language === wanted.language, language)} `)}</p>`}</div>`
}

function onPaper({ paper: size = 'a4' }: Paper, sheets: HtmlValue): Html {
  return html`<div class="papers ${size}" role="region" aria-label="As it will be printed" tabindex="0">${sheets}</div>`
}
