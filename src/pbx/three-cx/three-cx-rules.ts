import type { CallPolicy, DialPlan } from '../../domain/call-policy.ts'
import { policyWords } from '../../domain/call-words.ts'
import { emergencyNumbers } from '../../domain/dialled-number.ts'
import { beyondPolicy, type DialledRange, isInRange, longestDialled } from '../../domain/dialled-range.ts'
import type { CallJudgement, CallWish } from '../pbx-driver.ts'
import type { ThreeCxRule } from './three-cx-api.ts'

/**
 * What the outbound rules of 3CX let an extension dial, held against its call class. The rules are the admin's, and only
 * read. 3CX's manual says that a rule takes numbers that begin with one of its prefixes (comma between them) and have one
 * of its lengths, from the extensions that it names, or from all where it names none.
 *
 * In which order rules are tried, and what stops a call, is left out on purpose: whatever an extension could dial by any
 * rule is what counts. So "no rule lets it" is certain, and "this rule lets it" may be wrong where a rule above it blocks
 * the call. Who belongs to a group is not looked at either: such a rule may be for this extension. What a trunk makes of
 * the digits that a route takes off or adds, nobody here knows: such a rule is a person's to look at.
 */
export function judgeByRules(
  wishes: readonly CallWish[],
  rules: readonly ThreeCxRule[],
  plan: DialPlan | null,
): readonly CallJudgement[] {
  if (plan === null) {
    return wishes.map((wish) => unjudged(wish, 'nobody said what dialled numbers mean (`ringfence dial-plan set`)'))
  }
  const read = rules.map((rule) => readRule(rule, plan))
  // Thousands of people have a handful of policies.
  const found = new Map<string, ReadonlyMap<Rule, readonly string[]>>()
  return wishes.map((wish) => {
    const { policy } = wish
    const key = [policy.class, ...policy.countries].join()
    const starts = found.get(key) ?? new Map(read.map((rule) => [rule, startsBeyond(rule, policy, plan)]))
    found.set(key, starts)
    return judgeOne(wish, read, plan, starts)
  })
}

function startsBeyond({ numbers }: Rule, policy: CallPolicy, plan: DialPlan): readonly string[] {
  return [...new Set(numbers.flatMap((range) => beyondPolicy(range, policy, plan) ?? []))]
}

function judgeOne(
  wish: CallWish,
  rules: readonly Rule[],
  plan: DialPlan,
  startsOf: ReadonlyMap<Rule, readonly string[]>,
): CallJudgement {
  const { extension } = wish
  const own = rules.filter((rule) => concerns(rule, extension))
  const tooWide = own.filter((rule) => startsOf.get(rule)?.length)
  const unreachable = plan.emergencyNumbers.filter((number) => !own.some((rule) => rule.reaches.includes(number)))
  // Whoever may dial everything gains nothing by it.
  const rewriting = wish.policy.class === 'international' ? [] : own.filter((rule) => rule.rewriting !== null)
  const wide = tooWide.map((rule) => () => stepFor(rule, extension, startsOf.get(rule) ?? []))
  const steps = [
    ...firstOf(wide, `let ${extension} dial more than its class`),
    ...firstOf(
      rewriting.map(
        (rule) => () => `${nameOf(rule)} rewrites what ${extension} dials (${rule.rewriting}): see what it dials`,
      ),
      `rewrite what ${extension} dials`,
    ),
    ...unreachable.map((number) => `no outbound rule lets ${extension} dial ${number}: add one for it`),
    ...limitsOf(wish),
  ]
  return { extension, seen: seenOf(extension, rules.length, tooWide.length, rewriting.length), steps }
}

function seenOf(extension: string, rules: number, tooWide: number, rewriting: number): string {
  if (tooWide > 0) return `outbound rules of 3CX let ${extension} dial more than its class`
  if (rewriting > 0) return `outbound rules of 3CX rewrite what ${extension} dials`
  return `none of the ${rules} outbound rules of 3CX lets ${extension} dial more than its class`
}

/** Nobody reads more at once; the next ones come when these are mended. */
const mostNamed = 5

function firstOf(steps: readonly (() => string)[], others: string): readonly string[] {
  const more = steps.length - mostNamed
  const first = steps.slice(0, mostNamed).map((step) => step())
  return more > 0 ? [...first, `and ${more} more outbound rules ${others}`] : first
}

/** As on a PBX that is told no call classes: the whole of it is a step for a person. */
export function unjudged({ extension, policy }: CallWish, why: string): CallJudgement {
  const step = `set the outbound rules for extension ${extension} to ${policyWords(policy)}; emergency numbers stay allowed`
  return { extension, seen: `the outbound rules of 3CX could not be judged: ${why}`, steps: [step] }
}

interface ExtensionRange {
  readonly from: number
  readonly to: number
}

interface Rule {
  readonly name: string
  readonly numbers: readonly DialledRange[]
  /** Emergency numbers that it lets through. */
  readonly reaches: readonly string[]
  readonly ranges: readonly ExtensionRange[]
  readonly groups: readonly string[]
  /** What makes another number of the one that was dialled; null: nothing. */
  readonly rewriting: string | null
}

