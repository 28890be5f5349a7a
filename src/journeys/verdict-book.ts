import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Drift } from '../access/drift.ts'
import type { VerdictBook } from '../access/lane.ts'
import type { Subject } from '../domain/access.ts'
import { claimMark, isSettled, type Verdict } from '../domain/condition.ts'
import type { NewAuditEvent, StoreWriter } from '../store/store.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'

/** A click that comes in between waits for this many lines to be written, not for all of a large hub. */
const linesAtOnce = 250
/** More open doors than this that are found shut in one pass have one cause: a restarted host, a PBX restored. */
const mostDriftsByName = 20

type BookContext = Pick<JourneyContext, 'store' | 'system' | 'publish'>

/**
 * Where lanes write: verdicts and what the audit chain must know of them (a door seen shut, drift) in one transaction, or
 * in several when there are very many.
 * @param after called with the people concerned once it is written
 */
export function verdictBook(context: BookContext, after: (employeeIds: readonly string[]) => void): VerdictBook {
  return {
    load: (system, instance) => context.store.find('verdict', { system, instance }),

    async save(changed, drifts) {
      let from = 0
      const unticked: Verdict[] = []
      const partOf = new Map(changed.map(({ id }, place) => [id, place - (place % linesAtOnce)]))
      // With its line; of lines that did not change there are few.
      const doubts = Map.groupBy(drifts, ({ verdict }) => partOf.get(verdict.id) ?? 0)
      do {
        const lines = changed.slice(from, from + linesAtOnce)
        const broken = await context.store.transaction(async (tx) => {
          const broken = await takeTicks(context, tx, doubts.get(from) ?? [])
          await write(context, tx, lines)
          // Rather told twice, when a later part fails and the lane comes again, than never.
          const told = from === 0 ? drifts.filter(({ wasConverged }) => wasConverged) : []
          const contradicted = broken.map(({ drift }) => drift).filter(({ shown }) => shown === 'retrying')
          for (const event of driftEvents(context, [...told, ...contradicted])) await tx.record(event)
          return broken
        })
        unticked.push(...broken.map(({ line }) => line))
        from += linesAtOnce
        // Only now may others write: node:sqlite never waits, so nobody else would get a turn in between.
        if (from < changed.length) await nextTurn()
      } while (from < changed.length)
      const written = new Map([...unticked, ...changed].map((verdict) => [verdict.id, verdict]))
      for (const verdict of written.values()) {
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
      const people = new Set([...written.values()].flatMap(({ employeeId }) => employeeId ?? []))
      if (people.size > 0) after([...people])
    },

    forget: (ids) => context.store.transaction((tx) => tx.remove('verdict', ids)),
  }
}

/** The ids of those whose line says, for this generation, that they were seen shut, or ticked as such. */
export async function seenShut(
  { store }: Pick<JourneyContext, 'store'>,
  system: string,
  instance: string,
  subjects: readonly Pick<Subject, 'id' | 'generation'>[],
): Promise<ReadonlySet<string>> {
  const lines = await store.find('verdict', { system, instance, wanted: 'closed' })
  const settled = new Map(lines.filter(isSettled).map(({ subjectId, generation }) => [subjectId, generation]))
  return new Set(subjects.flatMap(({ id, generation }) => (settled.get(id) === generation ? [id] : [])))
}

/** Closings that nothing shows and that somebody gave their word for. */
export async function tickedSteps(
  { store }: Pick<JourneyContext, 'store'>,
  system: string,
  instance: string,
): Promise<ReadonlyMap<string, { readonly generation: number; readonly words: string }>> {
  const lines = await store.find('verdict', { system, instance, wanted: 'closed', state: 'waiting' })
  return new Map(
    lines.flatMap(({ subjectId, generation, problem, acknowledgedAt }) =>
      acknowledgedAt === null || problem === null ? [] : [[subjectId, { generation, words: problem }]],
    ),
  )
}

/**
 * Takes each tick, standing or laid aside, that a look of the pass contradicted, also where the last look says again what
 * was ticked: somebody changed it since. The step is begun anew, as of now.
 */
async function takeTicks(
  { system }: BookContext,
  tx: StoreWriter,
  drifts: readonly Drift[],
): Promise<readonly { readonly drift: Drift; readonly line: Verdict }[]> {
  const broken = new Map<string, { readonly drift: Drift; readonly line: Verdict }>()
  for (const drift of drifts) {
    const { verdict, shown, problem, wasConverged } = drift
    if (wasConverged || broken.has(verdict.id)) continue
    const line = await tx.get('verdict', verdict.id)
    if (!line || line.acknowledgedAt === null || !isOfTheSame(line, verdict)) continue
    if (claimOf(line) === claimMark({ state: shown, problem })) continue
    const untouched = {
      acknowledgedBy: null,
      acknowledgedAt: null,
      acknowledgedClaim: null,
      at: system.now().toISOString(),
    }
    broken.set(verdict.id, { drift, line: { ...line, ...untouched } })
  }
  const taken = [...broken.values()]
  await tx.put(
    'verdict',
    taken.map(({ line }) => line),
  )
  return taken
}

function isOfTheSame(before: Verdict, now: Verdict): boolean {
  return before.wanted === now.wanted && before.generation === now.generation
}

/** What the tick of this line says, also where it is laid aside and the line says something else. */
function claimOf(ticked: Verdict): string {
  return ticked.acknowledgedClaim ?? claimMark(ticked)
}

async function write(context: BookContext, tx: StoreWriter, changed: readonly Verdict[]): Promise<void> {
  const rows: Verdict[] = []
  for (const verdict of changed) {
    const before = await tx.get('verdict', verdict.id)
    rows.push({ ...verdict, ...kept(before, verdict) })
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
}

/**
 * What people did and waited for outlives a moment in which nobody can look: it is laid aside, and counts for nothing
 * meanwhile. The first look that shows anything else, a door that is open above all, takes it away for good.
 */
function kept(before: Verdict | undefined, now: Verdict): Partial<Verdict> {
  if (!before || !isOfTheSame(before, now)) return {}
  const { acknowledgedBy, acknowledgedAt } = before
  const nobodyLooked = now.state === 'retrying' && now.evidence === null
  if (acknowledgedAt !== null) {
    // A tick stands for as long as the line says what it said when it was ticked.
    const claim = claimOf(before)
    if (nobodyLooked) return { acknowledgedBy, acknowledgedAt, acknowledgedClaim: claim }
    return claim === claimMark(now) ? { acknowledgedBy, acknowledgedAt } : {}
  }
  // A step that nobody ticked has been waiting since it was first asked for, however its words changed.
  const since = before.state === 'waiting' ? before.at : before.waitingSince
  if (nobodyLooked) return { waitingSince: since }
  return now.state === 'waiting' && since !== null ? { at: since } : {}
}

/**
 * Whatever was open that should be shut is told by name; thousands that lost their way in at once are told as one, and so
 * is what ails a system as a whole.
 */
function driftEvents(context: BookContext, drifts: readonly Drift[]): NewAuditEvent[] {
  const [common, own] = [drifts.filter(({ ofAll }) => ofAll), drifts.filter(({ ofAll }) => !ofAll)]
  const open = own.filter(({ verdict }) => verdict.wanted === 'open')
  const together = open.length > mostDriftsByName ? open : []
  const byName = together.length > 0 ? own.filter(({ verdict }) => verdict.wanted === 'closed') : own
  const events = byName.map((drift) => driftEvent(context, drift))
  const tellAsOne = ([first]: readonly Drift[], text: string, remark: string) => {
    const detail = { system: first!.verdict.system, summary: `${text} (${remark})` }
    events.push(auditEvent(context, 'access.drift', { actor: itself }, detail))
  }
  for (const [problem, group] of Map.groupBy(common, (drift) => drift.problem))
    tellAsOne(group, problem, `open doors: ${group.length}; ${afterwards(group)}`)
  if (together.length > 0)
    tellAsOne(
      together,
      `${together.length} open doors were not as they should be`,
      `${afterwards(together)}; one of them: ${together[0]!.problem}`,
    )
  return events
}

function afterwards(drifts: readonly Drift[]): string {
  const still = drifts.filter(({ verdict }) => verdict.state !== 'converged').length
  return still === 0 ? 'mended' : `${still} not mended yet`
}

function driftEvent(context: BookContext, { verdict, problem }: Drift): NewAuditEvent {
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
