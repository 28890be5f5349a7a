/** What is set for phones' files: a table with who wins, and a form that says first what it would change. */
import { z } from 'zod'
import { counted } from '../../domain/counted.ts'
import type { PhoneSettingLayer } from '../../domain/phone-setting.ts'
import { phoneSettingNames } from '../../domain/phone-setting-value.ts'
import type { AppError } from '../../errors.ts'
import type { EffectiveSettingView, PhoneSettingChange, PhoneSettingView } from '../../journeys/setting-view.ts'
import { capital } from '../capital.ts'
import { problemWords } from '../console-words.ts'
import { type Html, html } from '../html.ts'

export const settingChange = z.object({
  name: z.string().trim().min(1).max(60),
  value: z.string().max(10_000).optional().default(''),
  /** Only a model's form names one. */
  scope: z.string().trim().max(100).optional().default(''),
  act: z.enum(['try', 'set', 'unset']),
})

const layerWords: Readonly<Record<PhoneSettingLayer, string>> = {
  site: 'site',
  model: 'model',
  handset: 'this handset',
}

/** For one handset. */
export function settingTable(settings: readonly EffectiveSettingView[], unsetAt: string | null): Html {
  if (settings.length === 0) return html`<p>Nothing is set: its files say what the templates say.</p>`
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Values that hold"><table><thead><tr><th scope="col">Setting</th><th scope="col">Value</th><th scope="col">Who wins</th>${unsetAt && html`<th scope="col"><span class="unseen">Take away</span></th>`}</tr></thead><tbody>${settings.map(
    ({ name, value, layer, beats, note }) =>
      html`<tr><th scope="row">${settingWords(name)}</th><td><code>${value}</code>${note && html`<br><small>${note}</small>`}</td>
<td>${layerWords[layer]}${beats.map((other) => html`<br><small>over ${layerWords[other.layer]}: <code>${other.value}</code></small>`)}</td>
${unsetAt && html`<td>${layer === 'handset' && unsetButton(unsetAt, { name, scope: '' })}</td>`}</tr>`,
  )}</tbody></table></div>`
}

/** For whole layers. */
export function layerTable(settings: readonly PhoneSettingView[], unsetAt: string | null): Html {
  if (settings.length === 0) return html`<p>Nothing is set here.</p>`
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${settings[0]?.layer === 'site' ? 'Values for every phone' : 'Values for models'}"><table><thead><tr><th scope="col">Setting</th><th scope="col">For</th><th scope="col">Value</th><th scope="col">Set by</th>${unsetAt && html`<th scope="col"><span class="unseen">Take away</span></th>`}</tr></thead><tbody>${settings.map(
    ({ name, layer, scope, value, setBy }) =>
      html`<tr><th scope="row">${settingWords(name)}</th><td>${layer === 'site' ? 'every phone' : scope}</td><td><code>${value}</code></td><td><bdi>${setBy}</bdi></td>${unsetAt && html`<td>${unsetButton(unsetAt, { name, scope: layer === 'model' ? scope : '' })}</td>`}</tr>`,
  )}</tbody></table></div>`
}

function unsetButton(action: string, { name, scope }: { readonly name: string; readonly scope: string }): Html {
  return html`<form method="post" action="${action}"><input type="hidden" name="name" value="${name}"><input type="hidden" name="scope" value="${scope}"><button class="quiet" name="act" value="unset">Take away<span class="unseen"> ${settingWords(name)}</span></button></form>`
}

type SettingModels = readonly { readonly id: string; readonly name: string }[]

interface Typed {
  readonly name: string
  readonly value: string
  readonly scope: string
}

/** A value that was refused, where it was typed, with what is wrong beside it. */
export function refusedSetting(
  {
    layer,
    action,
    back,
    models = [],
  }: { layer: PhoneSettingLayer; action: string; back: string; models?: SettingModels },
  typed: Typed,
  error: AppError,
): Html {
  return html`<section class="card narrow"><h1>${capital(settingWords(typed.name))}</h1>${settingForm(layer, action, models, { typed, error })}<p><a href="${back}">Back</a></p></section>`
}

/** `poll minutes` for `pollMinutes`. */
function settingWords(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

export function settingForm(
  layer: PhoneSettingLayer,
  action: string,
  models: SettingModels = [],
  refused: { readonly typed: Typed; readonly error: AppError } | null = null,
): Html {
  const { name: chosen, value, scope } = refused?.typed ?? { name: '', value: '', scope: '' }
  const problem = refused && (refused.error.problems[0] ?? refused.error)
  return html`<form method="post" action="${action}" class="filters">
${layer === 'model' && html`<label>Model <select name="scope" required>${models.map(({ id, name }) => html`<option value="${id}"${id === scope && html` selected`}>${name}</option>`)}</select></label>`}
<label>Setting <select name="name">${phoneSettingNames.filter((name) => layer !== 'site' || !['firmware', 'extraLines'].includes(name)).map((name) => html`<option value="${name}"${name === chosen && html` selected`}>${settingWords(name)}</option>`)}</select></label>
<label>Value <textarea name="value" rows="1" required${problem && html` aria-invalid="true" aria-describedby="value-said"`}>${value}</textarea></label>
${problem && html`<p class="said" id="value-said" role="alert">${problemWords(problem)}</p>`}
<button class="quiet" name="act" value="try">See what it changes …</button>
</form>`
}

/** Before it is done: whose files change. */
export function changePreview(
  { name, value, layer, scope, changes, note }: PhoneSettingChange,
  { action, back, act }: { readonly action: string; readonly back: string; readonly act: 'set' | 'unset' },
): Html {
  const count = changes.length
  const models = [...Map.groupBy(changes, ({ model }) => model)]
  return html`<section class="card narrow"><h1>${act === 'set' ? `Set ${settingWords(name)}?` : `Take ${settingWords(name)} away?`}</h1>
<dl class="facts"><dt>For</dt><dd>${layer === 'site' ? 'every phone' : layer === 'model' ? `every ${scope}` : layerWords[layer]}</dd><dt>${act === 'set' ? 'Value' : 'Value now'}</dt><dd><code>${value}</code></dd></dl>
${note && html`<p class="notice wait">${note}.</p>`}
<p>${count === 0 ? 'No file changes.' : `The files of ${counted(count, 'handset change', 'handsets change')}; they are told to fetch them, a few at a time.`}</p>
${models.length > 0 && html`<ul>${models.map(([model, of]) => html`<li>${model}: ${of.length}</li>`)}</ul>`}
<form method="post" action="${action}"><input type="hidden" name="name" value="${name}"><input type="hidden" name="value" value="${value}"><input type="hidden" name="scope" value="${layer === 'model' ? scope : ''}">
<div class="actions"><button name="act" value="${act}">${act === 'set' ? 'Set it' : 'Take it away'}</button> <a class="button quiet" role="button" href="${back}">Do nothing</a></div></form></section>`
}
