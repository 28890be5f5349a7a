/** When names and addresses change, what was handed out before still says the old ones: which handsets are those? */
import { createHash } from 'node:crypto'
import type { Handset } from '../domain/handset.ts'
import { defaultId } from '../domain/site.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'
import { handsetAllowedIps } from './reachable.ts'

const settingId = 'handed-out-places'

interface Places {
  readonly hash: string
  readonly changedAt: string | null
}

/** One more PBX changes nothing for the phones of the others: each has a row of its own. */
function settingOf(pbxId: string): string {
  return pbxId === defaultId ? settingId : `${settingId}:${pbxId}`
}

/** Call once at start: notes that the places changed, and when. */
export async function noteSettings(context: JourneyContext): Promise<void> {
  const { config, store, system } = context
  // A hub that never answered has no key yet: that it gets one is no change.
  if (context.hubPublicKey() === null) return
  for (const pbx of config.pbxs) {
    const places = {
      door: config.phoneDoor.url,
      endpoint: config.hub.endpoint,
      pbx: pbx.host,
      ports: [pbx.port, pbx.mtlsPort],
      allowed: handsetAllowedIps(config, pbx),
      hub: context.hubPublicKey(),
    }
    const hash = createHash('sha256').update(JSON.stringify(places)).digest('hex')
    await store.transaction(async (tx) => {
      const row = await tx.get('setting', settingOf(pbx.id))
      const before: Places | null = row ? JSON.parse(row.value) : null
      if (before?.hash === hash) return
      const changedAt = before === null ? null : system.now().toISOString()
      await tx.put('setting', [{ id: settingOf(pbx.id), value: JSON.stringify({ hash, changedAt } satisfies Places) }])
      if (before !== null) await tx.record(auditEvent(context, 'settings.changed', { actor: itself }, places))
    })
  }
}

/** When names or addresses of each PBX last changed; one that never did is left out. */
export async function changesOfPlaces({
  store,
  pbxs,
}: Pick<JourneyContext, 'store' | 'pbxs'>): Promise<readonly { readonly pbxId: string; readonly at: string }[]> {
  const found = await Promise.all(
    pbxs.map(async ({ settings: { id: pbxId } }) => {
      const row = await store.get('setting', settingOf(pbxId))
      return { pbxId, at: row ? (JSON.parse(row.value) as Places).changedAt : null }
    }),
  )
  return found.flatMap(({ pbxId, at }) => (at === null ? [] : [{ pbxId, at }]))
}

/** Handsets that got their invite before the last change, and when that was. A new invite brings them up to date. */
export async function staleHandsets(
  context: Pick<JourneyContext, 'store' | 'pbxs'>,
): Promise<{ readonly changedAt: string; readonly handsets: readonly Handset[] } | null> {
  const { store } = context
  const changes = await changesOfPlaces(context)
  if (changes.length === 0) return null
  const [invites, live] = [await store.find('invite', {}), await store.find('handset', { removedAt: null })]
  const stale: Handset[] = []
  let changedAt = ''
  for (const { pbxId, at } of changes) {
    const fresh = new Set(invites.filter(({ createdAt }) => createdAt > at).map(({ employeeId }) => employeeId))
    const there = new Set((await store.find('assignment', { pbxId, untilAt: null })).map(({ id }) => id))
    const its = live.filter(
      ({ createdAt, employeeId, assignmentId }) => there.has(assignmentId) && createdAt <= at && !fresh.has(employeeId),
    )
    if (its.length > 0 && at > changedAt) changedAt = at
    stale.push(...its)
  }
  return stale.length > 0 ? { changedAt, handsets: stale } : null
}

/** For one handset: the change that made its files and certificate stale; null: they are as they should be. */
export async function staleSince(
  context: Pick<JourneyContext, 'store' | 'pbxs'>,
  handset: Handset,
): Promise<string | null> {
  const { store } = context
  const pbxId = (await store.get('assignment', handset.assignmentId))?.pbxId
  const at = (await changesOfPlaces(context)).find((change) => change.pbxId === pbxId)?.at
  if (at === undefined || handset.removedAt !== null || handset.createdAt > at) return null
  const invites = await store.find('invite', { employeeId: handset.employeeId })
  return invites.some(({ createdAt }) => createdAt > at) ? null : at
}
