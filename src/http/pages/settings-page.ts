/** Settings: what the environment says, what is set for phones' files, own templates, and who is out of date. */
import { z } from 'zod'
import { counted } from '../../domain/counted.ts'
import { defaultId } from '../../domain/site.ts'
import { type Actor, mayDo } from '../../domain/token.ts'
import { AppError } from '../../errors.ts'
import type { Application } from '../../journeys/application.ts'
import type { TemplateReload } from '../../journeys/file-view.ts'
import type { HandsetRow } from '../../journeys/handsets-view.ts'
import type { Installation } from '../../journeys/records-view.ts'
import type { PhoneSettingView } from '../../journeys/setting-view.ts'
import { sentence } from '../console-words.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { dialPlanCard } from './dial-plan-card.ts'
import { type PageTools, pageText } from './layout.ts'
import { moment } from './moment.ts'
import { changePreview, layerTable, refusedSetting, settingChange, settingForm } from './setting-forms.ts'

const path = '/settings'
const trail = [{ name: 'Settings', href: path }]

/** Named on the page, each with a box. */
const mostAtOnce = 150

export function settingsPages(application: Application, tools: PageTools): readonly Route[] {
  const below = (actor: Actor, title: string, content: Html) =>
    pageText(tools, { title, actor, here: path, trail }, content)
  return [
    route('get', path, 'read', { summary: 'Settings', answer: 'text/html' }, async ({ actor, response }) => {
      const [installation, settings, stale, plans] = await Promise.all([
        application.records.installation(),
        application.phoneSettings(),
        application.handsets.page({ attention: 'stale', limit: mostAtOnce }),
        application.calls.dialPlans(),
      ])
      const content = [
        html`<div class="head"><h1>Settings</h1><div class="actions"><a class="button quiet" role="button" href="/pbxs">PBXs</a><a class="button quiet" role="button" href="/mail">Mail</a></div></div>`,
        staleCard(actor, installation, stale.handsets),
        phoneSettings(actor, settings, application),
        dialPlanCard(actor, plans),
        templates(actor),
        environment(installation),
      ]
      response.type('html').send(pageText(tools, { title: 'Settings', actor, here: path }, content))
    }),
    ...(['site', 'model'] as const).map((layer) =>
      route(
        'post',
        `${path}/phones/${layer}`,
        'administer',
        { summary: `Set a value for a ${layer}`, body: { form: settingChange }, answer: 'text/html' },
        async ({ actor, body: { name, value, scope, act }, response }) => {
          const address = { layer, scope: layer === 'site' ? defaultId : scope, name }
          const preview = { action: `${path}/phones/${layer}`, back: `${path}#phones` }
          try {
            if (act === 'try') {
              const change = await application.setPhoneSetting(address, value, { dryRun: true }, actor)
              const content = changePreview(change, { ...preview, act: 'set' })
              return void response.type('html').send(below(actor, 'Phone settings', content))
            }
            if (act === 'set') await application.setPhoneSetting(address, value, { dryRun: false }, actor)
            else await application.unsetPhoneSetting(address, { dryRun: false }, actor)
            response.redirect(303, preview.back)
          } catch (error) {
            if (!(error instanceof AppError) || error.code !== 'INVALID_INPUT') throw error
            const models = application.models().filter(({ kind }) => kind !== 'gateway')
            const content = refusedSetting({ layer, ...preview, models }, { name, value, scope }, error)
            response
              .status(400)
              .type('html')
              .send(below(actor, 'Phone settings', content))
          }
        },
      ),
    ),
    route(
      'post',
      `${path}/templates`,
      'administer',
      {
        summary: 'Read the templates again',
        body: { form: z.object({ act: z.enum(['try', 'use']) }) },
        answer: 'text/html',
      },
      async ({ actor, body: { act }, response }) => {
        try {
          const reload = await application.reloadTemplates({ dryRun: act === 'try' }, actor)
          response.type('html').send(below(actor, 'Templates', reloaded(reload)))
        } catch (error) {
          if (!(error instanceof AppError) || error.code !== 'TEMPLATE_INVALID') throw error
          response
            .status(409)
            .type('html')
            .send(below(actor, 'Templates', mistakes(error)))
        }
      },
    ),
  ]
}

