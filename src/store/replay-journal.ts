import { newId, type System } from '../system.ts'
import type { LeaverJournal } from './leaver-journal.ts'
import { offboardReason, shutContradicted, startOffboardings } from './shut-contradicted.ts'
import type { Store, StoreWriter } from './store.ts'

export interface Replay {
  /** Tombstones that the database did not have: it is an older copy, or a crash came between. */
  readonly inserted: number
  /** Live rows that were shut because a tombstone contradicts them. */
  readonly shut: number
  /** People whose last access was shut by this; their offboarding now runs. */
  readonly offboarding: readonly string[]
  /** Tombstones that the journal did not have. */
  readonly appended: number
}

/**
 * The step at every start, before anything is opened: database and journal learn from each other what was shut.
 * Idempotent; one transaction, then one append.
 */
export async function replayJournal(
  store: Store,
  journal: LeaverJournal,
  system: Pick<System, 'now' | 'randomBytes'>,
): Promise<Replay> {
  const recorded = await journal.newest()
  const result = await store.transaction(async (tx) => {
    const present = new Map((await tx.find('tombstone', {})).map((tombstone) => [tombstone.id, tombstone]))
    const missing = recorded.filter(({ id, generation }) => (present.get(id)?.generation ?? -1) < generation)
    await tx.put('tombstone', missing)
    for (const tombstone of missing) present.set(tombstone.id, tombstone)
    const shut = await shutContradicted(tx, [...present.values()])
    const offboarding = await startOffboardings(tx, shut)
    if (missing.length > 0 || shut.length > 0) {
      const report = { inserted: missing.length, shut: shut.length, offboarding: offboarding.length }
      await recordReplay(tx, system, null, report)
      for (const employeeId of offboarding) await recordReplay(tx, system, employeeId, { reason: offboardReason })
    }
    return { inserted: missing.length, shut: shut.length, offboarding }
  })
  const lacking = journal.lacking(await store.find('tombstone', {}))
  await journal.append(lacking)
  return { ...result, appended: lacking.length }
}

function recordReplay(
  tx: StoreWriter,
  system: Pick<System, 'now' | 'randomBytes'>,
  employeeId: string | null,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  return tx.record({
    id: newId(system),
    at: system.now().toISOString(),
    kind: 'journal.replayed',
    employeeId,
    subjectId: null,
    salt: system.randomBytes(16).toString('hex'),
    detail: { actor: 'ringfence', via: 'system', ...detail },
  })
}
