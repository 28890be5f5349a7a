import type { Actor } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import type { Onboarded } from './application.ts'
import { warningsFor } from './check-person.ts'
import type { JourneyContext } from './context.ts'
import { announce } from './kit.ts'
import { shutTaken, takeBack } from './offboard.ts'
import { insertAddition, onboarded, prepareAddition } from './onboard.ts'

/**
 * A broken phone gives way to another of its model: new keys, same person, same extension. One transaction, so that nobody
 * is left with both or with none. The new one comes first in it: a home gateway goes with its last handset, and stays here.
 * @throws AppError NOT_FOUND, INVALID_INPUT, CONFLICT when it was taken back already or the MAC address is in use
 */
export async function replaceHandset(
  context: JourneyContext,
  handsetId: string,
  mac: string | null,
  actor: Actor,
): Promise<Onboarded> {
  const broken = await context.store.get('handset', handsetId)
  if (!broken) throw new AppError('NOT_FOUND', 'there is no such handset')
  const { employeeId, model, gatewayId } = broken
  const gateway = gatewayId === null ? undefined : await context.store.get('gateway', gatewayId)
  const addition = await prepareAddition(context, employeeId, { model, mac }, gateway ?? null)
  const at = addition.invite.createdAt
  const { withdrawn, taken } = await context.store.transaction(async (tx) => {
    const current = await tx.get('handset', handsetId)
    if (current?.removedAt !== null)
      throw new AppError('CONFLICT', 'this handset was taken back already', {
        hint: 'give its holder another handset instead',
      })
    const withdrawn = await insertAddition(context, tx, addition, actor)
    const now = (await tx.get('handset', handsetId))!
    return { withdrawn, taken: await takeBack(context, tx, now, { at, actor, reason: 'replaced by another one' }) }
  })
  await shutTaken(context, employeeId, { ...taken, withdrawn: [...withdrawn, ...taken.withdrawn] }, at)
  announce(context, employeeId, addition.kit)
  return onboarded(context, employeeId, addition.invite, warningsFor(context.catalogue, [addition.handset]))
}
