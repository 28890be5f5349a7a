/** The employee's page at the phone door: page, script, status, and the key that the browser made. */
import type { Application } from '../../journeys/application.ts'
import { type Html, htmlText } from '../html.ts'
import { joinPage } from '../join-page.ts'
import { pageStyle } from '../style.ts'
import { checkLines } from './check-part.ts'
import { deviceOf } from './device.ts'
import { chosenLanguage, readMessages } from './messages.ts'
import type { DrawQr } from './parts.ts'
import { joinScripts } from './scripts.ts'

interface Served {
  readonly contentType: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly notModified: false
}

export interface Reader {
  readonly userAgent: string | null
  readonly acceptLanguage: string | undefined
  readonly query: URLSearchParams
}

export interface JoinDoor {
  /** Each `null` is the one 404. */
  page(token: string, reader: Reader): Promise<Served | null>
  status(token: string, reader: Reader): Promise<Served | null>
  takeKey(token: string, tunnelId: string, publicKey: string): Promise<Served | null>
  script(target: string): Served | null
}

export function joinDoor(application: Application, drawQr: DrawQr): JoinDoor {
  const style = pageStyle('join')
  const messages = readMessages()
  const scripts = joinScripts()
  // Our own script files only, and it may talk to nobody but this door: no code that slipped in could carry a key away.
  const pageHeaders = {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': `default-src 'none'; style-src ${style.cspSource}; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  }
  const languageOf = ({ query, acceptLanguage }: Reader) => chosenLanguage(messages, query.get('lang'), acceptLanguage)
  return {
    async page(token, reader) {
      const view = await application.join(token)
      if (!view) return null
      const page = joinPage(view, {
        token,
        style: style.text,
        script: scripts.address,
        drawQr,
        messages,
        language: languageOf(reader),
        device: deviceOf(reader.userAgent, reader.query.get('device')),
        serverKey: reader.query.get('key') === 'server',
        status: await application.joinStatus(token),
      })
      return served('text/html; charset=utf-8', page, { ...pageHeaders, Vary: 'Accept-Language, User-Agent' })
    },
    async status(token, reader) {
      const [view, status] = await Promise.all([application.join(token), application.joinStatus(token)])
      if (!view || !status) return null
      const lines = checkLines(messages.speaker(languageOf(reader)), view, status)
      return served('text/html; charset=utf-8', lines, pageHeaders)
    },
    async takeKey(token, tunnelId, publicKey) {
      const configuration = await application.takeBrowserKey(token, tunnelId, publicKey)
      return configuration === null
        ? null
        : served('text/plain; charset=utf-8', configuration, { 'Cache-Control': 'no-store' })
    },
    script(target) {
      const text = scripts.read(target)
      return text === null
        ? null
        : served('text/javascript; charset=utf-8', text, { 'Cache-Control': 'public, max-age=31536000, immutable' })
    },
  }
}

function served(contentType: string, body: string | Html, headers: Served['headers']): Served {
  return { contentType, body: typeof body === 'string' ? body : htmlText(body), headers, notModified: false }
}
