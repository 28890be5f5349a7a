import type { Config } from '../config.ts'
import { hubAddress, parsePrefix } from '../domain/address.ts'

/** What handsets may reach through their tunnel, as the AllowedIPs of their configuration. */
export function handsetAllowedIps({ hub, pbx }: Config): string[] {
  const reachable = [
    ...hub.subnets.map((subnet) => hubAddress(parsePrefix(subnet)!)),
    ...(pbx.address ? [pbx.address] : []),
    ...(pbx.edge ? [pbx.edge.address] : []),
    ...hub.timeServers,
    ...hub.nameServers,
  ]
  return [...new Set(reachable.map((address) => parsePrefix(address)!.text))]
}
