/**
 * The phone door: what phones and invitees reach from the Internet. Rules:
 * - Whatever is not served is the one 404: the same code, headers and body for unknown, wrong, expired, disabled,
 *   malformed, another method, another path. Nobody learns why.
 * - A good token is served whatever its neighbours do; only refusals are slowed down.
 * - Paths are compared as they come, without decoding: a token or file name needs no percent sign.
 * Plain node:http, since a framework would add answers of its own.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { addAbortSignal } from 'node:stream'
import { looksLikeToken } from '../domain/invite.ts'
import type { Application } from '../journeys/application.ts'
import type { DoorFile } from '../journeys/door-view.ts'
import { clientAddresses } from './client-address.ts'
import { joinDoor } from './join/join-door.ts'
import type { DrawQr } from './join/parts.ts'
import { type RefusalLimiter, refusalLimiter } from './refusal-limiter.ts'
import { loggablePath, type RequestLog } from './request-log.ts'

export interface PhoneDoorOptions {
  readonly log: RequestLog
  /** Draws a QR code as an SVG element, black on white with its quiet zone. @throws TOO_LARGE */
  readonly drawQr: DrawQr
  readonly now: () => Date
  /** Addresses or prefixes of proxies whose `X-Forwarded-For` is believed; default none. */
  readonly trustedProxies?: readonly string[]
  readonly limiter?: RefusalLimiter
}

interface Served {
  readonly contentType: string
  readonly body: string | Buffer
  readonly headers: Readonly<Record<string, string>>
  readonly notModified: boolean
}

const everyAnswer = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'X-Robots-Tag': 'noindex, nofollow',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const

const nothing = Buffer.from('Not found\n')

export function phoneDoorApp(application: Application, options: PhoneDoorOptions): RequestListener {
  const { log, now } = options
  const limiter = options.limiter ?? refusalLimiter()
  const addressOf = clientAddresses(options.trustedProxies ?? [])
  const lookUp = doorLookUp(application, options)

  return (request, response) => {
    const address = addressOf(request)
    logLine(log, request, response, address)
    lookUp(request, address).then(
      (served) => (served ? answer(request, response, served) : refuse(response, limiter, address, now)),
      (error: unknown) => {
        log.error(
          { err: error, path: loggablePath(request.url ?? '') },
          'the phone door failed for a reason of our own',
        )
        sendUnavailable(response)
      },
    )
  }
}

