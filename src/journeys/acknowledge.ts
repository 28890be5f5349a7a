import { type Verdict, wordsMark } from '../domain/condition.ts'
import type { Actor } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import type { EmployeeView } from './application.ts'
import { completeOffboardings } from './complete-offboarding.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { lineWords } from './known-pbx.ts'
import { viewOf } from './views.ts'

/**
 * A named person ticks what no machine can show: a step done by hand, or a system that cannot be read back. Nobody gives
 * their word for what they did not see: where `shown` is known, a line that says something else by now is refused.
 */
export async function acknowledge(
  context: JourneyContext,
  {
    employeeId,
    system,
    subjectId,
    actor,
    shown,
  }: { employeeId: string; system: string; subjectId: string | null; actor: Actor; shown: string | null },
): Promise<EmployeeView> {
  const at = context.system.now().toISOString()
  const [access] = await context.store.employeesWithAccess({ ids: [employeeId] })
  const words = access && lineWords(context, access)
  // As it was read: pages and commands name the PBX where there are several.
  const said = (line: Verdict) => (line.problem !== null && words ? words(line, line.problem) : line.problem)
  await context.store.transaction(async (tx) => {
    const lines = (await tx.find('verdict', { employeeId, system })).filter(
      (line) => subjectId === null || line.subjectId === subjectId,
    )
    if (lines.length === 0)
      throw new AppError('NOT_FOUND', `there is no ${system} line for this person`, {
        hint: '`ringfence show` lists the lines',
      })
    const open = lines.filter(({ state }) => state === 'waiting' || state === 'unverifiable')
    if (open.length === 0) {
      const trying = lines.find(({ state }) => state === 'retrying')
      if (!trying) throw new AppError('CONFLICT', `${system} is shown by the system itself; there is nothing to tick`)
      const all = await tx.find('verdict', { employeeId })
      throw new AppError(
        'CONFLICT',
        `${system} is still being tried; only waiting and unverifiable lines can be ticked`,
        { hint: wayOut(context, trying, all) },
      )
    }
    const changed = open.find(
      (line) => shown !== null && line.acknowledgedAt === null && wordsMark(said(line)) !== shown,
    )
    if (changed) {
      throw new AppError('CONFLICT', `${system} says something else by now: ${said(changed) ?? 'nothing'}`, {
        hint: 'look at the step again and do what it says now; then tick it',
      })
    }
    for (const line of open) {
      // Whose word it was, and when, stays as it was given.
      if (line.acknowledgedAt !== null) continue
      await tx.update('verdict', line.id, { acknowledgedBy: actor.name, acknowledgedAt: at })
      await tx.record(
        auditEvent(
          context,
          'access.acknowledged',
          { employeeId, subjectId: line.subjectId, actor },
          { system, summary: said(line) ?? '' },
        ),
      )
    }
  })
  await completeOffboardings(context, [employeeId])
  context.publish({ kind: 'employee', employeeId, data: { acknowledged: system } })
  return viewOf(context, employeeId)
}

/** What to do where the system will never answer again, and what keeps the person out until then. */
function wayOut({ pbxs }: Pick<JourneyContext, 'pbxs'>, line: Verdict, all: readonly Verdict[]): string {
  const isShut = ({ wanted, state }: Verdict) => wanted === 'closed' && state === 'converged'
  const shut = [...new Set(all.filter(isShut).map(({ system }) => system))].sort()
  const meanwhile = line.wanted === 'closed' && shut.length > 0 ? `; seen shut meanwhile: ${shut.join(', ')}` : ''
  const isOnPbx = line.subjectKind === 'sip-credential' || line.subjectKind === 'assignment'
  const place = isOnPbx ? pbxs.find(({ settings }) => settings.id === line.instance)?.settings.prefix : undefined
  const lost = place
    ? `. If this PBX is gone for good, set RINGFENCE_${place}=manual, leave its name as it is, and restart: then each of its doors is a step that can be ticked`
    : ''
  return `the server goes on by itself, and the line says what is in the way${meanwhile}${lost}`
}
