import type { Request } from 'express'
import { type Actor, type Authority, mayDo } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import type { Application } from '../journeys/application.ts'

/**
 * Where a request came in. It is a fact of the listener, never of a header: being able to open the admin socket is the
 * authority of an owner, on the network it is a bearer token.
 */
export type Door = 'admin-socket' | 'network'

/** Set by the command line, believed on the admin socket only, and recorded as claimed. */
const userHeader = 'x-ringfence-user'

export async function callerOf(request: Request, door: Door, application: Application): Promise<Actor | null> {
  if (door === 'admin-socket') return { name: claimedUser(request), role: 'owner', via: 'local-socket' }
  const cookie = sessionCookie(request)
  if (request.headers.authorization === undefined && cookie !== null)
    return application.authenticateSession(cookie, asksByItself(request) ? 'looking' : 'use')
  // RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1).
  const token = /^Bearer +([A-Za-z0-9._~+/=-]{1,200})$/i.exec(request.headers.authorization ?? '')?.[1]
  return token === undefined ? null : await application.authenticate(token)
}

/** What a page asks without anybody touching it: the event stream, and the parts that follow it (pages/live.ts). */
function asksByItself({ method, path, headers }: Request): boolean {
  return method === 'GET' && (path === '/api/v1/events' || headers[liveHeader] !== undefined)
}

/** Lower case, as Node has names of headers. */
export const liveHeader = 'x-ringfence-live'

/**
 * `__Host-` (RFC 6265bis section 4.1.3.2): set by this host alone, over TLS, for every path. Where the console is plain
 * HTTP on loopback the browser would not keep such a cookie, so there it has the bare name.
 */
export function cookieName(secure: boolean): string {
  return secure ? '__Host-ringfence' : 'ringfence'
}

/** Behind a proxy that ends TLS only the setting of the console's address knows that browsers come over TLS. */
export function isSecure(request: Request): boolean {
  return request.secure || request.app.get(secureSetting) === true
}

/** The express setting that `isSecure` reads; consoleApp sets it. */
export const secureSetting = 'ringfence secure'

/** Null without one. SameSite=Strict keeps other sites from sending it; the browser guard says no to them besides. */
export function sessionCookie(request: Request): string | null {
  const wanted = cookieName(isSecure(request))
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [name = '', value = ''] = pair.trim().split('=', 2)
    if (name === wanted && /^[A-Za-z0-9_-]{43}$/.test(value)) return value
  }
  return null
}

/** @throws UNAUTHORIZED without a caller, FORBIDDEN when the role does not reach. */
export function demand(actor: Actor | null, authority: Authority, isPage = false): Actor {
  if (!actor) {
    throw new AppError('UNAUTHORIZED', 'a token is needed', {
      hint: 'send `Authorization: Bearer <token>`; `ringfence token create` on the server makes one',
    })
  }
  if (!mayDo(actor.role, authority)) {
    if (isPage)
      throw new AppError('FORBIDDEN', `as ${actor.role} you may not do this`, { hint: 'ask an owner of this console' })
    throw new AppError('FORBIDDEN', `the role ${actor.role} may not do this`, {
      hint: `it takes a token whose role may ${authority}; ask an owner`,
    })
  }
  return actor
}

function claimedUser(request: Request): string {
  const claimed = request.headers[userHeader]
  return typeof claimed === 'string' && /^[A-Za-z0-9._@\\-]{1,64}$/.test(claimed) ? claimed : 'unknown'
}