function readRule(rule: ThreeCxRule, plan: DialPlan): Rule {
  const numbers = numbersOf(rule, plan)
  // Names for people; a group without one is still a group.
  const groups = rule.GroupNames.filter((name) => name !== null)
  return {
    name: rule.Name || `number ${rule.Id}`,
    numbers,
    // Which numbers an emergency rule takes, 3CX keeps elsewhere.
    reaches: plan.emergencyNumbers.filter(
      (number) => rule.EmergencyRule || numbers.some((range) => isInRange(number, range)),
    ),
    ranges: rule.DNRanges.map(rangeIn),
    groups: groups.length > 0 ? groups : rule.GroupIds.map(String),
    rewriting: rewritingOf(rule.Routes, numbers, plan),
  }
}

/** Numbers that begin with the outside line, and lose just that, are what the dial plan takes them for. */
function rewritingOf(
  routes: ThreeCxRule['Routes'],
  numbers: readonly DialledRange[],
  { outsideLine }: DialPlan,
): string | null {
  const haveLine = numbers.every(({ prefix }) => prefix.startsWith(outsideLine))
  const changes = routes.flatMap(({ StripDigits, Prepend, Append }) => {
    const off = haveLine && StripDigits === outsideLine.length ? 0 : (StripDigits ?? 0)
    if (off === 0 && !Prepend && !Append) return []
    const words = [
      StripDigits ? `StripDigits ${StripDigits}` : '',
      Prepend ? `Prepend ${JSON.stringify(Prepend)}` : '',
      Append ? `Append ${JSON.stringify(Append)}` : '',
    ]
    return [words.filter(Boolean).join(', ')]
  })
  return changes.length === 0 ? null : [...new Set(changes)].join(' or ')
}

/** What is not understood is taken for "all": too wide a reading asks a person, too narrow a one would hide a call. */
function prefixesIn(text: string): readonly string[] {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
  return parts.length > 0 && parts.every((part) => /^[+]?[0-9]+$/.test(part)) ? parts : ['']
}

/** `8`, `10,12`, `7-9`. More digits than a number that means something has count as that many. */
function lengthsIn(text: string): readonly number[] | null {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
  const spans = parts.map((part) => {
    const [, from = '', to = from] = /^(\d{1,2})(?:\s*-\s*(\d{1,2}))?$/.exec(part) ?? []
    return { from: Number(from), to: Number(to) }
  })
  // Turned round, or no length at all.
  if (spans.length === 0 || spans.some(({ from, to }) => from < 1 || to < from)) return null
  const lengths = spans.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index))
  return [...new Set(lengths.map((length) => Math.min(length, longestDialled)))]
}

/** An emergency rule is for the emergency numbers that it names, whatever else its prefix would fit. */
function numbersOf({ Prefix, NumberLengthRanges, EmergencyRule }: ThreeCxRule, plan: DialPlan): DialledRange[] {
  const known = emergencyNumbers(plan)
  const lengths = lengthsIn(NumberLengthRanges ?? '')
  return prefixesIn(Prefix ?? '').map((prefix) =>
    EmergencyRule && known.includes(prefix) ? { prefix, lengths: [prefix.length] } : { prefix, lengths },
  )
}

/** Also where it may be so: whether both must fit where a rule has extensions and groups, nobody says. */
function concerns(rule: Rule, extension: string): boolean {
  return rule.groups.length > 0 || rule.ranges.length === 0 || names(rule, extension)
}

function names({ ranges }: Rule, extension: string): boolean {
  const number = Number(extension)
  return ranges.some(({ from, to }) => from <= number && number <= to)
}

/** An end that is no number might mean anything. */
function rangeIn({ From, To }: ThreeCxRule['DNRanges'][number]): ExtensionRange {
  const [from, to] = [From?.trim() || To?.trim() || '', To?.trim() || From?.trim() || '']
  const areNumbers = [from, to].every((end) => /^\d+$/.test(end))
  if (!areNumbers) return { from: -Infinity, to: Infinity }
  return { from: Math.min(Number(from), Number(to)), to: Math.max(Number(from), Number(to)) }
}

function nameOf({ name }: Rule): string {
  return `outbound rule ${JSON.stringify(name)}`
}

function stepFor(rule: Rule, extension: string, starts: readonly string[]): string {
  const numbers = starts.map((start) => (start === '' ? 'any number' : `${start}…`)).join(', ')
  const name = nameOf(rule)
  if (rule.groups.length > 0 && !names(rule, extension)) {
    return `${name} lets ${extension} dial ${numbers} if it is in group ${rule.groups.join(', ')}: see that it is not`
  }
  if (rule.ranges.length > 0)
    return `${name} lets ${extension} dial ${numbers}: take ${extension} out of its extensions`
  return `${name} lets ${extension} dial ${numbers}, since it is for every extension: name those that may`
}

function limitsOf({ extension, policy }: CallWish): readonly string[] {
  const { callsAtOnce, callsPerHour, callsPerDay, minutesPerHour, minutesPerDay } = policy
  const limits = [callsAtOnce, callsPerHour, callsPerDay, minutesPerHour, minutesPerDay]
  if (limits.every((limit) => limit === null)) return []
  return [`3CX keeps no limit of calls or minutes for ${extension}: set one at the provider, or choose none`]
}
