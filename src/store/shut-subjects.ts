import { sql } from 'kysely'
import type { Subject, SubjectKind } from '../domain/access.ts'
import { closedSubjects } from './closed-subjects.ts'
import type { Database } from './schema.ts'

/**
 * The tombstones of a kind as subjects, without those that a newer life of the same subject has overtaken: a tombstone
 * closes its subject only while its generation is not lower than the live row's. `open` are the winners among live rows.
 */
export async function shutSubjects<K extends SubjectKind>(
  db: Database,
  kind: K,
  open: readonly { readonly id: string }[],
  ids?: readonly string[],
): Promise<readonly Extract<Subject, { kind: K }>[]> {
  let query = db.selectFrom('tombstone').selectAll().where('kind', '=', kind).orderBy('id')
  if (ids !== undefined) query = query.where('subjectId', 'in', ids)
  const alive = new Set(open.map((subject) => subject.id))
  const tombstones = (await query.execute()).filter((tombstone) => !alive.has(tombstone.subjectId))
  return closedSubjects(kind, tombstones)
}

/** SQL: no tombstone closes this live row. */
export function notShut(kind: SubjectKind, id: string, generation: string | number) {
  const reached = typeof generation === 'number' ? sql.lit(generation) : sql.ref(generation)
  return sql<boolean>`not exists (
    select 1 from "tombstone" where "tombstone"."id" = ${sql.lit(`${kind}/`)} || ${sql.ref(id)}
    and "tombstone"."generation" >= ${reached})`
}
