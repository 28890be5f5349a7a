/** What new handsets need, made ready outside the transaction and written inside it. */
import type { Certificate } from '../domain/certificate.ts'
import type { Assignment, Employee } from '../domain/employee.ts'
import type { Gateway, Handset } from '../domain/handset.ts'
import type { SipCredential } from '../domain/sip-account.ts'
import type { Tunnel } from '../domain/tunnel.ts'
import type { Model } from '../phones/phone-port.ts'
import type { StoreWriter } from '../store/store.ts'
import { newId } from '../system.ts'
import { allotAddresses } from './allot-addresses.ts'
import type { CheckedHandset } from './check-person.ts'
import type { JourneyContext } from './context.ts'
import { type NewInvite, newCertificate, newCredential, newHandset, newTunnel } from './enrolment.ts'

/** All rows of some new handsets. */
export interface Kit {
  readonly handsets: readonly Handset[]
  readonly gateways: readonly Gateway[]
  readonly tunnels: readonly Tunnel[]
  readonly certificates: readonly Certificate[]
  readonly credentials: readonly SipCredential[]
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
  const gateway: Gateway | null = order.gateway && {
    id: newId(context.system),
    employeeId: employee.id,
    kind: order.gateway.id.replace('gateway-', ''),
    doorGeneration: 1,
    doorTokenHash: null,
    keyTokenHash: null,
    createdAt: invite.createdAt,
    removedAt: null,
  }
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
        extension: assignment.extension,
        handset,
        model: order.handsets[index]!.model,
      }),
    ),
  )
  const oneForAll = context.pbxAbilities.credentialsPerExtension === 'one'
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
      ...(gateway ? [newTunnel(context, { carrierKind: 'gateway', carrierId: gateway.id }, invite)] : []),
    ],
    certificates: certificates.filter((certificate) => certificate !== null),
    credentials,
  }
}

export async function insertKit(context: JourneyContext, tx: StoreWriter, kit: Kit): Promise<void> {
  await tx.insert('gateway', kit.gateways)
  await tx.insert('handset', kit.handsets)
  await tx.insert('tunnel', kit.tunnels)
  for (const tunnel of kit.tunnels) await allotAddresses(context, tx, tunnel.id, tunnel.carrierKind)
  await tx.insert('certificate', kit.certificates)
  await tx.insert('sipCredential', kit.credentials)
}

/** The lanes hear what is new. */
export function announce(context: JourneyContext, employeeId: string, kit: Kit): void {
  context.loop.nudge(
    'tunnel',
    kit.tunnels.map(({ id }) => id),
  )
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
