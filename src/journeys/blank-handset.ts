import { blankingDays } from '../domain/door.ts'
import type { Actor } from '../domain/token.ts'
import type { JourneyContext } from './context.ts'
import { removeHandset } from './offboard.ts'
import type { BlankedView } from './phone-view.ts'

/**
 * Takes a handset back, and says how it comes to the document that takes its account away. No NOTIFY: it would have to go
 * through the tunnel, which the hub shuts before the PBX has been asked (tried with a real PBX and hub: 0 of 8 phones heard
 * one that was sent in the same moment), and no door is kept open for it.
 */
export async function blankHandset(
  context: JourneyContext,
  handsetId: string,
  actor: Actor,
  reason: string | null = null,
): Promise<BlankedView> {
  const employee = await removeHandset(context, handsetId, actor, reason)
  const handset = employee.handsets.find(({ id }) => id === handsetId)
  const model = context.catalogue.model(handset?.model ?? '')
  const words = model?.capabilities.blanking
    ? `${model.name} gets the document that takes its account away when it next asks for its files, at its next poll or start, for ${blankingDays} days; start it anew to have it at once`
    : `${model?.name ?? 'this model'} has no document that takes its account away: remove the account on the device`
  return { employee, words }
}
