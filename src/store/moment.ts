/**
 * How far the database has come, written into it and then into the journal beside it: a copy from before knows a lower
 * number than the journal, and is noticed as such although nobody was shut since. In this order, so that a crash between
 * the two leaves the journal behind, which says nothing, and never the database.
 */
import { withdrawalOf } from '../domain/withdrawal.ts'
import type { LeaverJournal } from './leaver-journal.ts'
import type { Store } from './store.ts'

const subjectId = 'database'

/** Counts on where something was recorded since the last time; a database in which nothing happens adds no line. */
export async function noteMoment(
  store: Pick<Store, 'transaction'>,
  journal: Pick<LeaverJournal, 'append'>,
): Promise<void> {
  const moment = await store.transaction(async (tx) => {
    const [newest] = await tx.auditTrail({ limit: 1 })
    const [before] = await tx.find('withdrawal', { kind: 'moment', subjectId })
    // Compared with the event and not with the clock, which may have been set back.
    if (newest === undefined || newest.at === before?.at) return null
    const generation = (before?.generation ?? 0) + 1
    const next = withdrawalOf('moment', subjectId, { employeeId: null, at: newest.at, generation })
    await tx.put('withdrawal', [next])
    return next
  })
  if (moment !== null) await journal.append([moment])
}