function staleCard(actor: Actor, { stale }: Installation, handsets: readonly HandsetRow[]): Html | false {
  if (stale === null) return false
  const people = new Map(handsets.map(({ employee }) => [employee.id, employee]))
  return html`<section class="card" aria-labelledby="stale"><h2 id="stale">Handed out before names changed</h2>
<p class="notice wait">${counted(stale.handsets, 'handset was', 'handsets were')} handed out before names or addresses changed ${moment(stale.changedAt)}. Their files and tunnels still say the old ones. <a href="/handsets?attention=stale">The list</a></p>
${mayDo(actor.role, 'onboard') && html`<form method="post" action="/bulk/invite/preview">${[...people.keys()].map((id) => html`<input type="hidden" name="id" value="${id}">`)}<button class="quiet">New links for ${people.size === 1 ? html`<bdi>${[...people.values()][0]?.name}</bdi>` : `these ${people.size} people`} …</button>${stale.handsets > handsets.length && html` <small>the first ${people.size}; then come back for the next</small>`}</form>`}</section>`
}

function phoneSettings(actor: Actor, settings: readonly PhoneSettingView[], application: Application): Html {
  const may = mayDo(actor.role, 'administer')
  const of = (layer: 'site' | 'model') => settings.filter((setting) => setting.layer === layer)
  const own = settings.filter(({ layer }) => layer === 'handset').length
  const models = application.models().filter(({ kind }) => kind !== 'gateway')
  return html`<section class="card" aria-labelledby="phones"><h2 id="phones">What phones' files say</h2>
<p class="told">A model's value wins over the site's, and a handset's over both. ${own > 0 && `${counted(own, 'value is', 'values are')} set for single handsets, on their own pages.`} <a href="/guides/phone-settings">What can be set</a></p>
<h3>For every phone</h3>${layerTable(of('site'), may ? `${path}/phones/site` : null)}${may && settingForm('site', `${path}/phones/site`)}
<h3>For a model</h3>${layerTable(of('model'), may ? `${path}/phones/model` : null)}${may && settingForm('model', `${path}/phones/model`, models)}</section>`
}

function templates(actor: Actor): Html {
  return html`<section class="card" aria-labelledby="templates"><h2 id="templates">Your own templates</h2>
<p>Files under <code>templates</code> in the data folder stand in for the delivered ones. They are used after they were read again; a mistake in one changes nothing. <a href="/guides/templates">How to write one</a></p>
${mayDo(actor.role, 'administer') && html`<form method="post" action="${path}/templates"><button class="quiet" name="act" value="try">See what would change …</button></form>`}</section>`
}

function reloaded({ dryRun, replaced, unused, changes }: TemplateReload): Html {
  const models = [...Map.groupBy(changes, ({ model }) => model)]
  return html`<section class="card narrow"><h1>${dryRun ? 'What would change' : 'The templates are in use'}</h1>
<p>${changes.length === 0 ? 'No file of any handset changes.' : `The files of ${counted(changes.length, 'handset')} ${dryRun ? 'would change' : 'change'}${dryRun ? '' : '; they fetch them at their next poll'}.`}</p>
${models.length > 0 && html`<ul>${models.map(([model, of]) => html`<li>${model}: ${of.length}</li>`)}</ul>`}
${replaced.length > 0 && html`<p>Yours stand in for:</p><ul>${replaced.map((file) => html`<li><code>${file}</code></li>`)}</ul>`}
${unused.length > 0 && html`<p class="notice wait">Nothing uses: ${unused.join(', ')}.</p>`}
${
  dryRun
    ? html`<form method="post" action="${path}/templates"><div class="actions"><button name="act" value="use">Use them</button> <a class="button quiet" role="button" href="${path}">Do nothing</a></div></form>`
    : html`<p>${changes.length > 0 && html`<a href="/handsets">Have phones fetch their files now</a> · `}<a href="${path}">Back to the settings</a></p>`
}</section>`
}

function mistakes({ message, hint, problems }: AppError): Html {
  return html`<section class="card narrow"><h1>The templates cannot be used</h1><p class="notice bad" role="alert">${message}. What is in use goes on.</p>
<ul>${problems.map(({ field, message: what }) => html`<li>${field && html`<code>${field}</code>: `}${what}</li>`)}</ul>${hint && html`<p class="hint">${sentence(hint)}</p>`}<p><a href="${path}">Back to the settings</a></p></section>`
}

function environment({ groups, demo }: Installation): Html {
  return html`<section class="card" aria-labelledby="environment"><h2 id="environment">What the environment says</h2>
<p class="told">Set where the server is started, and read then. Secrets are not shown. <a href="/guides/configuration">All settings</a></p>
${demo.length > 0 && html`<div class="notice wait"><p>Demo mode, because:</p><ul>${demo.map((reason) => html`<li>${reason}</li>`)}</ul></div>`}
<div class="columns environment">${groups.map(
    ({ name, settings }) =>
      html`<div><h3>${name}</h3><dl class="facts">${settings.map(({ name: what, value, variable }) => html`<dt>${what}${variable && html`<br><small><code>${variable}</code></small>`}</dt><dd>${value}</dd>`)}</dl></div>`,
  )}</div></section>`
}
