/** What may be dialled, as the API and the console see it. */
import type { CallPolicyInput, DialPlan } from '../domain/call-policy.ts'
import type { DialPlanInput } from '../domain/dial-plan.ts'
import type { Actor } from '../domain/token.ts'
import type { EmployeeView } from './application.ts'

export interface DialPlanView {
  readonly site: { readonly id: string; readonly name: string }
  /** Null: nobody has said it yet. */
  readonly plan: DialPlan | null
}

export interface CallDeeds {
  /**
   * Chooses what somebody's extension may dial; null: nothing any more, the PBX's own rules hold alone.
   * @throws INVALID_INPUT, CONFLICT for a leaver
   */
  readonly set: (who: string, policy: CallPolicyInput | null, actor: Actor) => Promise<EmployeeView>
  readonly dialPlans: () => Promise<readonly DialPlanView[]>
  /** `site`: its name; null: the first one. @throws INVALID_INPUT with every problem, NOT_FOUND */
  readonly setDialPlan: (site: string | null, plan: DialPlanInput, actor: Actor) => Promise<DialPlanView>
}
