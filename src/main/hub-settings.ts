import type { Config } from '../config.ts'
import { addressOf, hubAddress, parsePrefix } from '../domain/address.ts'
import type { HubSettingsInput } from '../hub/hub-settings.ts'

/** What the hub process is started with. */
export function hubSettings({ hub, pbx, phoneDoor }: Config): HubSettingsInput {
  const own = hub.subnets.map((subnet) => hubAddress(parsePrefix(subnet)!))
  return {
    interface: hub.interface,
    listenPort: hub.listenPort,
    subnets: [...hub.subnets],
    phoneSubnets: [...hub.phoneSubnets],
    pbx: {
      address: pbx.address && addressOf(pbx.address),
      // With an edge in front nobody dials the PBX itself; media still goes there.
      ports: pbx.edge ? [] : [pbx.port, pbx.mtlsPort],
      rtpFrom: pbx.rtp.from,
      rtpTo: pbx.rtp.to,
    },
    edge: pbx.edge && { address: addressOf(pbx.edge.address), ports: [pbx.edge.port, pbx.edge.mtlsPort] },
    // A door inside the VPN on another host than the hub is behind it like the PBX, and not let through yet.
    doorPort: phoneDoor.inTunnel && own.includes(phoneDoor.inTunnel.host) ? phoneDoor.inTunnel.port : null,
    timeServers: [...hub.timeServers],
    nameServers: [...hub.nameServers],
    masquerade: hub.masquerade,
    socketPath: hub.socket,
    socketMode: hub.separate ? 0o660 : 0o600,
    dataFolder: hub.dataFolder,
  }
}
