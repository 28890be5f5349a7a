import type { Application } from '../../journeys/application.ts'
import { html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { type PageTools, pageText } from './layout.ts'

export function todayPages(_application: Application, tools: PageTools): readonly Route[] {
  return [
    route('get', '/', 'read', { summary: 'Today', answer: 'text/html' }, async ({ actor, response }) => {
      response.type('html').send(pageText(tools, { title: 'Today', actor, here: '/' }, html`<h1>Today</h1>`))
    }),
  ]
}
