import type { Subject, SubjectKind } from './access.ts'

/**
 * What stays of a door that was shut: enough to know it again, nothing of the person. Written in the click's
 * transaction and appended to the journal beside the database, so that an old copy of the database cannot re-open it.
 */
export interface Tombstone {
  /** `<kind>/<subjectId>`. */
  readonly id: string
  readonly kind: SubjectKind
  readonly subjectId: string
  readonly employeeId: string | null
  readonly closedAt: string
  readonly generation: number
  /** JSON of the closed Subject. */
  readonly subject: string
}

export function tombstoneOf(subject: Subject, closedAt: string): Tombstone {
  return {
    id: `${subject.kind}/${subject.id}`,
    kind: subject.kind,
    subjectId: subject.id,
    employeeId: subject.employeeId,
    closedAt,
    generation: subject.generation,
    subject: JSON.stringify(subject),
  }
}