/** What there is for a request; null is the 404. */
function doorLookUp(application: Application, { drawQr }: PhoneDoorOptions) {
  const joins = joinDoor(application, drawQr)
  return async (request: IncomingMessage, remoteAddress: string): Promise<Served | null> => {
    const method = request.method
    const script = method === 'GET' || method === 'HEAD' ? joins.script(request.url ?? '') : null
    if (script) return script
    const parts = pathParts(request.url ?? '')
    if (!parts || (parts.door === 'k' || parts.door === 'join-key') !== (method === 'POST')) return null
    const { door, token, fileName } = parts
    const userAgent = request.headers['user-agent']?.slice(0, 300) ?? null
    if (door === 'k') {
      const served = await application.takeGatewayKey(token, await postedKey(request))
      await application.enterVisit({ token, fileName: 'public key', remoteAddress, userAgent, served })
      return served ? taken : null
    }
    if (door === 'join-key') {
      const taken = await joins.takeKey(token, fileName, await postedKey(request))
      await application.enterVisit({ token, fileName: 'key', remoteAddress, userAgent, served: taken !== null })
      return taken
    }
    if (method !== 'GET' && method !== 'HEAD') return null
    const ifNoneMatch = request.headers['if-none-match'] ?? null

    if (door === 'crl') {
      const body = await application.revocationList()
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`
      // Media type: RFC 2585 section 4.2. A reader asks each time, and mostly hears 304.
      return fresh('application/pkix-crl', body, etag, ifNoneMatch, { 'Cache-Control': 'no-cache' })
    }
    if (door === 'p') {
      const file = await application.serveFile({ token, fileName, remoteAddress, userAgent, ifNoneMatch, method })
      return file && ofFile(file, file.notModified, { 'Cache-Control': 'private, no-cache' })
    }
    const reader = {
      userAgent,
      query: new URLSearchParams(request.url?.split('?', 2)[1]),
      acceptLanguage: request.headers['accept-language'],
    }
    // The page asks for it every few seconds: only a refusal is news for the ledger.
    const status = fileName === 'status' ? await joins.status(token, reader) : null
    if (status) return status
    const visited = (served: boolean) =>
      application.enterVisit({ token, fileName: fileName || 'page', remoteAddress, userAgent, served })
    if (fileName === '') {
      const page = await joins.page(token, reader)
      await visited(page !== null)
      return page
    }
    const file = (await application.joinTunnel(token, fileName)) ?? (await application.joinFile(token, fileName))
    await visited(file !== null)
    const headers = { 'Cache-Control': 'no-store', 'Content-Disposition': `attachment; filename="${fileName}"` }
    return file && ofFile(file, isNamed(ifNoneMatch, file.etag), headers)
  }
}

interface DoorPath {
  /** `k`: where the router of a home gateway posts its public key; `join-key`: where a browser does, `fileName` being the tunnel's id. */
  readonly door: 'join' | 'join-key' | 'p' | 'k' | 'crl'
  readonly token: string
  readonly fileName: string
}

function pathParts(target: string): DoorPath | null {
  const path = target.split('?', 1)[0]!
  if (path === '/crl/handsets.crl') return { door: 'crl', token: '', fileName: '' }
  const key = /^\/join\/([^/]+)\/([0-9a-f-]{36})\/key$/.exec(path)
  if (key && looksLikeToken(key[1]!)) return { door: 'join-key', token: key[1]!, fileName: key[2]! }
  // Some phones put a slash of their own behind the address that they were given, which ends in one.
  const match = /^\/(join|p|k)\/([^/]+)(?:\/(?:(?<=^\/p\/[^/]+\/)\/)?([A-Za-z0-9._=+-]{1,100}))?$/.exec(path)
  if (!match) return null
  const [, door, token = '', fileName = ''] = match
  if (!looksLikeToken(token) || fileName.startsWith('.')) return null
  if (door === 'p') return fileName === '' ? null : { door, token, fileName }
  if (door === 'k') return path.endsWith(token) ? { door, token, fileName } : null
  return { door: 'join', token, fileName }
}

const taken: Served = { contentType: '', body: '', headers: { 'Cache-Control': 'no-store' }, notModified: false }

/** `publicKey=` and 44 characters, of which `+`, `/` and `=` may be percent-encoded. */
const longestPost = 200
const longestPostMs = 5_000

/** Of a form (`application/x-www-form-urlencoded`); empty when there is none, or more than a key, or none in time. */
async function postedKey(request: IncomingMessage): Promise<string> {
  let text = ''
  try {
    for await (const chunk of addAbortSignal(AbortSignal.timeout(longestPostMs), request)) {
      text += String(chunk)
      if (text.length > longestPost) return ''
    }
  } catch {
    return '' // Whoever hung up, or let us wait, said nothing.
  }
  // A plus sign of base64 that nobody encoded means itself here: no key has a space.
  return new URLSearchParams(text.trim()).get('publicKey')?.replaceAll(' ', '+') ?? ''
}

function ofFile(file: DoorFile, notModified: boolean, headers: Readonly<Record<string, string>>): Served {
  return { contentType: file.contentType, body: file.body, headers: { ...headers, ETag: file.etag }, notModified }
}

function fresh(
  contentType: string,
  body: Buffer,
  etag: string,
  ifNoneMatch: string | null,
  headers: Readonly<Record<string, string>>,
): Served {
  return { contentType, body, headers: { ...headers, ETag: etag }, notModified: isNamed(ifNoneMatch, etag) }
}

/** RFC 9110 section 13.1.2: a list or `*`, compared weakly. */
function isNamed(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false
  const plain = (tag: string): string => tag.trim().replace(/^W\//, '')
  return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((tag) => plain(tag) === plain(etag))
}

function answer(request: IncomingMessage, response: ServerResponse, served: Served): void {
  if (served === taken) return void response.writeHead(204, { ...everyAnswer, ...served.headers }).end()
  if (served.notModified) return void response.writeHead(304, { ...everyAnswer, ...served.headers }).end()
  const body = typeof served.body === 'string' ? Buffer.from(served.body) : served.body
  response.writeHead(200, {
    ...everyAnswer,
    ...served.headers,
    'Content-Type': served.contentType,
    'Content-Length': body.length,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** The one refusal. */
function refuse(response: ServerResponse, limiter: RefusalLimiter, address: string, now: () => Date): void {
  const verdict = limiter.refused(address, now().getTime())
  if (verdict === 'hang-up') return void response.destroy()
  if (response.destroyed) return void verdict.done() // hung up meanwhile: there will be no close event
  if (verdict.holdMs === 0) return void sendNothing(response)
  const timer = setTimeout(() => sendNothing(response), verdict.holdMs)
  response.once('close', () => {
    clearTimeout(timer)
    verdict.done()
  })
}

function sendNothing(response: ServerResponse): void {
  response.writeHead(404, {
    ...everyAnswer,
    'Cache-Control': 'no-store',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': nothing.length,
  })
  // To a HEAD node itself sends no body.
  response.end(nothing)
}

/** Not a refusal: a phone keeps what it has and asks again, where a 404 could make it forget. */
function sendUnavailable(response: ServerResponse): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(503, { ...everyAnswer, 'Cache-Control': 'no-store', 'Retry-After': '60', 'Content-Length': 0 })
  response.end()
}

function logLine(log: RequestLog, request: IncomingMessage, response: ServerResponse, from: string): void {
  const startedAt = performance.now()
  response.once('close', () => {
    const { method, url = '' } = request
    const ms = Math.round(performance.now() - startedAt)
    log.info({ method, path: loggablePath(url), status: response.statusCode, ms, from }, 'phone door')
  })
}
