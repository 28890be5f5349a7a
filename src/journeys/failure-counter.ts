/**
 * Which failures to sign in are told in the audit log. From one network those that begin and those that grow tenfold; from
 * many networks at once so many an hour, and above that a count of all, again as it grows tenfold: a flood must not fill a
 * log that is kept for ever, however many addresses it has. Counted without the account, so that whether something is
 * written says nothing about the account that was tried.
 */
export interface ToldFailures {
  readonly failures: number
  /** Null for one network; else from how many all these failures came within the hour. */
  readonly addresses: number | null
}

export interface FailureLimits {
  /** Events about single networks within an hour. */
  readonly single: number
  readonly remembered: number
}

const hourMs = 3_600_000

/** Null: it is counted, and not told. Of one network, failures `about` different things are counted apart. */
export function failureCounter(
  now: () => Date,
  { single, remembered }: FailureLimits = { single: 40, remembered: 10_000 },
): (network: string, about?: string) => ToldFailures | null {
  const counts = new Map<string, { count: number; at: number }>()
  let hour = newHour(0)

  return (network, about = '') => {
    const key = `${network} ${about}`
    const at = now().getTime()
    if (Math.abs(at - hour.since) >= hourMs) hour = newHour(at)
    const before = counts.get(key)
    const count = before && at - before.at < hourMs ? before.count + 1 : 1
    // Set anew: a Map keeps the order of insertion, so that the first is the one to forget.
    counts.delete(key)
    counts.set(key, { count, at })
    if (counts.size > remembered) counts.delete(counts.keys().next().value!)
    hour.failures++
    if (hour.networks.size < remembered) hour.networks.add(network)
    if (hour.told < single) {
      if (!isMilestone(count)) return null
      hour.told++
      return { failures: count, addresses: null }
    }
    if (hour.failures < hour.next) return null
    hour.next = hour.failures * 10
    return { failures: hour.failures, addresses: hour.networks.size }
  }
}

function newHour(since: number) {
  return { since, told: 0, failures: 0, networks: new Set<string>(), next: 0 }
}

function isMilestone(count: number): boolean {
  return [1, 5, 10, 100, 1_000, 10_000].includes(count)
}
