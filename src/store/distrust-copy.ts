/**
 * A database that is an older copy of itself cannot know what was ended or used up since, where the journal does not name
 * it: nobody is signed in, no one-time link is good and nothing happens by itself until somebody says so again.
 */
import { type Withdrawal, withdrawalOf } from '../domain/withdrawal.ts'
import { newId, type System } from '../system.ts'
import type { NewAuditEvent, StoreWriter } from './store.ts'
import { withdrawContradicted } from './withdraw-contradicted.ts'

type Sources = Pick<System, 'now' | 'randomBytes'>

export interface Distrusted {
  /** How many of each were ended, for the log. */
  readonly ended: Readonly<Record<'imports' | 'sessions' | 'setupLinks' | 'invites' | 'leavings', number>>
  /** What must stand in the journal from now on. */
  readonly withdrawals: readonly Withdrawal[]
}

export async function distrustCopy(tx: StoreWriter, system: Sources): Promise<Distrusted> {
  const at = system.now().toISOString()
  const sessions = await tx.find('session', { endedAt: null })
  for (const { id } of sessions) await tx.update('session', id, { endedAt: at })
  const links = await tx.find('setupLink', { usedAt: null })
  for (const { id } of links) await tx.update('setupLink', id, { usedAt: at })
  const invites = (await tx.find('invite', { closedAt: null })).map(({ id, employeeId }) =>
    withdrawalOf('invite', id, { employeeId, at }),
  )
  await tx.put('withdrawal', invites)
  await withdrawContradicted(tx, invites)
  const ended = {
    imports: await endImports(tx, at),
    sessions: sessions.length,
    setupLinks: links.length,
    invites: invites.length,
    leavings: await suspendLeavings(tx, system),
  }
  return { ended, withdrawals: invites }
}

/**
 * They stay as far as they came; the rest of them is for a person to decide. Going on with one would bring back people who
 * were brought in and left after this copy was made.
 */
async function endImports(tx: StoreWriter, at: string): Promise<number> {
  const runs = await tx.find('importRun', { finishedAt: null })
  for (const { id } of runs) await tx.update('importRun', id, { finishedAt: at })
  return runs.length
}

/** One that was cancelled after the copy was made would offboard by itself: whoever still leaves gets the date anew. */
async function suspendLeavings(tx: StoreWriter, system: Sources): Promise<number> {
  const cancelledAt = system.now().toISOString()
  const pending = await tx.find('leaving', { cancelledAt: null, doneAt: null })
  for (const { id, employeeId, at } of pending) {
    await tx.update('leaving', id, { cancelledAt })
    const why = 'an older copy of the database was restored, which cannot know whether it was cancelled since'
    const event = eventOf(system, 'leaving.suspended', employeeId, { at, why })
    await tx.record({ ...event, subjectId: id })
  }
  return pending.length
}

export function eventOf(
  system: Sources,
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
