/** The questions of StoreReader that one or two queries answer. */
import { sql } from 'kysely'
import type { Handset } from '../domain/handset.ts'
import { closedSubjects } from './closed-subjects.ts'
import { type Database, snapshot } from './schema.ts'
import type { AuditEntry, StoreReader } from './store.ts'

export async function takenPrefixes(db: Database, hubId: string, since: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('tunnelAddress')
    .select('prefix')
    .distinct()
    .where('hubId', '=', hubId)
    .where((eb) => eb.or([eb('releasedAt', 'is', null), eb('releasedAt', '>', since)]))
    .orderBy('prefix')
    .execute()
  return rows.map((row) => row.prefix)
}

export async function prefixHolders(db: Database, hubId: string): Promise<ReadonlyMap<string, string>> {
  const held = await db
    .selectFrom('tunnelAddress')
    .select(['prefix', 'tunnelId'])
    .where('hubId', '=', hubId)
    .where('releasedAt', 'is', null)
    .execute()
  const phones = await db
    .selectFrom('handset')
    .innerJoin('tunnel', 'tunnel.carrierId', 'handset.gatewayId')
    .select(['handset.phoneAddress', 'handset.id'])
    .where('tunnel.hubId', '=', hubId)
    .where('handset.removedAt', 'is', null)
    .where('handset.phoneAddress', 'is not', null)
    .execute()
  return new Map([
    ...held.map(({ prefix, tunnelId }) => [prefix, tunnelId] as const),
    ...phones.map(({ phoneAddress, id }) => [`${phoneAddress}/32`, id] as const),
  ])
}

const tokenColumns = ['enrolTokenHash', 'steadyTokenHash', 'formerTokenHash'] as const

export function handsetByTokenHash(db: Database, hash: string): Promise<Handset | undefined> {
  return db
    .selectFrom('handset')
    .selectAll()
    .where((eb) => eb.or(tokenColumns.map((column) => eb(column, '=', hash))))
    .executeTakeFirst()
}

export async function knowsTunnelKey(db: Database, publicKey: string): Promise<boolean> {
  const row = await db
    .selectFrom('tunnel')
    .select('id')
    .where((eb) => eb.or([eb('publicKey', '=', publicKey), eb('nextPublicKey', '=', publicKey)]))
    .executeTakeFirst()
  if (row) return true
  // Tombstones keep their keys as JSON; base64 has no character that LIKE or JSON reads in another way.
  const retired = await db
    .selectFrom('tombstone')
    .selectAll()
    .where('kind', '=', 'tunnel')
    .where('subject', 'like', `%"${publicKey}"%`)
    .execute()
  return closedSubjects('tunnel', retired).some(
    ({ publicKeys, retiredKeys }) => publicKeys.includes(publicKey) || retiredKeys.includes(publicKey),
  )
}

export async function retiredTunnelKeys(db: Database, tunnelId: string, since: string): Promise<number> {
  const row = await db
    .selectFrom('tombstone')
    .select(sql<number | string>`count(*)`.as('count'))
    .where('kind', '=', 'tunnel')
    .where('subjectId', 'like', `${tunnelId}#%`)
    .where('closedAt', '>', since)
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

export async function certifiedHandsets(db: Database): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom('certificate').select('handsetId').where('revokedAt', 'is', null).execute()
  return new Set(rows.map(({ handsetId }) => handsetId))
}

/** Rows, and tombstones of certificates whose rows an older copy of the database does not have or shows as valid. */
export function revokedCertificates(
  db: Database,
  now: string,
): Promise<readonly { serial: string; revokedAt: string }[]> {
  return snapshot(db, async (tx) => {
    const rows = await tx
      .selectFrom('certificate')
      .select(['serial', 'revokedAt'])
      .where('revokedAt', 'is not', null)
      .where('notAfter', '>', now)
      .orderBy('serial')
      .execute()
    const revoked = new Map(rows.map((row) => [row.serial, row.revokedAt ?? now]))
    const unknown = await tx
      .selectFrom('tombstone')
      .leftJoin('certificate', 'certificate.id', 'tombstone.subjectId')
      .selectAll('tombstone')
      .where('tombstone.kind', '=', 'certificate')
      .where('certificate.revokedAt', 'is', null)
      .where((eb) => eb.or([eb('certificate.id', 'is', null), eb('tombstone.generation', '>=', 1)]))
      .execute()
    const closedAt = new Map(unknown.map((tombstone) => [tombstone.subjectId, tombstone.closedAt]))
    for (const subject of closedSubjects('certificate', unknown)) {
      if (subject.notAfter <= now || revoked.has(subject.serial)) continue
      revoked.set(subject.serial, subject.revokedAt ?? closedAt.get(subject.id) ?? now)
    }
    return [...revoked].map(([serial, revokedAt]) => ({ serial, revokedAt }))
  })
}

export async function auditTrail(
  db: Database,
  { employeeId, after, limit }: { employeeId?: string; after?: number; limit: number },
): Promise<readonly AuditEntry[]> {
  let query = db
    .selectFrom('auditEvent')
    .leftJoin('auditDetail', 'auditDetail.eventId', 'auditEvent.id')
    .selectAll('auditEvent')
    .select('auditDetail.detail')
    .limit(limit)
  if (employeeId !== undefined) query = query.where('auditEvent.employeeId', '=', employeeId)
  if (after !== undefined) return query.where('position', '>', after).orderBy('position').execute()
  return (await query.orderBy('position', 'desc').execute()).reverse()
}

export async function counts(db: Database): Promise<Awaited<ReturnType<StoreReader['counts']>>> {
  const count = sql<number | string>`count(*)`.as('count')
  return snapshot(db, async (tx) => {
    const present = await tx
      .selectFrom('employee')
      .select(['lifecycle', count])
      .where('lifecycle', '<>', 'offboarded')
      .groupBy('lifecycle')
      .execute()
    const handsets = await tx.selectFrom('handset').select(count).where('removedAt', 'is', null).executeTakeFirst()
    const openVerdicts = await tx
      .selectFrom('verdict')
      .select(count)
      .where((eb) =>
        eb.or([
          eb('state', '=', 'retrying'),
          eb('state', 'in', ['waiting', 'unverifiable']).and('acknowledgedAt', 'is', null),
        ]),
      )
      .executeTakeFirst()
    // PostgreSQL's driver hands out a count as text.
    return {
      employees: present.reduce((sum, row) => sum + Number(row.count), 0),
      handsets: Number(handsets?.count ?? 0),
      openVerdicts: Number(openVerdicts?.count ?? 0),
      leaversInProgress: Number(present.find((row) => row.lifecycle === 'offboarding')?.count ?? 0),
    }
  })
}
