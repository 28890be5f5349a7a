import { describe, expect, test, vi } from 'vitest'
import { loopOver } from '../../src/access/loop.ts'
import { memoryStore } from './memory-lane.ts'
import { door, memorySystem, shut } from './memory-system.ts'
import { lanesOfEachTest, pass } from './timed-lanes.ts'

const { begin, settled } = lanesOfEachTest()

describe('retries', () => {
  test('wait longer each time, with jitter, and never longer than the limit', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    const lane = await settled(system, store, { chance: () => 0 })
    store.savedAt.length = 0
    store.put(shut('ada'))
    system.faults.apply = 'away'
    system.present.set('ada', 1)
    lane.close([shut('ada')])
    await pass(20_000, lane)
    const waits = store.saved.map(([line], index) => {
      expect(line).toMatchObject({ state: 'retrying', attempts: index + 1 })
      return Date.parse(line!.nextTryAt!) - store.savedAt[index]!
    })
    // The whole wait is 100, 200, 400 … 1,600 ms; the least chance halves it.
    expect(waits.slice(0, 7)).toEqual([50, 100, 200, 400, 800, 800, 800])
    expect(store.savedAt.slice(1, 7).map((at, index) => at - store.savedAt[index]!)).toEqual([
      50, 100, 200, 400, 800, 800,
    ])
    expect(new Set(store.saved.flat().map(({ at }) => at)).size).toBe(1)
  })

  test('of many lanes do not come at the same moment', async () => {
    const waits = new Set<string>()
    for (const chance of [0, 0.25, 0.5, 0.75, 0.99]) {
      const [system, store] = [memorySystem(), memoryStore()]
      store.put(shut('ada'))
      system.faults.apply = 'away'
      system.present.set('ada', 1)
      const lane = begin(system, store, { chance: () => chance })
      lane.close([shut('ada')])
      await lane.idle()
      waits.add(store.verdict('ada')!.nextTryAt!)
    }
    expect(waits.size).toBe(5)
  })

  test('end by themselves when the system is back, and the line says so', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(shut('ada'))
    system.present.set('ada', 1)
    system.faults.read = 'away'
    system.faults.apply = 'away'
    const lane = begin(system, store)
    lane.close([shut('ada')])
    await pass(500, lane)
    expect(store.verdict('ada')).toMatchObject({
      state: 'retrying',
      problem: 'the memory system is away',
      hint: 'wait for it',
    })
    system.faults.read = null
    system.faults.apply = null
    await pass(2_000, lane)
    expect(store.verdict('ada')).toMatchObject({ state: 'converged', problem: null, nextTryAt: null, attempts: 0 })
  })

  test('of one person begin anew with a new wish', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(door('ada'))
    system.faults.apply = 'away'
    const lane = begin(system, store)
    lane.nudge(['ada'])
    await pass(2_000, lane)
    expect(store.verdict('ada')!.attempts).toBeGreaterThan(2)
    store.put(shut('ada'))
    system.present.set('ada', 1)
    lane.close([shut('ada')])
    await lane.idle()
    expect(store.verdict('ada')).toMatchObject({ wanted: 'closed', attempts: 1 })
  })

  test('of somebody who is not known any more end at once', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(door('ada'))
    system.faults.apply = 'away'
    let asked = 0
    const lane = begin(system, store, {
      subjects: async (ids) => {
        if (ids) asked += 1
        return [...store.wanted.values()].filter(({ id }) => ids === undefined || ids.includes(id))
      },
    })
    lane.nudge(['ada'])
    await lane.idle()
    store.wanted.clear()
    asked = 0
    await pass(1_000, lane)
    expect(asked).toBeLessThanOrEqual(1)
  })

  test('a system that hangs is given up in time, and the others go on', async () => {
    vi.useRealTimers()
    const [slow, quick, store, other] = [
      memorySystem({ kind: 'slow' }),
      memorySystem({ kind: 'quick' }),
      memoryStore(),
      memoryStore(),
    ]
    slow.faults.apply = 'hang'
    slow.faults.read = 'hang'
    slow.present.set('ada', 1)
    quick.present.set('ada', 1)
    const loop = loopOver([begin(slow, store, { timeoutMs: 60 }), begin(quick, other)])
    loop.close([shut('ada')])
    await loop.lanes[1]!.idle()
    expect(other.verdict('ada')).toMatchObject({ state: 'converged' })
    expect(store.verdict('ada')).toBeUndefined()
    await loop.lanes[0]!.idle()
    expect(store.verdict('ada')).toMatchObject({
      state: 'retrying',
      problem: 'the memory system did not answer in time',
    })
  })
})

describe('a line at which nobody can look', () => {
  test('says nothing of what was seen before, from the first try to the last; one that was seen open says so', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    system.shows = 'by-hand'
    store.put(shut('ada'))
    const lane = await settled(system, store)
    expect(store.verdict('ada')).toMatchObject({ state: 'waiting', evidence: expect.any(String) })
    system.faults.read = 'away'
    lane.sweep()
    await pass(1_000, lane)
    expect(store.saved.flat().length).toBeGreaterThan(2)
    expect(new Set(store.saved.flat().map(({ state, evidence }) => `${state} ${evidence}`))).toEqual(
      new Set(['retrying null']),
    )
    system.shows = 'all'
    system.present.set('ada', 1)
    system.faults.read = null
    system.faults.apply = 'away'
    await pass(2_000, lane)
    expect(store.verdict('ada')).toMatchObject({
      ...{ state: 'retrying', problem: 'the memory system is away' },
      evidence: expect.stringContaining('there as 1'),
    })
  })
})
