/** Pages of what only grows: the phone door's ledger and the audit trail, each from a place in it, and who holds a key. */
import { sql } from 'kysely'
import type { AuditKind } from '../domain/audit.ts'
import type { AuditFilter, AuditRow, ConsoleLists, LedgerFilter, LedgerRow, TunnelOwner } from './console-lists.ts'
import { type Database, isPostgres } from './schema.ts'
import { listOf } from './sql-list.ts'

export function ledgerPage(db: Database, filter: LedgerFilter): Promise<readonly LedgerRow[]> {
  const { employeeId, handsetId, address, outcome, reason, since, until, before, limit } = filter
  let query = db
    .selectFrom('doorFetch')
    .leftJoin('handset', 'handset.id', 'doorFetch.handsetId')
    .leftJoin('employee', 'employee.id', 'doorFetch.employeeId')
    .selectAll('doorFetch')
    .select(['handset.model', 'handset.mac', 'employee.name'])
  if (employeeId !== undefined) query = query.where('doorFetch.employeeId', '=', employeeId)
  if (handsetId !== undefined) query = query.where('doorFetch.handsetId', '=', handsetId)
  if (address !== undefined) query = query.where(like('remoteAddress', `${literally(address)}%`))
  if (outcome !== undefined) query = query.where('outcome', '=', outcome)
  if (reason !== undefined) query = query.where(like('reason', `%${literally(reason)}%`))
  if (since !== undefined) query = query.where('at', '>=', since)
  if (until !== undefined) query = query.where('at', '<', until)
  if (before !== undefined) query = query.where('doorFetch.id', '<', before)
  return query.orderBy('doorFetch.id', 'desc').limit(limit).execute()
}

function like(column: 'remoteAddress' | 'reason', pattern: string) {
  return sql<boolean>`${sql.ref(column)} like ${pattern} escape '\\'`
}

/** What stands for any text in `like` stands for itself. */
function literally(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}

export function auditPage(db: Database, filter: AuditFilter): Promise<readonly AuditRow[]> {
  const { employeeId, subjectId, kinds, since, until, before, limit } = filter
  let query = db
    .selectFrom('auditEvent')
    .leftJoin('auditDetail', 'auditDetail.eventId', 'auditEvent.id')
    .leftJoin('employee', 'employee.id', 'auditEvent.employeeId')
    .leftJoin('handset', 'handset.id', 'auditEvent.subjectId')
    .selectAll('auditEvent')
    .select(['auditDetail.detail', 'employee.name', 'handset.model'])
  if (employeeId !== undefined) query = query.where('auditEvent.employeeId', '=', employeeId)
  if (subjectId !== undefined) query = query.where('auditEvent.subjectId', '=', subjectId)
  if (kinds !== undefined) query = query.where('auditEvent.kind', 'in', [...kinds, '' as AuditKind])
  if (since !== undefined) query = query.where('auditEvent.at', '>=', since)
  if (until !== undefined) query = query.where('auditEvent.at', '<', until)
  if (before !== undefined) query = query.where('position', '<', before)
  return query.orderBy('position', 'desc').limit(limit).execute()
}

export async function auditLength(db: Database): Promise<number> {
  const row = await db
    .selectFrom('auditEvent')
    .select('position')
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.position ?? 0
}

export async function tunnelOwners(db: Database, publicKeys: readonly string[]): Promise<readonly TunnelOwner[]> {
  if (publicKeys.length === 0) return []
  return db
    .selectFrom('tunnel')
    .leftJoin('handset', 'handset.id', 'tunnel.carrierId')
    .leftJoin('gateway', 'gateway.id', 'tunnel.carrierId')
    .leftJoin('employee', (join) =>
      join.on('employee.id', '=', sql<string>`coalesce("handset"."employeeId", "gateway"."employeeId")`),
    )
    .select([
      'tunnel.id as tunnelId',
      'tunnel.publicKey',
      'tunnel.nextPublicKey',
      'employee.id as employeeId',
      'employee.name',
      'handset.id as handsetId',
      'handset.model',
      'gateway.kind as gatewayKind',
    ])
    .where('tunnel.closedAt', 'is', null)
    .where((eb) => eb.or([eb('tunnel.publicKey', 'in', publicKeys), eb('tunnel.nextPublicKey', 'in', publicKeys)]))
    .orderBy('tunnel.id')
    .execute()
}

export async function strangeKeys(
  db: Database,
  publicKeys: readonly string[],
): ReturnType<ConsoleLists['strangeKeys']> {
  const list = listOf(isPostgres(db), publicKeys)
  const known = await db
    .selectFrom('tunnel')
    .select(['publicKey', 'nextPublicKey'])
    .where('closedAt', 'is', null)
    .where((eb) => eb.or([eb('publicKey', 'in', list), eb('nextPublicKey', 'in', list)]))
    .execute()
  const ours = new Set(known.flatMap(({ publicKey, nextPublicKey }) => [publicKey, nextPublicKey]))
  return publicKeys.filter((key) => !ours.has(key))
}
