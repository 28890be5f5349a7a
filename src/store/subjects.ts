/** Desired state as the access systems want it: live rows are open subjects, tombstones closed ones. */
import type { CertificateSubject, PhoneDoorSubject, Subject, SubjectKind } from '../domain/access.ts'
import { assignmentSubjects } from './assignment-subjects.ts'
import { type Database, snapshot } from './schema.ts'
import { notShut, shutSubjects } from './shut-subjects.ts'
import { addressesOfHandsets, sipCredentialSubjects } from './sip-credential-subjects.ts'
import { tunnelSubjects } from './tunnel-subjects.ts'

type Of<K extends SubjectKind> = Extract<Subject, { kind: K }>

// Above this many ids it is cheaper to read all and pick.
const pickLimit = 900

export async function subjects<K extends SubjectKind>(
  db: Database,
  kind: K,
  ids?: readonly string[],
): Promise<readonly Of<K>[]> {
  if (ids?.length === 0) return []
  const few = ids !== undefined && ids.length <= pickLimit ? ids : undefined
  const all = await snapshot(db, (tx) => readers[kind](tx, few))
  const wanted = ids === undefined || few !== undefined ? undefined : new Set(ids)
  return (wanted === undefined ? all : all.filter((subject) => wanted.has(subject.id))) as readonly Of<K>[]
}

const readers: { readonly [K in SubjectKind]: (db: Database, ids?: readonly string[]) => Promise<readonly Subject[]> } =
  {
    tunnel: tunnelSubjects,
    certificate: certificateSubjects,
    'sip-credential': sipCredentialSubjects,
    assignment: assignmentSubjects,
    'phone-door': phoneDoorSubjects,
    administrator: (db, ids) => shutSubjects(db, 'administrator', [], ids),
  }

// A certificate is issued once and never changed.
const certificateGeneration = 1

async function certificateSubjects(db: Database, ids?: readonly string[]): Promise<readonly CertificateSubject[]> {
  const query = db
    .selectFrom('certificate')
    .innerJoin('handset', 'handset.id', 'certificate.handsetId')
    .innerJoin('assignment', 'assignment.id', 'handset.assignmentId')
    .select(['certificate.id', 'handset.employeeId', 'serial', 'notAfter'])
    .select(['assignment.pbxId', 'assignment.extension', 'certificate.handsetId', 'handset.phoneAddress'])
    .where('revokedAt', 'is', null)
    .where('handset.removedAt', 'is', null)
    .where(notShut('certificate', 'certificate.id', certificateGeneration))
    .orderBy('certificate.id')
  const rows = await (ids === undefined ? query : query.where('certificate.id', 'in', ids)).execute()
  const addresses = await addressesOfHandsets(db, ids === undefined ? undefined : rows.map((row) => row.handsetId))
  const open = rows.map(({ extension, handsetId, phoneAddress, ...row }) => ({
    ...row,
    handsetId,
    holder: { extension, addresses: addresses({ id: handsetId, phoneAddress }) },
    kind: 'certificate' as const,
    wanted: 'open' as const,
    generation: certificateGeneration,
    revokedAt: null,
  }))
  return [...open, ...(await shutSubjects(db, 'certificate', open, ids))]
}

async function phoneDoorSubjects(db: Database, ids?: readonly string[]): Promise<readonly PhoneDoorSubject[]> {
  const query = db
    .selectFrom('handset')
    .select(['id', 'employeeId', 'doorGeneration as generation'])
    .where('removedAt', 'is', null)
    .where(notShut('phone-door', 'handset.id', 'handset.doorGeneration'))
    .orderBy('id')
  const rows = await (ids === undefined ? query : query.where('id', 'in', ids)).execute()
  const open = rows.map((row) => ({ ...row, kind: 'phone-door' as const, wanted: 'open' as const, handsetId: row.id }))
  return [...open, ...(await shutSubjects(db, 'phone-door', open, ids))]
}
