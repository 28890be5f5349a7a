import { createHash } from 'node:crypto'
import {
  blockedPolicy,
  type CallPolicy,
  callClasses,
  type DialPlan,
  parsePolicyText,
  policyText,
} from '../../domain/call-policy.ts'
import { emergencyNumbers, rankOf } from '../../domain/dialled-number.ts'
import { ownershipMark } from './asterisk-config.ts'
import { dialplanRules, rulesContext } from './asterisk-dialplan-rules.ts'

/**
 * The file that extensions.conf includes: what each extension with a call policy may dial. Pure.
 *
 * Each has a context of its own, in which its endpoint lives. That is what binds calls that others make in its name: a
 * call that the phone forwards (302) and a call that it transfers (REFER) start in the endpoint's context too, on a
 * channel that carries none of its variables (apps/app_dial.c, res/res_pjsip_refer.c of asterisk/asterisk). A transfer by keys
 * starts where the call is by then, unless TRANSFER_CONTEXT says otherwise. What passes goes on in the admin's own context.
 *
 * Nothing that was dialled is put into an expression before it was found to be digits.
 */
export const dialplanFile = 'dialplan.inc'

const policyContext = 'ringfence-policy'

export interface DialplanSettings {
  /** Where the admin's own dialplan begins. */
  readonly context: string
  /** A context that knows internal numbers and nothing else; null: only endpoints are internal. */
  readonly internalContext: string | null
  readonly dialPlan: DialPlan | null
}

export function contextOf(extension: string): string {
  return `ringfence-${extension}`
}

/** `policies`: by extension. Without a dial plan there can be none. */
export function dialplanText(settings: DialplanSettings, policies: ReadonlyMap<string, CallPolicy>): string {
  const { dialPlan, context, internalContext } = settings
  const head = `${ownershipMark}\n\n[${policyContext}]\nexten => plan,1,NoOp(${planMark(settings)})\n\n`
  if (dialPlan === null) return head
  const blocks = [...policies]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([extension, policy]) => block(extension, policy, dialPlan, context))
  return head + dialplanRules(dialPlan, internalContext) + blocks.join('')
}

/** The reverse, for the policies. */
export function policiesIn(text: string): Map<string, CallPolicy> {
  const policies = new Map<string, CallPolicy>()
  for (const [, extension, words] of text.matchAll(/^; extension ([0-9]+): (.+)$/gm)) {
    const policy = parsePolicyText(words!)
    if (policy.ok && policy.value !== null) policies.set(extension!, policy.value)
  }
  return policies
}

/** Differs whenever anything that all extensions share does. Shown by the running Asterisk, it says that all of it is in force. */
export function planMark({ dialPlan, context, internalContext }: DialplanSettings): string {
  if (dialPlan === null) return 'none'
  const shared = dialplanRules(dialPlan, internalContext) + block('0', blockedPolicy, dialPlan, context)
  return createHash('sha256').update(shared).digest('hex').slice(0, 16)
}

/** `ringfence-rules,s,1(1001,3,43|41,2,0,0,0,60)`, as the running Asterisk shows it: `policyText`, or null. */
export function policyShown(extension: string, application: string, data: string): string | null {
  const [, of, rank, countries = '', ...rest] =
    /^ringfence-rules,s,1\(([0-9]+),([0-4]),([0-9|]*),([0-9]+),([0-9]+),([0-9]+),([0-9]+),([0-9]+)\)$/.exec(data) ?? []
  if (application !== 'Gosub' || of !== extension || rank === undefined) return null
  const [callsAtOnce, callsPerHour, callsPerDay, minutesPerHour, minutesPerDay] = rest.map(
    (limit) => Number(limit) || null,
  )
  return policyText({
    class: callClasses[Number(rank)]!,
    countries: countries === '' ? [] : countries.split('|'),
    callsAtOnce: callsAtOnce ?? null,
    callsPerHour: callsPerHour ?? null,
    callsPerDay: callsPerDay ?? null,
    minutesPerHour: minutesPerHour ?? null,
    minutesPerDay: minutesPerDay ?? null,
  })
}

export const policyListing = { Action: 'ShowDialPlan', Context: policyContext } as const

/** Emergency numbers stand by themselves: they pass whatever becomes of the rules. */
function block(extension: string, policy: CallPolicy, plan: DialPlan, context: string): string {
  const { callsAtOnce, callsPerHour, callsPerDay, minutesPerHour, minutesPerDay } = policy
  const limits = [callsAtOnce, callsPerHour, callsPerDay, minutesPerHour, minutesPerDay].map((limit) => limit ?? 0)
  const given = [extension, rankOf(policy.class), policy.countries.join('|'), ...limits].join(',')
  return `; extension ${extension}: ${policyText(policy)}
[${contextOf(extension)}]
${emergencyNumbers(plan)
  .map((number) => `exten => ${number},1,Goto(${context},${number},1)\n`)
  .join('')}exten => _[0-9+*#]!,1,Set(RINGFENCE_DIALLED=\${EXTEN})
 same => n,Set(TRANSFER_CONTEXT=${contextOf(extension)})
 same => n,Gosub(${policyContext},${extension},1)
 same => n,Goto(${context},\${EXTEN},1)
[${policyContext}]
exten => ${extension},1,Gosub(${rulesContext},s,1(${given}))
 same => n,Return()

`
}
