import { auditCommitment, auditGenesis, auditHash } from '../domain/audit.ts'
import { type Database, snapshot } from './schema.ts'
import type { NewAuditEvent } from './store.ts'

/** Appends inside the caller's transaction: the event is there exactly if what it tells happened. */
export async function record(
  tx: Database,
  { id, at, kind, employeeId, subjectId, salt, detail }: NewAuditEvent,
): Promise<void> {
  const last = await tx
    .selectFrom('auditEvent')
    .select(['position', 'hash'])
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst()
  const text = JSON.stringify(detail)
  const link = {
    id,
    position: (last?.position ?? 0) + 1,
    at,
    kind,
    employeeId,
    subjectId,
    commitment: auditCommitment(salt, text),
    previousHash: last?.hash ?? auditGenesis,
  }
  await tx
    .insertInto('auditEvent')
    .values({ ...link, hash: auditHash(link) })
    .execute()
  await tx.insertInto('auditDetail').values({ eventId: id, salt, detail: text }).execute()
}

const pageSize = 2_000

/**
 * Null, or the first position where a link is changed, missing or swapped, or where the particulars are not those that
 * were recorded. Erased particulars are fine: the commitment stays.
 */
export function verifyAuditChain(db: Database): Promise<number | null> {
  return snapshot(db, async (tx) => {
    let position = 0
    let previousHash = auditGenesis
    for (;;) {
      const page = await tx
        .selectFrom('auditEvent')
        .leftJoin('auditDetail', 'auditDetail.eventId', 'auditEvent.id')
        .selectAll('auditEvent')
        .select(['auditDetail.salt', 'auditDetail.detail'])
        .where('position', '>', position)
        .orderBy('position')
        .limit(pageSize)
        .execute()
      for (const { salt, detail, ...event } of page) {
        position += 1
        const linked =
          event.position === position && event.previousHash === previousHash && auditHash(event) === event.hash
        const told = salt === null || detail === null || auditCommitment(salt, detail) === event.commitment
        if (!linked || !told) return position
        previousHash = event.hash
      }
      if (page.length < pageSize) return null
    }
  })
}
