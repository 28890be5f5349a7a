/** What people and scripts see of a person: the API's contract, made from rows. */
import type { SubjectKind, Wanted } from '../domain/access.ts'
import { storedPolicy } from '../domain/call-policy.ts'
import { type Verdict, verdictId } from '../domain/condition.ts'
import type { Handset } from '../domain/handset.ts'
import { AppError } from '../errors.ts'
import type { EmployeeAccess } from '../store/store.ts'
import type { AccessLine, EmployeeView, GatewayView, HandsetView, TunnelView } from './application.ts'
import type { JourneyContext } from './context.ts'
import { doorMarks } from './door-marks.ts'
import { doorNames } from './door-names.ts'
import { looksAfter } from './expected-lines.ts'
import { gatewayViewer } from './gateway-view.ts'
import { doubtsAbout, seenOf } from './handset-inventory.ts'
import { handsetStatus } from './handset-status.ts'
import { lineWords, pbxName } from './known-pbx.ts'

type ViewContext = Pick<JourneyContext, 'catalogue' | 'handshakes' | 'system' | 'systems' | 'pbxs'>

/** @throws AppError NOT_FOUND */
export async function viewOf(
  context: ViewContext & Pick<JourneyContext, 'store'>,
  employeeId: string,
): Promise<EmployeeView> {
  const [access] = await context.store.employeesWithAccess({ ids: [employeeId] })
  if (!access) throw new AppError('NOT_FOUND', 'there is no such person')
  return employeeView(context, access, await gatewayViewer(context.store)(access))
}

export async function employeeViews(
  context: ViewContext & Pick<JourneyContext, 'store'>,
  people: readonly EmployeeAccess[],
): Promise<EmployeeView[]> {
  const gatewaysOf = gatewayViewer(context.store)
  return Promise.all(people.map(async (access) => employeeView(context, access, await gatewaysOf(access))))
}

export function employeeView(
  context: ViewContext,
  access: EmployeeAccess,
  gateways: readonly GatewayView[],
): EmployeeView {
  const { employee } = access
  const assignment = access.assignments.find(({ untilAt }) => untilAt === null) ?? access.assignments.at(-1)
  return {
    id: employee.id,
    name: employee.name,
    email: employee.email,
    extension: assignment?.extension ?? '',
    pbx: pbxName(context, assignment?.pbxId),
    calls: storedPolicy(assignment?.callPolicy ?? null),
    lifecycle: employee.lifecycle,
    createdAt: employee.createdAt,
    offboardRequestedAt: employee.offboardRequestedAt,
    offboardedAt: employee.offboardedAt,
    handsets: access.handsets.map((handset) => handsetView(context, access, handset)),
    tunnels: access.tunnels.map((tunnel) => tunnelView(context, access, tunnel.id)),
    gateways: gateways.map((gateway) => heard(context, access, gateway)),
    access: accessLines(context, access),
  }
}

/** Every line that there must be: what is not judged yet is shown as on its way, never by an older verdict. */
function accessLines(context: ViewContext, access: EmployeeAccess): AccessLine[] {
  const verdicts = new Map(access.verdicts.map((verdict) => [verdict.id, verdict]))
  const subjects = subjectsIn(access)
  const told = lineTeller(context, access)
  const own = subjects.flatMap((subject) => {
    const { kind, id, wanted, generation, since } = subject
    return context.systems
      .filter((system) => looksAfter(system, subject))
      .map((system): AccessLine => {
        const key = verdictId(system.kind, system.instance, kind, id)
        const verdict = verdicts.get(key)
        verdicts.delete(key)
        // A shut door's row keeps the number that its tombstone is above.
        if (verdict?.wanted === wanted && verdict.generation >= generation) return told(verdict)
        return {
          system: system.kind,
          instance: system.instance,
          ...told.subject(kind, id),
          wanted,
          verdict: 'retrying',
          evidence: null,
          problem: wanted === 'closed' ? 'it is being shut' : 'it is being opened',
          hint: null,
          nextTryAt: null,
          at: since,
          acknowledged: null,
        }
      })
  })
  // Keys that a living tunnel used to have are doors of their own. What was still to be opened when it was shut is none.
  const shut = new Set(subjects.filter(({ wanted }) => wanted === 'closed').map(({ kind, id }) => `${kind} ${id}`))
  const others = [...verdicts.values()].filter(
    ({ wanted, subjectKind, subjectId }) => wanted === 'closed' || !shut.has(`${subjectKind} ${subjectId}`),
  )
  return [...own, ...others.map(told)].sort(byDoor)
}

interface ExpectedSubject {
  readonly kind: SubjectKind
  readonly id: string
  readonly wanted: Wanted
  readonly generation: number
  readonly since: string
  readonly pbxId?: string | undefined
}

