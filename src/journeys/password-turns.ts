/** Who may have a password derived, and when: each derivation holds 19 MiB and a thread of libuv's pool. */
export interface PasswordTurns {
  /** Waits for its turn and gives what ends it. Null: there is no room, or `signal` says that whoever asked hung up. */
  enter(network: string, signal?: AbortSignal): Promise<(() => void) | null>
}

interface TurnLimits {
  /** Files and name look-ups need threads of the pool too. */
  readonly atOnce: number
  /** In flight or waiting: one network must not hold the others up with tries for many accounts. */
  readonly mostOfNetwork: number
  readonly mostWaiting: number
}

const usualLimits: TurnLimits = { atOnce: 2, mostOfNetwork: 5, mostWaiting: 100 }

/** Turns go round over the networks, so that somebody alone in theirs waits for one try of each other, not for all of them. */
export function passwordTurns(limits: TurnLimits = usualLimits): PasswordTurns {
  const inside = new Map<string, number>()
  // A Map keeps the order of insertion: the first network is the next one.
  const lines = new Map<string, (() => void)[]>()
  let free = limits.atOnce
  let waiting = 0

  const count = (network: string, change: number): void => {
    const now = (inside.get(network) ?? 0) + change
    if (now === 0) inside.delete(network)
    else inside.set(network, now)
  }
  const goOn = (): void => {
    const [network, line] = lines.entries().next().value ?? []
    if (network === undefined || line === undefined) return void free++
    const go = line.shift()!
    lines.delete(network)
    if (line.length > 0) lines.set(network, line)
    waiting--
    go()
  }
  const wait = (network: string, signal: AbortSignal | undefined): Promise<boolean> =>
    new Promise((resolve) => {
      const line = lines.get(network) ?? []
      const go = (): void => {
        signal?.removeEventListener('abort', leave)
        resolve(true)
      }
      const leave = (): void => {
        line.splice(line.indexOf(go), 1)
        if (line.length === 0) lines.delete(network)
        waiting--
        resolve(false)
      }
      line.push(go)
      lines.set(network, line)
      waiting++
      signal?.addEventListener('abort', leave, { once: true })
    })
  return {
    async enter(network, signal) {
      if (signal?.aborted || (inside.get(network) ?? 0) >= limits.mostOfNetwork) return null
      if (free === 0 && waiting >= limits.mostWaiting) return null
      count(network, 1)
      if (free > 0) free--
      else if (!(await wait(network, signal))) {
        count(network, -1)
        return null
      }
      return () => {
        count(network, -1)
        goOn()
      }
    },
  }
}
