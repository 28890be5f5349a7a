/** The form of the onboarding page: what is typed, what was said to it, and both again as a person. */
import { z } from 'zod'
import { type Language, languageNames, languages } from '../../domain/language.ts'
import type { Problem } from '../../domain/parse.ts'
import type { ModelView, OnboardInput } from '../../journeys/application.ts'
import type { MailChoice, MailSettingsView } from '../../journeys/mail-view.ts'
import type { PbxView } from '../../journeys/pbx-view.ts'
import type { OnboardCheck } from '../../journeys/sheet-view.ts'
import { capital } from '../capital.ts'
import { inConsole, problemWords } from '../console-words.ts'
import { formKeyField } from '../form-key.ts'
import { type Html, html } from '../html.ts'
import { modelIdOf } from '../model-choice.ts'
import { callField, callFields, callFieldsHtml, callsTyped } from './call-form.ts'

/** Fields are named by what they are of: `model0`, `mac0`, `model1` … */
export const onboardForm = z.record(z.string().max(40), z.string().max(500))
export type OnboardForm = z.output<typeof onboardForm>

const mostRows = 20

export function rowsOf(form: OnboardForm): number {
  const named = Object.keys(form).flatMap((name) => /^(?:model|mac)(\d{1,2})$/.exec(name)?.[1] ?? [])
  return Math.min(mostRows, Math.max(1, ...named.map((index) => Number(index) + 1)))
}

function filledRows(form: OnboardForm): readonly number[] {
  return Array.from({ length: rowsOf(form) }, (_, index) => index).filter(
    (index) => !isEmpty(form, `model${index}`) || !isEmpty(form, `mac${index}`),
  )
}

/** `rows`: which row of the form each handset stands in, since empty ones are left out. */
export function inputOf(
  form: OnboardForm,
  models: readonly Pick<ModelView, 'id' | 'name'>[],
): { readonly input: OnboardInput; readonly rows: readonly number[] } {
  const text = (name: string) => form[name]?.trim() ?? ''
  const rows = filledRows(form)
  const input: OnboardInput = {
    name: text('name'),
    email: text('email'),
    extension: text('extension'),
    pbx: text('pbx') || undefined,
    adopt: text('adopt') === 'yes' || undefined,
    handsets: rows.map((index) => ({
      model: modelIdOf(text(`model${index}`), models),
      mac: text(`mac${index}`) || null,
    })),
    gateway: text('gateway') || undefined,
    gatewayOf: text('gatewayOf') || undefined,
    calls: callsTyped(form) ?? undefined,
    mail: mailChoice(text('mail')) ?? undefined,
  }
  return { input, rows }
}

export function mailChoice(text: string): MailChoice | null {
  return text === 'default' || (languages as readonly string[]).includes(text) ? (text as MailChoice) : null
}

const plainFields = ['name', 'email', 'extension', 'pbx', 'gateway', 'gatewayOf', 'mail']

/** Beside which field of the form a problem stands; `form` for those that belong to none. */
function fieldOf(problem: Problem, rows: readonly number[]): string {
  const { field = '' } = problem
  const [, index, what] = /^handsets\.(\d+)\.(\w+)$/.exec(field) ?? []
  if (index !== undefined) return `${what}${rows[Number(index)] ?? 0}`
  if (field === 'handsets') return 'model0'
  return callField(problem) ?? (plainFields.includes(field) ? field : 'form')
}

export interface OnboardFormParts {
  readonly form: OnboardForm
  readonly check: OnboardCheck | null
  readonly models: readonly ModelView[]
  readonly mail: MailSettingsView | null
  readonly pbxs: readonly PbxView[]
  /** The field to go on with; the name where nothing was typed yet. */
  readonly focus?: string
}

