/** The documents as pages: for each PBX, each vendor of phones, and for running Ringfence. */
import { AppError } from '../../errors.ts'
import type { Guide } from '../guides.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { type PageTools, pageText } from './layout.ts'

const path = '/guides'
const groups: readonly Guide['group'][] = ['PBX', 'Phones', 'Running Ringfence']

export function guidePages(tools: PageTools, guides: readonly Guide[]): readonly Route[] {
  const about = { name: 'About', href: '/about' }
  return [
    route('get', path, 'read', { summary: 'Guides', answer: 'text/html' }, async ({ actor, response }) => {
      const frame = { title: 'Guides', actor, here: '/about', trail: [about] }
      response.type('html').send(pageText(tools, frame, list(guides)))
    }),
    route(
      'get',
      '/guides/:name',
      'read',
      { summary: 'A guide', answer: 'text/html' },
      async ({ actor, parameters: { name }, response }) => {
        const guide = guides.find((one) => one.name === name)
        if (!guide) throw new AppError('NOT_FOUND', 'there is no such guide', { hint: 'all of them are at /guides' })
        const frame = { title: guide.title, actor, here: '/about', trail: [about, { name: 'Guides', href: path }] }
        const content = html`<article class="card guide"><h1>${guide.title}</h1>${guide.body}</article>`
        response.type('html').send(pageText(tools, frame, content))
      },
    ),
  ]
}

function list(guides: readonly Guide[]): Html {
  return html`<div class="head"><h1>Guides</h1></div>
${guides.length === 0 && html`<p class="notice wait">The documents were not installed along with the server.</p>`}
<div class="columns">${groups.map((group, index) => {
    const own = guides.filter((guide) => guide.group === group)
    return (
      own.length > 0 &&
      html`<section class="card" aria-labelledby="group-${index}"><h2 id="group-${index}">${group}</h2><ul>${own.map(({ name, title }) => html`<li><a href="${path}/${name}">${title}</a></li>`)}</ul></section>`
    )
  })}</div>`
}
