/** Onboarding: one person by keyboard in under a minute, or a roster. */
import { counted } from '../../domain/counted.ts'
import { AppError } from '../../errors.ts'
import type { Application } from '../../journeys/application.ts'
import { html, htmlText } from '../html.ts'
import { type Route, route } from '../route.ts'
import { handOverPath } from './hand-over-pages.ts'
import { type PageTools, pageText } from './layout.ts'
import { moment } from './moment.ts'
import { checkedFragment, inputOf, type OnboardForm, onboardForm, onboardFormHtml, rowsOf } from './onboard-form.ts'
import { rosterForm } from './roster-pages.ts'

export function onboardPages(application: Application, tools: PageTools): readonly Route[] {
  const partsFor = (form: OnboardForm) => ({
    form,
    models: application.models(),
    mail: application.mails.settings(),
    pbxs: application.pbxs.list().filter(({ configured }) => configured),
  })
  return [
    route(
      'get',
      '/onboard',
      'onboard',
      { summary: 'Onboard', query: onboardForm, answer: 'text/html' },
      async ({ actor, query, response }) => {
        const recent = await application.rosters.recent()
        response.type('html').send(
          pageText(
            tools,
            { title: 'Onboard', actor, here: '/onboard' },
            html`<div class="head"><h1>Onboard</h1>${partsFor({}).mail === null && html`<div class="actions"><a class="button quiet" role="button" href="/mail">Links by mail are not set up</a></div>`}</div>
<section class="card" aria-labelledby="one"><h2 id="one">One person</h2>${onboardFormHtml({ ...partsFor(query), check: null })}</section>
<section class="card" aria-labelledby="many"><h2 id="many">Many people</h2>${rosterForm(null)}
${
  recent.length > 0 &&
  html`<h3>Lately</h3><ul class="lines">${recent.map(
    ({ id, createdAt, createdBy, done, total, finishedAt }) =>
      html`<li><a href="/imports/${id}">${counted(total, 'person', 'people')}</a> <small>${moment(createdAt)} · <bdi>${createdBy}</bdi> · ${finishedAt === null ? `${done} done` : html`finished ${moment(finishedAt)}`}</small></li>`,
  )}</ul>`
}</section>`,
          ),
        )
      },
    ),
    route(
      'post',
      '/onboard/check',
      'onboard',
      { summary: 'Check what is typed', body: { form: onboardForm }, answer: 'text/html' },
      async ({ body, response }) => {
        const check = await application.handOver.check(inputOf(body, application.models()).input)
        const fragment = checkedFragment(check, body, application.mails.settings() !== null)
        response.type('html').send(htmlText(fragment))
      },
    ),
    route(
      'post',
      '/onboard',
      'onboard',
      { summary: 'Onboard one person', body: { form: onboardForm }, once: true, answer: 'text/html' },
      async ({ actor, body, response }) => {
        const frame = { title: 'Onboard', actor, here: '/onboard' }
        const again = (status: number, parts: Parameters<typeof onboardFormHtml>[0]) =>
          response
            .status(status)
            .type('html')
            .send(
              pageText(tools, frame, html`<h1>Onboard</h1><section class="card">${onboardFormHtml(parts)}</section>`),
            )
        if (body.more !== undefined) {
          const next = rowsOf(body)
          again(200, { ...partsFor({ ...body, [`model${next}`]: '' }), check: null, focus: `model${next}` })
          return
        }
        const { input } = inputOf(body, application.models())
        try {
          const made = await application.onboard(input, actor)
          response.redirect(303, handOverPath(made.employee.id, application.handOver.reference(made)))
        } catch (error) {
          if (!(error instanceof AppError) || ['INTERNAL', 'FORBIDDEN'].includes(error.code)) throw error
          // The same words as while typing, each beside its field; what was typed stays.
          const check = await application.handOver.check(input)
          const { message, hint } = error
          const told = { message, ...(hint === undefined ? {} : { hint }) }
          const problems =
            check.problems.length > 0 ? check.problems : error.problems.length > 0 ? error.problems : [told]
          again(error.code === 'CONFLICT' ? 409 : 400, { ...partsFor(body), check: { ...check, problems } })
        }
      },
    ),
  ]
}
