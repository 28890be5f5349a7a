import type { Request } from 'express'
import { type Html, html } from '../html.ts'
import type { PageTools } from './layout.ts'

interface PasskeyButton {
  readonly ask: 'create' | 'get'
  readonly label: string
  /** Where its form goes with the answer. */
  readonly action: string
  readonly options: string
  readonly quiet?: boolean
}

/** Hidden until the script has found that this browser can do it. Its form needs `passkeyAnswer`. */
export function passkeyButton({ ask, label, action, options, quiet = false }: PasskeyButton): Html {
  return html`<button type="button" hidden data-action="${action}" data-passkey="${ask}" data-options="${options}"${quiet && html` class="quiet"`}>${label}</button>`
}

/** The hidden field for the answer, and the place where the script says what is going on. */
export const passkeyAnswer = html`<input type="hidden" name="answer" value=""><p class="said" role="status"></p>`

export function passkeyScript({ assets }: PageTools): Html {
  return html`<script defer src="${assets.address('passkey.js')}"></script>`
}

/** A passkey belongs to one host name. Null where this page was opened under it. */
export function otherHostNote(
  request: Request,
  { passkeyHost, consoleUrl }: { readonly passkeyHost: string | null; readonly consoleUrl: string },
): Html | null {
  if (passkeyHost === request.hostname) return null
  if (passkeyHost === null)
    return html`<p class="hint">Passkeys need a host name, and this console has only an address: an admin sets <code>RINGFENCE_CONSOLE_URL</code>.</p>`
  return html`<p class="hint">For a passkey open this page as <a href="${consoleUrl}${request.path}">${new URL(consoleUrl).host}</a>: passkeys belong to a name, not to an address.</p>`
}
