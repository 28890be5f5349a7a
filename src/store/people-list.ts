/** The lists of people that the console shows: filtered, sorted and cut into pages by the database, never all at once. */
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import { needsALook } from './handset-doors.ts'
import { type Database, isPostgres, type Schema, snapshot } from './schema.ts'
import { listOf } from './sql-list.ts'
import type { AuditEntry, DoorFetch, PeopleFilter, PeopleOrder } from './store.ts'

type Eb = ExpressionBuilder<Schema, 'employee'>

export function peoplePage(
  db: Database,
  filter: PeopleFilter,
  { sort, descending, offset, limit }: PeopleOrder,
): Promise<{ readonly ids: readonly string[]; readonly total: number }> {
  return snapshot(db, async (tx) => {
    const total = await peopleCount(tx, filter)
    if (limit === 0 || offset >= total) return { ids: [], total }
    const direction = descending ? 'desc' : 'asc'
    let query = tx.selectFrom('employee').select('employee.id').where(matching(tx, filter))
    for (const column of sortColumns[sort]) query = query.orderBy(column, direction)
    const rows = await query.orderBy('employee.id', direction).limit(limit).offset(offset).execute()
    return { ids: rows.map(({ id }) => id), total }
  })
}

async function peopleCount(db: Database, filter: PeopleFilter): Promise<number> {
  const row = await db
    .selectFrom('employee')
    .select(sql<number | string>`count(*)`.as('count'))
    .where(matching(db, filter))
    .executeTakeFirst()
  // PostgreSQL's driver hands out a count as text.
  return Number(row?.count ?? 0)
}

/** An extension is digits: 999 comes before 1000. Null is smallest, in both databases. */
const extension = sql<string>`(select "extension" from "assignment" where "assignment"."employeeId" = "employee"."id"
  order by case when "untilAt" is null then 0 else 1 end, "untilAt" desc limit 1)`
const heardAt = sql<string>`coalesce((select max("tunnel"."lastHandshakeAt") from "handset" join "tunnel"
  on "tunnel"."carrierId" = coalesce("handset"."gatewayId", "handset"."id")
  where "handset"."employeeId" = "employee"."id" and "handset"."removedAt" is null and "tunnel"."closedAt" is null), '')`

const sortColumns: Readonly<Record<PeopleOrder['sort'], readonly Expression<string>[]>> = {
  name: [sql`lower("employee"."name")`],
  extension: [sql`length(${extension})`, extension],
  created: [sql`"employee"."createdAt"`],
  heard: [heardAt],
  left: [sql`coalesce("employee"."offboardRequestedAt", '')`],
}

function matching(db: Database, filter: PeopleFilter): (eb: Eb) => Expression<SqlBool> {
  return (eb) => {
    const all: Expression<SqlBool>[] = []
    const whoseIdIn = (people: Expression<{ employeeId: string | null }>) =>
      all.push(eb('employee.id', 'in', people as Expression<unknown> as Expression<string>))
    if (filter.search !== undefined) all.push(searched(db, eb, filter.search))
    if (filter.ids !== undefined) all.push(eb('employee.id', 'in', [...filter.ids, '']))
    if (filter.lifecycle !== undefined) all.push(eb('employee.lifecycle', '=', filter.lifecycle))
    if (filter.siteId !== undefined) all.push(eb('employee.siteId', '=', filter.siteId))
    if (filter.model !== undefined)
      whoseIdIn(
        db.selectFrom('handset').select('employeeId').where('removedAt', 'is', null).where('model', '=', filter.model),
      )
    if (filter.tunnel !== undefined) whoseIdIn(tunnelHolders(db, filter.tunnel))
    if (filter.openVerdicts) whoseIdIn(withOpenVerdict(db))
    if (filter.certificateEndsBefore !== undefined)
      whoseIdIn(
        db
          .selectFrom('certificate')
          .innerJoin('handset', 'handset.id', 'certificate.handsetId')
          .select('handset.employeeId')
          .where('certificate.revokedAt', 'is', null)
          .where('certificate.notAfter', '<', filter.certificateEndsBefore),
      )
    if (filter.secretOlderThan !== undefined) whoseIdIn(withOldSecret(db, filter.secretOlderThan))
    if (filter.leavingSet)
      whoseIdIn(
        db.selectFrom('leaving').select('employeeId').where('cancelledAt', 'is', null).where('doneAt', 'is', null),
      )
    return eb.and(all)
  }
}

/** Part of the name or e-mail address, or the beginning of an extension. Every word must be found. */
function searched(db: Database, eb: Eb, search: string): Expression<SqlBool> {
  const words = search.trim().split(/\s+/).filter(Boolean).slice(0, 8)
  return eb.and(
    words.map((word) => {
      const either = [...contains(db, 'employee.name', word), ...contains(db, 'employee.email', word)]
      if (/^[0-9]+$/.test(word))
        either.push(
          eb(
            'employee.id',
            'in',
            db.selectFrom('assignment').select('employeeId').where('extension', 'like', `${word}%`),
          ),
        )
      return eb.or(either)
    }),
  )
}

