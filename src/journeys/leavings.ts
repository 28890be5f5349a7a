/** A leaving date set ahead. What is due is done by upkeep, also what a stopped server slept through, exactly once. */
import type { Leaving } from '../domain/leaving.ts'
import { personMessage } from '../domain/outbox.ts'
import type { Actor } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import { newId } from '../system.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'
import { endLeavings } from './end-leavings.ts'
import { guardOwners } from './guard-owners.ts'
import { offboard } from './offboard.ts'
import type { LeavingView } from './people-view.ts'

/** How long before it somebody is reminded. */
const remindMs = 86_400_000
const furthestMs = 5 * 366 * 86_400_000

export async function setLeaving(
  context: JourneyContext,
  employeeId: string,
  { at, reason }: { readonly at: string; readonly reason: string | null },
  actor: Actor,
): Promise<LeavingView> {
  const now = context.system.now()
  const time = Date.parse(at)
  if (!(time > now.getTime()))
    throw new AppError('INVALID_INPUT', 'the leaving date is not in the future', {
      hint: 'choose a later time, or offboard now',
      problems: [{ field: 'at', message: 'this time is over' }],
    })
  if (time - now.getTime() > furthestMs)
    throw new AppError('INVALID_INPUT', 'the leaving date is more than five years ahead', {
      hint: 'look at the year again',
      problems: [{ field: 'at', message: 'this is too far ahead' }],
    })
  const made = await context.store.transaction(async (tx) => {
    const employee = await tx.get('employee', employeeId)
    if (!employee) throw new AppError('NOT_FOUND', 'there is no such person')
    if (employee.lifecycle !== 'active')
      throw new AppError('CONFLICT', `${employee.name} is leaving already`, { hint: 'there is nothing left to set' })
    await guardOwners(tx, employee.email, actor)
    await endLeavings(tx, employeeId, { cancelledAt: now.toISOString() })
    const leaving: Leaving = {
      id: newId(context.system),
      employeeId,
      at: new Date(time).toISOString(),
      reason: reason === '' ? null : reason,
      askedBy: actor.name,
      createdAt: now.toISOString(),
      remindedAt: null,
      cancelledAt: null,
      doneAt: null,
    }
    await tx.insert('leaving', [leaving])
    await tx.record(
      auditEvent(
        context,
        'leaving.set',
        { employeeId, subjectId: leaving.id, actor },
        { at: leaving.at, reason: leaving.reason },
      ),
    )
    return viewOf(leaving, employee.name)
  })
  context.publish({ kind: 'employee', employeeId, data: { leaving: made.at } })
  return made
}

export async function cancelLeaving(context: JourneyContext, employeeId: string, actor: Actor): Promise<LeavingView> {
  const at = context.system.now().toISOString()
  const gone = await context.store.transaction(async (tx) => {
    const employee = await tx.get('employee', employeeId)
    const [leaving] = await endLeavings(tx, employeeId, { cancelledAt: at })
    if (!leaving)
      throw new AppError('NOT_FOUND', 'no leaving date is set', {
        hint: 'it may have been cancelled or done meanwhile',
      })
    await tx.record(
      auditEvent(context, 'leaving.cancelled', { employeeId, subjectId: leaving.id, actor }, { at: leaving.at }),
    )
    return viewOf({ ...leaving, cancelledAt: at }, employee?.name ?? '')
  })
  context.publish({ kind: 'employee', employeeId, data: { leaving: null } })
  return gone
}

export async function leavingOf(context: JourneyContext, employeeId: string): Promise<LeavingView | null> {
  const [leaving] = await context.store.find('leaving', { employeeId, cancelledAt: null, doneAt: null })
  const employee = leaving && (await context.store.get('employee', employeeId))
  return employee ? viewOf(leaving, employee.name) : null
}

/** The next ones. */
export async function pendingLeavings(context: JourneyContext, limit: number): Promise<readonly LeavingView[]> {
  const next = (await pending(context)).slice(0, limit)
  const people = await Promise.all(next.map(({ employeeId }) => context.store.get('employee', employeeId)))
  return next.map((leaving, index) => viewOf(leaving, people[index]?.name ?? ''))
}

/** Upkeep: reminds a day before, and offboards when the time has come or is over. */
export async function runLeavings(context: JourneyContext): Promise<void> {
  const now = context.system.now()
  for (const leaving of await pending(context)) {
    const left = Date.parse(leaving.at) - now.getTime()
    if (left > remindMs) break
    try {
      if (left > 0) await remind(context, leaving)
      else await leave(context, leaving)
    } catch (err) {
      // Whoever comes after this one leaves all the same; this one is tried again.
      const { id, employeeId } = leaving
      context.log.error({ err, leaving: id, employeeId }, 'a leaving date could not be done and is tried again')
    }
  }
}

async function remind(context: JourneyContext, { id, employeeId, at, remindedAt }: Leaving): Promise<void> {
  if (remindedAt !== null) return
  const now = context.system.now().toISOString()
  await context.store.transaction(async (tx) => {
    const still = { cancelledAt: null, doneAt: null, remindedAt: null }
    if (!(await tx.updateIf('leaving', id, still, { remindedAt: now }))) return
    const message = personMessage(newId(context.system), 'leaving.reminder', employeeId, now)
    // One for each date: a later one is told again.
    await tx.insert('outbox', [
      { ...message, dedupeKey: `leaving.reminder:${id}`, payload: JSON.stringify({ employeeId, at }) },
    ])
  })
}

/**
 * Whoever asked is who offboards; the click's own transaction looks whether it was cancelled meanwhile. One that would shut
 * out an owner by now is given up where people see it, rather than tried again for ever.
 */
async function leave(context: JourneyContext, leaving: Leaving): Promise<void> {
  const { id, employeeId, reason, askedBy } = leaving
  try {
    await offboard(context, employeeId, reason, { name: askedBy, role: 'admin', via: 'system' }, id)
  } catch (error) {
    if (!(error instanceof AppError) || !['FORBIDDEN', 'CONFLICT'].includes(error.code)) throw error
    await suspend(context, leaving, error.message)
  }
}

async function suspend(context: JourneyContext, { id, employeeId, at }: Leaving, why: string): Promise<void> {
  const now = context.system.now().toISOString()
  const isSuspended = await context.store.transaction(async (tx) => {
    if (!(await tx.updateIf('leaving', id, { cancelledAt: null, doneAt: null }, { cancelledAt: now }))) return false
    await tx.record(auditEvent(context, 'leaving.suspended', { employeeId, subjectId: id, actor: itself }, { at, why }))
    return true
  })
  if (!isSuspended) return
  context.log.warn({ employeeId, at, why }, 'a leaving date was given up: nobody was offboarded')
  context.publish({ kind: 'employee', employeeId, data: { leaving: null } })
}

/** Soonest first. */
async function pending({ store }: Pick<JourneyContext, 'store'>): Promise<readonly Leaving[]> {
  const rows = await store.find('leaving', { cancelledAt: null, doneAt: null })
  return rows.toSorted((one, other) => (one.at < other.at ? -1 : 1))
}

function viewOf({ remindedAt: _, cancelledAt, doneAt, ...leaving }: Leaving, name: string): LeavingView {
  return { ...leaving, name, state: cancelledAt !== null ? 'cancelled' : doneAt !== null ? 'done' : 'set' }
}
