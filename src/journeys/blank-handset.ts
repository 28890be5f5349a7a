import type { Actor } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import type { BlankedView, ResyncView } from './application.ts'
import type { JourneyContext } from './context.ts'
import { removeHandset } from './offboard.ts'
import { planFor, tell } from './resync.ts'

/** The doors are shut by then; only the answer to the admin waits for a PBX that hangs. */
const askingMs = 2_000

/**
 * Takes a handset back and tries to make it fetch the document that takes its account away. The doors shut as at any
 * taking back and wait for nobody: the PBX is asked in the same moment, not before. A phone behind its tunnel hears it
 * only if the NOTIFY overtakes the hub; else it gets the document at its next poll or start, for 30 days.
 */
export async function blankHandset(context: JourneyContext, handsetId: string, actor: Actor): Promise<BlankedView> {
  const handset = await context.store.get('handset', handsetId)
  if (!handset) throw new AppError('NOT_FOUND', 'there is no such handset')
  const wasThere = handset.removedAt === null
  // Looked up before, since the click changes where the phone is found; sent without waiting for it.
  const asking: Promise<readonly ResyncView[]> = wasThere
    ? planFor(context, handset).then((plan) => tell(context, [plan], askingMs))
    : Promise.resolve([])
  const employee = await removeHandset(context, handsetId, actor)
  const [asked] = await asking
  return { employee, asked: asked ?? { handsetId, outcome: 'not-registered', words: 'it was taken back before' } }
}
