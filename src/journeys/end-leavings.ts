import type { Leaving } from '../domain/leaving.ts'
import type { StoreWriter } from '../store/store.ts'

/** The leaving dates of somebody that still count, ended one way or the other in the caller's transaction. */
export async function endLeavings(
  tx: StoreWriter,
  employeeId: string,
  how: Pick<Leaving, 'cancelledAt'> | Pick<Leaving, 'doneAt'>,
): Promise<readonly Leaving[]> {
  const pending = await tx.find('leaving', { employeeId, cancelledAt: null, doneAt: null })
  for (const { id } of pending) await tx.update('leaving', id, how)
  return pending
}
