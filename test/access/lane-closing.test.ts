import { describe, expect, test } from 'vitest'
import { memoryStore } from './memory-lane.ts'
import { door, memorySystem, shut } from './memory-system.ts'
import { lanesOfEachTest } from './timed-lanes.ts'

const { begin, settled } = lanesOfEachTest()

describe('closing', () => {
  test('begins in the same turn of the event loop, without asking the store', () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.failing.subjects = 1
    const lane = begin(system, store)
    lane.close([shut('ada')])
    expect(system.asked).toEqual(['apply ada'])
  })

  test('of several people that comes while one runs is done in one go', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(shut('ada'), shut('ben'), shut('cem'))
    const lane = begin(system, store)
    for (const name of ['ada', 'ben', 'cem']) lane.close([shut(name)])
    await lane.idle()
    expect(system.asked.slice(0, 4)).toEqual(['apply ada', 'look at ada', 'apply ben cem', 'look at ben cem'])
  })

  test('does not wait behind all openings where each takes its time', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    Object.assign(system, { mostAtOnce: 2 })
    const names = ['ada', 'ben', 'cem', 'dora', 'eva']
    store.put(...names.map((name) => door(name)))
    const lane = begin(system, store)
    lane.nudge(names)
    for (let tick = 0; tick < 10; tick++) await Promise.resolve()
    store.put(shut('finn'))
    lane.close([shut('finn')])
    await lane.idle()
    expect(system.asked.filter((asked) => asked.startsWith('apply'))).toEqual([
      'apply ada ben',
      'apply finn',
      'apply cem dora',
      'apply eva',
    ])
    expect([...system.present.keys()]).toEqual(names)
  })

  test('that comes while a sweep runs waits for it and then goes before everything else', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(door('ada'), door('ben'), door('cem'))
    const lane = await settled(system, store)
    lane.sweep()
    for (let tick = 0; tick < 10; tick++) await Promise.resolve()
    expect(system.asked).toEqual(['look'])
    lane.nudge(['cem'])
    lane.sweep()
    store.put(shut('ben'))
    lane.close([shut('ben')])
    await lane.idle()
    expect(system.asked).toEqual(['look', 'apply ben', 'look at ben', 'look at cem', 'look'])
    expect(store.verdict('ben')).toMatchObject({ wanted: 'closed', state: 'converged' })
  })

  test('shuts beside a sweep that does not end, where the system can, and is looked at by the queued pass', async () => {
    const store = memoryStore()
    const memory = memorySystem()
    const system = {
      ...memory,
      async shutAtOnce(subjects: readonly { readonly id: string }[]) {
        for (const { id } of subjects) memory.present.delete(id)
      },
    }
    store.put(door('ada'), door('ben'))
    const lane = await settled(system, store)
    system.faults.read = 'hang'
    lane.sweep()
    for (let tick = 0; tick < 10; tick++) await Promise.resolve()
    store.put(shut('ada'))
    lane.close([shut('ada')])
    await Promise.resolve()
    expect([...memory.present.keys()]).toEqual(['ben'])
    expect(store.verdict('ada')).toMatchObject({ wanted: 'open' })
    system.faults.read = null
    await lane.stop()
  })

  test('wins over a sweep that still thought the door open', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    store.put(door('ada'))
    const lane = await settled(system, store)
    system.present.delete('ada')
    lane.sweep()
    store.put(shut('ada'))
    lane.close([shut('ada')])
    await lane.idle()
    expect(system.present.has('ada')).toBe(false)
    expect(store.verdict('ada')).toMatchObject({ wanted: 'closed', generation: 2, state: 'converged' })
  })

  test('that comes in the very moment in which the lane comes to rest is not left lying', async () => {
    // The microtasks between the end of the work and the note that it ended are few: every one of them is tried.
    for (let ticks = 0; ticks < 40; ticks++) {
      const [system, store] = [memorySystem(), memoryStore()]
      const lane = await settled(system, store)
      Object.assign(system, { readSome: async () => ({ names: new Map(system.present), looked: null }) })
      lane.nudge(['nobody'])
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
      system.present.set('ada', 1)
      lane.close([shut('ada')])
      await lane.idle()
      await lane.idle()
      expect(system.present.has('ada'), `after ${ticks} ticks`).toBe(false)
    }
  })

  test('does not wait for the next retry when the store failed meanwhile', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    const lane = await settled(system, store)
    store.failing.save = 1
    store.put(shut('ada'), shut('ben'))
    system.present.set('ada', 1).set('ben', 1)
    lane.close([shut('ada')])
    lane.close([shut('ben')])
    await lane.idle()
    expect([...system.present.keys()]).toEqual([])
  })

  test('takes only subjects of its own kind', async () => {
    const [system, store] = [memorySystem(), memoryStore()]
    const lane = begin(system, store)
    const certificate = {
      ...shut('ada'),
      kind: 'certificate',
      pbxId: 'default',
      serial: '1',
      notAfter: '',
      revokedAt: null,
    } as const
    lane.close([certificate])
    await lane.idle()
    expect(system.asked).toEqual([])
  })
})
