/** What people and scripts see of a person: the API's contract, made from rows. */
import type { Verdict } from '../domain/condition.ts'
import type { Handset } from '../domain/handset.ts'
import { AppError } from '../errors.ts'
import type { EmployeeAccess } from '../store/store.ts'
import type { AccessLine, EmployeeView, HandsetView, TunnelView } from './application.ts'
import type { JourneyContext } from './context.ts'

type ViewContext = Pick<JourneyContext, 'catalogue' | 'handshakes'>

/** @throws AppError NOT_FOUND */
export async function viewOf(
  context: ViewContext & Pick<JourneyContext, 'store'>,
  employeeId: string,
): Promise<EmployeeView> {
  const [access] = await context.store.employeesWithAccess({ ids: [employeeId] })
  if (!access) throw new AppError('NOT_FOUND', 'there is no such person')
  return employeeView(context, access)
}

export function employeeView(context: ViewContext, access: EmployeeAccess): EmployeeView {
  const { employee } = access
  const assignment = access.assignments.find(({ untilAt }) => untilAt === null) ?? access.assignments.at(-1)
  return {
    id: employee.id,
    name: employee.name,
    email: employee.email,
    extension: assignment?.extension ?? '',
    lifecycle: employee.lifecycle,
    createdAt: employee.createdAt,
    offboardRequestedAt: employee.offboardRequestedAt,
    offboardedAt: employee.offboardedAt,
    handsets: access.handsets.map((handset) => handsetView(context, access, handset)),
    tunnels: access.tunnels.map((tunnel) => tunnelView(context, access, tunnel.id)),
    access: access.verdicts.map(accessLine).sort(byDoor),
  }
}

function handsetView(context: ViewContext, access: EmployeeAccess, handset: Handset): HandsetView {
  const carrierId = handset.gatewayId ?? handset.id
  const certificate = access.certificates.filter(({ handsetId }) => handsetId === handset.id).at(-1)
  return {
    id: handset.id,
    model: handset.model,
    mac: handset.mac,
    tunnelId: access.tunnels.find((tunnel) => tunnel.carrierId === carrierId)?.id ?? null,
    certificate: certificate ? { serial: certificate.serial, notAfter: certificate.notAfter } : null,
    certificateNote: certificate ? null : 'no certificate: this app cannot hold one',
    files: context.catalogue.fileNames(handset.model, handset.mac),
    enrolledAt: handset.enrolledAt,
    removedAt: handset.removedAt,
  }
}

function tunnelView(context: ViewContext, access: EmployeeAccess, tunnelId: string): TunnelView {
  const tunnel = access.tunnels.find(({ id }) => id === tunnelId)!
  return {
    id: tunnel.id,
    carrier: { kind: tunnel.carrierKind, id: tunnel.carrierId },
    addresses: access.addresses.filter((address) => address.tunnelId === tunnel.id).map(({ prefix }) => prefix),
    publicKey: tunnel.publicKey,
    keyOrigin: tunnel.keyOrigin,
    lastHandshakeAt: (tunnel.publicKey && context.handshakes.get(tunnel.publicKey)) || tunnel.lastHandshakeAt,
  }
}

export function accessLine(verdict: Verdict): AccessLine {
  return {
    system: verdict.system,
    instance: verdict.instance,
    subject: { kind: verdict.subjectKind, id: verdict.subjectId },
    wanted: verdict.wanted,
    verdict: verdict.state,
    evidence: verdict.evidence === null ? null : JSON.parse(verdict.evidence),
    problem: verdict.problem,
    hint: verdict.hint,
    nextTryAt: verdict.nextTryAt,
    at: verdict.at,
    acknowledged:
      verdict.acknowledgedAt === null ? null : { by: verdict.acknowledgedBy ?? '', at: verdict.acknowledgedAt },
  }
}

/** In the order in which doors are shut (design 3.14), which is also how people read them. */
const doorOrder = ['phone-door', 'tunnel', 'firewall', 'certificate', 'sip-account']

function byDoor(one: AccessLine, other: AccessLine): number {
  return (
    doorOrder.indexOf(one.system) - doorOrder.indexOf(other.system) || one.subject.id.localeCompare(other.subject.id)
  )
}
