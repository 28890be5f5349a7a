import { describe, expect, test, vi } from 'vitest'
import { laneOn, memoryStore } from './memory-lane.ts'
import { door, memorySystem, shut } from './memory-system.ts'
import { lanesOfEachTest, pass } from './timed-lanes.ts'

const { begin, settled } = lanesOfEachTest()

describe('the store', () => {
  test('failing in the middle loses nothing: everything is looked at again', async () => {
    for (const what of ['subjects', 'load', 'save'] as const) {
      const [system, store] = [memorySystem(), memoryStore()]
      store.put(door('ada'), shut('ben'))
      system.present.set('ben', 1)
      store.failing[what] = 3
      const lane = begin(system, store)
      lane.close([shut('ben')])
      lane.nudge(['ada'])
      await pass(1_500, lane)
      expect(store.verdict('ada'), what).toMatchObject({ state: 'converged', wanted: 'open' })
      expect(store.verdict('ben'), what).toMatchObject({ state: 'converged', wanted: 'closed' })
      expect(store.events.every(({ kind }) => kind === 'broken')).toBe(true)
    }
  })

  test('failing for long is not asked without pause', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(door('ada'))
    store.failing.subjects = Number.POSITIVE_INFINITY
    const lane = begin(system, store)
    lane.sweep()
    await pass(10_000, lane)
    expect(store.events.length).toBeGreaterThan(3)
    expect(store.events.length).toBeLessThanOrEqual(101)
  })

  test('keeps no line of a subject that is not there any more', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(door('ada'), door('ben'))
    const lane = await settled(system, store)
    store.wanted.delete('ben')
    lane.sweep()
    await lane.idle()
    expect([...store.verdicts.values()].map(({ subjectId }) => subjectId)).toEqual(['ada'])
  })

  test('is written only when something changed', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(door('ada'), shut('ben'))
    const lane = await settled(system, store, { sweepEveryMs: 100 })
    await pass(2_000, lane)
    expect(system.asked.length).toBeGreaterThan(10)
    expect(store.saved).toEqual([])
  })
})

describe('a lane', () => {
  test('sweeps by itself, again and again', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(shut('ada'))
    const lane = await settled(system, store, { sweepEveryMs: 1_000 })
    system.present.set('ada', 1)
    await pass(1_200, lane)
    expect(system.present.has('ada')).toBe(false)
  })

  test('that lost the lease changes nothing any more, also not on a click, and burns no time', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    let mayWrite = true
    store.put(door('ada'))
    const lane = await settled(system, store, { mayWrite: () => mayWrite, sweepEveryMs: 100 })
    system.faults.apply = 'away'
    store.put(door('ada', { generation: 2 }))
    lane.nudge(['ada'])
    await lane.idle()
    mayWrite = false
    system.asked.length = 0
    lane.close([shut('ada')])
    lane.sweep()
    const timers = vi.spyOn(globalThis, 'setTimeout')
    await pass(3_000, lane)
    expect(system.asked).toEqual([])
    expect(timers.mock.calls.length).toBeLessThan(100)
    timers.mockRestore()
    mayWrite = true
    system.faults.apply = null
    store.put(shut('ada', 3))
    lane.sweep()
    await lane.idle()
    expect(system.present.has('ada')).toBe(false)
  })

  test('stops at once although its system hangs, and writes nothing more', async () => {
    vi.useRealTimers()
    const [system, store] = [memorySystem(), memoryStore()]
    system.faults.apply = 'hang'
    system.faults.read = 'hang'
    const lane = laneOn(system, store, { timeoutMs: 60_000 })
    lane.close([shut('ada')])
    lane.nudge(['ada'])
    const before = performance.now()
    await lane.stop()
    expect(performance.now() - before).toBeLessThan(200)
    expect(store.saved).toEqual([])
    lane.close([shut('ben')])
    lane.sweep()
    await lane.idle()
    expect(system.asked).toEqual(['apply ada', 'look at ada'])
  })

  test('tells a person by person what each new wish became, never an older one', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(door('ada'))
    const lane = await settled(system, store)
    for (let generation = 2; generation <= 6; generation++) {
      store.put(door('ada', { generation }))
      lane.nudge(['ada'])
    }
    await lane.idle()
    expect(store.verdict('ada')).toMatchObject({ generation: 6, state: 'converged' })
    expect(system.present.get('ada')).toBe(6)
  })
})
