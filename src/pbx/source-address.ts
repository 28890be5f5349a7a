import { BlockList, isIP } from 'node:net'
import type { DisconnectTarget } from './pbx-driver.ts'

/**
 * Whether a source address is one of these addresses or lies in one of these prefixes (`10.77.0.9`, `10.88.1.0/28`,
 * `fd00::/64`). An entry that is neither matches nothing.
 */
export function addressMatcher(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const entry of entries) {
    const [network, length] = entry.split('/')
    const family = familyOf(network ?? '')
    if (!family) continue
    if (length === undefined) list.addAddress(network!, family)
    else if (/^[0-9]{1,3}$/.test(length) && Number(length) <= (family === 'ipv4' ? 32 : 128)) {
      list.addSubnet(network!, Number(length), family)
    }
  }
  return (address) => {
    const family = familyOf(address)
    return family !== null && list.check(address, family)
  }
}

/** Whether a registration or call is one of those that are meant. */
export function matcherOf(targets: readonly Pick<DisconnectTarget, 'extension' | 'addresses'>[]) {
  const byExtension = Map.groupBy(targets, ({ extension }) => extension)
  const rules = new Map(
    [...byExtension].map(([extension, same]) => [
      extension,
      {
        everything: same.some(({ addresses }) => addresses === null),
        matches: addressMatcher(same.flatMap(({ addresses }) => addresses ?? [])),
      },
    ]),
  )
  return ({ extension, address }: { extension: string; address: string | null }): boolean => {
    const rule = rules.get(extension)
    return rule !== undefined && (rule.everything || (address !== null && rule.matches(address)))
  }
}

/** The address in `10.0.0.1:5061`, `[fd00::1]:5061` or a bare one; null when there is none. */
function withoutPort(text: string): string | null {
  if (isIP(text)) return text
  const host = /^\[([^\]]+)\](?::[0-9]+)?$/.exec(text)?.[1] ?? /^([^:]+):[0-9]+$/.exec(text)?.[1]
  return host && isIP(host) ? host : null
}

/** The address in a contact such as `sip:1001@10.0.0.1:5061;transport=TLS`; null for a name. */
export function contactAddress(uri: string): string | null {
  const host = /^sips?:(?:[^@;>]*@)?(\[[^\]]+\]|[^:;>?]+)/i.exec(uri)?.[1]
  return host ? withoutPort(host.startsWith('[') ? `${host}:0` : host) : null
}

function familyOf(address: string): 'ipv4' | 'ipv6' | null {
  const version = isIP(address)
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : null
}
