/** When names and addresses change, what was handed out before still says the old ones: which handsets are those? */
import { createHash } from 'node:crypto'
import type { Handset } from '../domain/handset.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'
import { handsetAllowedIps } from './reachable.ts'

const settingId = 'handed-out-places'

interface Places {
  readonly hash: string
  readonly changedAt: string | null
}

/** Call once at start: notes that the places changed, and when. */
export async function noteSettings(context: JourneyContext): Promise<void> {
  const { config, store, system } = context
  // A hub that never answered has no key yet: that it gets one is no change.
  if (context.hubPublicKey() === null) return
  const places = {
    door: config.phoneDoor.url,
    endpoint: config.hub.endpoint,
    pbx: config.pbx.host,
    ports: [config.pbx.port, config.pbx.mtlsPort],
    allowed: handsetAllowedIps(config),
    hub: context.hubPublicKey(),
  }
  const hash = createHash('sha256').update(JSON.stringify(places)).digest('hex')
  await store.transaction(async (tx) => {
    const row = await tx.get('setting', settingId)
    const before: Places | null = row ? JSON.parse(row.value) : null
    if (before?.hash === hash) return
    const changedAt = before === null ? null : system.now().toISOString()
    await tx.put('setting', [{ id: settingId, value: JSON.stringify({ hash, changedAt } satisfies Places) }])
    if (before !== null) await tx.record(auditEvent(context, 'settings.changed', { actor: itself }, places))
  })
}

/** Handsets that got their invite before the last change, and when that was. A new invite brings them up to date. */
export async function staleHandsets(
  context: Pick<JourneyContext, 'store'>,
): Promise<{ readonly changedAt: string; readonly handsets: readonly Handset[] } | null> {
  const changedAt = await placesChangedAt(context)
  if (changedAt === null) return null
  const fresh = new Set(
    (await context.store.find('invite', {}))
      .filter(({ createdAt }) => createdAt > changedAt)
      .map(({ employeeId }) => employeeId),
  )
  const live = await context.store.find('handset', { removedAt: null })
  const stale = live.filter(({ createdAt, employeeId }) => createdAt <= changedAt && !fresh.has(employeeId))
  return stale.length > 0 ? { changedAt, handsets: stale } : null
}

/** When names or addresses last changed; null: never. */
export async function placesChangedAt({ store }: Pick<JourneyContext, 'store'>): Promise<string | null> {
  const row = await store.get('setting', settingId)
  return row ? (JSON.parse(row.value) as Places).changedAt : null
}

/** The same for one handset. */
export async function isStale(context: Pick<JourneyContext, 'store'>, handset: Handset): Promise<boolean> {
  const changedAt = await placesChangedAt(context)
  if (changedAt === null || handset.removedAt !== null || handset.createdAt > changedAt) return false
  const invites = await context.store.find('invite', { employeeId: handset.employeeId })
  return !invites.some(({ createdAt }) => createdAt > changedAt)
}