function subjectsIn(access: EmployeeAccess): ExpectedSubject[] {
  const door = (kind: SubjectKind, id: string, generation: number, createdAt: string, shutAt: string | null) => ({
    kind,
    id,
    generation,
    wanted: shutAt === null ? ('open' as const) : ('closed' as const),
    since: shutAt ?? createdAt,
  })
  return [
    ...access.handsets.map((row) => door('phone-door', row.id, row.doorGeneration, row.createdAt, row.removedAt)),
    ...access.tunnels.map((row) => door('tunnel', row.id, row.generation, row.createdAt, row.closedAt)),
    ...access.certificates.map((row) => door('certificate', row.id, 1, row.createdAt, row.revokedAt)),
    ...access.credentials.map((row) => ({
      ...door('sip-credential', row.id, row.generation, row.createdAt, row.closedAt),
      pbxId: access.assignments.find(({ id }) => id === row.assignmentId)?.pbxId,
    })),
    // One that never had a call policy and was not shut since there are such lines has none.
    ...access.assignments
      .filter(({ callPolicy, generation }) => callPolicy !== null || generation > 1)
      .map((row) => ({
        ...door('assignment', row.id, row.generation, row.fromAt, row.untilAt),
        pbxId: row.pbxId,
      })),
  ]
}

function handsetView(context: ViewContext, access: EmployeeAccess, handset: Handset): HandsetView {
  const carrierId = handset.gatewayId ?? handset.id
  const canBlank = context.catalogue.model(handset.model)?.capabilities.blanking ?? false
  const certificate = access.certificates.filter(({ handsetId }) => handsetId === handset.id).at(-1)
  return {
    id: handset.id,
    model: handset.model,
    mac: handset.mac,
    tunnelId: access.tunnels.find((tunnel) => tunnel.carrierId === carrierId)?.id ?? null,
    phoneAddress: handset.phoneAddress,
    certificate: certificate ? { serial: certificate.serial, notAfter: certificate.notAfter } : null,
    certificateNote: certificate
      ? null
      : `no certificate: this ${handset.mac === null ? 'app cannot hold one' : 'phone cannot be given one'}`,
    files: context.catalogue.fileNames(handset.model, handset.mac),
    enrolledAt: handset.enrolledAt,
    removedAt: handset.removedAt,
    status: handsetStatus(handset, canBlank, context.system.now()),
    seen: seenOf(handset),
    warnings: handset.removedAt === null ? doubtsAbout(context, handset).map(({ message }) => message) : [],
    blankedAt: handset.blankedAt,
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

/** The newest word of its tunnel is in memory before it is in the database. */
function heard({ handshakes }: ViewContext, { tunnels }: EmployeeAccess, gateway: GatewayView): GatewayView {
  const key = tunnels.find(({ carrierId }) => carrierId === gateway.id)?.publicKey
  return { ...gateway, lastHeardAt: (key && handshakes.get(key)) || gateway.lastHeardAt }
}

/** A verdict as a line, with whose door it is and what it is known by. */
function lineTeller(context: ViewContext, access: EmployeeAccess) {
  const nameOf = doorNames(access)
  const markOf = doorMarks(access)
  const subject = (kind: SubjectKind, id: string) => {
    const { mark, shutAt } = markOf(kind, id)
    return { subject: { kind, id, name: nameOf(kind, id), mark }, shutAt }
  }
  const words = lineWords(context, access)
  const told = (verdict: Verdict) => accessLine(verdict, subject, (text) => words(verdict, text))
  return Object.assign(told, { subject })
}

function accessLine(
  verdict: Verdict,
  subject: ReturnType<typeof lineTeller>['subject'],
  said: (text: string) => string,
): AccessLine {
  const evidence: AccessLine['evidence'] = verdict.evidence === null ? null : JSON.parse(verdict.evidence)
  return {
    system: verdict.system,
    instance: verdict.instance,
    ...subject(verdict.subjectKind, verdict.subjectId),
    wanted: verdict.wanted,
    verdict: verdict.state,
    evidence: evidence && { ...evidence, summary: said(evidence.summary) },
    problem: verdict.problem && said(verdict.problem),
    hint: verdict.hint && said(verdict.hint),
    nextTryAt: verdict.nextTryAt,
    at: verdict.at,
    // One that is laid aside while the system is away counts for nothing.
    acknowledged:
      verdict.acknowledgedAt === null || verdict.state === 'retrying'
        ? null
        : { by: verdict.acknowledgedBy ?? '', at: verdict.acknowledgedAt },
  }
}

/** In the order in which doors are shut (design 3.14), which is also how people read them. */
const doorOrder = [
  'phone-door',
  'tunnel',
  'firewall',
  'certificate',
  'edge',
  'allow-list',
  'extension',
  'sip-account',
  'administrator',
]

function byDoor(one: AccessLine, other: AccessLine): number {
  return (
    doorOrder.indexOf(one.system) - doorOrder.indexOf(other.system) || one.subject.id.localeCompare(other.subject.id)
  )
}