/** SQLite's `like` folds the case of ASCII only, so the usual spellings of other letters are asked for one by one. */
export function contains(
  db: Database,
  column: 'employee.name' | 'employee.email' | 'handset.model',
  word: string,
): Expression<SqlBool>[] {
  const like = sql.raw(isPostgres(db) ? 'ilike' : 'like')
  const capital = word.charAt(0).toUpperCase() + word.slice(1).toLowerCase()
  const spellings = new Set([word, word.toLowerCase(), word.toUpperCase(), capital])
  const ascii = /^[ -~]*$/.test(word)
  return [...(ascii ? [word] : spellings)].map(
    (text) => sql<SqlBool>`${sql.ref(column)} ${like} ${`%${text.replace(/[\\%_]/g, '\\$&')}%`} escape '\\'`,
  )
}

/** Handsets and gateways by how the tunnel that they carry is heard. */
export function carriersByTunnel(db: Database, tunnel: NonNullable<PeopleFilter['tunnel']>) {
  const carriers = db.selectFrom('tunnel').select('tunnel.carrierId').where('tunnel.closedAt', 'is', null)
  if ('heardOf' in tunnel) return carriers.where('tunnel.publicKey', 'in', listOf(isPostgres(db), tunnel.heardOf))
  if ('quietSince' in tunnel)
    return carriers
      .where('tunnel.firstHandshakeAt', 'is not', null)
      .where('tunnel.lastHandshakeAt', '<', tunnel.quietSince)
  return carriers.where('tunnel.firstHandshakeAt', 'is', null)
}

/** The carriers first, each once: joined row by row this takes twice as long with ten thousand handsets. */
function tunnelHolders(db: Database, tunnel: NonNullable<PeopleFilter['tunnel']>) {
  return db
    .selectFrom('handset')
    .select('handset.employeeId')
    .where('handset.removedAt', 'is', null)
    .where(sql<string>`coalesce("handset"."gatewayId", "handset"."id")`, 'in', carriersByTunnel(db, tunnel))
}

function withOpenVerdict(db: Database) {
  return db.selectFrom('verdict').select('employeeId').where('employeeId', 'is not', null).where(needsALook)
}

/** A rotation leaves a withdrawal of the secrets before it; without one the secret is as old as its account. */
function withOldSecret(db: Database, before: string) {
  return db
    .selectFrom('sipCredential')
    .innerJoin('assignment', 'assignment.id', 'sipCredential.assignmentId')
    .leftJoin('withdrawal', (join) => join.on('withdrawal.id', '=', sql<string>`'sip-secret/' || "sipCredential"."id"`))
    .select('assignment.employeeId')
    .where('sipCredential.closedAt', 'is', null)
    .where(sql<string>`coalesce("withdrawal"."at", "sipCredential"."createdAt")`, '<', before)
}

/** What hands out the choices of the filters. */
export async function modelsInUse(db: Database): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('handset')
    .select('model')
    .distinct()
    .where('removedAt', 'is', null)
    .orderBy('model')
    .execute()
  return rows.map(({ model }) => model)
}

/** Newest first; ids are in order of time. */
export function eventsSince(
  db: Database,
  { kinds, sinceId, limit }: { kinds: readonly AuditEntry['kind'][]; sinceId: string; limit: number },
): Promise<readonly AuditEntry[]> {
  return db
    .selectFrom('auditEvent')
    .leftJoin('auditDetail', 'auditDetail.eventId', 'auditEvent.id')
    .selectAll('auditEvent')
    .select('auditDetail.detail')
    .where('auditEvent.id', '>=', sinceId)
    .where('auditEvent.kind', 'in', kinds)
    .orderBy('auditEvent.id', 'desc')
    .limit(limit)
    .execute()
}

/** Newest first, and which of this person's fetches was the first from its address. */
export function personLedger(
  db: Database,
  employeeId: string,
  limit: number,
): Promise<{ readonly fetches: readonly DoorFetch[]; readonly firstFromAddress: ReadonlySet<string> }> {
  return snapshot(db, async (tx) => {
    const fetches = await tx
      .selectFrom('doorFetch')
      .selectAll()
      .where('employeeId', '=', employeeId)
      .orderBy('id', 'desc')
      .limit(limit)
      .execute()
    const firsts = await tx
      .selectFrom('doorFetch')
      .select((eb) => eb.fn.min('id').as('id'))
      .where('employeeId', '=', employeeId)
      .groupBy('remoteAddress')
      .execute()
    return { fetches, firstFromAddress: new Set(firsts.map(({ id }) => id)) }
  })
}
