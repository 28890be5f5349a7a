import type { SelectQueryBuilder } from 'kysely'
import type { Assignment, Employee } from '../domain/employee.ts'
import { AppError } from '../errors.ts'
import { chunks, type Database, type Schema, snapshot } from './schema.ts'
import type { EmployeeAccess, EmployeeFilter } from './store.ts'

export async function employeeBy(db: Database, who: string): Promise<Employee | undefined> {
  const word = who.trim()
  // An e-mail address has a dot behind its @, a PBX's name has none.
  const [, extension, pbx] = /^([0-9]{2,15})@([^@.]+)$/.exec(word) ?? []
  if (extension !== undefined && pbx !== undefined) return byExtension(db, extension, pbx.toLowerCase())
  return (await byId(db, word)) ?? (await byEmail(db, word.toLowerCase())) ?? (await byExtension(db, word, null))
}

function byId(db: Database, id: string): Promise<Employee | undefined> {
  return db.selectFrom('employee').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The one who is here, else the latest who left with this address. */
async function byEmail(db: Database, email: string): Promise<Employee | undefined> {
  const rows = await db.selectFrom('employee').selectAll().where('email', '=', email).orderBy('id', 'desc').execute()
  return rows.find((row) => row.lifecycle !== 'offboarded') ?? rows[0]
}

/**
 * Of one PBX: its live holder, else the latest leaver. Two PBXs may have the same extension, and whoever is meant must be said: a guess
 * would offboard somebody else.
 */
async function byExtension(db: Database, extension: string, pbx: string | null): Promise<Employee | undefined> {
  const rows = await db
    .selectFrom('assignment')
    .innerJoin('pbx', 'pbx.id', 'assignment.pbxId')
    .select(['employeeId', 'fromAt', 'untilAt', 'pbxId', 'pbx.name as pbxName'])
    .where('extension', '=', extension)
    .orderBy('fromAt', 'desc')
    .execute()
  const there = rows.filter(({ pbxId, pbxName }) => pbx === null || [pbxId, pbxName].includes(pbx))
  const live = there.filter(({ untilAt }) => untilAt === null)
  const left = there.toSorted((a, b) => ((a.untilAt ?? '') < (b.untilAt ?? '') ? 1 : -1))
  const meant = live.length > 0 ? live : left
  // Those who left count too: whoever looks for one of them must not be given a colleague of the same number.
  const places = [...new Map(there.map(({ pbxId, pbxName }) => [pbxId, `${extension}@${pbxName}`])).values()].sort()
  if (places.length > 1) {
    throw new AppError('CONFLICT', `extension ${extension} is on ${places.length} PBXs: ${places.join(', ')}`, {
      hint: 'say which, just like that, or name the person by e-mail address',
    })
  }
  return meant[0] && byId(db, meant[0].employeeId)
}

/** One query a table; with many ids, one for each thousand of them. */
export function employeesWithAccess(db: Database, filter: EmployeeFilter): Promise<readonly EmployeeAccess[]> {
  return snapshot(db, async (tx) => {
    if (filter.ids === undefined) return gather(tx, filter)
    const found: EmployeeAccess[] = []
    for (const ids of chunks(filter.ids)) found.push(...(await gather(tx, { ...filter, ids })))
    return found
  })
}

async function gather(db: Database, { ids, lifecycle }: EmployeeFilter): Promise<readonly EmployeeAccess[]> {
  let people = db.selectFrom('employee')
  if (ids !== undefined) people = people.where('employee.id', 'in', ids)
  if (lifecycle !== undefined) people = people.where('employee.lifecycle', '=', lifecycle)
  const their = people.select('employee.id')
  const theirHandsets = db.selectFrom('handset').select('handset.id').where('handset.employeeId', 'in', their)
  // Their own, and those of others in the same home on which phones of theirs hang.
  const theirGateways = db
    .selectFrom('gateway')
    .select('gateway.id')
    .where((eb) =>
      eb.or([
        eb('gateway.employeeId', 'in', their),
        eb(
          'gateway.id',
          'in',
          db
            .selectFrom('handset as carried')
            .select('carried.gatewayId')
            .where('carried.employeeId', 'in', their)
            .where('carried.removedAt', 'is', null)
            .where('carried.gatewayId', 'is not', null)
            .$castTo<{ gatewayId: string }>(),
        ),
      ]),
    )
  const theirTunnels = db
    .selectFrom('tunnel')
    .where((eb) =>
      eb.or([
        eb('carrierKind', '=', 'handset').and('carrierId', 'in', theirHandsets),
        eb('carrierKind', '=', 'gateway').and('carrierId', 'in', theirGateways),
      ]),
    )
  const theirAssignments = db
    .selectFrom('assignment')
    .select('assignment.id')
    .where('assignment.employeeId', 'in', their)

  const employees = await people.selectAll().orderBy('id').execute()
  const assignments = await db
    .selectFrom('assignment')
    .selectAll()
    .where('employeeId', 'in', their)
    .orderBy('id')
    .execute()
  const handsets = await db.selectFrom('handset').selectAll().where('employeeId', 'in', their).orderBy('id').execute()
  const gateways = await db.selectFrom('gateway').selectAll().where('id', 'in', theirGateways).orderBy('id').execute()
  const tunnels = await theirTunnels.selectAll().orderBy('id').execute()
  const addresses = await db
    .selectFrom('tunnelAddress')
    .selectAll()
    .where('tunnelId', 'in', theirTunnels.select('tunnel.id'))
    .orderBy('id')
    .execute()
  const certificates = await db
    .selectFrom('certificate')
    .selectAll()
    .where('handsetId', 'in', theirHandsets)
    .orderBy('id')
    .execute()
  const credentials = await db
    .selectFrom('sipCredential')
    .selectAll()
    .where('assignmentId', 'in', theirAssignments)
    .orderBy('id')
    .execute()
  const verdicts = await db
    .selectFrom('verdict')
    .selectAll()
    .where((eb) =>
      eb.or([
        eb('employeeId', 'in', their),
        eb('subjectKind', '=', 'tunnel').and(
          'subjectId',
          'in',
          theirTunnels.where('carrierKind', '=', 'gateway').select('tunnel.id'),
        ),
      ]),
    )
    .orderBy('id')
    .execute()
  const tombstones = await db
    .selectFrom('tombstone')
    .selectAll()
    .where('employeeId', 'in', their)
    .where((eb) => eb.or([eb('kind', '=', 'administrator'), eb('subjectId', 'like', '%#%')]))
    .orderBy('id')
    .execute()

  const passedOn = await passedOnBy(db, their, assignments)

  // Every thing leads back to its person by one step more than the thing before; a gateway and its tunnel to several.
  const asked = new Set(employees.map((row) => row.id))
  const holderOfHandset = new Map(handsets.map((row) => [row.id, row.employeeId]))
  const holderOfAssignment = new Map(assignments.map((row) => [row.id, row.employeeId]))
  const holdersOfGateway = new Map(
    gateways.map((row) => [row.id, new Set([row.employeeId].filter((id) => asked.has(id)))]),
  )
  for (const { gatewayId, employeeId, removedAt } of handsets) {
    if (gatewayId !== null && removedAt === null) holdersOfGateway.get(gatewayId)?.add(employeeId)
  }
  const holdersOfTunnel = new Map(
    tunnels.map((row): [string, Iterable<string>] => [
      row.id,
      row.carrierKind === 'gateway'
        ? (holdersOfGateway.get(row.carrierId) ?? [])
        : [holderOfHandset.get(row.carrierId)].filter((id) => id !== undefined),
    ]),
  )
  const holdersOfVerdict = (row: (typeof verdicts)[number]): Iterable<string> => {
    const holders = row.subjectKind === 'tunnel' ? holdersOfTunnel.get(row.subjectId) : undefined
    return holders ?? (row.employeeId === null ? [] : [row.employeeId])
  }
  const by = {
    assignments: Map.groupBy(assignments, (row) => row.employeeId),
    handsets: Map.groupBy(handsets, (row) => row.employeeId),
    gateways: groupByEach(gateways, (row) => holdersOfGateway.get(row.id) ?? []),
    tunnels: groupByEach(tunnels, (row) => holdersOfTunnel.get(row.id) ?? []),
    addresses: groupByEach(addresses, (row) => holdersOfTunnel.get(row.tunnelId) ?? []),
    certificates: Map.groupBy(certificates, (row) => holderOfHandset.get(row.handsetId)),
    credentials: Map.groupBy(credentials, (row) => holderOfAssignment.get(row.assignmentId)),
    verdicts: groupByEach(verdicts, holdersOfVerdict),
    tombstones: Map.groupBy(tombstones, (row) => row.employeeId),
  }
  return employees.map((employee) => ({
    employee,
    assignments: by.assignments.get(employee.id) ?? [],
    handsets: by.handsets.get(employee.id) ?? [],
    gateways: by.gateways.get(employee.id) ?? [],
    tunnels: by.tunnels.get(employee.id) ?? [],
    addresses: by.addresses.get(employee.id) ?? [],
    certificates: by.certificates.get(employee.id) ?? [],
    credentials: by.credentials.get(employee.id) ?? [],
    verdicts: by.verdicts.get(employee.id) ?? [],
    tombstones: by.tombstones.get(employee.id) ?? [],
    passedOn: new Set(passedOn.get(employee.id)?.map(({ word }) => word)),
  }))
}

/** Nobody is asked about those who hold what they have: the number means them. */
async function passedOnBy(
  db: Database,
  their: SelectQueryBuilder<Schema, 'employee', { id: string }>,
  assignments: readonly Assignment[],
): Promise<ReadonlyMap<string, readonly { readonly word: string }[]>> {
  if (assignments.every(({ untilAt }) => untilAt === null)) return new Map()
  const extensions = await db
    .selectFrom('assignment as own')
    .innerJoin('assignment as other', 'other.extension', 'own.extension')
    .whereRef('other.pbxId', '=', 'own.pbxId')
    .whereRef('other.employeeId', '<>', 'own.employeeId')
    .where('own.employeeId', 'in', their)
    .where('own.untilAt', 'is not', null)
    .select(['own.employeeId', 'own.pbxId', 'own.extension'])
    .distinct()
    .execute()
  const emails = await db
    .selectFrom('employee as own')
    .innerJoin('employee as other', 'other.email', 'own.email')
    .whereRef('other.id', '<>', 'own.id')
    .where('own.id', 'in', their)
    .select(['own.id as employeeId', 'own.email as word'])
    .distinct()
    .execute()
  const places = extensions.map(({ employeeId, pbxId, extension }) => ({ employeeId, word: `${pbxId} ${extension}` }))
  return Map.groupBy([...places, ...emails], ({ employeeId }) => employeeId)
}

function groupByEach<T>(rows: readonly T[], keysOf: (row: T) => Iterable<string>): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const row of rows) {
    for (const key of keysOf(row)) {
      const group = groups.get(key)
      if (group) group.push(row)
      else groups.set(key, [row])
    }
  }
  return groups
}