export function onboardFormHtml({ form, check, models, mail, pbxs, focus = 'name' }: OnboardFormParts): Html {
  const rows = filledRows(form)
  const said = problemsByField(check, rows)
  const field = (name: string, label: string, extra: Html, note?: string): Html =>
    html`<div class="field"><label for="${name}">${label}${note !== undefined && html` <small>${note}</small>`}</label>
<input id="${name}" name="${name}" value="${form[name] ?? ''}" autocomplete="off" aria-describedby="${name}-said"${said.has(name) && html` aria-invalid="true"`}${name === focus && html` autofocus`} ${extra}>
${saying(name, said.get(name))}</div>`
  const gateways = models.filter(({ kind }) => kind === 'gateway')
  return html`<form method="post" action="/onboard" id="onboard" class="onboard" autocomplete="off">${formKeyField()}
<button class="unseen" tabindex="-1" aria-hidden="true">Hand it out</button>
<div class="fields">
${field('name', 'Name', html`required spellcheck="false"`)}
${field('email', 'E-mail', html`type="email" required`)}
${field('extension', 'Extension', html`inputmode="numeric" required`)}
${pbxs.length > 1 && pbxSelect(pbxs, form.pbx, said.get('pbx'))}
</div>
${form.adopt === 'yes' && html`<div class="field"><label><input type="checkbox" name="adopt" value="yes" checked> Take over the extension that is on the PBX already</label></div>`}
<fieldset><legend>Handsets</legend>
${Array.from(
  { length: rowsOf(form) },
  (_, index) => html`<div class="fields handset">
${field(`model${index}`, 'Model', html`list="models" spellcheck="false" placeholder="linphone-mobile, yealink-t54w …"`)}
${field(`mac${index}`, 'MAC address', html`spellcheck="false"`, 'desk phones only, on the label')}
</div>`,
)}
<p class="actions"><button class="quiet" name="more" value="1" formnovalidate hx-post="/onboard" hx-target="#onboard" hx-select="#onboard" hx-swap="outerHTML" hx-include="#onboard">Another handset</button></p>
</fieldset>
<details${(form.gateway || form.gatewayOf) && html` open`}><summary>Home gateway <small>for desk phones without WireGuard; the plain kind unless you say otherwise</small></summary>
<div class="fields"><div class="field"><label for="gateway">Kind</label><select id="gateway" name="gateway" aria-describedby="gateway-said"><option value="">the plain kind, where one is needed</option>${gateways.map(
    ({ id, name }) => {
      const kind = id.replace(/^gateway-/, '')
      return html`<option value="${kind}"${kind === form.gateway && html` selected`}>${name}</option>`
    },
  )}</select>${saying('gateway', said.get('gateway'))}</div>
${field('gatewayOf', 'or hangs on the gateway of', html`placeholder="bo@example.com"`, 'somebody of the same home')}</div></details>
<details${form.calls && html` open`}><summary>Calls <small>what may be dialled; what the PBX itself allows unless you say otherwise</small></summary>
${callFieldsHtml(form, (name) => saying(name, said.get(name)))}</details>
${mail && html`<div class="field mail"><label for="mail">Link by mail</label>${mailSelect('mail', mail, mailChoice(form.mail ?? 'default'))}${saying('mail', said.get('mail'))}</div>`}
<div id="checked" role="status" hx-post="/onboard/check" hx-trigger="input delay:250ms from:#onboard, change from:#onboard" hx-include="#onboard" hx-sync="this:queue last">${checked(check, rows, form, false)}</div>
<div class="actions"><button>Hand it out</button></div>
<datalist id="models">${models.map(({ id, name, kind }) => kind !== 'gateway' && html`<option value="${id}">${name}</option>`)}</datalist>
</form>`
}

function pbxSelect(pbxs: readonly PbxView[], chosen: string | undefined, said: readonly Problem[] | undefined): Html {
  return html`<div class="field"><label for="pbx">PBX</label><select id="pbx" name="pbx" aria-describedby="pbx-said">${pbxs.map(
    ({ name, site }) => html`<option value="${name}"${name === chosen && html` selected`}>${name} (${site})</option>`,
  )}</select>${saying('pbx', said)}</div>`
}

export function mailSelect(name: string, mail: MailSettingsView, choice: MailChoice | null): Html {
  const chosen: Language | null = choice === 'default' ? mail.language : choice
  return html`<select id="${name}" name="${name}" aria-describedby="${name}-said"><option value="none">no mail: I hand the link over myself</option>${languages.map(
    (language) =>
      html`<option value="${language}" lang="${language}"${language === chosen && html` selected`}>${languageNames[language]}</option>`,
  )}</select>`
}

/** What is said while somebody types: the words beside each field, and all of it in one place that is read out. */
/** @param mail whether the form asks about a mail: words for a field that is not there would have no place */
export function checkedFragment(check: OnboardCheck, form: OnboardForm, mail: boolean): Html {
  const rows = filledRows(form)
  const said = problemsByField(check, rows)
  // With one PBX there is nothing to choose, and no place for words beside it; so with mails that are not set up.
  const names: string[] = plainFields.filter(
    (name) => (name !== 'pbx' || form.pbx !== undefined) && (name !== 'mail' || mail),
  )
  names.push(...callFields)
  for (let index = 0; index < rowsOf(form); index += 1) names.push(`model${index}`, `mac${index}`)
  return html`${checked(check, rows, form, true)}${names
    // Nobody is told off for a field that they have not come to yet.
    .map((name) => saying(name, isEmpty(form, name) && !name.startsWith('mac') ? undefined : said.get(name), true))}`
}

function checked(check: OnboardCheck | null, rows: readonly number[], form: OnboardForm, typing: boolean): Html {
  const problems = check?.problems ?? []
  const pending = problems.filter((problem) => !(typing && isEmpty(form, fieldOf(problem, rows))))
  const loose = pending.filter((problem) => fieldOf(problem, rows) === 'form')
  const ready = check !== null && problems.length === 0
  return html`${pending.length > 0 && html`<p class="notice bad">${pending.length === 1 ? 'One thing needs' : `${pending.length} things need`} another look.</p>`}
${loose.map((problem) => html`<p class="notice bad">${problemWords(problem)}</p>`)}
${ready && html`<p class="notice good">Everything fits. Nothing is written yet.</p>`}
${check !== null && check.warnings.length > 0 && html`<ul class="warnings">${check.warnings.map((warning) => html`<li>${inConsole(warning)}</li>`)}</ul>`}`
}

function saying(name: string, problems: readonly Problem[] | undefined, swapped = false): Html {
  return html`<small id="${name}-said" class="said"${swapped && html` hx-swap-oob="true"`}>${(problems ?? []).map(
    ({ message, hint }) =>
      html`<span>${inConsole(capital(message))}${hint !== undefined && html`: ${inConsole(hint)}`}${/[.?!]$/.test(hint ?? message) ? '' : '.'}</span> `,
  )}</small>`
}

function problemsByField(check: OnboardCheck | null, rows: readonly number[]): Map<string, Problem[]> {
  return Map.groupBy(check?.problems ?? [], (problem) => fieldOf(problem, rows))
}

function isEmpty(form: OnboardForm, name: string): boolean {
  return name !== 'form' && (form[name]?.trim() ?? '') === ''
}
