import type { Actor } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import { auditEvent, type JourneyContext } from './context.ts'

/** A leaver's name and address are forgotten; that somebody left, and that every door was shut, stays provable. */
export async function erase(context: JourneyContext, employeeId: string, actor: Actor): Promise<void> {
  const employee = await context.store.get('employee', employeeId)
  if (employee?.lifecycle !== 'offboarded') {
    throw new AppError('CONFLICT', 'only people whose offboarding is complete can be erased', {
      hint: 'offboard first, and tick what waits',
    })
  }
  await context.store.transaction((tx) => tx.record(auditEvent(context, 'employee.erased', { employeeId, actor })))
  await context.store.erasePerson(employeeId, context.system.now())
  await context.phoneSettings.refresh()
}
