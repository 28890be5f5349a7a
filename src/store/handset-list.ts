import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { ConsoleLists, HandsetFilter, HandsetOrder, SeenKind } from './console-lists.ts'
import { handsetsWithOpenVerdict } from './handset-doors.ts'
import { carriersByTunnel, contains } from './people-list.ts'
import { type Database, isPostgres, type Schema, snapshot } from './schema.ts'
import { listOf } from './sql-list.ts'

type Eb = ExpressionBuilder<Schema, 'handset' | 'employee' | 'assignment'>

export function handsetPage(
  db: Database,
  filter: HandsetFilter,
  { sort, descending, offset, limit }: HandsetOrder,
): ReturnType<ConsoleLists['handsetPage']> {
  return snapshot(db, async (tx) => {
    if (limit === 0) return { ids: [], total: await handsetCount(tx, filter) }
    const direction = descending ? 'desc' : 'asc'
    // Counted in the same pass: finding and sorting ten thousand is what costs.
    let query = handsets(tx)
      .select(['handset.id', sql<number | string>`count(*) over ()`.as('total')])
      .where(matching(tx, filter))
    if (sort === 'heard')
      query = query.leftJoin('tunnel', (join) =>
        join
          .on('tunnel.carrierId', '=', sql<string>`coalesce("handset"."gatewayId", "handset"."id")`)
          .on('tunnel.closedAt', 'is', null),
      )
    for (const column of sortColumns[sort]) query = query.orderBy(column, direction)
    const rows = await query.orderBy('handset.id', direction).limit(limit).offset(offset).execute()
    const [first] = rows
    // Behind the last page nothing says how many there are.
    const total = first ? Number(first.total) : offset === 0 ? 0 : await handsetCount(tx, filter)
    return { ids: rows.map(({ id }) => id), total }
  })
}

async function handsetCount(db: Database, filter: HandsetFilter): Promise<number> {
  const row = await handsets(db)
    .select(sql<number | string>`count(*)`.as('count'))
    .where(matching(db, filter))
    .executeTakeFirst()
  // PostgreSQL's driver hands out a count as text.
  return Number(row?.count ?? 0)
}

export async function handsetModels(db: Database, filter: HandsetFilter): ReturnType<ConsoleLists['handsetModels']> {
  const rows = await handsets(db)
    .select(['handset.model', sql<number | string>`count(*)`.as('count')])
    .where(matching(db, filter))
    .groupBy('handset.model')
    .orderBy('handset.model')
    .execute()
  return rows.map(({ model, count }) => ({ model, count: Number(count) }))
}

export async function seenKinds(db: Database): Promise<readonly SeenKind[]> {
  return db
    .selectFrom('handset')
    .select(['model', 'seenModel', 'seenFirmware'])
    .distinct()
    .where('removedAt', 'is', null)
    .where('seenAt', 'is not', null)
    .orderBy('model')
    .orderBy('seenModel')
    .orderBy('seenFirmware')
    .execute()
}

function handsets(db: Database) {
  return db
    .selectFrom('handset')
    .innerJoin('employee', 'employee.id', 'handset.employeeId')
    .innerJoin('assignment', 'assignment.id', 'handset.assignmentId')
}

/** An extension is digits: 999 comes before 1000. Null is smallest, in both databases. */
const sortColumns: Readonly<Record<HandsetOrder['sort'], readonly Expression<string>[]>> = {
  name: [sql`lower("employee"."name")`],
  extension: [sql`length("assignment"."extension")`, sql`"assignment"."extension"`],
  model: [sql`"handset"."model"`, sql`lower("employee"."name")`],
  heard: [sql`coalesce("tunnel"."lastHandshakeAt", '')`],
  seen: [sql`coalesce("handset"."seenAt", '')`],
  created: [sql`"handset"."createdAt"`],
}

