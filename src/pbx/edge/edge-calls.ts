import { blockedPolicy, type CallPolicy, type DialPlan, policyText } from '../../domain/call-policy.ts'
import { planText } from '../kamailio/kamailio-dial-plan.ts'
import type { EdgeRows } from './edge-tables.ts'

type CallRows = Pick<EdgeRows, 'plan' | 'policy'>

/** What is said of calls at the site of the edge. */
export interface EdgeCallSettings {
  /** Null: nobody has said yet what dialled numbers mean, and nobody has a class. */
  readonly dialPlan: DialPlan | null
  /** Numbers that are internal beside the extensions that Ringfence knows: `1xxx`, an x for any digit. */
  readonly internal: readonly string[]
}

export interface ExtensionCalls {
  readonly extension: string
  readonly wanted: 'open' | 'closed'
  /** Null: nothing was chosen. */
  readonly policy: CallPolicy | null
  /** Closed only: somebody else holds it now. */
  readonly hasNextHolder: boolean
}

/**
 * The tables for calls. Whoever left is blocked; their extension is listed as long as Ringfence remembers it. Without a
 * plan nobody has a class, not even blocked: the next owner of an extension must get through to an emergency service.
 * @param held every extension that has a phone
 */
export function callRows(
  held: Iterable<string>,
  extensions: readonly ExtensionCalls[],
  settings: EdgeCallSettings,
): CallRows {
  const policy = new Map<string, string>()
  const { dialPlan } = settings
  if (dialPlan !== null)
    for (const { extension, wanted, hasNextHolder } of extensions)
      if (wanted === 'closed' && !hasNextHolder) policy.set(extension, policyText(blockedPolicy))
  for (const extension of held) policy.set(extension, policyText(null))
  for (const { extension, wanted, policy: chosen } of extensions)
    if (wanted === 'open') policy.set(extension, policyText(dialPlan === null ? null : chosen))
  return { plan: planRows(settings), policy }
}

export function planRows({ dialPlan, internal }: EdgeCallSettings): ReadonlyMap<string, string> {
  return new Map([
    ...(dialPlan === null ? [] : [['dial', planText(dialPlan)] as const]),
    ...(internal.length === 0 ? [] : [['internal', internalPattern(internal)] as const]),
  ])
}

/**
 * Of what Kamailio counted (kamailio-call-limits.ts): the calls of this hour and day. Minutes are not kept: those of a call
 * that a restart forgets were reserved in full, and would never come back.
 */
export function callsOf(now: Date, spent: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const seconds = Math.floor(now.getTime() / 1000)
  const spans = new Set([`h${Math.floor(seconds / 3600)}`, `d${Math.floor(seconds / 86_400)}`])
  return new Map([...spent].filter(([key]) => /:calls:/.test(key) && spans.has(key.split(':')[2]!)))
}

/** `1xxx` and the like, as a POSIX extended regular expression. */
function internalPattern(internal: readonly string[]): string {
  const one = (text: string) => text.replace(/[*#]/g, '[$&]').replace(/x/g, '[0-9]')
  return `^(${internal.map(one).join('|')})$`
}
