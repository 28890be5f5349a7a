import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Lane, LaneEvent } from '../../src/access/lane.ts'
import { laneOn, type MemoryStore, memoryStore } from './memory-lane.ts'
import { door, memorySystem, shut } from './memory-system.ts'

const lanes: Lane[] = []
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
afterEach(async () => {
  await Promise.all(lanes.splice(0).map((lane) => lane.stop()))
  vi.useRealTimers()
})

function begin() {
  const [system, store] = [memorySystem(), memoryStore()]
  const lane = laneOn(system, store, { sweepEveryMs: 3_600_000 })
  lanes.push(lane)
  return { system, store, lane, acts: () => system.asked.filter((asked) => asked === 'apply ada').length }
}

async function pass(ms: number, lane: Lane): Promise<void> {
  for (let gone = 0; gone < ms; gone += 10) {
    await vi.advanceTimersByTimeAsync(10)
    await lane.idle()
  }
}

const told = ({ events }: MemoryStore) =>
  events.flatMap((event: LaneEvent) => (event.kind === 'acts-failed' ? [event.givenUp.length] : []))

describe('an act that failed although the look shows what was wanted', () => {
  test('is told, and a closing is acted on again until it succeeds', async () => {
    const { system, store, lane, acts } = begin()
    system.present.set('ada', 1)
    store.put(shut('ada'))
    system.faults.apply = 'lose-answer'
    lane.close([shut('ada')])
    await lane.idle()
    expect(store.verdict('ada')).toMatchObject({ state: 'converged', nextTryAt: null })
    expect([acts(), told(store)]).toEqual([1, [0]])
    await pass(200, lane)
    expect(acts()).toBe(2)
    system.faults.apply = null
    await pass(10_000, lane)
    expect([acts(), told(store)]).toEqual([3, [0, 0]])
  })

  test('is tried a few times, then given up once and told so; sweeps bring it back no more', async () => {
    const { system, store, lane, acts } = begin()
    system.present.set('ada', 1)
    store.put(shut('ada'))
    system.faults.apply = 'lose-answer'
    lane.close([shut('ada')])
    await pass(60_000, lane)
    expect([acts(), told(store)]).toEqual([5, [0, 0, 0, 0, 1]])
    lane.sweep()
    await pass(60_000, lane)
    expect(acts()).toBe(5)
    expect(store.verdict('ada')).toMatchObject({ state: 'converged' })
  })

  test('of an open door is given up at once: it is not touched while it is as desired', async () => {
    const { system, store, lane, acts } = begin()
    store.put(door('ada'))
    system.faults.apply = 'lose-answer'
    lane.sweep()
    await pass(60_000, lane)
    expect([acts(), told(store)]).toEqual([1, [1]])
    expect(store.verdict('ada')).toMatchObject({ state: 'converged' })
  })

  test('is not what a line says itself that is still being tried', async () => {
    const { system, store, lane } = begin()
    system.present.set('ada', 1)
    store.put(shut('ada'))
    system.faults.apply = 'refuse'
    lane.close([shut('ada')])
    await pass(5_000, lane)
    expect(store.verdict('ada')).toMatchObject({ state: 'retrying', problem: 'refused ada' })
    expect(told(store)).toEqual([])
  })
})
