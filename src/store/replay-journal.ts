import type { Tombstone } from '../domain/tombstone.ts'
import { newId, type System } from '../system.ts'
import { closeEmptyGateways } from './close-empty-gateways.ts'
import { isDamaged } from './closed-subjects.ts'
import { isTombstone, type JournalRow, journalRows } from './journal-rows.ts'
import type { LeaverJournal } from './leaver-journal.ts'
import { offboardReason, shutContradicted, startOffboardings } from './shut-contradicted.ts'
import type { NewAuditEvent, Store, StoreWriter } from './store.ts'
import { withdrawContradicted } from './withdraw-contradicted.ts'

export interface Replay {
  /** Rows of the journal that the database did not have: it is an older copy, or a crash came between. */
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
 * withdrawn. Idempotent; one transaction, then one append.
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

    // Going on with one would bring back people who were brought in and left after this copy was made.
    const imports = missing.length > 0 ? await endImports(tx, system.now()) : 0
    const contradicted = await shutContradicted(tx, [...present.values()].filter(isTombstone))
    const empty = contradicted.length === 0 ? null : await closeEmptyGateways(tx, system.now().toISOString())
    for (const tombstone of empty?.tombstones ?? []) present.set(tombstone.id, tombstone)
    await shutContradicted(tx, empty?.tombstones ?? [])
    const shut = [...contradicted, ...(empty?.shut ?? [])]
    if (missing.length > 0) await endSessions(tx, system.now())
    if (missing.length > 0) await suspendLeavings(tx, system)
    const all = [...present.values()]
    const offboarding = await startOffboardings(tx, shut)
    const withdrawn = await withdrawContradicted(
      tx,
      all.filter((row) => !isTombstone(row)),
    )
    const counts = { inserted: missing.length, repaired: repaired.length, shut: shut.length, withdrawn }
    if (Object.values(counts).some((count) => count > 0)) {
      await recordReplay(tx, system, null, { ...counts, imports, offboarding: offboarding.length })
      for (const employeeId of offboarding) await recordReplay(tx, system, employeeId, { reason: offboardReason })
    }
    return { ...counts, offboarding, all }
  })
  const lacking = journal.lacking(all)
  await journal.append(lacking)
  return { ...result, appended: lacking.length }
}

/** They stay as far as they came; the rest of them is for a person to decide. */
async function endImports(tx: StoreWriter, now: Date): Promise<number> {
  const runs = await tx.find('importRun', { finishedAt: null })
  for (const { id } of runs) await tx.update('importRun', id, { finishedAt: now.toISOString() })
  return runs.length
}

/** A copy cannot know which of its sessions were ended and which one-time links were used: everybody signs in anew. */
async function endSessions(tx: StoreWriter, now: Date): Promise<void> {
  const at = now.toISOString()
  for (const { id } of await tx.find('session', { endedAt: null })) await tx.update('session', id, { endedAt: at })
  for (const { id } of await tx.find('setupLink', { usedAt: null })) await tx.update('setupLink', id, { usedAt: at })
}

/** One that was cancelled after the copy was made would offboard by itself: whoever still leaves gets the date anew. */
async function suspendLeavings(tx: StoreWriter, system: Pick<System, 'now' | 'randomBytes'>): Promise<void> {
  const cancelledAt = system.now().toISOString()
  for (const { id, employeeId, at } of await tx.find('leaving', { cancelledAt: null, doneAt: null })) {
    await tx.update('leaving', id, { cancelledAt })
    const why = 'an older copy of the database was restored, which cannot know whether it was cancelled since'
    const event = eventOf(system, 'leaving.suspended', employeeId, { at, why })
    await tx.record({ ...event, subjectId: id })
  }
}

function recordReplay(
  tx: StoreWriter,
  system: Pick<System, 'now' | 'randomBytes'>,
  employeeId: string | null,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  return tx.record(eventOf(system, 'journal.replayed', employeeId, detail))
}

function eventOf(
  system: Pick<System, 'now' | 'randomBytes'>,
  kind: NewAuditEvent['kind'],
  employeeId: string | null,
  detail: Readonly<Record<string, unknown>>,
): NewAuditEvent {
  return {
    id: newId(system),
    at: system.now().toISOString(),
    kind,
    employeeId,
    subjectId: null,
    salt: system.randomBytes(16).toString('hex'),
    detail: { actor: 'ringfence', via: 'system', ...detail },
  }
}
