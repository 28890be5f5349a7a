import type { Request, Response } from 'express'
import type { SignedIn, Visitor } from '../journeys/sign-in-view.ts'
import { cookieName, isSecure } from './caller.ts'
import type { PageTools } from './pages/layout.ts'
import { networkOf } from './refusal-limiter.ts'

/** Without an end of its own: the browser forgets it when it is closed, the server after its time. */
export function giveCookie(request: Request, response: Response, { cookie }: Pick<SignedIn, 'cookie'>): void {
  response.cookie(cookieName(isSecure(request)), cookie.reveal(), attributes(request, 'strict'))
}

export function takeCookie(request: Request, response: Response): void {
  response.clearCookie(cookieName(isSecure(request)), attributes(request, 'strict'))
}

/**
 * What was begun at the provider of single sign-on. Lax: the browser comes back from another site, and would not bring a
 * strict cookie along. It holds nothing that could be used without the provider's answer.
 */
export function givePending(request: Request, response: Response, sealed: string): void {
  response.cookie(pendingName(request), sealed, { ...attributes(request, 'lax'), maxAge: 600_000 })
}

export function takePending(request: Request, response: Response): string | null {
  const wanted = pendingName(request)
  response.clearCookie(wanted, attributes(request, 'lax'))
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [name = '', value = ''] = pair.trim().split('=', 2)
    if (name === wanted && /^[A-Za-z0-9._-]{1,3000}$/.test(value)) return value
  }
  return null
}

export function visitorOf(request: Request, { addressOf }: PageTools): Visitor {
  const remoteAddress = addressOf(request)
  return { remoteAddress, network: networkOf(remoteAddress), userAgent: request.headers['user-agent'] ?? null }
}

/**
 * Where to go after signing in: a path of ours or the first page. Browsers take `//host` and `/\host` for another site, and
 * drop tabs and line breaks before they look.
 */
export function localPath(next: unknown): string {
  if (typeof next !== 'string' || next.length > 500 || !/^\/(?![/\\])[\x21-\x7e]*$/.test(next) || next.includes('\\'))
    return '/'
  const here = 'http://here.invalid'
  const url = URL.parse(next, here)
  if (url === null || url.origin !== here || /^\/(sign-in|sign-out|setup)(\/|$)/.test(url.pathname)) return '/'
  // Dots are taken out of a path, which may leave it beginning with two slashes.
  if (/^\/[/\\]/.test(url.pathname)) return '/'
  return `${url.pathname}${url.search}`
}

function pendingName(request: Request): string {
  return `${cookieName(isSecure(request))}-sign-on`
}

function attributes(request: Request, sameSite: 'strict' | 'lax') {
  return { httpOnly: true, sameSite, secure: isSecure(request), path: '/' } as const
}
