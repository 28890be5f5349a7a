import type { Mail } from '../domain/mail.ts'
import type { Database } from './schema.ts'

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
