import type { Tombstone } from '../domain/tombstone.ts'
import type { Withdrawal } from '../domain/withdrawal.ts'
import type { StoreReader } from './store.ts'

/** What the journal holds: doors that were shut, and what was withdrawn from doors that live on. */
export type JournalRow = Tombstone | Withdrawal

export function isTombstone(row: JournalRow): row is Tombstone {
  return 'subject' in row
}

/** All that must stand in the journal. */
export async function journalRows(store: StoreReader): Promise<readonly JournalRow[]> {
  return [...(await store.find('tombstone', {})), ...(await store.find('withdrawal', {}))]
}
