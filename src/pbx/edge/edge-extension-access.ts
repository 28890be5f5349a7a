import type { AccessSystem, Finding } from '../../access/access-system.ts'
import type { AssignmentSubject } from '../../domain/access.ts'
import { blockedPolicy, policyText } from '../../domain/call-policy.ts'
import type { PbxAbilities } from '../pbx-driver.ts'
import { type EdgeCallSettings, planRows } from './edge-calls.ts'
import type { EdgeRows } from './edge-tables.ts'

export interface EdgeCallsInForce {
  /** As the running edge shows them. */
  readonly rows: Pick<EdgeRows, 'plan' | 'policy'>
  /** What was said last. */
  readonly settings: EdgeCallSettings
  /** The tables were being changed meanwhile, row after row: what is missing may be on its way. */
  readonly isChanging: boolean
}

export interface EdgeCalls {
  /** Null where nobody has said what dialled numbers mean: the edge has no part in it then, and is not asked. */
  read(signal: AbortSignal): Promise<EdgeCallsInForce | null>
  /** As `EdgeKeeper.publish`: everything of the edge. */
  publish(signal: AbortSignal): Promise<void>
}

interface Seen<Behind> {
  readonly behind: Behind
  readonly atEdge: EdgeCallsInForce | null
  /** Extensions that the edge lets dial and that somebody holds: they may have got an owner since the subjects were listed. */
  readonly held: ReadonlySet<string>
}

/**
 * The line `extension` of a PBX that has the edge in front of it: what the edge enforces counts beside what the PBX does,
 * and alone where the PBX takes no call classes. An edge that is down holds the line up, and with it a change on the PBX:
 * nobody behind it can call meanwhile. What shuts does not wait for the look, so a leaver's forwards are cleared at once.
 */
export function extensionBehindEdge<Behind>(
  system: AccessSystem<AssignmentSubject, Behind>,
  edge: EdgeCalls,
  {
    abilities: { callClasses },
    heldNow,
  }: {
    readonly abilities: Pick<PbxAbilities, 'callClasses'>
    /** Which of these extensions somebody holds in Ringfence at this moment. */
    readonly heldNow: (extensions: readonly string[]) => Promise<ReadonlySet<string>>
  },
): AccessSystem<AssignmentSubject, Seen<Behind>> {
  const { readSome } = system
  const look = async (behind: () => Promise<Behind>, signal: AbortSignal, among?: ReadonlySet<string>) => {
    const atEdge = await edge.read(signal)
    const free = [...(atEdge?.rows.policy ?? [])].flatMap(([extension, policy]) =>
      policy !== blocked && (among?.has(extension) ?? true) ? [extension] : [],
    )
    const held: ReadonlySet<string> = free.length === 0 ? new Set() : await heldNow(free)
    return { atEdge, held, behind: await behind() }
  }
  return {
    kind: system.kind,
    instance: system.instance,
    read: (signal) => look(() => system.read(signal), signal),
    readSome(subjects, signal) {
      const closed = new Set(subjects.filter(({ wanted }) => wanted === 'closed').map(({ extension }) => extension))
      return look(() => (readSome ? readSome(subjects, signal) : system.read(signal)), signal, closed)
    },
    judge(subject, { behind, atEdge, held }) {
      if (atEdge === null) return system.judge(subject, behind)
      if (subject.wanted === 'closed') {
        const hasNextHolder = subject.hasNextHolder || held.has(subject.extension)
        return both(system.judge(subject, behind), hasNextHolder ? null : judgeClosed(subject, atEdge))
      }
      const own = judgeOpen(subject, atEdge)
      return callClasses === 'absent' ? own : both(system.judge(subject, behind), own)
    },
    async apply(subjects, signal) {
      // The edge first: it blocks whoever left, whatever becomes of the PBX. Each is tried when the other one failed.
      const [atEdge, behind] = await Promise.allSettled([edge.publish(signal), system.apply(subjects, signal)])
      for (const one of [atEdge, behind]) if (one.status === 'rejected') throw one.reason
    },
  }
}

const blocked = policyText(blockedPolicy)

function judgeOpen({ extension, policy }: AssignmentSubject, atEdge: EdgeCallsInForce): Finding {
  const { rows, settings } = atEdge
  const wanted = policyText(policy)
  const shown = rows.policy.get(extension) ?? policyText(null)
  const facts = { extension, wanted, atEdge: shown }
  const differs = (problem: string): Finding => ({
    ...{ state: 'differs', evidence: { summary: problem, facts }, problem, hint: again },
    ...newsOf(extension, atEdge),
  })
  if (shown !== wanted) return differs(`instead of ${wanted}, ${shown} is in force at the edge`)
  if (policy !== null && !isPlanInForce(rows.plan, settings))
    return differs('the edge judges numbers by another dial plan than the one that was said')
  const summary = policy === null ? 'no call class in force at the edge' : `${wanted} in force at the edge`
  return { state: 'as-desired', evidence: { summary, facts } }
}

/** Whether a phone still gets through is said on its own lines. */
function judgeClosed({ extension }: AssignmentSubject, atEdge: EdgeCallsInForce): Finding {
  const shown = atEdge.rows.policy.get(extension) ?? null
  const facts = { extension, atEdge: shown }
  if (shown === blocked) return { state: 'as-desired', evidence: { summary: 'blocked at the edge', facts } }
  const problem = `extension ${extension} is not blocked at the edge`
  return {
    ...{ state: 'differs', evidence: { summary: problem, facts }, problem, hint: again },
    ...newsOf(extension, atEdge),
  }
}

/**
 * Whoever left, or got a class, before it was said what numbers mean or before there was an edge: it never heard of them.
 * Where it has the plan already, what it does not know somebody took away.
 */
function newsOf(extension: string, { rows, settings, isChanging }: EdgeCallsInForce): { readonly isNew?: true } {
  const isUnheardOf = !rows.policy.has(extension) && (isChanging || !isPlanInForce(rows.plan, settings))
  return isUnheardOf ? { isNew: true } : {}
}

const again = 'Ringfence sets it again; `ringfence doctor` says what keeps the edge from taking it'

function isPlanInForce(shown: ReadonlyMap<string, string>, settings: EdgeCallSettings): boolean {
  const wanted = planRows(settings)
  return shown.size === wanted.size && [...wanted].every(([key, value]) => shown.get(key) === value)
}

/** What is worse decides; where both are well, both are shown. */
function both(behind: Finding, atEdge: Finding | null): Finding {
  if (atEdge === null) return behind
  if (behind.state === 'differs' || atEdge.state === 'as-desired') {
    const { summary, facts } = behind.evidence
    const evidence = {
      summary: `${summary}; ${atEdge.evidence.summary}`,
      facts: { ...facts, atEdge: atEdge.evidence.facts.atEdge ?? null },
    }
    return { ...behind, evidence }
  }
  return atEdge
}
