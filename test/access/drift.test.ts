import { describe, expect, test } from 'vitest'
import { type Drift, driftFrom } from '../../src/access/drift.ts'
import type { Outcome } from '../../src/access/reconcile.ts'
import { knownOf, verdictFrom } from '../../src/access/verdict-line.ts'
import type { PhoneDoorSubject } from '../../src/domain/access.ts'
import { memoryStore } from './memory-lane.ts'
import { door, memorySystem, shut } from './memory-system.ts'
import { lanesOfEachTest, pass } from './timed-lanes.ts'

const evidence = { summary: 'seen', facts: {} }
const step = { state: 'waiting', evidence, problem: 'do it by hand' } as const
const open = { state: 'differs', evidence, problem: 'it is open' } as const
const away = { state: 'failed', problem: 'the system is away', hint: undefined } as const

const lineOf = (subject: PhoneDoorSubject, finding: Outcome<PhoneDoorSubject>['finding']) =>
  verdictFrom({ subject, finding, foundDiffering: null }, undefined, {
    ...{ id: 'memory/one/phone-door/ada', system: 'memory', instance: 'one' },
    ...{ now: new Date('2026-03-01T09:00:00Z'), chance: 0, retryMs: { first: 100, most: 1_600 } },
  })

/** The step was asked for before, and what is seen now ends with the same step unless said otherwise. */
function driftOf(
  outcome: Partial<Outcome<PhoneDoorSubject>>,
  { before = shut('ada'), isOwnAbsence = false }: { before?: PhoneDoorSubject; isOwnAbsence?: boolean } = {},
): Drift | null {
  const now = { subject: shut('ada'), finding: step, foundDiffering: null, ...outcome }
  return driftFrom(now, knownOf(lineOf(before, step)), lineOf(now.subject, now.finding), isOwnAbsence)
}

describe('what a look shows on the way to a step that says the same as before', () => {
  test('is told to the book, which knows whether somebody had ticked it', () => {
    expect(driftOf({ foundDiffering: open })).toMatchObject({ problem: 'it is open', shown: 'retrying' })
    expect(driftOf({ foundDiffering: open })).toMatchObject({ wasConverged: false })
  })

  test('is told also where it is a step in other words, and no second look followed', () => {
    const seen = { ...step, problem: 'do something else' }
    expect(driftOf({ finding: { ...away, seen } })).toMatchObject({ problem: 'do something else', shown: 'waiting' })
  })

  test('is nothing where nobody could look at all, or both looks showed it', () => {
    expect([driftOf({ finding: away }), driftOf({})]).toEqual([null, null])
  })

  test('is nothing where more is wanted than the system was ever told', () => {
    expect(driftOf({ foundDiffering: { ...open, isNew: true } })).toBeNull()
  })

  test('is nothing on the way of a change of our own: a new password, a class, a closing', () => {
    expect(driftOf({ foundDiffering: open }, { before: shut('ada', 1) })).toBeNull()
    expect(driftOf({ foundDiffering: open }, { before: door('ada', { generation: 2 }) })).toBeNull()
  })

  test('is nothing where our own orderly stop took away what is to be open; what is to be shut is told', () => {
    const subject = door('ada')
    expect(driftOf({ subject, foundDiffering: open }, { before: subject, isOwnAbsence: true })).toBeNull()
    expect(driftOf({ foundDiffering: open }, { isOwnAbsence: true })).not.toBeNull()
  })
})

const { settled } = lanesOfEachTest()

test('what was seen and mended on the way to the same step is not forgotten when the store could not take it', async () => {
  const [system, store, told] = [memorySystem(), memoryStore(), [] as Drift[]]
  const { judge } = system
  Object.assign(system, {
    judge: (...given: Parameters<typeof judge>) => {
      const finding = judge(...given)
      return finding.state === 'as-desired' ? step : finding
    },
  })
  store.put(shut('ada'))
  let failing = 0
  const lane = await settled(system, store, {
    verdicts: {
      load: async () => [],
      async save(_changed, drifts) {
        if (failing-- > 0) throw new Error('the store failed')
        told.push(...drifts)
      },
      forget: async () => undefined,
    },
  })
  system.present.set('ada', 1)
  failing = 1
  lane.sweep()
  await pass(500, lane)
  lane.sweep()
  await lane.idle()
  expect(store.events).toMatchObject([{ kind: 'broken' }])
  expect(told).toMatchObject([{ problem: 'ada is there as 1', shown: 'retrying', wasConverged: false }])
})
