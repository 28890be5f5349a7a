/** What dialled numbers mean, on the page of settings. */
import { z } from 'zod'
import { type Actor, mayDo } from '../../domain/token.ts'
import { AppError } from '../../errors.ts'
import type { Application } from '../../journeys/application.ts'
import type { DialPlanView } from '../../journeys/calls-view.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { type PageTools, pageText } from './layout.ts'

const text = z.string().trim().max(200)
const planForm = z.object({
  site: text,
  countryCode: text,
  internationalPrefix: text,
  nationalPrefix: text,
  areaCode: text,
  outsideLine: text,
  emergencyNumbers: text,
})
type PlanForm = z.output<typeof planForm>

const fields: readonly (readonly [name: keyof PlanForm, label: string, note: string])[] = [
  ['countryCode', 'Country code', '49'],
  ['internationalPrefix', 'Before a country code', '00 or 011'],
  ['nationalPrefix', 'Before an area code', '0, or nothing'],
  ['areaCode', 'Area code of the site', 'without the prefix'],
  ['outsideLine', 'For an outside line', 'often nothing'],
  ['emergencyNumbers', 'Emergency numbers', 'as dialled, with commas; never blocked'],
]

export function dialPlanPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'post',
      '/settings/dial-plan',
      'administer',
      { summary: 'Say what dialled numbers mean', body: { form: planForm }, answer: 'text/html' },
      async ({ actor, body, response }) => {
        const { site, emergencyNumbers, ...plan } = body
        try {
          const numbers = emergencyNumbers.split(/[\s,;]+/).filter(Boolean)
          await application.calls.setDialPlan(site, { ...plan, emergencyNumbers: numbers }, actor)
          response.redirect(303, '/settings#dial-plan')
        } catch (error) {
          if (!(error instanceof AppError) || error.code !== 'INVALID_INPUT') throw error
          const frame = {
            title: 'Dial plan',
            actor,
            here: '/settings',
            trail: [{ name: 'Settings', href: '/settings' }],
          } as const
          const content = html`<section class="card"><h1>What dialled numbers mean at ${site}</h1>${form(body, error)}</section>`
          response
            .status(400)
            .type('html')
            .send(pageText(tools, frame, content))
        }
      },
    ),
  ]
}

export function dialPlanCard(actor: Actor, plans: readonly DialPlanView[]): Html {
  const may = mayDo(actor.role, 'administer')
  return html`<section class="card" aria-labelledby="dial-plan"><h2 id="dial-plan">What dialled numbers mean</h2>
<p class="told">Said once, before the first person gets a call class. Emergency numbers are never blocked for people who work here. There is no default. <a href="/guides/call-classes">Call classes</a></p>
${plans.map(
  (view) =>
    html`${plans.length > 1 && html`<h3>${view.site.name}</h3>`}${view.plan === null && html`<p class="notice wait">Nobody has said it yet: no call class can be given.</p>`}${may ? form(typed(view), null) : view.plan && facts(typed(view))}`,
)}</section>`
}

function typed({ site, plan }: DialPlanView): PlanForm {
  return {
    site: site.name,
    countryCode: plan?.countryCode ?? '',
    internationalPrefix: plan?.internationalPrefix ?? '',
    nationalPrefix: plan?.nationalPrefix ?? '',
    areaCode: plan?.areaCode ?? '',
    outsideLine: plan?.outsideLine ?? '',
    emergencyNumbers: plan?.emergencyNumbers.join(', ') ?? '',
  }
}

function facts(plan: PlanForm): Html {
  return html`<dl class="facts">${fields.map(([name, label]) => html`<dt>${label}</dt><dd>${plan[name] || 'nothing'}</dd>`)}</dl>`
}

function form(plan: PlanForm, error: AppError | null): Html {
  const problems = error?.problems ?? []
  return html`${error && html`<div class="notice bad" role="alert"><p>${error.message}.</p></div>`}
<form method="post" action="/settings/dial-plan"><input type="hidden" name="site" value="${plan.site}"><div class="fields">${fields.map(
    ([name, label, note]) => {
      const said = problems.filter(({ field }) => field === name)
      return html`<div class="field"><label>${label} <small>${note}</small><input name="${name}" value="${plan[name]}" inputmode="${name === 'emergencyNumbers' ? 'text' : 'tel'}" autocomplete="off"${said.length > 0 && html` aria-invalid="true"`}></label>${said.map(({ message, hint }) => html`<small class="said">${message}${hint && `: ${hint}`}.</small>`)}</div>`
    },
  )}</div><div class="actions"><button class="quiet">Say so</button></div></form>`
}
