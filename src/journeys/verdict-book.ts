import type { Drift, VerdictBook } from '../access/lane.ts'
import type { Verdict } from '../domain/condition.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'

type BookContext = Pick<JourneyContext, 'store' | 'system' | 'publish'>

/**
 * Where lanes write: verdicts and what the audit chain must know of them (a door seen shut, drift) in one transaction.
 * @param after called with the people concerned once it is written
 */
export function verdictBook(context: BookContext, after: (employeeIds: readonly string[]) => void): VerdictBook {
  return {
    load: (system, instance) => context.store.find('verdict', { system, instance }),

    async save(changed, drifts) {
      await context.store.transaction(async (tx) => {
        const rows: Verdict[] = []
        for (const verdict of changed) {
          const before = await tx.get('verdict', verdict.id)
          rows.push(
            before && sameClaim(before, verdict)
              ? { ...verdict, acknowledgedBy: before.acknowledgedBy, acknowledgedAt: before.acknowledgedAt }
              : verdict,
          )
          const wasShut =
            before?.wanted === 'closed' && before.state === 'converged' && before.generation === verdict.generation
          if (verdict.wanted === 'closed' && verdict.state === 'converged' && !wasShut) {
            await tx.record(
              auditEvent(
                context,
                'access.closed',
                { employeeId: verdict.employeeId, subjectId: verdict.subjectId, actor: itself },
                { system: verdict.system, summary: summary(verdict) },
              ),
            )
          }
        }
        await tx.put('verdict', rows)
        for (const drift of drifts) await tx.record(driftEvent(context, drift))
      })
      for (const verdict of changed) {
        context.publish({
          kind: 'verdict',
          employeeId: verdict.employeeId,
          data: {
            system: verdict.system,
            instance: verdict.instance,
            subjectId: verdict.subjectId,
            wanted: verdict.wanted,
            verdict: verdict.state,
          },
        })
      }
      const people = new Set(changed.flatMap(({ employeeId }) => employeeId ?? []))
      if (people.size > 0) after([...people])
    },

    forget: (ids) => context.store.transaction((tx) => tx.remove('verdict', ids)),
  }
}

/** A tick stands for as long as the line says what it said when it was ticked. */
function sameClaim(before: Verdict, now: Verdict): boolean {
  return (
    before.wanted === now.wanted &&
    before.generation === now.generation &&
    before.state === now.state &&
    before.problem === now.problem
  )
}

function driftEvent(context: BookContext, { verdict, problem }: Drift) {
  return auditEvent(
    context,
    'access.drift',
    { employeeId: verdict.employeeId, subjectId: verdict.subjectId, actor: itself },
    { system: verdict.system, summary: `${problem}; now ${verdict.state}` },
  )
}

function summary(verdict: Verdict): string {
  return verdict.evidence === null ? '' : (JSON.parse(verdict.evidence) as { summary: string }).summary
}
