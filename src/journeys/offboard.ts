import type { Subject } from '../domain/access.ts'
import type { Handset } from '../domain/handset.ts'
import { personMessage } from '../domain/outbox.ts'
import type { Actor } from '../domain/token.ts'
import { tombstoneOf } from '../domain/tombstone.ts'
import type { Withdrawal } from '../domain/withdrawal.ts'
import { AppError } from '../errors.ts'
import type { StoreWriter } from '../store/store.ts'
import { newId } from '../system.ts'
import type { EmployeeView } from './application.ts'
import { closeConsole } from './close-console.ts'
import { closeDoors } from './close-doors.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { endLeavings } from './end-leavings.ts'
import { looksAfter } from './expected-lines.ts'
import { askerOf, guardOwners } from './guard-owners.ts'
import { viewOf } from './views.ts'
import { appendToJournal, closeInvites, rotateSecret } from './withdraw.ts'

/**
 * The click. Its transaction shuts all that we serve ourselves (lifecycle, door tokens, invite, revoked flag, secrets,
 * audit event, outbox); the lanes start in the same turn of the event loop in which it commits. Asked twice, it is done
 * once.
 * @param leavingId the leaving date that has come: nothing is done when it was cancelled or moved meanwhile
 * @throws FORBIDDEN or CONFLICT where it would shut out an owner (guard-owners.ts)
 */
export async function offboard(
  context: JourneyContext,
  employeeId: string,
  reason: string | null,
  actor: Actor,
  leavingId?: string,
): Promise<EmployeeView> {
  const at = context.system.now().toISOString()
  const { shut, shutBefore, narrowed, withdrawn } = await context.store.transaction(async (tx) => {
    const employee = await tx.get('employee', employeeId)
    if (!employee) throw new AppError('NOT_FOUND', 'there is no such person')
    const nothing = { shut: [], shutBefore: [], narrowed: [], withdrawn: [] }
    const leaving = leavingId === undefined ? undefined : await tx.get('leaving', leavingId)
    if (leaving && leaving.cancelledAt !== null) return nothing
    await endLeavings(tx, employeeId, { doneAt: at })
    if (employee.lifecycle !== 'active') return nothing
    await guardOwners(tx, employee.email, leaving ? await askerOf(tx, leaving) : actor)
    await tx.update('employee', employeeId, {
      lifecycle: 'offboarding',
      generation: employee.generation + 1,
      offboardRequestedAt: at,
      offboardRequestedBy: actor.name,
      offboardReason: reason,
    })
    const withdrawn = await closeInvites(tx, employeeId, at)
    const handsets = await tx.find('handset', { employeeId, removedAt: null })
    const closing = await closeDoors(context, tx, { handsets, shared: true, leaver: employeeId, at })
    const console = await closeConsole(context, tx, { email: employee.email, employeeId, at, actor })
    const shut = [...closing.shut, ...console.shut]
    const { shutBefore, narrowed } = closing
    await tx.record(
      auditEvent(
        context,
        'employee.offboarding-requested',
        { employeeId, actor },
        { reason, doors: doorsOf(context, shut) },
      ),
    )
    await tx.insert('outbox', [personMessage(newId(context.system), 'employee.offboarding-requested', employeeId, at)])
    return { shut, shutBefore, narrowed, withdrawn: [...withdrawn, ...closing.withdrawn, ...console.withdrawn] }
  })
  await shutNow(context, employeeId, shut, at, withdrawn, shutBefore)
  context.loop.nudge('tunnel', narrowed)
  return viewOf(context, employeeId)
}

/** As the pages count them: one for each place where a thing has to be shut. */
function doorsOf({ systems }: Pick<JourneyContext, 'systems'>, shut: readonly Subject[]): number {
  return shut.reduce((sum, subject) => sum + systems.filter((system) => looksAfter(system, subject)).length, 0)
}

/** One phone back, the person stays: its doors shut, the others' stay as they are. */
export async function removeHandset(
  context: JourneyContext,
  handsetId: string,
  actor: Actor,
  reason: string | null = null,
): Promise<EmployeeView> {
  const at = context.system.now().toISOString()
  const { employeeId, taken } = await context.store.transaction(async (tx) => {
    const handset = await tx.get('handset', handsetId)
    if (!handset) throw new AppError('NOT_FOUND', 'there is no such handset')
    const { employeeId, removedAt } = handset
    return {
      employeeId,
      taken: removedAt === null ? await takeBack(context, tx, handset, { at, actor, reason }) : null,
    }
  })
  if (taken) await shutTaken(context, employeeId, taken, at)
  return viewOf(context, employeeId)
}

export interface TakenBack {
  readonly shut: readonly Subject[]
  readonly narrowed: readonly string[]
  readonly rotated: readonly string[]
  readonly withdrawn: readonly Withdrawal[]
}

/** In the caller's transaction; `shutTaken` follows when that is committed. */
export async function takeBack(
  context: JourneyContext,
  tx: StoreWriter,
  handset: Handset,
  { at, actor, reason }: { at: string; actor: Actor; reason: string | null },
): Promise<TakenBack> {
  const { employeeId } = handset
  const { shut, narrowed, ...closing } = await closeDoors(context, tx, {
    handsets: [handset],
    shared: false,
    leaver: null,
    at,
  })
  // A secret that it shared with handsets that stay is known to whoever has it: they get a new one.
  const rotated: string[] = []
  const withdrawn: Withdrawal[] = [...closing.withdrawn]
  for (const credential of await tx.find('sipCredential', {
    assignmentId: handset.assignmentId,
    handsetId: null,
    closedAt: null,
  })) {
    withdrawn.push(...(await rotateSecret(context, tx, credential, { employeeId, at, actor })))
    rotated.push(credential.id)
  }
  const employee = await tx.get('employee', employeeId)
  await tx.update('employee', employeeId, { generation: (employee?.generation ?? 0) + 1 })
  const detail = { model: handset.model, ...(reason === null ? {} : { reason }) }
  await tx.record(auditEvent(context, 'handset.removed', { employeeId, subjectId: handset.id, actor }, detail))
  return { shut, narrowed, rotated, withdrawn }
}

export async function shutTaken(
  context: JourneyContext,
  employeeId: string,
  { shut, narrowed, rotated, withdrawn }: TakenBack,
  at: string,
): Promise<void> {
  await shutNow(context, employeeId, shut, at, withdrawn)
  context.loop.nudge('tunnel', narrowed)
  context.loop.nudge('sip-credential', rotated)
}

/** Lanes first, since they wait for nobody; then the journal, which outlives the database. */
export async function shutNow(
  context: JourneyContext,
  employeeId: string,
  shut: readonly Subject[],
  at: string,
  withdrawn: readonly Withdrawal[] = [],
  shutBefore: readonly Subject[] = [],
): Promise<void> {
  // In one pass, and these first: the last line to be written is what the leaver file is frozen with.
  if (shut.length > 0) context.loop.close([...shutBefore, ...shut])
  await appendToJournal(context, [...shut.map((subject) => tombstoneOf(subject, at)), ...withdrawn])
  if (shut.length > 0) context.publish({ kind: 'employee', employeeId, data: { closing: shut.length } })
}
