import { personMessage } from '../domain/outbox.ts'
import { AppError } from '../errors.ts'
import type { EmployeeAccess } from '../store/store.ts'
import { newId } from '../system.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'
import { factsOf } from './event-facts.ts'
import { linesOf } from './expected-lines.ts'
import { placeOf } from './known-pbx.ts'
import type { LeaverFile } from './leaver-view.ts'
import { employeeView } from './views.ts'

/**
 * Freezes the leaver file of whoever among these has every door proved shut (or ticked by name where a system cannot
 * show it). Asked again it does nothing: the file is written once.
 */
export async function completeOffboardings(context: JourneyContext, employeeIds: readonly string[]): Promise<void> {
  for (const employeeId of employeeIds) {
    const employee = await context.store.get('employee', employeeId)
    if (employee?.lifecycle !== 'offboarding') continue
    const { lines, settled } = await linesOf(context, employeeId)
    // Whatever left it open: a proof of a door that is open is none.
    if (!settled || lines.some(({ subject }) => subject.wanted === 'open')) continue
    const at = context.system.now().toISOString()
    const [access] = await context.store.employeesWithAccess({ ids: [employeeId] })
    const done = await context.store.transaction(async (tx) => {
      const frozen = JSON.stringify(leaverFile(context, access!, at))
      if (
        !(await tx.updateIf(
          'employee',
          employeeId,
          { lifecycle: 'offboarding' },
          { lifecycle: 'offboarded', offboardedAt: at, leaverFile: frozen },
        ))
      )
        return false
      await tx.record(
        auditEvent(
          context,
          'employee.offboarded',
          { employeeId, actor: itself },
          { durationMs: Date.parse(at) - Date.parse(employee.offboardRequestedAt ?? at) },
        ),
      )
      await tx.insert('outbox', [personMessage(newId(context.system), 'employee.offboarded', employeeId, at)])
      return true
    })
    if (done) context.publish({ kind: 'employee', employeeId, data: { lifecycle: 'offboarded' } })
  }
}

/** The frozen file with what came later as addenda; before completion, how it looks now. */
export async function report(context: JourneyContext, employeeId: string): Promise<LeaverFile> {
  const [access] = await context.store.employeesWithAccess({ ids: [employeeId] })
  if (!access) throw new AppError('NOT_FOUND', 'there is no such person')
  const { employee } = access
  if (employee.lifecycle === 'active')
    throw new AppError('NOT_FOUND', `${employee.name} has not been offboarded`, {
      hint: 'a leaver file exists once `ringfence offboard` was asked for',
    })
  const trail = await context.store.auditTrail({ employeeId, limit: 1000 })
  const head = trail.at(-1)
  const file: LeaverFile = employee.leaverFile ? JSON.parse(employee.leaverFile) : leaverFile(context, access, null)
  return {
    ...file,
    addenda: trail
      .filter(
        (event) =>
          employee.offboardedAt !== null &&
          event.at > employee.offboardedAt &&
          (event.kind.startsWith('access.') || event.kind === 'handset.blanked'),
      )
      .map((event) => ({ at: event.at, kind: event.kind, summary: summaryOf(event.detail) })),
    auditHead: head ? { position: head.position, hash: head.hash } : null,
  }
}

function leaverFile(context: JourneyContext, access: EmployeeAccess, completedAt: string | null): LeaverFile {
  const { employee } = access
  const view = employeeView(context, access, [])
  const requestedAt = employee.offboardRequestedAt ?? employee.createdAt
  return {
    version: 1,
    complete: completedAt !== null,
    employee: {
      id: employee.id,
      name: employee.name,
      email: employee.email,
      extension: view.extension,
      pbx: placeOf(context, access.assignments.at(-1)?.pbxId),
    },
    requestedAt,
    requestedBy: employee.offboardRequestedBy ?? '',
    reason: employee.offboardReason,
    completedAt,
    durationMs: completedAt === null ? null : Date.parse(completedAt) - Date.parse(requestedAt),
    doors: view.access.filter(({ wanted }) => wanted === 'closed'),
    handsets: access.handsets.map((handset) => ({
      model: handset.model,
      mac: handset.mac,
      certificateSerials: access.certificates
        .filter(({ handsetId }) => handsetId === handset.id)
        .map(({ serial }) => serial),
      takenBackAt: handset.removedAt !== null && handset.removedAt < requestedAt ? handset.removedAt : null,
    })),
    gateways: access.gateways
      .filter(
        ({ employeeId, removedAt }) => employeeId === employee.id && (removedAt === null || removedAt >= requestedAt),
      )
      .map(({ kind }) => ({ kind })),
    addenda: [],
    auditHead: null,
  }
}

function summaryOf(detail: string | null): string {
  if (detail === null) return 'erased'
  const { summary } = factsOf(detail)
  return typeof summary === 'string' ? summary : ''
}
