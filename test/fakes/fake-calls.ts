/** What may be dialled, of the fake application: checked like the real one, kept in memory. */
import { type CallPolicyInput, type DialPlan, parseCallPolicy } from '../../src/domain/call-policy.ts'
import { parseDialPlan } from '../../src/domain/dial-plan.ts'
import type { Problem } from '../../src/domain/parse.ts'
import type { Actor } from '../../src/domain/token.ts'
import { AppError } from '../../src/errors.ts'
import type { EmployeeView } from '../../src/journeys/application.ts'
import type { CallDeeds } from '../../src/journeys/calls-view.ts'

export interface FakeCallParts {
  /** @throws NOT_FOUND */
  readonly find: (who: string) => EmployeeView
  readonly save: (view: EmployeeView) => EmployeeView
  readonly did: (deed: string, actor: Actor) => void
}

export interface FakeCalls extends CallDeeds {
  /** As onboarding does it. @throws INVALID_INPUT */
  readonly choose: (input: CallPolicyInput | undefined | null) => EmployeeView['calls']
}

const site = { id: 'default', name: 'Main site' }

export function fakeCalls({ find, save, did }: FakeCallParts): FakeCalls {
  let plan: DialPlan | null = null
  const refuse = (problems: readonly Problem[]): never => {
    const [first] = problems
    throw new AppError('INVALID_INPUT', first!.message, { problems, ...(first!.hint ? { hint: first!.hint } : {}) })
  }
  const choose = (input: CallPolicyInput | undefined | null) => {
    if (!input) return null
    const parsed = parseCallPolicy(input)
    if (!parsed.ok) return refuse([parsed.problem])
    if (plan) return parsed.value
    const hint = '`ringfence dial-plan set --country 49 --international 00 --national 0 --emergency 112,110`'
    return refuse([{ field: 'calls', message: 'nobody has said yet what dialled numbers mean', hint }])
  }
  return {
    choose,
    async set(who, policy, actor) {
      did('setCalls', actor)
      return save({ ...find(who), calls: choose(policy) })
    },
    dialPlans: async () => [{ site, plan }],
    async setDialPlan(name, input, actor) {
      did('setDialPlan', actor)
      if (name !== null && name !== site.name) throw new AppError('NOT_FOUND', `${name} is not a site here`)
      const checked = parseDialPlan(input)
      if (!checked.ok) return refuse(checked.problems)
      plan = checked.value
      return { site, plan }
    },
  }
}
