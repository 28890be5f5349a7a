/** What the employee's page and a managed profile hand over of a tunnel. */
import type { Gateway, Handset } from '../domain/handset.ts'
import { Secret } from '../domain/secret.ts'
import type { Tunnel } from '../domain/tunnel.ts'
import type { EmployeeAccess } from '../store/store.ts'
import type { JourneyContext } from './context.ts'
import { invitedBy } from './enrolment.ts'
import { addressesOf, tunnelName } from './gateway-setup.ts'
import type { JoinTunnel } from './join-view.ts'
import { pbxOfPerson } from './known-pbx.ts'
import { handsetAllowedIps } from './reachable.ts'

/** The handsets that this invite's page shows: those it enrols, and those that work already. */
export function handsetsOfInvite(access: EmployeeAccess, token: string): readonly Handset[] {
  return access.handsets.filter(
    (handset) => handset.removedAt === null && (invitedBy(token, handset) || handset.enrolledAt !== null),
  )
}

/** On somebody else's gateway only phones of theirs hang. */
export function gatewaysOfInvite({ gateways, employee }: EmployeeAccess): readonly Gateway[] {
  return gateways.filter(({ employeeId, removedAt }) => removedAt === null && employeeId === employee.id)
}

export function tunnelsOfInvite(access: EmployeeAccess, token: string): readonly Tunnel[] {
  return [...handsetsOfInvite(access, token), ...gatewaysOfInvite(access)].flatMap(
    ({ id }) => tunnelOf(access, id) ?? [],
  )
}

export function tunnelOf(access: EmployeeAccess, carrierId: string): Tunnel | undefined {
  return access.tunnels.find((tunnel) => tunnel.carrierId === carrierId && tunnel.closedAt === null)
}

export function joinTunnel(context: JourneyContext, access: EmployeeAccess, tunnel: Tunnel): JoinTunnel {
  const now = context.system.now().toISOString()
  const open = tunnel.keyWindowEndsAt !== null && tunnel.keyWindowEndsAt > now
  return {
    id: tunnel.id,
    fileName: `${tunnelName(access, tunnel)}.conf`,
    configuration: configurationOf(context, access, tunnel),
    keyOrigin: tunnel.keyOrigin,
    browserMayMakeKey: open && tunnel.keyOrigin !== 'device' && context.hubPublicKey() !== null,
  }
}

/** With the private key that we made; null once it was erased, or when we never had one. */
export function configurationOf(context: JourneyContext, access: EmployeeAccess, tunnel: Tunnel): Secret | null {
  if (tunnel.privateKeySealed === null) return null
  return written(context, access, tunnel, context.vault.open(tunnel.privateKeySealed, `tunnel:${tunnel.id}:key`))
}

export function configurationWithoutKey(
  context: JourneyContext,
  access: EmployeeAccess,
  tunnel: Tunnel,
): string | null {
  return written(context, access, tunnel, null)?.reveal() ?? null
}

function written(
  context: JourneyContext,
  access: EmployeeAccess,
  tunnel: Tunnel,
  privateKey: Secret | null,
): Secret | null {
  const hubPublicKey = context.hubPublicKey()
  if (tunnel.presharedKeySealed === null || hubPublicKey === null) return null
  return new Secret(
    context.tunnelConfiguration(
      {
        privateKey,
        presharedKey: context.vault.open(tunnel.presharedKeySealed, `tunnel:${tunnel.id}:psk`),
        addresses: addressesOf(access, tunnel, 'carrier'),
        hubPublicKey,
        hubEndpoint: context.config.hub.endpoint,
        allowedIps: handsetAllowedIps(context.config, pbxOfPerson(context, access).settings),
      },
      tunnel.carrierKind === 'gateway' ? 'gateway' : 'handset',
    ),
  )
}
