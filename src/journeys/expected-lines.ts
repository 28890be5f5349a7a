/** Which verdict lines a person must have: the measure of "complete" and of "nothing is in motion any more". */
import type { Subject, SubjectKind, Wanted } from '../domain/access.ts'
import { isSettled, type Verdict, verdictId } from '../domain/condition.ts'
import type { JourneyContext } from './context.ts'

/** Which access systems look after which kind of subject; main.ts makes it from the lanes it starts. */
export interface EnabledSystem {
  readonly kind: string
  readonly instance: string
  readonly subjectKind: SubjectKind
  /** Of the PBX whose subjects alone it looks after; null: it looks after all of the kind. */
  readonly pbxId: string | null
  /** Closed ones are no business of it: another system's step says all that there is to do. */
  readonly opensOnly?: boolean
}

export function looksAfter(
  { subjectKind, pbxId, opensOnly }: Pick<EnabledSystem, 'subjectKind' | 'pbxId' | 'opensOnly'>,
  subject: { readonly kind: SubjectKind; readonly wanted: Wanted; readonly pbxId?: string | undefined },
): boolean {
  if (subjectKind !== subject.kind || (opensOnly && subject.wanted === 'closed')) return false
  return pbxId === null || pbxId === subject.pbxId
}

export interface LinesOf {
  /** Every (system, subject) pair with its newest verdict, or null where none counts yet. */
  readonly lines: readonly { readonly id: string; readonly subject: Subject; readonly verdict: Verdict | null }[]
  /** Nothing is `retrying` or unjudged. */
  readonly still: boolean
  /** Every line converged, or ticked by a person where it cannot. */
  readonly settled: boolean
}

export async function linesOf(
  { store, systems }: Pick<JourneyContext, 'store' | 'systems'>,
  employeeId: string,
): Promise<LinesOf> {
  const [access] = await store.employeesWithAccess({ ids: [employeeId] })
  if (!access) return { lines: [], still: true, settled: true }
  const verdicts = new Map(access.verdicts.map((verdict) => [verdict.id, verdict]))
  const tombstones = await store.find('tombstone', { employeeId })
  const ids = (kind: SubjectKind, live: readonly { readonly id: string }[]) => [
    ...new Set([
      ...live.map(({ id }) => id),
      ...tombstones.filter((tombstone) => tombstone.kind === kind).map(({ subjectId }) => subjectId),
    ]),
  ]
  const wanted: Readonly<Record<SubjectKind, readonly string[]>> = {
    tunnel: ids('tunnel', access.tunnels),
    certificate: ids('certificate', access.certificates),
    'sip-credential': ids('sip-credential', access.credentials),
    assignment: ids('assignment', access.assignments),
    'phone-door': ids('phone-door', access.handsets),
    administrator: ids('administrator', []),
  }
  const lines: { id: string; subject: Subject; verdict: Verdict | null }[] = []
  for (const kind of Object.keys(wanted) as SubjectKind[]) {
    if (wanted[kind].length === 0) continue
    for (const subject of await store.subjects(kind, wanted[kind])) {
      for (const system of systems) {
        if (!looksAfter(system, subject)) continue
        const id = verdictId(system.kind, system.instance, kind, subject.id)
        const verdict = verdicts.get(id)
        const counts = verdict && verdict.wanted === subject.wanted && verdict.generation === subject.generation
        lines.push({ id, subject, verdict: counts ? verdict : null })
      }
    }
  }
  return {
    lines,
    still: lines.every(({ verdict }) => verdict !== null && verdict.state !== 'retrying'),
    settled: lines.every(({ verdict }) => verdict !== null && isSettled(verdict)),
  }
}
