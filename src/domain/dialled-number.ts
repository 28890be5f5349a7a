/**
 * What a dialled number is, by the dial plan of a site: an ordered list of patterns of which the first that matches
 * decides. The same list is used here and printed into the configuration of PBXs, so that both say the same. The patterns
 * are POSIX extended regular expressions that mean the same to JavaScript.
 *
 * What is not understood is unknown, and unknown is refused for everybody who has a call policy.
 */
import { type CallClass, type CallPolicy, callClasses, type DialPlan } from './call-policy.ts'

export type NumberKind = 'emergency' | 'internal' | 'local' | 'national' | 'international' | 'unknown'

export interface NumberRule {
  readonly kind: 'local' | 'national' | 'international'
  readonly pattern: string
}

/** Emergency numbers as they are dialled: also behind the digit for an outside line. */
export function emergencyNumbers({ emergencyNumbers, outsideLine }: DialPlan): readonly string[] {
  return [...new Set(emergencyNumbers.flatMap((number) => [number, `${outsideLine}${number}`]))]
}

/** An outside number is one of these characters alone; `*` and `#` are for features of the PBX. */
export const outsideNumber = '^[+]?[0-9]+$'

/**
 * For numbers that are neither emergency numbers nor extensions and match `outsideNumber`. Longer prefixes come first: 00
 * is not 0 with something behind it. A number with a plus comes from a phone book, where nobody writes the outside line.
 */
export function numberRules(plan: DialPlan): readonly NumberRule[] {
  const { countryCode, outsideLine, nationalPrefix, areaCode } = plan
  // `first`: what such a number begins with, as an expression for one digit.
  const atHome = (start: string, first = ''): NumberRule[] => [
    ...(areaCode === null || !matches(`^${first}`, areaCode)
      ? []
      : [{ kind: 'local', pattern: `${start}${areaCode}` } as const]),
    { kind: 'national', pattern: `${start}${first}` },
  ]
  const abroad = abroadStart(plan)
  const groups: readonly { readonly length: number; readonly rules: readonly NumberRule[] }[] = [
    {
      length: plan.internationalPrefix.length,
      rules: [...atHome(`${abroad}${countryCode}`), { kind: 'international', pattern: abroad }],
    },
    ...(nationalPrefix === ''
      ? []
      : [{ length: nationalPrefix.length, rules: atHome(`^${outsideLine}${nationalPrefix}`) }]),
  ]
  const first = reachesOperators(plan) ? '[2-9]' : ''
  // Where no prefix tells an area code from a subscriber's number, every number has its area code, if there are any.
  const bare: readonly NumberRule[] =
    nationalPrefix === '' && areaCode !== null
      ? atHome(`^${outsideLine}`, first)
      : [{ kind: 'local', pattern: `^${outsideLine}${first}` }]
  return [...groups]
    .sort((one, other) => other.length - one.length)
    .flatMap(({ rules }) => rules)
    .concat(bare)
}

/**
 * Whether a number without a prefix that begins with 0 or 1 is none: in the North American plan neither an area code nor a
 * number of the town does (NXX, N from 2 to 9), while 0 and 00 are operators and 01 with a country's code a call abroad
 * by one.
 */
function reachesOperators({ countryCode, nationalPrefix }: DialPlan): boolean {
  return countryCode === '1' && (nationalPrefix === '' || nationalPrefix === '1')
}

/** Numbers of these countries. Country codes are prefix-free (ITU-T E.164), so the start of a number is enough. */
export function countriesPattern(plan: DialPlan, countries: string): string {
  return `${abroadStart(plan)}(${countries})`
}

function abroadStart({ outsideLine, internationalPrefix }: DialPlan): string {
  return `^([+]|${outsideLine}${internationalPrefix})`
}

/** `isInternal`: it is an extension of this PBX. */
export function kindOf(dialled: string, plan: DialPlan, isInternal: boolean): NumberKind {
  if (emergencyNumbers(plan).includes(dialled)) return 'emergency'
  if (isInternal) return 'internal'
  if (!matches(outsideNumber, dialled)) return 'unknown'
  return numberRules(plan).find(({ pattern }) => matches(pattern, dialled))?.kind ?? 'unknown'
}

/** Each class holds all before it; countries come on top of any class but `blocked`. */
export function mayDial(policy: CallPolicy, dialled: string, plan: DialPlan, isInternal: boolean): boolean {
  const kind = kindOf(dialled, plan, isInternal)
  if (kind === 'emergency') return true
  if (kind === 'unknown') return false
  if (rankOf(policy.class) >= rankOf(kind)) return true
  if (kind !== 'international' || policy.class === 'blocked' || policy.countries.length === 0) return false
  return matches(countriesPattern(plan, policy.countries.join('|')), dialled)
}

export function rankOf(callClass: CallClass): number {
  return callClasses.indexOf(callClass)
}

function matches(pattern: string, text: string): boolean {
  return new RegExp(pattern).test(text)
}
