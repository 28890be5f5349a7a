import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { canonicalAddress } from '../domain/address.ts'
import { AppError } from '../errors.ts'
import { plainAddress } from './refusal-limiter.ts'

/**
 * Who is at the other end: the socket's address. `X-Forwarded-For` counts only when the socket belongs to a proxy from
 * the list, and then from the right: the first address that is not such a proxy was seen by one of ours.
 * @throws CONFIG_INVALID for what is not an address
 */
export function clientAddresses(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  const trusted = new Set(trustedProxies.map(proxyAddress))
  // One address has many spellings in IPv6; who forwards chooses his own.
  const isProxy = (address: string): boolean => trusted.has(canonicalAddress(address) ?? '')
  return (request) => {
    let address = plainAddress(request.socket.remoteAddress ?? '')
    const forwarded = request.headers['x-forwarded-for']
    const hops = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',')
    while (isProxy(address)) {
      const hop = plainAddress((hops.pop() ?? '').trim())
      if (isIP(hop) === 0) break
      address = hop
    }
    return address
  }
}

function proxyAddress(entry: string): string {
  const address = canonicalAddress(entry)
  if (address !== null) return address
  throw new AppError('CONFIG_INVALID', `${JSON.stringify(entry)} is not the address of a proxy`, {
    hint: 'name each proxy by its IP address, such as 192.0.2.1',
  })
}
