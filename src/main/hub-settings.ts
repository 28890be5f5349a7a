import type { Config } from '../config.ts'
import { addressOf, hubAddress, parsePrefix } from '../domain/address.ts'
import type { HubSettingsInput } from '../hub/hub-settings.ts'

/** What the hub process is started with. */
export function hubSettings({ hub, pbxs, phoneDoor }: Config): HubSettingsInput {
  const ownAddresses = hub.subnets.map((subnet) => hubAddress(parsePrefix(subnet)!))
  // The edge is in front of the first one only.
  const edge = pbxs[0]?.edge ?? null
  return {
    interface: hub.interface,
    listenPort: hub.listenPort,
    subnets: [...hub.subnets],
    phoneSubnets: [...hub.phoneSubnets],
    pbxs: pbxs.flatMap(({ address, own, edge: inFront, rtp }) =>
      address === null
        ? []
        : [
            {
              address: addressOf(address),
              // With an edge in front nobody dials the PBX itself; media still goes there.
              ports: inFront ? [] : [own.port, own.mtlsPort],
              rtpFrom: rtp.from,
              rtpTo: rtp.to,
            },
          ],
    ),
    edge: edge && { address: addressOf(edge.address), ports: [edge.port, edge.mtlsPort] },
    // A door inside the VPN on another host than the hub is behind it like the PBX, and not let through yet.
    doorPort: phoneDoor.inTunnel && ownAddresses.includes(phoneDoor.inTunnel.host) ? phoneDoor.inTunnel.port : null,
    timeServers: [...hub.timeServers],
    nameServers: [...hub.nameServers],
    masquerade: hub.masquerade,
    socketPath: hub.socket,
    socketMode: hub.separate ? 0o660 : 0o600,
    dataFolder: hub.dataFolder,
  }
}
