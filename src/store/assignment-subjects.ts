import type { AssignmentSubject } from '../domain/access.ts'
import { storedPolicy } from '../domain/call-policy.ts'
import { chunks, type Database } from './schema.ts'
import { notShut, shutSubjects } from './shut-subjects.ts'

/** Live ones with a call policy now or once, and those that ended. */
export async function assignmentSubjects(db: Database, ids?: readonly string[]): Promise<readonly AssignmentSubject[]> {
  const query = db
    .selectFrom('assignment')
    .select(['id', 'employeeId', 'generation', 'pbxId', 'extension', 'callPolicy'])
    .where('untilAt', 'is', null)
    .where((eb) => eb.or([eb('callPolicy', 'is not', null), eb('generation', '>', 1)]))
    .where(notShut('assignment', 'assignment.id', 'assignment.generation'))
    .orderBy('id')
  const rows = await (ids === undefined ? query : query.where('id', 'in', ids)).execute()
  const open = rows.map(
    ({ callPolicy, ...row }): AssignmentSubject => ({
      ...row,
      kind: 'assignment',
      wanted: 'open',
      policy: storedPolicy(callPolicy),
      hasNextHolder: false,
      leaving: false,
    }),
  )
  const closed = await shutSubjects(db, 'assignment', open, ids)
  const held = await heldNow(db, closed)
  const leavers = await leavingNow(db, closed)
  // Never from the tombstone: the extension may have got a new holder since, and its last one may be gone for good.
  const now = (subject: AssignmentSubject): AssignmentSubject => ({
    ...subject,
    hasNextHolder: held.has(placeOf(subject)),
    leaving: subject.employeeId !== null && leavers.has(subject.employeeId),
  })
  return [...open, ...closed.map(now)]
}

async function leavingNow(db: Database, closed: readonly AssignmentSubject[]): Promise<ReadonlySet<string>> {
  if (closed.length === 0) return new Set()
  const rows = await db.selectFrom('employee').select('id').where('lifecycle', '=', 'offboarding').execute()
  return new Set(rows.map(({ id }) => id))
}

async function heldNow(db: Database, closed: readonly AssignmentSubject[]): Promise<ReadonlySet<string>> {
  const held = new Set<string>()
  for (const part of chunks([...new Set(closed.map(({ extension }) => extension))])) {
    const rows = await db
      .selectFrom('assignment')
      .select(['pbxId', 'extension'])
      .where('untilAt', 'is', null)
      .where('extension', 'in', part)
      .execute()
    for (const row of rows) held.add(placeOf(row))
  }
  return held
}

function placeOf({ pbxId, extension }: { readonly pbxId: string; readonly extension: string }): string {
  return `${pbxId} ${extension}`
}
