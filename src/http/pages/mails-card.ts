import { languageNames } from '../../domain/language.ts'
import { type Actor, mayDo } from '../../domain/token.ts'
import type { MailView } from '../../journeys/mail-view.ts'
import { type Html, html } from '../html.ts'
import { moment } from './moment.ts'

const mailSigns = { queued: 'opening', sent: 'open', failed: 'stuck', cancelled: 'unverifiable' } as const
const mailWords = { queued: 'queued', sent: 'sent', failed: 'given up', cancelled: 'not sent' } as const

/** What became of each mail, and what can be done about it. */
export function mailsCard(mails: readonly MailView[], actor: Actor): Html | false {
  return (
    mails.length > 0 &&
    html`<section class="card" aria-labelledby="mails"><h2 id="mails">Mails</h2><ul class="lines">${mails.map(
      ({ id, state, recipient, language, words, createdAt, nextTryAt }) =>
        html`<li><span><span class="state ${mailSigns[state]}">${mailWords[state]}</span> ${recipient} <small>${languageNames[language]}, ${moment(createdAt)} · ${words}${nextTryAt !== null && html` · next try ${moment(nextTryAt)}`}</small></span>
${
  state === 'queued' &&
  mayDo(actor.role, 'onboard') &&
  html`<span class="actions"><form method="post" action="/mails/${id}/retry"><button class="quiet" id="retry-${id}">Try now</button></form><form method="post" action="/mails/${id}/cancel"><button class="quiet" id="cancel-${id}">Call it back</button></form></span>`
}</li>`,
    )}</ul></section>`
  )
}
