/**
 * The dial plan of a site as somebody gives it. There is no default for any of it: a wrong one would be wrong in silence,
 * and with emergency numbers that could cost a life.
 */
import type { DialPlan } from './call-policy.ts'
import type { Problem } from './parse.ts'

export interface DialPlanInput {
  readonly countryCode: string
  readonly internationalPrefix: string
  /** Empty where every number is dialled with its area code. */
  readonly nationalPrefix: string
  readonly emergencyNumbers: readonly string[]
  readonly areaCode?: string | null | undefined
  readonly outsideLine?: string | undefined
}

export type CheckedDialPlan =
  | { readonly ok: true; readonly value: DialPlan }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export function parseDialPlan(input: DialPlanInput): CheckedDialPlan {
  const plan: DialPlan = {
    countryCode: input.countryCode.trim().replace(/^\+/, ''),
    outsideLine: (input.outsideLine ?? '').trim(),
    internationalPrefix: input.internationalPrefix.trim(),
    nationalPrefix: input.nationalPrefix.trim(),
    areaCode: (input.areaCode ?? '').trim() || null,
    emergencyNumbers: [...new Set(input.emergencyNumbers.map((one) => one.trim()).filter(Boolean))].sort(),
  }
  const problems = problemsOf(plan)
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: plan }
}

function problemsOf(plan: DialPlan): Problem[] {
  const { countryCode, outsideLine, internationalPrefix, nationalPrefix, areaCode, emergencyNumbers } = plan
  const problems: Problem[] = []
  const wrong = (field: keyof DialPlan, message: string, hint: string) => problems.push({ field, message, hint })
  const shown = (text: string) => JSON.stringify(text.slice(0, 40))
  if (!/^[1-9][0-9]{0,2}$/.test(countryCode))
    wrong('countryCode', `${shown(countryCode)} is not a country code`, 'as after the plus: 49, 43, 1')
  if (!/^[0-9]{0,4}$/.test(outsideLine))
    wrong('outsideLine', `${shown(outsideLine)} is not what one dials for an outside line`, 'digits such as 0, or none')
  if (!/^[0-9]{1,5}$/.test(internationalPrefix))
    wrong('internationalPrefix', `${shown(internationalPrefix)} does not lead abroad`, 'such as 00 or 011')
  if (!/^[0-9]{0,3}$/.test(nationalPrefix) || (nationalPrefix !== '' && nationalPrefix === internationalPrefix))
    wrong('nationalPrefix', `${shown(nationalPrefix)} cannot stand before an area code`, 'such as 0, or none')
  if (areaCode !== null && !/^[0-9]{1,6}$/.test(areaCode))
    wrong('areaCode', `${shown(areaCode)} is not an area code`, 'digits without the prefix: 30, not 030')
  else if (areaCode !== null && nationalPrefix === '0' && areaCode.startsWith('0'))
    wrong('areaCode', `${shown(areaCode)} begins with the prefix for area codes`, 'without it: 30, not 030')
  const odd = emergencyNumbers.find((one) => !/^[0-9]{2,6}$/.test(one))
  if (odd !== undefined)
    wrong('emergencyNumbers', `${shown(odd)} is not an emergency number`, 'two to six digits, as people dial it')
  else if (emergencyNumbers.length === 0)
    wrong('emergencyNumbers', 'no emergency number is named', 'those of the country where the phones are, such as 112')
  return problems
}

/** As the database has it. */
export function storedDialPlan(text: string | null): DialPlan | null {
  if (text === null) return null
  const plan = parseDialPlan(JSON.parse(text) as DialPlanInput)
  if (plan.ok) return plan.value
  throw new Error(`the dial plan in the database is damaged: ${plan.problems[0]?.message}`)
}
