/** What the environment says of this installation, in words and without any secret. */
import type { JourneyContext } from './context.ts'
import type { KnownPbx } from './known-pbx.ts'
import type { Installation } from './records-view.ts'
import { changesOfPlaces } from './settings-drift.ts'

export async function installation(context: JourneyContext): Promise<Installation> {
  const changes = await changesOfPlaces(context)
  const order = { sort: 'name', descending: false, offset: 0, limit: 0 } as const
  const { total: handsets } = await context.store.handsetPage({ staleSince: changes }, order)
  const changedAt = changes
    .map(({ at }) => at)
    .sort()
    .at(-1)
  return {
    demo: context.config.demo,
    groups: groupsOf(context),
    stale: changedAt !== undefined && handsets > 0 ? { changedAt, handsets } : null,
  }
}

function groupsOf({ config }: JourneyContext): Installation['groups'] {
  const { console: web, phoneDoor, hub, pbxs } = config
  const setting = (name: string, value: string | number | null, variable: string | null = null) => ({
    name,
    value: value === null || value === '' ? 'not set' : String(value),
    variable: variable && `RINGFENCE_${variable}`,
  })
  return [
    {
      name: 'Console',
      settings: [
        setting('Listens at', place(web), 'LISTEN'),
        setting('Further host names', web.hosts.join(', '), 'LISTEN_HOSTS'),
        setting(
          'TLS',
          web.tls === null ? 'none: on this machine or a private network only' : web.tls.certificateFile,
          'LISTEN_TLS_CERT',
        ),
        setting('Data folder', config.dataFolder, 'DATA'),
        setting(
          'Passphrase of the keys',
          config.passphrase === null ? 'in the data folder' : 'from outside the data folder',
          'PASSPHRASE_FILE',
        ),
      ],
    },
    {
      name: 'Phone door',
      settings: [
        setting('Public address', phoneDoor.url, 'PHONE_URL'),
        setting('Listens at', place(phoneDoor), 'PHONE_LISTEN'),
        setting('Inside the VPN', phoneDoor.inTunnel && place(phoneDoor.inTunnel), 'PHONE_TUNNEL_LISTEN'),
        setting('Certificate', tlsWords(phoneDoor.tls), 'PHONE_TLS_CERT'),
        setting('Trusted proxies', phoneDoor.trustedProxies.join(', '), 'TRUSTED_PROXIES'),
        setting('Time server of phones', config.timeServer, 'TIME_SERVER'),
      ],
    },
    {
      name: 'Hub',
      settings: [
        setting('Handsets dial', hub.endpoint, 'HUB_ENDPOINT'),
        setting('Interface', hub.interface, 'HUB_INTERFACE'),
        setting('Port', hub.listenPort, 'HUB_PORT'),
        setting('Addresses of handsets', hub.subnets.join(', '), 'HUB_SUBNET'),
        setting('Addresses behind home gateways', hub.phoneSubnets.join(', '), 'PHONE_SUBNETS'),
        setting('Masquerades towards the PBX', hub.masquerade ? 'yes' : 'no', 'HUB_MASQUERADE'),
        setting('Runs as', hub.separate ? 'a process of its own' : "the server's child", 'HUB_SOCKET'),
      ],
    },
    ...pbxs.map((pbx) => ({
      name: pbxs.length > 1 ? `PBX ${pbx.name}` : 'PBX',
      settings: [
        setting('Kind', pbx.driver, pbx.prefix),
        setting('Address', pbx.address, `${pbx.prefix}_ADDRESS`),
        ...(pbx.edge ? [setting('Address of the SIP edge', pbx.edge.address, 'EDGE_ADDRESS')] : []),
        setting('Name that handsets use', pbx.host, `${dialled(pbx)}_HOST`),
        setting('Port for passwords', pbx.port, `${dialled(pbx)}_PORT`),
        setting('Port for certificates', pbx.mtlsPort, `${dialled(pbx)}_MTLS_PORT`),
        setting('Media ports', `${pbx.rtp.from}-${pbx.rtp.to}`, `${pbx.prefix}_RTP`),
      ],
    })),
  ]
}

/** How the settings begin that say what handsets dial. */
function dialled({ prefix, edge }: KnownPbx['settings']): string {
  return edge ? 'EDGE' : prefix
}

function tlsWords(tls: JourneyContext['config']['phoneDoor']['tls']): string {
  if (tls === 'off') return 'left to the proxy in front'
  return tls === 'service-ca' ? "of Ringfence's own CA: phone apps refuse it" : tls.certificateFile
}

function place({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
