/** What is done with one handset: each page says first what it does. */
import { z } from 'zod'
import type { Actor } from '../../domain/token.ts'
import { AppError } from '../../errors.ts'
import type { Application, Onboarded } from '../../journeys/application.ts'
import type { HandsetDetail, HandsetRow } from '../../journeys/handsets-view.ts'
import type { PhonePasswords } from '../../journeys/phone-view.ts'
import { problemWords } from '../console-words.ts'
import { formKeyField } from '../form-key.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { handsetFrame } from './handset-page.ts'
import { type PageTools, pageText } from './layout.ts'
import { newLink } from './link-page.ts'
import { changePreview, refusedSetting, settingChange } from './setting-forms.ts'

const nothing = z.object({})
const backForm = z.object({ why: z.enum(['back', 'lost', 'stolen']), reason: z.string().trim().max(1_000).optional() })
const replaceForm = z.object({ mac: z.string().trim().max(40).optional() })

export function handsetDeedPages(application: Application, tools: PageTools): readonly Route[] {
  const page = (actor: Actor, row: HandsetRow, title: string, content: Html) =>
    pageText(tools, handsetFrame(actor, row, title), content)
  return [
    route(
      'post',
      '/handsets/:id/resync',
      'onboard',
      { summary: 'Have it fetch its files again', body: { form: nothing }, answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const { outcome } = await application.resyncHandset(id, actor)
        response.redirect(303, `/handsets/${encodeURIComponent(id)}?resync=${outcome}`)
      },
    ),
    route(
      'post',
      '/handsets/:id/passwords',
      'revoke',
      { summary: "The phone's own passwords, recorded", body: { form: nothing }, answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const row = await application.handsets.one(id)
        const passwords = await application.showPhonePasswords(id, actor)
        response.type('html').send(page(actor, row, 'Its passwords', passwordCard(id, passwords)))
      },
    ),
    route(
      'get',
      '/handsets/:id/link',
      'onboard',
      { summary: 'A new link and QR', answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const row = await application.handsets.one(id)
        response.type('html').send(page(actor, row, 'New link and QR', linkCard(row)))
      },
    ),
    route(
      'get',
      '/handsets/:id/replace',
      'revoke',
      { summary: 'Replace a broken phone', answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const row = await application.handsets.one(id)
        response.type('html').send(page(actor, row, 'Replace', replaceCard(row, '', null)))
      },
    ),
    route(
      'post',
      '/handsets/:id/replace',
      'revoke',
      { summary: 'Replace a broken phone', body: { form: replaceForm }, once: true, answer: 'text/html' },
      async ({ actor, parameters: { id }, body: { mac = '' }, response }) => {
        const row = await application.handsets.one(id)
        let made: Onboarded
        try {
          made = await application.handsets.replace(id, mac || null, actor)
        } catch (error) {
          // What was typed stays: only the wrong part is to be typed again.
          if (!(error instanceof AppError) || !['INVALID_INPUT', 'CONFLICT'].includes(error.code)) throw error
          response
            .status(error.code === 'CONFLICT' ? 409 : 400)
            .type('html')
            .send(page(actor, row, 'Replace', replaceCard(row, mac, error)))
          return
        }
        response.type('html').send(page(actor, row, 'Replaced', newLink(made, application, tools)))
      },
    ),
    route(
      'get',
      '/handsets/:id/back',
      'revoke',
      { summary: 'Take a handset back', answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const row = await application.handsets.one(id)
        response.type('html').send(page(actor, row, 'Take back', backCard(row)))
      },
    ),
    route(
      'post',
      '/handsets/:id/back',
      'revoke',
      { summary: 'Take a handset back', body: { form: backForm }, once: true, answer: 'text/html' },
      async ({ actor, parameters: { id }, body: { why, reason }, response }) => {
        const said = [why === 'back' ? '' : why, reason ?? ''].filter(Boolean).join(': ')
        await application.handsets.takeBack(id, said || null, actor)
        response.redirect(303, `/handsets/${encodeURIComponent(id)}`)
      },
    ),
    route(
      'post',
      '/handsets/:id/settings',
      'revoke',
      { summary: 'Set a value for one handset', body: { form: settingChange }, answer: 'text/html' },
      async ({ actor, parameters: { id }, body: { name, value, act }, response }) => {
        const address = { layer: 'handset', scope: id, name } as const
        const back = `/handsets/${encodeURIComponent(id)}`
        try {
          if (act === 'try') {
            const row = await application.handsets.one(id)
            const change = await application.setPhoneSetting(address, value, { dryRun: true }, actor)
            const preview = changePreview(change, { action: `${back}/settings`, back, act: 'set' })
            response.type('html').send(page(actor, row, 'Phone settings', preview))
            return
          }
          if (act === 'set') await application.setPhoneSetting(address, value, { dryRun: false }, actor)
          else await application.unsetPhoneSetting(address, { dryRun: false }, actor)
          response.redirect(303, `${back}#settings`)
        } catch (error) {
          if (!(error instanceof AppError) || error.code !== 'INVALID_INPUT') throw error
          const form = { layer: 'handset', action: `${back}/settings`, back: `${back}#settings` } as const
          const content = refusedSetting(form, { name, value, scope: '' }, error)
          response
            .status(400)
            .type('html')
            .send(page(actor, await application.handsets.one(id), 'Phone settings', content))
        }
      },
    ),
  ]
}

