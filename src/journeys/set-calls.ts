import { type CallPolicyInput, parseCallPolicy, policyText, storedPolicy, withEffect } from '../domain/call-policy.ts'
import type { Actor } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import type { EmployeeView } from './application.ts'
import type { CallDeeds } from './calls-view.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { dialPlans, requireDialPlan, setDialPlan } from './dial-plans.ts'
import { pbxById } from './known-pbx.ts'
import { activeHolder } from './onboard.ts'
import { viewOf } from './views.ts'

export function callDeeds(context: JourneyContext, idOf: (who: string) => Promise<string>): CallDeeds {
  return {
    set: async (who, policy, actor) => setCalls(context, await idOf(who), policy, actor),
    dialPlans: () => dialPlans(context),
    setDialPlan: (site, plan, actor) => setDialPlan(context, site, plan, actor),
  }
}

/** Chosen twice, it is done once. */
async function setCalls(
  context: JourneyContext,
  employeeId: string,
  input: CallPolicyInput | null,
  actor: Actor,
): Promise<EmployeeView> {
  const parsed = input === null ? null : withEffect(parseCallPolicy(input))
  if (parsed && !parsed.ok) {
    const { message, hint } = parsed.problem
    throw new AppError('INVALID_INPUT', message, { problems: [parsed.problem], ...(hint ? { hint } : {}) })
  }
  const policy = parsed?.value ?? null
  const { assignment } = await activeHolder(context, employeeId)
  if (policy !== null) await requireDialPlan(context, pbxById(context, assignment.pbxId).settings.site)
  const isChanged = await context.store.transaction(async (tx) => {
    const current = await tx.get('assignment', assignment.id)
    if (!current || current.untilAt !== null) throw new AppError('CONFLICT', 'this person is being offboarded')
    const from = policyText(storedPolicy(current.callPolicy))
    const to = policyText(policy)
    if (from === to) return false
    const callPolicy = policy === null ? null : JSON.stringify(policy)
    await tx.update('assignment', current.id, { callPolicy, generation: current.generation + 1 })
    await tx.record(auditEvent(context, 'calls.changed', { employeeId, subjectId: current.id, actor }, { from, to }))
    return true
  })
  if (isChanged) {
    context.loop.nudge('assignment', [assignment.id])
    context.publish({ kind: 'employee', employeeId, data: { calls: policyText(policy) } })
  }
  return viewOf(context, employeeId)
}
