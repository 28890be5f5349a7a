/**
 * All numbers that begin alike and have certain lengths, as the outbound rules of a PBX name them, held against a call
 * policy. Not number by number: only where a number's beginning can change what it is does it matter how it goes on.
 */
import type { CallPolicy, DialPlan } from './call-policy.ts'
import { emergencyNumbers, kindOf, mayDial, rankOf } from './dialled-number.ts'

export interface DialledRange {
  /** Digits, perhaps with a plus in front; empty: whatever is dialled. */
  readonly prefix: string
  /** How many characters; null: any number of them. */
  readonly lengths: readonly number[] | null
}

/** The longest number of E.164 has 15 digits; prefixes come on top. */
export const longestDialled = 24

/**
 * The beginning of numbers in the range that the policy does not allow, the farthest-reaching of them: `00`; null when it
 * allows all of them. No number is taken for an extension: those are dialled without any rule.
 */
export function beyondPolicy(range: DialledRange, policy: CallPolicy, plan: DialPlan): string | null {
  let worst: { readonly stem: string; readonly rank: number } | null = null
  const forks = forksOf(policy, plan)
  const visit = (stem: string): void => {
    for (const number of samples(stem, range)) {
      // The outside line alone calls nobody.
      if (number === plan.outsideLine || mayDial(policy, number, plan, false)) continue
      const kind = kindOf(number, plan, false)
      const rank = kind === 'emergency' || kind === 'unknown' ? -1 : rankOf(kind)
      if (worst === null || rank > worst.rank) worst = { stem, rank }
    }
    const isOpen = forks.some((fork) => fork.startsWith(stem) && fork !== stem)
    if (!isOpen) return
    for (const digit of stem === '' ? '+0123456789' : '0123456789') visit(stem + digit)
  }
  visit(range.prefix)
  return (worst as { readonly stem: string } | null)?.stem ?? null
}

/** Whether this very number is in the range. */
export function isInRange(number: string, { prefix, lengths }: DialledRange): boolean {
  return number.startsWith(prefix) && (lengths === null || lengths.includes(number.length))
}

/** Numbers that stand for all that begin so, as far as a dial plan can tell them apart. */
function samples(stem: string, { lengths }: DialledRange): readonly string[] {
  const possible = (lengths ?? [stem.length, stem.length + 7]).filter(
    (length) => length >= Math.max(1, stem.length) && length <= longestDialled,
  )
  // Two endings, so that one which happens to be an emergency number does not stand for the others.
  return possible.flatMap((length) => ['1', '5'].map((digit) => stem.padEnd(length, digit))).filter(isNumber)
}

const isNumber = (text: string) => text !== '+'

/** Where the meaning of a number may change with its next digit. */
function forksOf({ countries }: CallPolicy, plan: DialPlan): readonly string[] {
  const { outsideLine, internationalPrefix, nationalPrefix, countryCode, areaCode } = plan
  const area = areaCode ?? ''
  const abroad = ['+', outsideLine + internationalPrefix].flatMap((start) => [
    start + countryCode + area,
    ...countries.map((country) => start + country),
  ])
  return [...abroad, outsideLine + nationalPrefix + area, outsideLine + area, ...emergencyNumbers(plan)]
}
