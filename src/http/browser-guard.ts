import { isIP } from 'node:net'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { AppError } from '../errors.ts'

/**
 * Keeps other web sites from using the console through an admin's browser.
 * - Host: a name that is not ours is how DNS rebinding looks. An IP address is fine: a rebound page keeps its own name.
 * - Sec-Fetch-Site (W3C Fetch Metadata) and Origin (RFC 6454): another site, or a sibling host, may not ask anything.
 */
export function browserGuard(names: readonly string[]): RequestHandler {
  const ours = new Set(names.map((name) => name.toLowerCase()))
  return (request: Request, _response: Response, next: NextFunction) => {
    const host = request.headers.host
    const name = host === undefined ? undefined : hostName(host)
    if (host === undefined || name === undefined || !(isIP(name) || name === 'localhost' || ours.has(name))) {
      throw new AppError('FORBIDDEN', 'the console is not known by this host name', {
        hint: 'open it by its IP address or as localhost, or add the name to RINGFENCE_LISTEN_HOSTS',
      })
    }
    const site = request.headers['sec-fetch-site']
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isFollowedLink(request)) throw foreign()
    // The scheme may differ behind a proxy that ends TLS; the host does not.
    const { origin } = request.headers
    if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host.toLowerCase())) throw foreign()
    next()
  }
}

/** Somebody clicked a link to the console elsewhere: the other site sees nothing of the answer and cannot frame it. */
function isFollowedLink({ method, headers }: Request): boolean {
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
}

function foreign(): AppError {
  return new AppError('FORBIDDEN', 'this request comes from another web site', {
    hint: 'open the console itself, or use a token from a program',
  })
}

/** `[::1]:8080`, `Console.example:80` → `::1`, `console.example`; undefined when it is no host at all. */
function hostName(host: string): string | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?$/.exec(host)
  return (match?.[1] ?? match?.[2])?.toLowerCase()
}
