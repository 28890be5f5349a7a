/** What waits to be done, and what was begun. */
import type { Mail } from '../domain/mail.ts'
import type { Database } from './schema.ts'
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
