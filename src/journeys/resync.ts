/** Tells phones to fetch their files again. Whoever is not reached fetches at the next poll or start anyway. */
import type { Handset } from '../domain/handset.ts'
import type { Actor } from '../domain/token.ts'
import { AppError, asAppError } from '../errors.ts'
import type { NotifyAnswer, NotifyTarget } from '../pbx/pbx-driver.ts'
import type { StoreReader } from '../store/store.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { type KnownPbx, pbxById } from './known-pbx.ts'
import type { ResyncView } from './phone-view.ts'

export type ResyncContext = Pick<JourneyContext, 'store' | 'system' | 'catalogue' | 'config' | 'pbxs' | 'log'>

/** A PBX that hangs keeps nobody waiting for longer. */
const timeoutMs = 10_000

/** One handset that an admin named. @throws AppError NOT_FOUND, CONFLICT when it was taken back */
export async function resyncHandset(context: ResyncContext, handsetId: string, actor: Actor): Promise<ResyncView> {
  const handset = await context.store.get('handset', handsetId)
  if (!handset) throw new AppError('NOT_FOUND', 'there is no such handset')
  if (handset.removedAt !== null) {
    throw new AppError('CONFLICT', 'this handset was taken back', {
      hint: 'it gets the document that takes its account away when it next asks for its files',
    })
  }
  return (await resync(context, [handsetId], actor))[0]!
}

/** Those of these handsets that are in use, in their order; never throws because of the PBX. */
export async function resync(
  context: ResyncContext,
  handsetIds: readonly string[],
  actor: Actor,
): Promise<readonly ResyncView[]> {
  const { store } = context
  const found = await Promise.all(handsetIds.map((id) => store.get('handset', id)))
  const handsets = found.flatMap((handset) => (handset?.removedAt === null ? [handset] : []))
  const plans = await Promise.all(handsets.map((handset) => planFor(context, handset)))
  const results = await tell(context, plans)
  await store.transaction(async (tx) => {
    for (const [index, { id, employeeId }] of handsets.entries()) {
      const { outcome } = results[index]!
      await tx.record(auditEvent(context, 'handset.resync-asked', { employeeId, subjectId: id, actor }, { outcome }))
    }
  })
  return results
}

/** Either whom to tell, or why nobody can be told. */
type Plan = { readonly handsetId: string } & (
  | { readonly target: NotifyTarget; readonly pbx: KnownPbx }
  | { readonly outcome: 'no-event' | 'pbx-cannot'; readonly words: string }
)

async function planFor(context: ResyncContext, handset: Handset): Promise<Plan> {
  const handsetId = handset.id
  const event = context.catalogue.model(handset.model)?.capabilities.resyncEvent ?? null
  if (event === null) return { handsetId, outcome: 'no-event', words: `no way is known to tell this model: ${later}` }
  const { store } = context
  const assignment = await store.get('assignment', handset.assignmentId)
  const pbx = assignment && pbxById(context, assignment.pbxId)
  if (!assignment || !pbx?.driver.notify)
    return { handsetId, outcome: 'pbx-cannot', words: `this PBX cannot tell a phone: ${later}` }
  const mates = await store.find('handset', { assignmentId: handset.assignmentId, removedAt: null })
  const { extension } = assignment
  // All that is registered on an extension is its one handset, wherever it registered from.
  if (mates.length <= 1) return { handsetId, pbx, target: { extension, addresses: null, event } }
  if (context.config.hub.masquerade) {
    const words = `the hub masquerades, so the phones of extension ${extension} look alike: ${later}`
    return { handsetId, outcome: 'pbx-cannot', words }
  }
  return { handsetId, pbx, target: { extension, addresses: await addressesOf(store, handset), event } }
}

const later = 'it fetches its files when it starts, or at its next poll'

/** Where the handset's registrations come from. */
async function addressesOf(store: StoreReader, handset: Handset): Promise<readonly string[]> {
  if (handset.phoneAddress !== null) return [handset.phoneAddress]
  const purpose = handset.gatewayId === null ? 'carrier' : 'phones'
  const tunnels = await store.find('tunnel', { carrierId: handset.gatewayId ?? handset.id, closedAt: null })
  const addresses = await Promise.all(
    tunnels.map(({ id }) => store.find('tunnelAddress', { tunnelId: id, purpose, releasedAt: null })),
  )
  return addresses.flat().map(({ prefix }) => prefix)
}

async function tell({ log }: Pick<ResyncContext, 'log'>, plans: readonly Plan[]): Promise<readonly ResyncView[]> {
  const answers = new Map<NotifyTarget, NotifyAnswer | AppError>()
  const byPbx = Map.groupBy(
    plans.filter((plan) => 'target' in plan),
    ({ pbx }) => pbx,
  )
  await Promise.all(
    [...byPbx].map(([pbx, asked]) =>
      askPbx(
        pbx,
        asked.map(({ target }) => target),
      ),
    ),
  )
  return plans.map((plan): ResyncView => {
    if (!('target' in plan)) return plan
    const { handsetId, target } = plan
    const answer = answers.get(target)
    if (answer === undefined || answer instanceof AppError) {
      const why = answer?.message ?? 'the PBX said nothing of it'
      return { handsetId, outcome: 'pbx-cannot', words: `${why}: ${later}` }
    }
    const { told, passedOver, why = 'this PBX could not tell it' } = answer
    if (told.length > 0) {
      const words = `the PBX sent it ${target.event}; its next fetch shows whether it obeyed`
      return { handsetId, outcome: 'told', words }
    }
    if (passedOver.length > 0) {
      return { handsetId, outcome: 'pbx-cannot', words: `${why}: ${later}` }
    }
    return { handsetId, outcome: 'not-registered', words: `it is not registered at the PBX now: ${later}` }
  })

  async function askPbx({ driver, settings }: KnownPbx, asked: readonly NotifyTarget[]): Promise<void> {
    try {
      const given = await driver.notify?.(asked, AbortSignal.timeout(timeoutMs))
      for (const [index, target] of asked.entries()) if (given?.[index]) answers.set(target, given[index])
    } catch (error) {
      log.warn({ err: error, pbx: settings.name }, 'the PBX could not be asked to tell phones')
      for (const target of asked) answers.set(target, asAppError(error))
    }
  }
}
