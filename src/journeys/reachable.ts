import type { Config } from '../config.ts'
import { hubAddress, parsePrefix } from '../domain/address.ts'
import type { KnownPbx } from './known-pbx.ts'

/** What a handset of this PBX may reach through its tunnel, as the AllowedIPs of its configuration. */
export function handsetAllowedIps({ hub }: Config, pbx: Pick<KnownPbx['settings'], 'address' | 'edge'>): string[] {
  const reachable = [
    ...hub.subnets.map((subnet) => hubAddress(parsePrefix(subnet)!)),
    ...(pbx.address ? [pbx.address] : []),
    ...(pbx.edge ? [pbx.edge.address] : []),
    ...hub.timeServers,
    ...hub.nameServers,
  ]
  return [...new Set(reachable.map((address) => parsePrefix(address)!.text))]
}
