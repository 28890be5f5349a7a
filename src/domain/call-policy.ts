/**
 * What an employee's extension may dial, and how much. Null instead of a policy: nothing was chosen, the PBX's own rules
 * hold alone.
 */
import { bad, good, type Parsed } from './parse.ts'

/** Each holds all before it. Emergency numbers are beside this scale: people who work here may always dial them. */
export const callClasses = ['blocked', 'internal', 'local', 'national', 'international'] as const

export type CallClass = (typeof callClasses)[number]

export interface CallPolicy {
  readonly class: CallClass
  /** Country codes (E.164, without plus, `49`) that may be dialled beyond the class; sorted, each once. */
  readonly countries: readonly string[]
  /** Outside calls at one time; null: no limit. */
  readonly callsAtOnce: number | null
  readonly callsPerHour: number | null
  readonly callsPerDay: number | null
  /** Minutes of outside calls. */
  readonly minutesPerHour: number | null
  readonly minutesPerDay: number | null
}

/** What a number means in one place; no number has a meaning without it. */
export interface DialPlan {
  /** E.164 country code of the site, `49`. */
  readonly countryCode: string
  /** What is dialled for an outside line, often empty. */
  readonly outsideLine: string
  /** What stands before a foreign country's code, `00` or `011`; a plus always does. */
  readonly internationalPrefix: string
  /** What stands before an area code at home, `0` or empty. */
  readonly nationalPrefix: string
  /** Area code of the site without prefix; null: numbers without a prefix are local. */
  readonly areaCode: string | null
  /** As dialled, `112`. Never empty: whoever sets up call classes is asked, there is no default. */
  readonly emergencyNumbers: readonly string[]
}

const limits = ['callsAtOnce', 'callsPerHour', 'callsPerDay', 'minutesPerHour', 'minutesPerDay'] as const

export type CallLimit = (typeof limits)[number]

export const callLimits: readonly CallLimit[] = limits

/** What a leaver's extension gets first. */
export const blockedPolicy: CallPolicy = {
  class: 'blocked',
  countries: [],
  callsAtOnce: null,
  callsPerHour: null,
  callsPerDay: null,
  minutesPerHour: null,
  minutesPerDay: null,
}

export interface CallPolicyInput {
  readonly class: string
  readonly countries?: readonly string[] | undefined
  readonly callsAtOnce?: number | null | undefined
  readonly callsPerHour?: number | null | undefined
  readonly callsPerDay?: number | null | undefined
  readonly minutesPerHour?: number | null | undefined
  readonly minutesPerDay?: number | null | undefined
}

export function parseCallPolicy(input: CallPolicyInput): Parsed<CallPolicy> {
  const named = callClasses.find((one) => one === input.class.trim().toLowerCase())
  if (!named) {
    const shown = JSON.stringify(input.class.slice(0, 40))
    return bad('callClass', `${shown} is not a call class`, `one of ${callClasses.join(', ')}`)
  }
  const countries = [...new Set((input.countries ?? []).map((one) => one.trim().replace(/^(\+|00)/, '')))].sort()
  const odd = countries.find((one) => !/^[1-9][0-9]{0,2}$/.test(one))
  if (odd !== undefined) {
    const shown = JSON.stringify(odd.slice(0, 40))
    return bad('countries', `${shown} is not a country code`, 'as in +44: one to three digits')
  }
  const given = Object.fromEntries(limits.map((name) => [name, input[name] ?? null])) as Record<
    CallLimit,
    number | null
  >
  for (const name of limits) {
    const value = given[name]
    if (value !== null && !(Number.isSafeInteger(value) && value >= 1 && value <= 100_000)) {
      return bad(name, `${value} is not a limit`, 'a whole number from 1, or nothing for no limit')
    }
  }
  return good({ class: named, countries, ...given })
}

/** As somebody chooses it: what would be without effect is refused. What is kept since before can still be read. */
export function withEffect<Chosen extends CallPolicy | null>(parsed: Parsed<Chosen>): Parsed<Chosen> {
  if (!parsed.ok || parsed.value?.class !== 'blocked' || parsed.value.countries.length === 0) return parsed
  const codes = parsed.value.countries.map((code) => `+${code}`).join(', ')
  return bad(
    'countries',
    `blocked means emergency numbers alone: ${codes} would not be reached`,
    'leave the countries out, or choose internal: that and these countries',
  )
}

/** One text for one policy, and the reverse: what is written beside an account and compared when it is read back. */
export function policyText(policy: CallPolicy | null): string {
  if (policy === null) return 'none'
  const parts = [policy.class, ...(policy.countries.length > 0 ? [`countries=${policy.countries.join('+')}`] : [])]
  for (const name of limits) if (policy[name] !== null) parts.push(`${name}=${policy[name]}`)
  return parts.join(' ')
}

/** As `policyText` writes it, and as a roster has it: `national`, `local countries=43+41 callsAtOnce=2`, `none`. */
export function parsePolicyText(text: string): Parsed<CallPolicy | null> {
  const [word = '', ...parts] = text.trim().split(/\s+/)
  if (word.toLowerCase() === 'none' && parts.length === 0) return good(null)
  const given: Record<string, string> = {}
  for (const part of parts) {
    const [, name, value] = /^([A-Za-z]+)=([0-9+]+)$/.exec(part) ?? []
    const known = ['countries', ...limits].find((one) => one.toLowerCase() === name?.toLowerCase())
    if (known === undefined || value === undefined || known in given) {
      const hint = `after the class: countries=43+41, ${limits.map((one) => `${one}=N`).join(', ')}`
      return bad('calls', `${JSON.stringify(part.slice(0, 40))} says nothing about calls`, hint)
    }
    given[known] = value
  }
  const numbers = Object.fromEntries(
    limits.map((name) => [name, given[name] === undefined ? null : Number(given[name])]),
  )
  return parseCallPolicy({ class: word, countries: given.countries?.split('+') ?? [], ...numbers })
}

/** As the database has it: JSON; null: nothing was chosen. */
export function storedPolicy(text: string | null): CallPolicy | null {
  if (text === null) return null
  const policy = parseCallPolicy(JSON.parse(text) as CallPolicyInput)
  if (policy.ok) return policy.value
  throw new Error(`a call policy in the database is damaged: ${policy.problem.message}`)
}