function matching(db: Database, filter: HandsetFilter): (eb: Eb) => Expression<SqlBool> {
  return (eb) => {
    const all: Expression<SqlBool>[] = []
    const idIn = (ids: Expression<{ id: string }>) =>
      all.push(eb('handset.id', 'in', ids as Expression<unknown> as Expression<string>))
    const { search, ids, siteId, state, model, gateway, tunnel, firmware, doubted, staleSince } = filter
    if (search !== undefined) all.push(searched(db, eb, search))
    if (ids !== undefined) all.push(eb('handset.id', 'in', [...ids, '']))
    if (siteId !== undefined) all.push(eb('employee.siteId', '=', siteId))
    if (state !== undefined) all.push(eb.and(states[state](eb)))
    if (model !== undefined) all.push(eb('handset.model', '=', model))
    if (gateway === 'none') all.push(eb('handset.gatewayId', 'is', null))
    else if (gateway !== undefined) all.push(eb('handset.gatewayId', 'is not', null))
    if (gateway !== undefined && gateway !== 'none' && gateway !== 'any') {
      const ofKind = db.selectFrom('gateway').select('id').where('kind', '=', gateway)
      all.push(eb('handset.gatewayId', 'in', ofKind))
    }
    if (tunnel !== undefined)
      all.push(
        eb('handset.removedAt', 'is', null),
        eb(sql<string>`coalesce("handset"."gatewayId", "handset"."id")`, 'in', carriersByTunnel(db, tunnel)),
      )
    if (firmware !== undefined) all.push(eb('handset.seenFirmware', firmware === null ? 'is' : '=', firmware))
    if (doubted !== undefined) all.push(inDoubt(db, eb, doubted))
    if (filter.openVerdicts) idIn(handsetsWithOpenVerdict(db))
    if (filter.certificateEndsBefore !== undefined)
      idIn(
        db
          .selectFrom('certificate')
          .select('handsetId as id')
          .where('revokedAt', 'is', null)
          .where('notAfter', '<', filter.certificateEndsBefore),
      )
    if (staleSince !== undefined) all.push(eb('handset.removedAt', 'is', null), eb.or(staleSince.map(isOlder)))
    return eb.and(all)

    function isOlder({ pbxId, at }: { readonly pbxId: string; readonly at: string }) {
      const renewed = db.selectFrom('invite').select('employeeId').where('createdAt', '>', at)
      const there = db.selectFrom('assignment').select('id').where('pbxId', '=', pbxId)
      return eb.and([
        eb('handset.createdAt', '<=', at),
        eb('handset.assignmentId', 'in', there),
        eb('handset.employeeId', 'not in', renewed),
      ])
    }
  }
}

const states: Readonly<Record<NonNullable<HandsetFilter['state']>, (eb: Eb) => Expression<SqlBool>[]>> = {
  'in-use': (eb) => [eb('handset.removedAt', 'is', null)],
  waiting: (eb) => [
    eb('handset.removedAt', 'is', null),
    eb('handset.enrolledAt', 'is', null),
    eb('handset.formerTokenHash', 'is', null),
  ],
  // With a new link that waits it goes on with the one before.
  enrolled: (eb) => [
    eb('handset.removedAt', 'is', null),
    eb.or([eb('handset.enrolledAt', 'is not', null), eb('handset.formerTokenHash', 'is not', null)]),
  ],
  'taken-back': (eb) => [eb('handset.removedAt', 'is not', null)],
  blanked: (eb) => [eb('handset.removedAt', 'is not', null), eb('handset.blankedAt', 'is not', null)],
  'not-blanked': (eb) => [eb('handset.removedAt', 'is not', null), eb('handset.blankedAt', 'is', null)],
}

function searched(db: Database, eb: Eb, search: string): Expression<SqlBool> {
  const words = search.trim().split(/\s+/).filter(Boolean).slice(0, 8)
  return eb.and(
    words.map((word) => {
      const mac = word.replace(/[:.-]/g, '').toLowerCase()
      const either = [
        ...contains(db, 'employee.name', word),
        ...contains(db, 'employee.email', word),
        ...contains(db, 'handset.model', word),
      ]
      if (/^[0-9]+$/.test(word)) either.push(eb('assignment.extension', 'like', `${word}%`))
      if (/^[0-9a-f]{2,12}$/.test(mac)) either.push(eb('handset.mac', 'like', `%${mac}%`))
      return eb.or(either)
    }),
  )
}

/** The kinds as one parameter: a statement takes only so many. */
function inDoubt(db: Database, eb: Eb, kinds: readonly SeenKind[]): Expression<SqlBool> {
  const texts = kinds.map(({ model, seenModel, seenFirmware }) =>
    [model, seenModel ?? '', seenFirmware ?? ''].join('|'),
  )
  const own = sql<string>`"handset"."model" || '|' || coalesce("handset"."seenModel", '') || '|' || coalesce("handset"."seenFirmware", '')`
  return eb.and([
    eb('handset.removedAt', 'is', null),
    eb.or([
      eb(own, 'in', listOf(isPostgres(db), texts)),
      eb.and([
        eb('handset.seenMac', 'is not', null),
        eb('handset.mac', 'is not', null),
        eb('handset.seenMac', '<>', eb.ref('handset.mac')),
      ]),
    ]),
  ])
}
