import { BlockList, isIP } from 'node:net'

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
