import { describe, expect, test } from 'vitest'
import { memoryStore } from './memory-lane.ts'
import { door, memorySystem, shut } from './memory-system.ts'
import { lanesOfEachTest, pass } from './timed-lanes.ts'

const { begin, settled } = lanesOfEachTest()

describe('drift', () => {
  test('is told when what was as desired is not any more, and is mended', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(shut('ada'))
    const lane = await settled(system, store)
    system.present.set('ada', 1)
    lane.sweep()
    await lane.idle()
    expect(store.drifts).toMatchObject([{ problem: 'ada is there as 1', verdict: { state: 'converged' } }])
    expect(system.present.has('ada')).toBe(false)
  })

  test('is told once, however long mending takes', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(shut('ada'))
    const lane = await settled(system, store)
    system.present.set('ada', 1)
    system.faults.apply = 'away'
    lane.sweep()
    await pass(3_000, lane)
    lane.sweep()
    await lane.idle()
    expect(store.drifts).toHaveLength(1)
    expect(store.verdict('ada')).toMatchObject({ state: 'retrying' })
  })

  test('is not what our own orderly stop took away: an open door comes back quietly, one that should be shut is told', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(door('ada'), shut('ben'))
    await (await settled(system, store)).stop()
    system.present.delete('ada')
    system.present.set('ben', 1)
    const lane = begin(system, store, { tookAway: true })
    lane.sweep()
    await lane.idle()
    expect([...system.present.keys()]).toEqual(['ada'])
    expect(store.drifts).toMatchObject([{ problem: 'ben is there as 1' }])
    // From the first whole look on, what is gone was taken by somebody else.
    system.present.delete('ada')
    lane.sweep()
    await lane.idle()
    expect(store.drifts).toMatchObject([{}, { problem: expect.stringContaining('ada'), verdict: { wanted: 'open' } }])
  })

  test('is what is missing after a crash, where nobody says that it was our own doing', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(door('ada'))
    await (await settled(system, store)).stop()
    system.present.delete('ada')
    const lane = begin(system, store)
    lane.sweep()
    await lane.idle()
    expect(store.drifts).toHaveLength(1)
  })

  test('is not what a change of our own looks like on the way', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(door('ada'))
    const lane = await settled(system, store)
    store.put(door('ada', { generation: 2 }))
    lane.sweep()
    await lane.idle()
    store.put(shut('ada', 3))
    lane.sweep()
    await lane.idle()
    expect(store.drifts).toEqual([])
    expect(store.verdict('ada')).toMatchObject({ generation: 3, wanted: 'closed', state: 'converged' })
  })

  test('is not what never was as desired', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(door('ada'))
    const lane = begin(system, store)
    lane.sweep()
    await lane.idle()
    expect(store.drifts).toEqual([])
  })

  test('is told after a restart too, since verdicts outlive the process', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(shut('ada'))
    const first = await settled(system, store)
    await first.stop()
    system.present.set('ada', 1)
    await settled(system, store)
    expect(store.drifts).toHaveLength(1)
  })

  test('is not forgotten when the store could not take it', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(shut('ada'))
    const lane = await settled(system, store)
    system.present.set('ada', 1)
    store.failing.save = 1
    lane.sweep()
    await pass(500, lane)
    expect(store.drifts).toHaveLength(1)
    expect(store.events).toMatchObject([{ kind: 'broken' }])
  })

  test('of strangers is told, and they are left alone', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(door('ada'))
    system.present.set('somebody', 9)
    await settled(system, store)
    expect(store.events).toEqual([{ kind: 'strangers', system: 'memory', instance: 'one', strangers: ['somebody'] }])
    expect(system.present.get('somebody')).toBe(9)
  })
})

describe('a line that no system can show', () => {
  test.each(['cannot-show', 'by-hand'] as const)('never becomes converged by itself (%s)', async (shows) => {
    const [system, store] = [memorySystem(), memoryStore()]
    system.shows = shows
    store.put(shut('ada'))
    const lane = await settled(system, store, { sweepEveryMs: 500 })
    await pass(3_000, lane)
    expect(store.verdict('ada')!.state).toBe(shows === 'by-hand' ? 'waiting' : 'unverifiable')
    // And what has not changed is not written again, so a tick stays what it was.
    expect(store.saved).toEqual([])
  })
})
