/** What waits to be done, and what was begun. */
import type { Invite } from '../domain/invite.ts'
import type { Mail } from '../domain/mail.ts'
import { chunks, type Database } from './schema.ts'
import type { ImportRun } from './store.ts'

export function mailsDue(db: Database, now: string, limit: number): Promise<readonly Mail[]> {
  return db
    .selectFrom('mail')
    .selectAll()
    .where('state', '=', 'queued')
    .where('nextTryAt', '<=', now)
    .orderBy('nextTryAt')
    .orderBy('id')
    .limit(limit)
    .execute()
}

export function recentImports(db: Database, limit: number): Promise<readonly Omit<ImportRun, 'state'>[]> {
  return db
    .selectFrom('importRun')
    .select(['id', 'createdAt', 'createdBy', 'total', 'done', 'finishedAt'])
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

export async function openInvites(
  db: Database,
  employeeIds: readonly string[],
  now: string,
): Promise<readonly Invite[]> {
  const found: Invite[] = []
  for (const ids of chunks(employeeIds)) {
    found.push(
      ...(await db
        .selectFrom('invite')
        .selectAll()
        .where('employeeId', 'in', ids)
        .where('closedAt', 'is', null)
        .where('expiresAt', '>', now)
        .execute()),
    )
  }
  return found
}
