import { expect, test } from 'vitest'
import type { AccessSystem, Finding } from '../../src/access/access-system.ts'
import type { AssignmentSubject } from '../../src/domain/access.ts'
import { planRows } from '../../src/pbx/edge/edge-calls.ts'
import { type EdgeCallsInForce, extensionBehindEdge } from '../../src/pbx/edge/edge-extension-access.ts'
import { germany } from '../fixtures/dialled-numbers.ts'

const settings = { dialPlan: germany, internal: [] }
const gone: Finding = { state: 'as-desired', evidence: { summary: 'gone', facts: {} } }
const behind: AccessSystem<AssignmentSubject, null> = {
  ...{ kind: 'extension', instance: 'default' },
  read: async () => null,
  judge: () => gone,
  apply: async () => undefined,
}
const leaver: AssignmentSubject = {
  ...{ kind: 'assignment', id: 'a', employeeId: null, pbxId: 'default', extension: '1001' },
  ...{ wanted: 'closed', generation: 2, policy: null, hasNextHolder: false, leaving: false },
}

async function judged(
  shown: Partial<Pick<EdgeCallsInForce, 'isChanging'>> & Partial<EdgeCallsInForce['rows']>,
  held: readonly string[] = [],
) {
  const { isChanging = false, plan = planRows(settings), policy = new Map() } = shown
  const edge = { read: async () => ({ rows: { plan, policy }, settings, isChanging }), publish: async () => undefined }
  const system = extensionBehindEdge(behind, edge, {
    abilities: { callClasses: 'absent' },
    heldNow: async (asked) => new Set(asked.filter((extension) => held.includes(extension))),
  })
  const signal = AbortSignal.timeout(1_000)
  const whole = system.judge(leaver, await system.read(signal))
  expect(system.judge(leaver, await system.readSome!([leaver], signal))).toEqual(whole)
  return whole
}

test('a leaver whom the edge does not know is news to an edge without the plan, or in the middle of taking it over', async () => {
  expect(await judged({ plan: new Map() })).toMatchObject({ state: 'differs', isNew: true })
  expect(await judged({ isChanging: true })).toMatchObject({ state: 'differs', isNew: true })
})

test('a leaver whom the edge does not block although it has the plan was let go by somebody', async () => {
  expect(await judged({})).toEqual(expect.not.objectContaining({ isNew: true }))
  expect(await judged({})).toMatchObject({ state: 'differs' })
  const free = new Map([['1001', 'international']])
  expect(await judged({ policy: free, plan: new Map(), isChanging: true })).toEqual(
    expect.not.objectContaining({ isNew: true }),
  )
})

test('a leaver whom it blocks is shut, whatever else it is taking over', async () => {
  const policy = new Map([['1001', 'blocked']])
  expect(await judged({ policy, plan: new Map(), isChanging: true })).toMatchObject({
    state: 'as-desired',
    evidence: { summary: 'gone; blocked at the edge' },
  })
})

test('a leaver whose extension got its next owner since the leavers were listed is not said to be let in again', async () => {
  for (const policy of ['none', 'national'])
    expect(await judged({ policy: new Map([['1001', policy]]) }, ['1001'])).toEqual(gone)
  expect(await judged({ policy: new Map([['1001', 'none']]) }, ['10010'])).toMatchObject({ state: 'differs' })
})
