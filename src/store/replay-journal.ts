import type { Tombstone } from '../domain/tombstone.ts'
import type { System } from '../system.ts'
import { closeEmptyGateways } from './close-empty-gateways.ts'
import { isDamaged } from './closed-subjects.ts'
import { distrustCopy, eventOf } from './distrust-copy.ts'
import { isTombstone, type JournalRow, journalRows } from './journal-rows.ts'
import type { LeaverJournal } from './leaver-journal.ts'
import { offboardReason, shutContradicted, startOffboardings } from './shut-contradicted.ts'
import type { Store } from './store.ts'
import { withdrawContradicted } from './withdraw-contradicted.ts'

export interface Replay {
  /** Rows of the journal that the database did not have: it is an older copy. */
  readonly inserted: number
  /** Tombstones that could not be read in the database and can be in the journal. */
  readonly repaired: number
  /** Live rows that were shut because a tombstone contradicts them. */
  readonly shut: number
  /** Tokens, links and secrets that the database still took for good. */
  readonly withdrawn: number
  /** People whose last access was shut by this; their offboarding now runs. */
  readonly offboarding: readonly string[]
  /** Rows that the journal did not have. */
  readonly appended: number
}

/**
 * The step at every start, before anything is opened: database and journal learn from each other what was shut and
 * withdrawn. Idempotent; one transaction, then one append. The database always comes first, so a row that only the journal
 * has says that this database is an older copy.
 */
export async function replayJournal(
  store: Store,
  journal: LeaverJournal,
  system: Pick<System, 'now' | 'randomBytes'>,
): Promise<Replay> {
  const recorded = await journal.newest()
  const { all, ...result } = await store.transaction(async (tx) => {
    const known = await journalRows(tx)
    const present = new Map<string, JournalRow>(known.map((row) => [row.id, row]))
    const missing = recorded.filter(({ id, generation }) => (present.get(id)?.generation ?? -1) < generation)
    const whole = new Map(recorded.filter(isTombstone).map((tombstone) => [tombstone.id, tombstone]))
    const repaired = known.filter(isTombstone).flatMap((tombstone): Tombstone[] => {
      const good = whole.get(tombstone.id)
      const damaged = good !== undefined && good.generation <= tombstone.generation && isDamaged(tombstone)
      return damaged ? [{ ...good, generation: tombstone.generation }] : []
    })
    const news = [...missing, ...repaired]
    await tx.put('tombstone', news.filter(isTombstone))
    const withdrawals = news.filter((row) => !isTombstone(row))
    await tx.put('withdrawal', withdrawals)
    for (const row of news) present.set(row.id, row)

    const contradicted = await shutContradicted(tx, [...present.values()].filter(isTombstone))
    const empty = contradicted.length === 0 ? null : await closeEmptyGateways(tx, system.now().toISOString())
    for (const tombstone of empty?.tombstones ?? []) present.set(tombstone.id, tombstone)
    await shutContradicted(tx, empty?.tombstones ?? [])
    const shut = [...contradicted, ...(empty?.shut ?? [])]
    const offboarding = await startOffboardings(tx, shut)
    const withdrawn = await withdrawContradicted(
      tx,
      [...present.values()].filter((row) => !isTombstone(row)),
    )
    // After what the journal names, so that a phone that took over its own link since goes on with it.
    const old = missing.length > 0 ? await distrustCopy(tx, system) : null
    for (const row of old?.withdrawals ?? []) present.set(row.id, row)
    const counts = { inserted: missing.length, repaired: repaired.length, shut: shut.length, withdrawn }
    if (Object.values(counts).some((count) => count > 0)) {
      for (const employeeId of offboarding)
        await tx.record(eventOf(system, 'journal.replayed', employeeId, { reason: offboardReason }))
      // Last, so that it is the first that is read.
      await tx.record(
        eventOf(system, 'journal.replayed', null, { ...counts, ...old?.ended, offboarding: offboarding.length }),
      )
    }
    return { ...counts, offboarding, all: [...present.values()] }
  })
  const lacking = journal.lacking(all)
  await journal.append(lacking)
  return { ...result, appended: lacking.length }
}
