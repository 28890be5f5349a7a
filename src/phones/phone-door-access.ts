import type { AccessSystem, Finding } from '../access/access-system.ts'
import type { PhoneDoorSubject } from '../domain/access.ts'
import { type DoorDecision, decideDoor } from '../domain/door.ts'
import type { Handset } from '../domain/handset.ts'

/** What the door would answer now to each of a handset's tokens. */
export interface DoorSnapshot {
  readonly answers: ReadonlyMap<
    string,
    Readonly<Record<'steady' | 'former' | 'enrolment', DoorDecision['answer']>> & { readonly enrolled: boolean }
  >
}

export interface PhoneDoorAccessOptions {
  /** Handset rows as the door itself reads them at each request. */
  readonly handsets: (ids: readonly string[] | null) => Promise<readonly Handset[]>
  readonly now: () => Date
}

/**
 * Our own door as an access system. The click's transaction shuts it, so there is nothing to apply; looking means asking
 * the same decision that every request goes through.
 */
export function phoneDoorAccess({
  handsets,
  now,
}: PhoneDoorAccessOptions): AccessSystem<PhoneDoorSubject, DoorSnapshot> {
  const look = async (ids: readonly string[] | null): Promise<DoorSnapshot> => {
    const at = now()
    const rows = await handsets(ids)
    const answer = (row: Handset, hash: string | null) => (hash === null ? 'refuse' : decideDoor(row, hash, at).answer)
    return {
      answers: new Map(
        rows.map((row) => [
          row.id,
          {
            steady: answer(row, row.steadyTokenHash),
            former: answer(row, row.formerTokenHash),
            enrolment: answer(row, row.enrolTokenHash),
            enrolled: row.enrolledAt !== null,
          },
        ]),
      ),
    }
  }
  return {
    kind: 'phone-door',
    instance: 'phone-door',
    read: () => look(null),
    readSome: (subjects) => look(subjects.map(({ handsetId }) => handsetId)),
    apply: async () => undefined,
    judge(subject, { answers }): Finding {
      const answer = answers.get(subject.handsetId)
      const { steady = 'refuse', former = 'refuse', enrolment = 'refuse' } = answer ?? {}
      const facts = {
        steadyLink: steady,
        enrolmentLink: enrolment,
        ...(former === 'refuse' ? {} : { formerLink: former }),
      }
      const open = [steady, former, enrolment].includes('file')
      if (subject.wanted === 'closed') {
        if (open)
          return {
            state: 'differs',
            evidence: { summary: 'the handset would still get its file', facts },
            problem: 'the phone door still serves this handset',
          }
        const summary =
          steady === 'blanking'
            ? 'its link gives only the document that takes the account away'
            : 'its links are refused like unknown ones'
        return { state: 'as-desired', evidence: { summary, facts } }
      }
      // Its steady link would be answered too, but nobody knows that one before the enrolment link gave it away.
      const reachable = enrolment === 'file' || former === 'file' || (steady === 'file' && answer?.enrolled)
      if (reachable) return { state: 'as-desired', evidence: { summary: 'the handset gets its file', facts } }
      return {
        state: 'waiting',
        evidence: { summary: 'no link of this handset works', facts },
        problem: 'its enrolment link has expired unused',
        hint: '`ringfence invite` makes a new link',
      }
    },
  }
}
