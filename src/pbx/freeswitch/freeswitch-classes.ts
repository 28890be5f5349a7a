import { type CallLimit, type CallPolicy, callLimits, policyText } from '../../domain/call-policy.ts'
import type { FreeswitchOptions } from './freeswitch-options.ts'

/**
 * A call class is a context of FreeSWITCH's dialplan, which the admin keeps (docs/freeswitch.md), and variables that it
 * reads. Whether it is there and reads them is looked at in the running FreeSWITCH, and only that counts as in force.
 */
const limitVariables: Readonly<Record<CallLimit, string>> = {
  callsAtOnce: 'ringfence_calls_at_once',
  callsPerHour: 'ringfence_calls_per_hour',
  callsPerDay: 'ringfence_calls_per_day',
  minutesPerHour: 'ringfence_minutes_per_hour',
  minutesPerDay: 'ringfence_minutes_per_day',
}

const countriesVariable = 'ringfence_countries'

/** The words of FreeSWITCH's own example dialplan (conf/vanilla/directory/default/1000.xml). */
const tollAllow: Readonly<Record<CallPolicy['class'], string>> = {
  blocked: '',
  internal: '',
  local: 'local',
  national: 'local,domestic',
  international: 'local,domestic,international',
}

type ClassOptions = Pick<FreeswitchOptions, 'context' | 'classContexts'>

export function classVariables(policy: CallPolicy | null, options: ClassOptions): Record<string, string> {
  if (policy === null || options.classContexts === null) return { user_context: options.context }
  // Always all of them: in a dialplan an empty list of countries would be a pattern that fits every country, and an empty
  // limit none at all. `limit` counts without a limit where it is negative (mod_dptools.c).
  return {
    user_context: `${options.classContexts}-${policy.class}`,
    toll_allow: tollAllow[policy.class],
    [countriesVariable]: policy.countries.join('|') || 'none',
    ...Object.fromEntries(callLimits.map((name) => [limitVariables[name], String(policy[name] ?? -1)])),
  }
}

/**
 * `policyText` of what the dialplan names of it; whether the condition around a name ever comes true cannot be seen: without what its context never reads, null where there is no such context.
 * `contexts`: their text as FreeSWITCH shows it, by name.
 */
export function policyInForce(
  policy: CallPolicy | null,
  contexts: ReadonlyMap<string, string>,
  { classContexts }: ClassOptions,
): string | null {
  if (classContexts === null) return null
  if (policy === null) return policyText(null)
  const context = contexts.get(`${classContexts}-${policy.class}`)
  if (context === undefined) return null
  // What is blocked needs no limit.
  if (policy.class === 'blocked') return policyText(policy)
  const kept = Object.fromEntries(
    callLimits.map((name) => [name, context.includes(limitVariables[name]) ? policy[name] : null]),
  ) as Record<CallLimit, number | null>
  const countries = context.includes(countriesVariable) ? policy.countries : []
  return policyText({ class: policy.class, countries, ...kept })
}
