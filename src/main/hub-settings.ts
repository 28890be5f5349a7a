import type { Config } from '../config.ts'
import { addressOf, hubAddress, parsePrefix } from '../domain/address.ts'
import type { HubSettingsInput } from '../hub/hub-settings.ts'

/** What the hub process is started with. */
export function hubSettings({ hub, pbxs, phoneDoor }: Config): HubSettingsInput {
  const own = hub.subnets.map((subnet) => hubAddress(parsePrefix(subnet)!))
  return {
    interface: hub.interface,
    listenPort: hub.listenPort,
    subnets: [...hub.subnets],
    phoneSubnets: [...hub.phoneSubnets],
    pbxs: pbxs.flatMap(({ address, port, mtlsPort, rtp }) =>
      address === null
        ? []
        : [{ address: addressOf(address), ports: [port, mtlsPort], rtpFrom: rtp.from, rtpTo: rtp.to }],
    ),
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
