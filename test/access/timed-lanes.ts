import { afterEach, beforeEach, vi } from 'vitest'
import type { Lane } from '../../src/access/lane.ts'
import { laneOn, type MemoryStore } from './memory-lane.ts'
import type { MemorySystem } from './memory-system.ts'

const start = Date.parse('2026-03-01T09:00:00Z')
type LaneOptions = Parameters<typeof laneOn>[2]

/** Timers and clock are values here; setImmediate, which the systems in memory use, stays real. Lanes end with their test. */
export function lanesOfEachTest() {
  const lanes: Lane[] = []
  beforeEach(() => void vi.useFakeTimers({ now: start, toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
  afterEach(async () => {
    await Promise.all(lanes.splice(0).map((lane) => lane.stop()))
    vi.useRealTimers()
  })
  function begin(system: MemorySystem, store: MemoryStore, options: LaneOptions = {}): Lane {
    const lane = laneOn(system, store, options)
    lanes.push(lane)
    return lane
  }
  return {
    begin,
    /** With its first sweep behind it, and nothing noted of that. */
    async settled(system: MemorySystem, store: MemoryStore, options: LaneOptions = {}): Promise<Lane> {
      const lane = begin(system, store, options)
      lane.sweep()
      await lane.idle()
      system.asked.length = 0
      store.saved.length = 0
      return lane
    },
  }
}

/** Lets the clock run and everything that it wakes come to rest. */
export async function pass(ms: number, lane: Lane): Promise<void> {
  const end = Date.now() + ms
  while (Date.now() < end) {
    await vi.advanceTimersByTimeAsync(Math.min(10, end - Date.now()))
    await lane.idle()
  }
}
