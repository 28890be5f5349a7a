import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Lane } from '../../src/access/lane.ts'
import { loopOver } from '../../src/access/loop.ts'
import { laneOn, type MemoryStore, memoryStore } from './memory-lane.ts'
import { door, type MemorySystem, memorySystem, shut } from './memory-system.ts'

const start = Date.parse('2026-03-01T09:00:00Z')
const lanes: Lane[] = []

// Timers and clock are values here; setImmediate, which the systems in memory use, stays real.
beforeEach(() => void vi.useFakeTimers({ now: start, toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
afterEach(async () => {
  await Promise.all(lanes.splice(0).map((lane) => lane.stop()))
  vi.useRealTimers()
})

function begin(system: MemorySystem, store: MemoryStore, options: Parameters<typeof laneOn>[2] = {}): Lane {
  const lane = laneOn(system, store, options)
  lanes.push(lane)
  return lane
}

/** Lets the clock run and everything that it wakes come to rest. */
async function pass(ms: number, lane: Lane): Promise<void> {
  const end = Date.now() + ms
  while (Date.now() < end) {
    await vi.advanceTimersByTimeAsync(Math.min(10, end - Date.now()))
    await lane.idle()
  }
}

async function settled(system: MemorySystem, store: MemoryStore, options: Parameters<typeof laneOn>[2] = {}) {
  const lane = begin(system, store, options)
  lane.sweep()
  await lane.idle()
  system.asked.length = 0
  store.saved.length = 0
  return lane
}

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
