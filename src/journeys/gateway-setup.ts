/** What an installer sets up on a home gateway: the values of its kind's instructions and script. */
import { isIP } from 'node:net'
import { withoutBrackets } from '../domain/address.ts'
import type { Gateway } from '../domain/handset.ts'
import { Secret } from '../domain/secret.ts'
import type { Tunnel, TunnelAddress } from '../domain/tunnel.ts'
import type { GatewayValues } from '../phones/phone-port.ts'
import type { EmployeeAccess } from '../store/store.ts'
import type { JourneyContext } from './context.ts'
import { gatewayTokenOf } from './enrolment.ts'
import type { JoinFile } from './join-view.ts'
import { pbxOfPerson } from './known-pbx.ts'
import { handsetAllowedIps } from './reachable.ts'

export async function gatewayValues(
  context: JourneyContext,
  access: EmployeeAccess,
  gateway: Gateway,
  tunnel: Tunnel,
): Promise<GatewayValues> {
  const { config } = context
  // All phones behind a gateway are of one PBX (choose-gateway.ts).
  const pbx = pbxOfPerson(context, access).settings
  const door = new URL(config.phoneDoor.url)
  const host = withoutBrackets(door.hostname)
  // Also phones of others in the same home.
  const phones = await context.store.find('handset', { gatewayId: gateway.id, removedAt: null })
  return {
    tunnelAddresses: addressesOf(access, tunnel, 'carrier'),
    allowedIps: handsetAllowedIps(config, pbx),
    hubEndpoint: config.hub.endpoint,
    phoneSubnets: addressesOf(access, tunnel, 'phones'),
    reservations: phones.flatMap(({ mac, phoneAddress, model }) =>
      mac !== null && phoneAddress !== null ? [{ mac, address: phoneAddress, model }] : [],
    ),
    door: {
      host,
      port: door.port === '' ? 443 : Number(door.port),
      // Phone networks are IPv4.
      addresses: isIP(host) === 4 ? [host] : (await context.resolveHost(host)).filter((address) => isIP(address) === 4),
      phonesUrl: new Secret(`${config.phoneDoor.url}/p/${gatewayTokenOf(context, gateway, 'phones')}/`),
    },
    pbx: {
      host: pbx.host,
      address: pbx.address,
      sipAddress: pbx.edge?.address ?? pbx.address,
      ports: [pbx.port, pbx.mtlsPort],
      rtpFrom: pbx.rtp.from,
      rtpTo: pbx.rtp.to,
    },
    timeServer: config.timeServer,
  }
}

/** The script for a kind that has one; without its text once the tunnel is in use and no new link was asked for. */
export function gatewayScript(
  context: JourneyContext,
  access: EmployeeAccess,
  gateway: Gateway,
  tunnel: Tunnel,
  values: GatewayValues,
): JoinFile | null {
  const model = `gateway-${gateway.kind}`
  const extension = context.catalogue.gateway(model)?.scriptExtension ?? null
  if (extension === null) return null
  return {
    fileName: `${tunnelName(access, tunnel)}.${extension}`,
    configuration: scriptOf(context, gateway, tunnel, values),
  }
}

function scriptOf(context: JourneyContext, gateway: Gateway, tunnel: Tunnel, values: GatewayValues): Secret | null {
  const hubPublicKey = context.hubPublicKey()
  if (tunnel.keyWindowEndsAt === null || tunnel.presharedKeySealed === null || hubPublicKey === null) return null
  const text = context.catalogue.gatewayScript(`gateway-${gateway.kind}`, {
    ...values,
    hubPublicKey,
    presharedKey: context.vault.open(tunnel.presharedKeySealed, `tunnel:${tunnel.id}:psk`),
    keyUrl: new Secret(`${context.config.phoneDoor.url}/k/${gatewayTokenOf(context, gateway, 'key')}`),
  })
  return text === null ? null : new Secret(text)
}

/** What WireGuard apps call the tunnel: at most 15 characters of `[a-zA-Z0-9_=+.-]` (wg-quick(8)). */
export function tunnelName(access: EmployeeAccess, tunnel: Tunnel): string {
  const own = access.tunnels.filter(
    ({ closedAt, carrierKind }) => closedAt === null && carrierKind === tunnel.carrierKind,
  )
  const place = own.findIndex(({ id }) => id === tunnel.id) + 1
  const extension = access.assignments.find(({ untilAt }) => untilAt === null)?.extension ?? ''
  const suffix = (tunnel.carrierKind === 'gateway' ? '-gw' : '') + (place > 1 ? `-${place}` : '')
  return `pbx-${extension}`.slice(0, 15 - suffix.length) + suffix
}

export function addressesOf(access: EmployeeAccess, tunnel: Tunnel, purpose: TunnelAddress['purpose']): string[] {
  return access.addresses
    .filter((address) => address.tunnelId === tunnel.id && address.purpose === purpose && address.releasedAt === null)
    .map(({ prefix }) => prefix)
}