function passwordCard(id: string, { admin, user }: PhonePasswords): Html {
  return html`<section class="card narrow"><h1>Its own passwords</h1>
<p class="notice wait">For the pages of the phone itself. That you looked at them is in the audit log. They change with a new link.</p>
<dl class="facts"><dt>Administrator</dt><dd>${admin ? html`<code>${admin.reveal()}</code>` : 'its file sets none'}</dd><dt>User</dt><dd>${user ? html`<code>${user.reveal()}</code>` : 'its file sets none'}</dd></dl>
<p><a href="/handsets/${id}">Back to the handset</a></p></section>`
}

function linkCard({ handset, employee, gateway, tunnel }: HandsetDetail): Html {
  return html`<section class="card narrow"><h1>A new link with its QR codes</h1>
<p>The link is for all handsets of <bdi>${employee.name}</bdi>. Making a new one changes this:</p>
<ul><li>The link before it, and every QR code drawn from it, stops working at once.</li>
<li>${handset.status === 'not enrolled yet' ? 'This handset was never enrolled: it gets new secrets, and what was fetched with the old link is worth nothing.' : 'This handset goes on with what it has, until it takes the new link with its next fetch.'}</li>
<li>${tunnel?.lastHandshakeAt ? 'Its tunnel goes on with the old key until the new one has been heard.' : 'Its tunnel gets a new key.'}</li>
<li>The passwords of the phone's own pages change with its next fetch.</li>
${gateway && html`<li>The configuration of the home gateway (${gateway.kind}) is on the link's page too, with its script where that kind has one. An installer opens the link and downloads it there.</li>`}</ul>
<form method="post" action="/people/${employee.id}/new-link">${formKeyField()}<div class="actions"><button>Make the link</button> <a class="button quiet" role="button" href="/handsets/${handset.id}">Do nothing</a></div></form></section>`
}

function replaceCard({ handset, modelName, employee, gateway }: HandsetRow, mac: string, error: AppError | null): Html {
  return html`<section class="card narrow"><h1>Replace this ${modelName}</h1>
<p>For a phone that broke. <bdi>${employee.name}</bdi> keeps extension ${employee.extension} and gets another ${modelName} with new keys${handset.certificate && ', a new certificate'} and a new link. The old one is shut in the same moment: its tunnel, certificate and file are worth nothing any more.</p>
${gateway && html`<p>It hangs on the same home gateway (${gateway.kind}), which goes on.</p>`}
${error && html`<div class="notice bad" role="alert"><p>${problemWords(error.problems[0] ?? error)}</p></div>`}
<form method="post" action="/handsets/${handset.id}/replace">${formKeyField()}
${handset.mac !== null && html`<label>MAC address of the new phone <small>printed on its back</small> <input name="mac" required autofocus autocomplete="off" value="${mac}" placeholder="80:5e:c0:11:22:33"${error && html` aria-invalid="true"`}></label>`}
<div class="actions"><button>Replace it and make the link</button> <a class="button quiet" role="button" href="/handsets/${handset.id}">Do nothing</a></div></form></section>`
}

function backCard({ handset, modelName, employee, gateway, model, mates }: HandsetDetail): Html {
  const tunnelDies = gateway === null || mates === 0
  return html`<section class="card narrow"><h1>Take this ${modelName} back?</h1>
<p class="notice bad">This dies at once, and does not come back. <strong>Undo does not exist.</strong></p>
<ul class="dies"><li>${tunnelDies ? `Its tunnel${gateway ? `, and with it the home gateway (${gateway.kind}), which carries no other phone` : ''}: the key is taken off the hub` : `Its way through the home gateway (${gateway.kind}), which goes on for ${mates} other ${mates === 1 ? 'phone' : 'phones'}`}</li>
<li>Its address in the firewall</li>
${handset.certificate && html`<li>Its certificate <code>${handset.certificate.serial}</code>: it goes into the revocation list</li>`}
<li>Its SIP password; where the PBX has one for the whole extension, the other handsets get a new one</li>
<li>Its file: its link gives only ${model?.capabilities.blanking ? 'the document that takes the account away' : 'an answer that says nothing'}</li></ul>
<p><bdi>${employee.name}</bdi> stays, with every other handset. What is on the phone itself, such as call lists, is out of our reach: that its access is revoked can be proved, that it was emptied cannot.</p>
<form method="post" action="/handsets/${handset.id}/back">${formKeyField()}
<fieldset><legend>Why?</legend><label><input type="radio" name="why" value="back" checked> It comes back to us</label><label><input type="radio" name="why" value="lost"> It is lost</label><label><input type="radio" name="why" value="stolen"> It was stolen</label></fieldset>
<label>More about it <small>(optional; it stands in the audit log)</small> <input name="reason" maxlength="1000" autocomplete="off"></label>
<div class="actions"><button class="danger">Take it back</button> <a class="button quiet" role="button" href="/handsets/${handset.id}">Do nothing</a></div></form></section>`
}
