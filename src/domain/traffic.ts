/**
 * How much passed through each tunnel lately, by public key: 24 hours in steps of an hour and one hour in steps of five
 * minutes. All in two slabs of numbers, so that 10,000 tunnels cost 3 MB and nothing grows with time.
 */
export interface Traffic {
  /** One complete listing of the hub: counters since each peer was put there. */
  note(counters: readonly Counters[], at: Date): void
  /** Null for a key that no listing had. */
  of(publicKey: string, at: Date): TrafficOf | null
  /** Of all tunnels together. */
  total(at: Date): TrafficOf
}

export interface Counters {
  readonly publicKey: string
  readonly receivedBytes: number
  readonly sentBytes: number
}

/** Oldest first; the last one is not over yet. */
export interface TrafficOf {
  readonly hours: readonly Passed[]
  readonly fiveMinutes: readonly Passed[]
}

/** As the handset sees it: what it sent, and what it got. */
export interface Passed {
  readonly from: string
  readonly sentBytes: number
  readonly receivedBytes: number
}

interface Scale {
  readonly stepMs: number
  readonly steps: number
  /** Where its numbers begin in a row. */
  readonly offset: number
}

const hours: Scale = { stepMs: 3_600_000, steps: 24, offset: 0 }
const fiveMinutes: Scale = { stepMs: 300_000, steps: 12, offset: 48 }
const scales = [hours, fiveMinutes]
const width = 72
/** The row of all together. */
const all = 0

export function trafficRecord(): Traffic {
  const places = new Map<string, number>()
  const free: number[] = []
  let used = 1
  let steps = new Float32Array(16 * width)
  let last = new Float64Array(16 * 2)
  let previous: Date | null = null

  function placeOf(publicKey: string): number {
    const known = places.get(publicKey)
    if (known !== undefined) return known
    const place = free.pop() ?? used++
    if (place * width >= steps.length) {
      steps = enlarged(steps, new Float32Array(steps.length * 2))
      last = enlarged(last, new Float64Array(last.length * 2))
    }
    steps.fill(0, place * width, (place + 1) * width)
    // What a counter stands at when it is first seen passed before.
    last[place * 2] = last[place * 2 + 1] = Number.NaN
    places.set(publicKey, place)
    return place
  }

  /** Steps that begin now are empty, whatever stood there a day ago. */
  function turn(at: Date): void {
    for (const { stepMs, steps: count, offset } of scales) {
      const now = Math.floor(at.getTime() / stepMs)
      const before = previous === null ? now - count : Math.floor(previous.getTime() / stepMs)
      for (let step = Math.max(before + 1, now - count + 1); step <= now; step++) {
        const column = offset + (step % count) * 2
        for (let place = 0; place < used; place++) steps[place * width + column] = steps[place * width + column + 1] = 0
      }
    }
    previous = at
  }

  function add(place: number, at: Date, direction: 0 | 1, bytes: number): void {
    for (const { stepMs, steps: count, offset } of scales)
      steps[place * width + offset + (Math.floor(at.getTime() / stepMs) % count) * 2 + direction]! += bytes
  }

  function rows(place: number, { stepMs, steps: count, offset }: Scale, at: Date): Passed[] {
    const now = Math.floor(at.getTime() / stepMs)
    const noted = previous === null ? now : Math.floor(previous.getTime() / stepMs)
    return Array.from({ length: count }, (_, index) => {
      const step = now - count + 1 + index
      // Nothing was noted yet of a step after the last listing; what stands there is a day old.
      const column = place * width + offset + (step % count) * 2
      const known = step <= noted && step > noted - count
      return {
        from: new Date(step * stepMs).toISOString(),
        sentBytes: known ? steps[column]! : 0,
        receivedBytes: known ? steps[column + 1]! : 0,
      }
    })
  }

  return {
    note(counters, at) {
      if (previous !== null && at < previous) return
      turn(at)
      const present = new Set<string>()
      for (const { publicKey, receivedBytes, sentBytes } of counters) {
        present.add(publicKey)
        const place = placeOf(publicKey)
        for (const [direction, count] of [receivedBytes, sentBytes].entries()) {
          const before = last[place * 2 + direction]!
          // A counter that fell began anew: the peer or the whole interface was put there again.
          const passed = Number.isNaN(before) ? 0 : count >= before ? count - before : count
          last[place * 2 + direction] = count
          if (passed === 0) continue
          add(place, at, direction as 0 | 1, passed)
          add(all, at, direction as 0 | 1, passed)
        }
      }
      for (const [key, place] of places) {
        if (present.has(key)) continue
        places.delete(key)
        free.push(place)
      }
    },
    of(publicKey, at) {
      const place = places.get(publicKey)
      return place === undefined ? null : { hours: rows(place, hours, at), fiveMinutes: rows(place, fiveMinutes, at) }
    },
    total: (at) => ({ hours: rows(all, hours, at), fiveMinutes: rows(all, fiveMinutes, at) }),
  }
}

function enlarged<T extends Float32Array | Float64Array>(old: T, fresh: T): T {
  fresh.set(old)
  return fresh
}
