import { createHash } from 'node:crypto'
import type { DialPlan } from '../../domain/call-policy.ts'
import { AppError } from '../../errors.ts'

/**
 * A dial plan as Kamailio is told it, as data and not as script: `49|00|0|30||110,112`, which is country code,
 * international prefix, national prefix, area code, outside line and emergency numbers. One value, so that it changes as a
 * whole and never by halves; and it is read back as what it is, so it needs no mark beside it.
 * @throws AppError CONFIG_INVALID where a part of it could mean something else.
 */
export function planText(plan: DialPlan): string {
  requireUsable(plan)
  const { countryCode, internationalPrefix, nationalPrefix, areaCode, outsideLine, emergencyNumbers } = plan
  return [countryCode, internationalPrefix, nationalPrefix, areaCode ?? '', outsideLine, emergencyNumbers.join()].join(
    '|',
  )
}

/** For an answer in which every character counts: Kamailio's `{s.sha256}` of the same text. */
export function planMark(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function requireUsable(plan: DialPlan): void {
  const faults = [
    !/^[1-9][0-9]{0,2}$/.test(plan.countryCode) && 'the country code',
    !/^[0-9]{0,4}$/.test(plan.outsideLine) && 'the outside line',
    !/^[0-9]{1,5}$/.test(plan.internationalPrefix) && 'the international prefix',
    !/^[0-9]{0,3}$/.test(plan.nationalPrefix) && 'the national prefix',
    plan.areaCode !== null && !/^[0-9]{1,6}$/.test(plan.areaCode) && 'the area code',
    (plan.emergencyNumbers.length === 0 || plan.emergencyNumbers.some((one) => !/^[0-9]{2,6}$/.test(one))) &&
      'the emergency numbers',
  ].filter((fault) => fault !== false)
  if (faults.length === 0) return
  throw new AppError('CONFIG_INVALID', `${faults.join(', ')} of the dial plan cannot be used`, {
    hint: 'digits only, without plus, blanks or dashes; at least one emergency number',
  })
}
