import type { SipCredentialSubject } from '../domain/access.ts'
import { chunks, type Database } from './schema.ts'
import { notShut, shutSubjects } from './shut-subjects.ts'

export async function sipCredentialSubjects(
  db: Database,
  ids?: readonly string[],
): Promise<readonly SipCredentialSubject[]> {
  const all = liveCredentials(db)
  const rows = await (ids === undefined ? all : all.where('sipCredential.id', 'in', ids)).execute()
  const carriers = await handsetsOf(db, ids === undefined ? undefined : rows.map((row) => row.assignmentId))
  const closed = await shutSubjects(db, 'sip-credential', rows, ids)
  const holders = ids === undefined ? rows : await holdersOf(db, [...rows, ...closed])
  const serving = Map.groupBy(holders, place)
  const open = rows.map((row): SipCredentialSubject => {
    const handsets = (carriers.get(row.assignmentId) ?? []).filter(
      (handset) => row.handsetId === null || row.handsetId === handset.id,
    )
    return {
      kind: 'sip-credential',
      id: row.id,
      employeeId: row.employeeId,
      wanted: 'open',
      generation: row.generation,
      pbxId: row.pbxId,
      extension: row.extension,
      username: row.username,
      displayName: row.name,
      secretSealed: row.secretSealed,
      addresses: [...new Set(handsets.flatMap((handset) => handset.addresses))],
      // A credential that several phones share may use the certificate port only if all of them can.
      certificate: handsets.length > 0 && handsets.every((handset) => handset.certified),
      extensionShared: (serving.get(place(row)) ?? []).some((other) => other.id !== row.id),
    }
  })
  // Never from the tombstone: the extension may have got a new holder since.
  return [...open, ...closed.map((subject) => ({ ...subject, extensionShared: serving.has(place(subject)) }))]
}

function place({ pbxId, extension }: { readonly pbxId: string; readonly extension: string }): string {
  return `${pbxId} ${extension}`
}

function liveCredentials(db: Database) {
  return db
    .selectFrom('sipCredential')
    .innerJoin('assignment', 'assignment.id', 'sipCredential.assignmentId')
    .innerJoin('employee', 'employee.id', 'assignment.employeeId')
    .select(['sipCredential.id', 'sipCredential.assignmentId', 'sipCredential.handsetId', 'sipCredential.username'])
    .select(['sipCredential.secretSealed', 'sipCredential.generation', 'assignment.pbxId', 'assignment.extension'])
    .select(['assignment.employeeId', 'employee.name'])
    .where('sipCredential.closedAt', 'is', null)
    .where(notShut('sip-credential', 'sipCredential.id', 'sipCredential.generation'))
    .orderBy('sipCredential.id')
}

interface Holder {
  readonly id: string
  readonly pbxId: string
  readonly extension: string
}

/** Live credentials on the same extensions as these. */
async function holdersOf(db: Database, subjects: readonly Holder[]): Promise<readonly Holder[]> {
  const found: Holder[] = []
  for (const part of chunks([...new Set(subjects.map((subject) => subject.extension))])) {
    found.push(...(await liveCredentials(db).where('assignment.extension', 'in', part).execute()))
  }
  return found
}

interface CarriedHandset {
  readonly id: string
  /** Canonical prefixes from which this handset's traffic comes. */
  readonly addresses: readonly string[]
  readonly certified: boolean
}

/** Handsets in use by assignment: with the carrier's address when the tunnel is their own, else their reserved one. */
async function handsetsOf(
  db: Database,
  assignmentIds: readonly string[] | undefined,
): Promise<ReadonlyMap<string, readonly CarriedHandset[]>> {
  const handsetQuery = db
    .selectFrom('handset')
    .select(['id', 'assignmentId', 'gatewayId', 'phoneAddress'])
    .where('removedAt', 'is', null)
    .orderBy('id')
  const handsets =
    assignmentIds === undefined
      ? await handsetQuery.execute()
      : await inChunks(assignmentIds, (part) => handsetQuery.where('assignmentId', 'in', part).execute())
  const some = assignmentIds === undefined ? undefined : handsets.map((handset) => handset.id)
  const certified = new Set((await certificatesOf(db, some)).map((row) => row.handsetId))
  const addressesOf = await addressesOfHandsets(db, some)
  const carried = handsets.map((handset) => ({
    id: handset.id,
    assignmentId: handset.assignmentId,
    addresses: addressesOf(handset),
    certified: certified.has(handset.id),
  }))
  return Map.groupBy(carried, (handset) => handset.assignmentId)
}

/** Canonical prefixes from which a handset's traffic comes: its own tunnel's, or the one that a gateway keeps for it. */
export async function addressesOfHandsets(
  db: Database,
  handsetIds: readonly string[] | undefined,
): Promise<(handset: { readonly id: string; readonly phoneAddress: string | null }) => readonly string[]> {
  const carriers = Map.groupBy(await carrierAddresses(db, handsetIds), (row) => row.carrierId)
  return ({ id, phoneAddress }) =>
    phoneAddress === null ? (carriers.get(id) ?? []).map((row) => row.prefix) : [`${phoneAddress}/32`]
}

async function certificatesOf(db: Database, handsetIds: readonly string[] | undefined) {
  const query = db.selectFrom('certificate').select('handsetId').where('revokedAt', 'is', null)
  if (handsetIds === undefined) return query.execute()
  return inChunks(handsetIds, (part) => query.where('handsetId', 'in', part).execute())
}

async function carrierAddresses(db: Database, handsetIds: readonly string[] | undefined) {
  const query = db
    .selectFrom('tunnelAddress')
    .innerJoin('tunnel', 'tunnel.id', 'tunnelAddress.tunnelId')
    .select(['tunnel.carrierId', 'tunnelAddress.prefix'])
    .where('tunnel.carrierKind', '=', 'handset')
    .where('tunnel.closedAt', 'is', null)
    .where('tunnelAddress.releasedAt', 'is', null)
    .orderBy('tunnelAddress.id')
  if (handsetIds === undefined) return query.execute()
  return inChunks(handsetIds, (part) => query.where('tunnel.carrierId', 'in', part).execute())
}

async function inChunks<T>(
  ids: readonly string[],
  read: (part: readonly string[]) => Promise<readonly T[]>,
): Promise<T[]> {
  const rows: T[] = []
  for (const part of chunks([...new Set(ids)])) rows.push(...(await read(part)))
  return rows
}
