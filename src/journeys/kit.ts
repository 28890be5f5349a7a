/** What new handsets need, made ready outside the transaction and written inside it. */
import type { Certificate } from '../domain/certificate.ts'
import type { Assignment, Employee } from '../domain/employee.ts'
import type { Gateway, Handset } from '../domain/handset.ts'
import type { SipCredential } from '../domain/sip-account.ts'
import type { Tunnel } from '../domain/tunnel.ts'
import { AppError } from '../errors.ts'
import type { Model } from '../phones/phone-port.ts'
import type { StoreWriter } from '../store/store.ts'
import { newId } from '../system.ts'
import { allotAddresses, allotPhoneAddress } from './allot-addresses.ts'
import type { CheckedHandset } from './check-person.ts'
import type { JourneyContext } from './context.ts'
import { gatewayDoor, type NewInvite, newCertificate, newCredential, newHandset, newTunnel } from './enrolment.ts'
import { pbxById } from './known-pbx.ts'

/** All rows of some new handsets. */
export interface Kit {
  readonly handsets: readonly Handset[]
  readonly gateways: readonly Gateway[]
  readonly tunnels: readonly Tunnel[]
  readonly certificates: readonly Certificate[]
  readonly credentials: readonly SipCredential[]
  /** A gateway that is there already and carries the new handsets too. */
  readonly joins: { readonly gatewayId: string; readonly tunnelId: string } | null
}

interface KitOrder {
  readonly employee: Pick<Employee, 'id' | 'name'>
  readonly assignment: Assignment
  readonly handsets: readonly CheckedHandset[]
  readonly gateway: Model | null
  readonly existingGateway?: Gateway | null
  readonly invite: NewInvite
  /** The extension's one credential where the PBX can hold no more and it exists already. */
  readonly sharedCredential: SipCredential | null
}

/** Everything slow happens here, before the transaction: the database waits for nobody's key. */
export async function prepareKit(context: JourneyContext, order: KitOrder): Promise<Kit> {
  const { employee, assignment, invite } = order
  const pbx = pbxById(context, assignment.pbxId)
  if (!pbx.isConfigured) {
    throw new AppError('CONFLICT', `PBX ${pbx.settings.name} is not among the settings any more`, {
      hint: 'name it again in the settings (docs/pbx.md), or offboard this person and onboard them on another PBX',
    })
  }
  const gateway = order.gateway && newGateway(context, employee.id, order.gateway, invite)
  const gatewayId = gateway?.id ?? order.existingGateway?.id ?? null
  const handsets = order.handsets.map(({ model, mac }) =>
    newHandset(context, {
      employee,
      assignment,
      model,
      mac,
      gatewayId: model.capabilities.ownTunnel ? null : gatewayId,
      invite,
    }),
  )
  const certificates = await Promise.all(
    handsets.map((handset, index) =>
      newCertificate(context, {
        employee,
        assignment,
        handset,
        model: order.handsets[index]!.model,
      }),
    ),
  )
  const oneForAll = pbx.driver.abilities.credentialsPerExtension === 'one'
  const credentials = oneForAll
    ? order.sharedCredential
      ? []
      : [newCredential(context, { assignment, handsetId: null })]
    : handsets.map((handset) => newCredential(context, { assignment, handsetId: handset.id }))
  return {
    handsets,
    gateways: gateway ? [gateway] : [],
    tunnels: [
      ...handsets
        .filter((handset) => handset.gatewayId === null)
        .map((handset) => newTunnel(context, { carrierKind: 'handset', carrierId: handset.id }, invite)),
      ...(gateway
        ? [newTunnel(context, { carrierKind: 'gateway', carrierId: gateway.id }, invite, keyOriginOf(context, gateway))]
        : []),
    ],
    certificates: certificates.filter((certificate) => certificate !== null),
    credentials,
    joins: gateway === null && order.existingGateway ? await joined(context, order.existingGateway.id) : null,
  }
}

function newGateway(context: JourneyContext, employeeId: string, model: Model, { createdAt }: NewInvite): Gateway {
  const id = newId(context.system)
  const kind = model.id.replace('gateway-', '')
  return { id, employeeId, kind, ...gatewayDoor(context, id, 1), createdAt, removedAt: null }
}

/** A kind that was taken out of the templates since is treated like a router that makes nothing by itself. */
export function keyOriginOf({ catalogue }: Pick<JourneyContext, 'catalogue'>, { kind }: Gateway): 'server' | 'device' {
  return catalogue.gateway(`gateway-${kind}`)?.key ?? 'server'
}

async function joined({ store }: JourneyContext, gatewayId: string): Promise<Kit['joins']> {
  const [tunnel] = await store.find('tunnel', { carrierId: gatewayId, closedAt: null })
  return tunnel ? { gatewayId, tunnelId: tunnel.id } : null
}

/** @throws AppError CONFLICT, ADDRESS_POOL_EXHAUSTED */
export async function insertKit(context: JourneyContext, tx: StoreWriter, kit: Kit): Promise<void> {
  await tx.insert('gateway', kit.gateways)
  await tx.insert('tunnel', kit.tunnels)
  for (const tunnel of kit.tunnels) await allotAddresses(context, tx, tunnel.id, tunnel.carrierKind)
  if (kit.joins) await widen(tx, kit.joins)
  for (const handset of kit.handsets) {
    const { gatewayId } = handset
    const phoneAddress = gatewayId === null ? null : await allotPhoneAddress(context, tx, gatewayId)
    await tx.insert('handset', [{ ...handset, phoneAddress }])
  }
  await tx.insert('certificate', kit.certificates)
  await tx.insert('sipCredential', kit.credentials)
}

/** The firewall is to admit one phone more, so what was seen of the tunnel before says nothing any more. */
async function widen(tx: StoreWriter, { gatewayId, tunnelId }: NonNullable<Kit['joins']>): Promise<void> {
  const gateway = await tx.get('gateway', gatewayId)
  const tunnel = await tx.get('tunnel', tunnelId)
  if (!gateway || gateway.removedAt !== null || !tunnel || tunnel.closedAt !== null) {
    throw new AppError('CONFLICT', 'the home gateway was taken back a moment ago', {
      hint: 'try again: a new one is made',
    })
  }
  await tx.update('tunnel', tunnelId, { generation: tunnel.generation + 1 })
}

/** The lanes hear what is new. */
export function announce(context: JourneyContext, employeeId: string, kit: Kit): void {
  context.loop.nudge('tunnel', [...kit.tunnels.map(({ id }) => id), ...(kit.joins ? [kit.joins.tunnelId] : [])])
  context.loop.nudge(
    'certificate',
    kit.certificates.map(({ id }) => id),
  )
  context.loop.nudge(
    'sip-credential',
    kit.credentials.map(({ id }) => id),
  )
  context.loop.nudge(
    'phone-door',
    kit.handsets.map(({ id }) => id),
  )
  context.publish({ kind: 'employee', employeeId, data: { lifecycle: 'active' } })
}
