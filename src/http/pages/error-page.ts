import type { Request } from 'express'
import type { Actor } from '../../domain/token.ts'
import { problemWords } from '../console-words.ts'
import { type Html, html } from '../html.ts'
import type { ProblemDocument } from '../problem.ts'
import { type PageTools, pageText, placeOf } from './layout.ts'

/** What went wrong, what to do next, and the way back to where it was asked for. */
export function errorPage(
  tools: PageTools,
  problem: ProblemDocument,
  actor: Actor | null,
  request: Pick<Request, 'headers' | 'url' | 'method'>,
): string {
  const { status, detail, hint, problems } = problem
  const title = status === 404 ? 'Not found' : status === 403 ? 'Not for you' : 'That did not work'
  return pageText(
    tools,
    { title, actor },
    html`<section class="card narrow">
<h1>${title}</h1>
<p>${problemWords({ message: detail })}</p>
${problems.length > 1 && html`<ul>${problems.map(({ row, ...each }) => html`<li>${row !== undefined && `Row ${row}: `}${problemWords(each)}</li>`)}</ul>`}
${hint !== undefined && html`<p class="hint">${problemWords({ message: hint })}</p>`}
<p>${wayBack(request) ?? html`<a href="/">To the first page</a>`}</p>
</section>`,
  )
}

/** The page of ours that the form or link stood on; another site's address is not followed. */
function wayBack({ headers, url, method }: Pick<Request, 'headers' | 'url' | 'method'>): Html | null {
  const from = headers.referer === undefined ? null : URL.parse(headers.referer)
  if (!from || from.host !== headers.host) return null
  const path = `${from.pathname}${from.search}`
  if (method === 'GET' && path === url) return null
  return html`<a href="${path}">Back to ${placeOf(from.pathname) ?? 'where you came from'}</a>`
}
