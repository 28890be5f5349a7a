/** What all parts of the page are made of. */
import { AppError } from '../../errors.ts'
import type { Device, JoinStatus, JoinView } from '../../journeys/join-view.ts'
import { type Html, html, trusted } from '../html.ts'
import type { Messages, Speaker } from './messages.ts'

/** `title` is what a screen reader says. */
export type DrawQr = (text: string, content: 'tunnel' | 'address', title: string) => string

export interface JoinPageOptions {
  /** For the links to the files beside the page. */
  readonly token: string
  readonly style: string
  /** Where the page's script is; it makes the tunnel's key and looks again by itself. */
  readonly script: string
  readonly drawQr: DrawQr
  readonly messages: Messages
  readonly language: string
  readonly device: Device | null
  /** The reader's browser cannot make a key: the page shows the one that the server made. */
  readonly serverKey: boolean
  /** What was seen so far; null where nobody looked. */
  readonly status: JoinStatus | null
}

/** The options with a voice, for the parts of one page. */
export interface Desk extends JoinPageOptions, Speaker {
  readonly view: JoinView
}

export function part(
  id: string,
  title: string,
  kind: Html | string,
  steps: readonly Html[],
  { before = false, after = false }: { readonly before?: Html | false; readonly after?: Html | false } = {},
): Html {
  return html`<section id="part-${id}" aria-labelledby="title-${id}">
<h2 id="title-${id}">${title}</h2><p class="kind">${kind}</p>
${before}<ol class="steps">${steps}</ol>${after}
</section>`
}

export function step(title: Html | string, content: Html): Html {
  return html`<li><h3>${title}</h3>${content}</li>`
}

/** A code to scan from another screen, and the way for those who read this on the device itself; the likelier one first. */
export function choice(
  { say }: Speaker,
  { hereFirst, code, scan, here }: { hereFirst: boolean; code: Html | null; scan: Html; here: Html | false },
): Html {
  const elsewhere =
    code === null
      ? html`<p class="scan">${say('join.tooLong')}</p>`
      : html`<div class="scan"><h4>${say('join.elsewhere')}</h4><figure class="qr">${code}</figure>${scan}</div>`
  const onDevice = here && html`<div class="here"><h4>${say('join.here')}</h4>${here}</div>`
  return html`<div class="choice">${hereFirst ? html`${onDevice}${elsewhere}` : html`${elsewhere}${onDevice}`}</div>`
}

export function qr(
  { drawQr }: JoinPageOptions,
  text: string,
  content: 'tunnel' | 'address',
  title: string,
): Html | null {
  try {
    return trusted(drawQr(text, content, title))
  } catch (error) {
    if (error instanceof AppError && error.code === 'TOO_LARGE') return null
    throw error
  }
}

export function fileLink({ token }: JoinPageOptions, name: string): string {
  return `/join/${token}/${encodeURIComponent(name)}`
}

/** The same page with something else chosen. */
export function pageLink(
  { token, language, device, serverKey }: JoinPageOptions,
  change: { language?: string; device?: Device; serverKey?: boolean },
): string {
  const query = new URLSearchParams({ lang: change.language ?? language })
  const shown = change.device ?? device
  if (shown) query.set('device', shown)
  if (change.serverKey ?? serverKey) query.set('key', 'server')
  return `/join/${token}?${query}`
}

export function code(text: string): Html {
  return html`<code translate="no">${text}</code>`
}
