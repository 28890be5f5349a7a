import type { Actor } from '../../domain/token.ts'
import { capital } from '../capital.ts'
import { html } from '../html.ts'
import type { ProblemDocument } from '../problem.ts'
import { type PageTools, pageText } from './layout.ts'

/** What went wrong, and what to do next: the same words as in the API and on the command line. */
export function errorPage(tools: PageTools, problem: ProblemDocument, actor: Actor | null): string {
  const { detail, hint, problems } = problem
  return pageText(
    tools,
    { title: problem.status === 404 ? 'Not found' : 'That did not work', actor },
    html`<section class="card narrow">
<h1>${problem.status === 404 ? 'Not found' : 'That did not work'}</h1>
<p>${capital(detail)}.</p>
${problems.length > 1 && html`<ul>${problems.map(({ message, hint: more, row }) => html`<li>${row !== undefined && `row ${row}: `}${message}${more && html` <small>${more}</small>`}</li>`)}</ul>`}
${hint !== undefined && html`<p class="hint">${hint}</p>`}
<p><a href="/">To the first page</a></p>
</section>`,
  )
}
