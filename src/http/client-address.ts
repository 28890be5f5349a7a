import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { AppError } from '../errors.ts'
import { plainAddress } from './refusal-limiter.ts'

/**
 * Who is at the other end: the socket's address. `X-Forwarded-For` counts only when the socket belongs to a proxy from
 * the list, and then from the right: the first address that is not such a proxy was seen by one of ours.
 * @throws CONFIG_INVALID for what is neither an address nor a prefix
 */
export function clientAddresses(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  const trusted = blockList(trustedProxies)
  const isProxy = (address: string): boolean => isIP(address) !== 0 && trusted.check(address, family(address))
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

function blockList(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', length] = entry.split('/')
    const bits = length === undefined ? undefined : Number(length)
    if (
      isIP(address) === 0 ||
      (bits !== undefined && !(Number.isInteger(bits) && bits >= 0 && bits <= (isIPv6(address) ? 128 : 32)))
    ) {
      throw new AppError('CONFIG_INVALID', `${JSON.stringify(entry)} is not the address of a proxy`, {
        hint: 'use an IP address or a prefix such as 192.0.2.0/24',
      })
    }
    if (bits === undefined) list.addAddress(address, family(address))
    else list.addSubnet(address, bits, family(address))
  }
  return list
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}
