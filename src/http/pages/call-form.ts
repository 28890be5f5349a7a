/** What may be dialled, as fields of a form and back. */
import { type CallPolicy, type CallPolicyInput, callClasses, callLimits } from '../../domain/call-policy.ts'
import type { Problem } from '../../domain/parse.ts'
import { type Html, html } from '../html.ts'

export const callFields = ['calls', 'countries', ...callLimits] as const

type CallField = (typeof callFields)[number]

export type CallForm = Readonly<Partial<Record<string, string>>>

const classWords: Readonly<Record<string, string>> = {
  blocked: 'blocked: emergency numbers only',
  internal: 'internal',
  local: 'local',
  national: 'national',
  international: 'international',
}

const limitWords: Readonly<Record<(typeof callLimits)[number], string>> = {
  callsAtOnce: 'Outside calls at once',
  callsPerHour: 'Outside calls an hour',
  callsPerDay: 'Outside calls a day',
  minutesPerHour: 'Minutes an hour',
  minutesPerDay: 'Minutes a day',
}

/** Null: no class is chosen. What is no number is given on as none, so that the domain says what is wrong. */
export function callsTyped(form: CallForm): CallPolicyInput | null {
  const text = (name: CallField) => form[name]?.trim() ?? ''
  if (text('calls') === '') return null
  const limits = callLimits.map((name) => [name, text(name) === '' ? null : Number(text(name))])
  return {
    class: text('calls'),
    countries: text('countries')
      .split(/[\s,;]+/)
      .filter(Boolean),
    ...Object.fromEntries(limits),
  }
}

export function formOf(policy: CallPolicy | null): CallForm {
  if (policy === null) return {}
  const limits = callLimits.map((name) => [name, policy[name] === null ? '' : String(policy[name])])
  return { calls: policy.class, countries: policy.countries.join(', '), ...Object.fromEntries(limits) }
}

/** The field beside which a problem of the domain stands. */
export function callField({ field = '' }: Problem): CallField | null {
  return field === 'callClass' ? 'calls' : (callFields.find((name) => name === field) ?? null)
}

export function callFieldsHtml(form: CallForm, said: (name: string) => Html | false): Html {
  const text = (name: CallField, label: string, extra: Html, note?: string): Html =>
    html`<div class="field"><label for="${name}">${label}${note !== undefined && html` <small>${note}</small>`}</label><input id="${name}" name="${name}" value="${form[name] ?? ''}" autocomplete="off" aria-describedby="${name}-said" ${extra}>${said(name)}</div>`
  return html`<div class="fields"><div class="field"><label for="calls">May dial</label><select id="calls" name="calls" aria-describedby="calls-said"><option value="">what the PBX itself allows</option>${callClasses.map(
    (name) =>
      html`<option value="${name}"${name === form.calls && html` selected`}>${classWords[name] ?? name}</option>`,
  )}</select>${said('calls')}</div>
${text('countries', 'and these countries', html`inputmode="tel" placeholder="43, 41"`, 'codes, beyond the class')}</div>
<div class="fields">${callLimits.map((name) => text(name, limitWords[name], html`inputmode="numeric" placeholder="no limit"`))}</div>`
}
