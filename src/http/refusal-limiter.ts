import { isIPv4, isIPv6 } from 'node:net'

/**
 * Slows down who is refused again and again. It never decides whether a request is served: homes and offices share one
 * address, so a retired phone beside a good one must not shut the good one out. Only the 404 comes later, or not at all.
 */
export interface RefusalLimiter {
  /** Counts one refusal. The answer: how long to hold it back, or `hang-up` when too many of this address wait already. */
  refused(address: string, nowMs: number): RefusalVerdict
}

export type RefusalVerdict = { readonly holdMs: number; readonly done: () => void } | 'hang-up'

export interface LimiterSettings {
  /** Refusals that are answered at once; a household that re-enrols a few phones stays below. */
  readonly burst: number
  /** One more after this long. */
  readonly refillMs: number
  readonly longestHoldMs: number
  /** Held back at the same time, for one address and for all. */
  readonly heldEach: number
  readonly heldInAll: number
  /** Addresses that are remembered; the one seen longest ago is forgotten. */
  readonly remembered: number
}

export const usualLimits: LimiterSettings = {
  burst: 30,
  refillMs: 2_000,
  longestHoldMs: 4_000,
  heldEach: 4,
  heldInAll: 500,
  remembered: 10_000,
}

interface Entry {
  /** Refusals above nothing; sinks by one every `refillMs`. */
  level: number
  at: number
  held: number
}

export function refusalLimiter(settings: LimiterSettings = usualLimits): RefusalLimiter {
  const entries = new Map<string, Entry>()
  let heldInAll = 0
  return {
    refused(address, nowMs) {
      const key = networkOf(address)
      const entry = entries.get(key) ?? { level: 0, at: nowMs, held: 0 }
      // Deleted and set anew: a Map keeps the order of insertion, so the first key is the one to forget.
      entries.delete(key)
      entries.set(key, entry)
      if (entries.size > settings.remembered) entries.delete(entries.keys().next().value!)

      const sunk = Math.max(0, nowMs - entry.at) / settings.refillMs
      entry.level = Math.min(Math.max(0, entry.level - sunk) + 1, settings.burst * 2)
      entry.at = nowMs
      const over = entry.level - settings.burst
      if (over <= 0) return { holdMs: 0, done: () => undefined }
      if (entry.held >= settings.heldEach || heldInAll >= settings.heldInAll) return 'hang-up'

      entry.held++
      heldInAll++
      let open = true
      const done = (): void => {
        if (!open) return
        open = false
        entry.held--
        heldInAll--
      }
      return { holdMs: Math.min(Math.ceil(over) * 500, settings.longestHoldMs), done }
    },
  }
}

/** One IPv4 address, or the /64 of an IPv6 one: the smallest network that a household gets (RFC 6177). */
export function networkOf(address: string): string {
  const plain = plainAddress(address)
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  // A dotted tail (`64:ff9b::192.0.2.1`) counts as two groups; only the number of groups matters here.
  const groups = (parts: readonly string[]): number =>
    parts.reduce((sum, part) => sum + (part.includes('.') ? 2 : 1), 0)
  const zeros = tail === undefined ? 0 : 8 - groups(left) - groups(right)
  const all = [...left, ...Array<string>(zeros).fill('0'), ...right]
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

/** `::ffff:192.0.2.1` is `192.0.2.1` on a socket that takes both; a zone (`%eth0`) is no part of the address. */
export function plainAddress(address: string): string {
  const bare = address.split('%', 1)[0]!.toLowerCase()
  const mapped = /^::ffff:([0-9.]+)$/.exec(bare)?.[1]
  return mapped !== undefined && isIPv4(mapped) ? mapped : bare
}
