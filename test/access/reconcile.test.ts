import { describe, expect, test } from 'vitest'
import { reconcile } from '../../src/access/reconcile.ts'
import type { PhoneDoorSubject } from '../../src/domain/access.ts'
import { door, type MemorySystem, memorySystem, shut } from './memory-system.ts'

/** One pass as after a click: what is closed is acted on before anybody looks. */
const click = (system: MemorySystem, ...subjects: PhoneDoorSubject[]) =>
  reconcile(system, subjects, { actFirst: true, whole: false, signal: AbortSignal.timeout(2_000) })

const sweep = (system: MemorySystem, ...subjects: PhoneDoorSubject[]) =>
  reconcile(system, subjects, { actFirst: false, whole: true, signal: AbortSignal.timeout(2_000) })

const states = ({ outcomes }: Awaited<ReturnType<typeof click>>) =>
  Object.fromEntries(outcomes.map(({ subject, finding }) => [subject.id, finding.state]))

describe('a door that is to be shut', () => {
  test('is shut before anybody looks, and the look afterwards decides', async () => {
    const system = memorySystem()
    system.present.set('ada', 1)
    const pass = await click(system, shut('ada'))
    expect(system.asked).toEqual(['apply ada', 'look at ada'])
    expect(states(pass)).toEqual({ ada: 'as-desired' })
  })

  test('is not called shut because the system said yes and did nothing', async () => {
    const system = memorySystem()
    system.present.set('ada', 1)
    system.faults.apply = 'lie'
    expect(states(await click(system, shut('ada')))).toEqual({ ada: 'differs' })
  })

  test('is not called shut when it was, but nobody could look', async () => {
    const system = memorySystem()
    system.present.set('ada', 1)
    system.faults.read = 'away'
    const pass = await click(system, shut('ada'))
    expect(system.present.has('ada')).toBe(false)
    expect(pass.outcomes[0]!.finding).toMatchObject({ state: 'failed', problem: 'the memory system is away' })
  })

  test('is called shut when the answer was lost and the look shows it gone', async () => {
    const system = memorySystem()
    system.present.set('ada', 1)
    system.faults.apply = 'lose-answer'
    expect(states(await click(system, shut('ada')))).toEqual({ ada: 'as-desired' })
  })

  test('is told with the reason of the act when it stays open', async () => {
    const system = memorySystem()
    system.present.set('ada', 1)
    system.faults.apply = 'refuse'
    const pass = await click(system, shut('ada'))
    expect(pass.outcomes[0]!.finding).toMatchObject({ state: 'failed', problem: 'refused ada', hint: 'it was told to' })
  })
})

describe('a look that fails', () => {
  test('judges nothing and changes nothing', async () => {
    const system = memorySystem()
    system.present.set('ada', 1).set('ben', 7)
    system.faults.read = 'away'
    const pass = await sweep(system, door('ada', { generation: 2 }), shut('ben'))
    expect(states(pass)).toEqual({ ada: 'failed', ben: 'failed' })
    expect(system.asked).toEqual(['look'])
    expect([...system.present]).toEqual([
      ['ada', 1],
      ['ben', 7],
    ])
    expect(pass.strangers).toEqual([])
  })

  test('removes nobody when it answers empty', async () => {
    const system = memorySystem()
    system.present.set('ada', 1).set('stranger', 1)
    system.faults.read = 'empty'
    await sweep(system, door('ada'))
    expect([...system.present.keys()].sort()).toEqual(['ada', 'stranger'])
  })

  test('after the act leaves those settled that were settled before', async () => {
    const system = memorySystem()
    system.present.set('ada', 1)
    const { readSome } = system
    Object.assign(system, {
      readSome: async (...given: Parameters<NonNullable<typeof readSome>>) => {
        system.faults.read = 'away'
        return readSome!(...given)
      },
    })
    const pass = await sweep(system, door('ada'), door('ben'))
    expect(states(pass)).toEqual({ ada: 'as-desired', ben: 'failed' })
  })

  test('after a correction still tells that something had changed', async () => {
    const system = memorySystem()
    const { readSome } = system
    Object.assign(system, {
      readSome: async (...given: Parameters<NonNullable<typeof readSome>>) => {
        system.faults.read = 'away'
        return readSome!(...given)
      },
    })
    const pass = await sweep(system, door('ada'))
    expect(pass.outcomes[0]).toMatchObject({
      finding: { state: 'failed' },
      foundDiffering: { problem: 'ada is not there' },
    })
  })
})

test('a line that could not be mended tells what a look showed, and one at which nobody could look tells nothing', async () => {
  const system = memorySystem()
  system.present.set('ada', 1)
  system.faults.apply = 'away'
  const seen = await click(system, shut('ada'))
  expect(seen.outcomes[0]!.finding).toEqual({
    ...{ state: 'failed', problem: 'the memory system is away', hint: 'wait for it' },
    evidence: { summary: 'there as 1', facts: {} },
  })
  system.faults.read = 'away'
  const unseen = await click(system, shut('ada'))
  expect(unseen.outcomes[0]!.finding).not.toHaveProperty('evidence')
})

test('a system that takes its time for each gets a few at once, and the others are told as they were seen', async () => {
  const system = memorySystem()
  Object.assign(system, { mostAtOnce: 2 })
  system.present.set('ada', 1)
  const pass = await sweep(system, door('ada'), door('ben'), door('cem'), door('dora'))
  expect(system.asked).toEqual(['look', 'apply ben cem', 'look at ben cem'])
  expect(states(pass)).toEqual({ ada: 'as-desired', ben: 'as-desired', cem: 'as-desired', dora: 'differs' })
  expect(pass.outcomes.at(-1)).toMatchObject({ foundDiffering: { problem: 'dora is not there' } })
})

