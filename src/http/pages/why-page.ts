/** "Why does this phone not work?", answered from what Ringfence saw. */
import type { Certainty } from '../../domain/phone-facts.ts'
import type { Application } from '../../journeys/application.ts'
import type { Diagnosis } from '../../journeys/handsets-view.ts'
import { capital } from '../capital.ts'
import { sentence } from '../console-words.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { stateSign } from './doors-picture.ts'
import { handsetFrame } from './handset-page.ts'
import { type PageTools, pageText } from './layout.ts'
import { withMoments } from './moment.ts'

export function whyPages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      '/handsets/:id/why',
      'read',
      { summary: 'Why does this phone not work?', answer: 'text/html' },
      async ({ actor, parameters: { id }, response }) => {
        const diagnosis = await application.handsets.why(id)
        const frame = handsetFrame(actor, diagnosis.row, 'Why does it not work?')
        response.type('html').send(pageText(tools, frame, content(diagnosis)))
      },
    ),
  ]
}

const signs: Readonly<Record<Certainty, Html>> = {
  certain: stateSign('stuck', 'certain'),
  likely: stateSign('waiting', 'likely'),
  possible: stateSign('unverifiable', 'possible'),
}

function content({ row: { handset, modelName, employee }, causes, fine }: Diagnosis): Html {
  return html`<div class="head"><h1>Why does it not work?</h1></div>
<p class="told">${modelName} of <bdi>${employee.name}</bdi>, from what the phone door, the hub and the PBX showed. The surest first.</p>
${
  causes.length === 0
    ? html`<section class="card"><h2>Nothing that Ringfence can see keeps it from working</h2>
<p>Look at the phone itself: is it registered, is its account switched on, is the right line chosen, is do-not-disturb off? Then at the PBX: does its log show the registration, and from the tunnel's address?</p></section>`
    : html`<ol class="causes">${causes.map(
        ({ certainty, what, seen, todo }) =>
          html`<li class="card"><div class="head">${signs[certainty]}<h2>${capital(what)}</h2></div><p><strong>What to do:</strong> ${sentence(todo)}</p><p class="told">Seen: ${withMoments(seen)}</p></li>`,
      )}</ol>`
}
${fine.length > 0 && html`<section class="card" aria-labelledby="fine"><h2 id="fine">What is in order</h2><ul>${fine.map((each) => html`<li>${withMoments(capital(each))}</li>`)}</ul></section>`}
<p><a href="/handsets/${handset.id}">The handset</a> · <a href="/ledger?handset=${handset.id}">Its requests to the phone door</a></p>`
}
