/**
 * Makes guessing slow without ever deciding who may come in: a right password is right, however many wrong ones were before
 * it. Tries for one account from one network stand in a line and wait longer with each failure; others are not delayed by
 * them, so nobody can lock an owner out from elsewhere. Whole floods slow everybody down a little.
 */
export interface GuessLimiter {
  /** Waits for its turn. False: too many stand in this line, and the try is refused unseen. */
  admit(account: string, network: string): Promise<Turn | false>
}

export interface Turn {
  failed(): void
  succeeded(): void
  /** Must be called in the end: the next in the line waits for it. */
  done(): void
}

export interface GuessLimits {
  /** Failures in a row that cost nothing: people mistype. */
  readonly free: number
  readonly longestWaitMs: number
  readonly mostInLine: number
  readonly remembered: number
  /** Failures of all within a minute that are usual. */
  readonly usualInAll: number
  readonly floodWaitMs: number
}

export const usualGuessLimits: GuessLimits = {
  free: 5,
  longestWaitMs: 15_000,
  mostInLine: 5,
  remembered: 10_000,
  usualInAll: 120,
  floodWaitMs: 2_000,
}

interface Line {
  failures: number
  waiting: number
  last: Promise<void>
}

export function guessLimiter(
  { now, pause }: { readonly now: () => Date; readonly pause: (ms: number) => Promise<void> },
  limits: GuessLimits = usualGuessLimits,
): GuessLimiter {
  const lines = new Map<string, Line>()
  let recent: number[] = []

  const flooded = (): boolean => {
    const since = now().getTime() - 60_000
    recent = recent.filter((at) => at > since)
    return recent.length > limits.usualInAll
  }
  return {
    async admit(account, network) {
      const key = `${account} ${network}`
      const line = lines.get(key) ?? { failures: 0, waiting: 0, last: Promise.resolve() }
      // Set anew: a Map keeps the order of insertion, so that the first is the one to forget.
      lines.delete(key)
      lines.set(key, line)
      if (lines.size > limits.remembered) lines.delete(lines.keys().next().value!)
      if (line.waiting >= limits.mostInLine) return false
      line.waiting++
      const before = line.last
      const mine = Promise.withResolvers<void>()
      line.last = mine.promise
      await before
      const waitMs = Math.max(waitAfter(line.failures, limits), flooded() ? limits.floodWaitMs : 0)
      if (waitMs > 0) await pause(waitMs)
      return {
        failed() {
          if (recent.length <= limits.usualInAll * 2) recent.push(now().getTime())
          line.failures++
        },
        succeeded: () => void lines.delete(key),
        done() {
          line.waiting--
          mine.resolve()
        },
      }
    },
  }
}

/** Nothing at first, then half a second, twice as long with each, up to the limit. */
export function waitAfter(failures: number, { free, longestWaitMs }: GuessLimits): number {
  return failures < free ? 0 : Math.min(500 * 2 ** Math.min(failures - free, 20), longestWaitMs)
}
