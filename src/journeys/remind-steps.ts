import { mayDo } from '../domain/token.ts'
import { newId } from '../system.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'
import { factsOf } from './event-facts.ts'
import type { OpenStep } from './step-view.ts'
import { openSteps } from './steps.ts'

const hour = 3_600_000
/** More steps than one company leaves undone in a day. */
const mostReminded = 50_000

/**
 * Reminds of steps that have been open for too long: once a day each, as an alarm on the first page and, where mail is
 * configured, as one letter to everybody who may tick them. What was reminded of stands in the audit log, so a restart
 * reminds nobody twice.
 */
export function stepReminder(context: JourneyContext): () => Promise<void> {
  /** Recorded, but no mail server has taken the letter for everybody yet. */
  let unsent: readonly OpenStep[] = []
  /** Who had which of these, by mail address: one that is refused again and again floods none of the others. */
  const told = new Map<string, Set<string>>()
  return async () => {
    const open = await openSteps(context)
    const isOpen = new Set(open.map(keyOf))
    unsent = [...unsent.filter((step) => isOpen.has(keyOf(step))), ...(await recordOverdue(context, open))]
    if (unsent.length > 0 && context.mail) await mailAdministrators(context, unsent, told)
    unsent = []
    told.clear()
  }
}

async function recordOverdue(context: JourneyContext, open: readonly OpenStep[]): Promise<readonly OpenStep[]> {
  const { store, system } = context
  const now = system.now().getTime()
  const old = open.filter(({ late }) => late)
  if (old.length === 0) return []
  const told = await store.eventsSince({
    kinds: ['step.overdue'],
    sinceId: idSince(now - 24 * hour),
    limit: mostReminded,
  })
  // Of an erased person's event only the subject is left.
  const toldOf = new Set(told.map(({ subjectId, detail }) => `${subjectId} ${wantedIn(detail)}`.trim()))
  const overdue = old.filter((step) => !toldOf.has(keyOf(step)) && !toldOf.has(step.subjectId))
  if (overdue.length === 0) return []
  await store.transaction(async (tx) => {
    for (const { employeeId, subjectId, system: door, wanted, at } of overdue) {
      const hours = Math.floor((now - Date.parse(at)) / hour)
      await tx.record(
        auditEvent(context, 'step.overdue', { employeeId, subjectId, actor: itself }, { system: door, wanted, hours }),
      )
    }
  })
  for (const { employeeId } of overdue) context.publish({ kind: 'employee', employeeId, data: { step: 'overdue' } })
  return overdue
}

/**
 * One letter each, with everything that is due and not yet told; who could not be reached is tried again at the next round.
 * @throws the first that kept a letter from going, after all were tried
 */
async function mailAdministrators(
  context: JourneyContext,
  steps: readonly OpenStep[],
  told: Map<string, Set<string>>,
): Promise<void> {
  const { mailer } = context.mail!
  const readers = (await context.store.find('administrator', { disabledAt: null })).filter(({ role }) =>
    mayDo(role, 'revoke'),
  )
  const failures: unknown[] = []
  const session = mailer.begin()
  try {
    for (const { email } of readers) {
      const known = told.get(email) ?? new Set()
      const due = steps.filter((step) => !known.has(keyOf(step)))
      if (due.length === 0) continue
      const letter = await letterOf(context, due)
      try {
        await session.send({ ...letter, id: newId(context.system), to: email }, AbortSignal.timeout(45_000))
        told.set(email, new Set([...known, ...due.map(keyOf)]))
      } catch (error) {
        failures.push(error)
      }
    }
  } finally {
    session.close()
  }
  if (failures.length > 0) throw failures[0]
}

function letterOf({ mail, config }: JourneyContext, steps: readonly OpenStep[]) {
  const { mailer, letters } = mail!
  return letters.steps(mailer.language, {
    count: String(steps.length),
    hours: String(config.stepReminderHours),
    list: steps.slice(0, mostListed).map(lineOf).join('\n'),
    console: config.console.url,
  })
}

const mostListed = 50

function lineOf({ name, who, wanted, at }: OpenStep): string {
  return `${who ?? '?'} ${name ?? ''} (${wanted === 'closed' ? 'leaving' : 'starting'}), ${at.slice(0, 16).replace('T', ' ')} UTC`
}

/** Ids are in order of time: the first six bytes are milliseconds (RFC 9562 section 5.7). */
function idSince(milliseconds: number): string {
  const hex = milliseconds.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

function keyOf({ subjectId, wanted }: OpenStep): string {
  return `${subjectId} ${wanted}`
}

function wantedIn(detail: string | null): string {
  return String(factsOf(detail).wanted ?? '')
}