describe('one bad subject', () => {
  test('that is refused for good never keeps the others from their doors', async () => {
    const system = memorySystem()
    const people = ['ada', 'ben', 'cem', 'dora', 'eva', 'finn', 'gul']
    for (const name of people) system.present.set(name, 1)
    system.refused.add('dora')
    const pass = await click(system, ...people.map((name) => shut(name)))
    expect([...system.present.keys()]).toEqual(['dora'])
    expect(states(pass)).toEqual({
      ...Object.fromEntries(people.map((name) => [name, 'as-desired'])),
      dora: 'failed',
    })
  })

  test('that makes the adapter stumble never keeps the others from their doors', async () => {
    const system = memorySystem()
    const { apply } = system
    Object.assign(system, {
      apply: async (...[subjects, signal]: Parameters<typeof apply>) => {
        if (subjects.some(({ id }) => id === 'dora')) throw new TypeError('cannot read properties of undefined')
        return apply(subjects, signal)
      },
    })
    const pass = await click(system, door('ada'), door('ben'), door('dora'), door('eva'))
    expect(states(pass)).toEqual({ ada: 'as-desired', ben: 'as-desired', dora: 'failed', eva: 'as-desired' })
  })

  test('that cannot be judged never keeps the others from being judged, and is not touched', async () => {
    const system = memorySystem()
    system.present.set('dora', 1)
    system.unjudgeable.add('dora')
    const pass = await sweep(system, door('ada'), door('dora', { generation: 2 }), door('eva'))
    expect(states(pass)).toEqual({ ada: 'as-desired', dora: 'failed', eva: 'as-desired' })
    expect(pass.outcomes[1]!.finding).toMatchObject({ problem: 'dora does not open' })
    expect(system.present.get('dora')).toBe(1)
  })

  test('is looked for in few steps, not by asking for each alone', async () => {
    const system = memorySystem()
    const people = Array.from({ length: 1_000 }, (_, index) => `p${index}`)
    system.refused.add('p617')
    await click(system, ...people.map((name) => door(name)))
    // Two for each halving of a thousand.
    expect(system.asked.filter((asked) => asked.startsWith('apply')).length).toBeLessThanOrEqual(21)
    expect(system.present.size).toBe(999)
  })

  test('a system that is away is asked once, not once for everybody', async () => {
    const system = memorySystem()
    system.faults.apply = 'away'
    await click(system, ...['ada', 'ben', 'cem', 'dora'].map((name) => door(name)))
    expect(system.asked.filter((asked) => asked.startsWith('apply'))).toHaveLength(1)
  })
})

describe('what a pass changes', () => {
  test('is only what differs: whoever is as desired is not touched', async () => {
    const system = memorySystem()
    system.present.set('ada', 1).set('ben', 1)
    await sweep(system, door('ada'), door('ben', { generation: 2 }))
    expect(system.asked).toEqual(['look', 'apply ben', 'look at ben'])
  })

  test('is nothing when all is as desired', async () => {
    const system = memorySystem()
    system.present.set('ada', 1)
    await sweep(system, door('ada'), shut('ben'))
    expect(system.asked).toEqual(['look'])
  })

  test('never is a stranger, who is told', async () => {
    const system = memorySystem()
    system.present.set('ada', 1).set('nobody-here', 1)
    const pass = await sweep(system, shut('ada'))
    expect(pass.strangers).toEqual(['nobody-here'])
    expect([...system.present.keys()]).toEqual(['nobody-here'])
  })

  test('a quick look knows no strangers, since it did not look for them', async () => {
    const system = memorySystem()
    system.present.set('nobody-here', 1)
    expect((await click(system, door('ada'))).strangers).toEqual([])
  })

  test('works as well where there is no quick look', async () => {
    const system = memorySystem({ quickLook: false })
    system.present.set('ada', 1)
    expect(states(await click(system, shut('ada')))).toEqual({ ada: 'as-desired' })
    expect(system.asked).toEqual(['apply ada', 'look'])
  })

  test('a system that hangs is given up when its time is over', async () => {
    const system = memorySystem()
    system.faults.apply = 'hang'
    const pass = await reconcile(system, [shut('ada')], {
      actFirst: true,
      whole: false,
      signal: AbortSignal.timeout(30),
    })
    expect(states(pass)).toEqual({ ada: 'as-desired' })
    // The look decides; but what failed is told, since a part that no look shows may be undone.
    expect(pass.failedActs).toMatchObject([{ subjectId: 'ada', error: { message: expect.stringMatching(/\w/) } }])
    expect((await click(memorySystem(), shut('ada'))).failedActs).toEqual([])
    system.faults.read = 'hang'
    const second = await reconcile(system, [door('ada')], {
      actFirst: true,
      whole: false,
      signal: AbortSignal.timeout(30),
    })
    expect(second.outcomes[0]!.finding).toMatchObject({ state: 'failed' })
  })
})

describe('what cannot be shown', () => {
  test.each([
    ['cannot-show', 'unverifiable'],
    ['by-hand', 'waiting'],
  ] as const)('%s: is done, and stays %s', async (shows, state) => {
    const system = memorySystem()
    system.present.set('ada', 1)
    system.shows = shows
    expect(states(await sweep(system, shut('ada')))).toEqual({ ada: state })
    expect(states(await sweep(system, shut('ada')))).toEqual({ ada: state })
    expect(system.present.has('ada')).toBe(false)
  })
})
