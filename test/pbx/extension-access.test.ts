import { describe, expect, test } from 'vitest'
import { reconcile } from '../../src/access/reconcile.ts'
import type { AssignmentSubject } from '../../src/domain/access.ts'
import { blockedPolicy } from '../../src/domain/call-policy.ts'
import type { LeftoverReach } from '../../src/domain/outliving.ts'
import { AppError } from '../../src/errors.ts'
import { judgeEnded } from '../../src/pbx/ended-extension.ts'
import { type ExtensionState, judgePolicy } from '../../src/pbx/extension-judgement.ts'
import type { Leftover, PbxAccountInForce } from '../../src/pbx/pbx-driver.ts'
import { type FakePbx, fakePbx } from '../fakes/fake-pbx.ts'
import { extensionLines, held1001 } from './held-extension.ts'

const national = { ...blockedPolicy, class: 'national', callsAtOnce: 2 } as const
const open: AssignmentSubject = { ...held1001, policy: national }
const closed: AssignmentSubject = { ...open, wanted: 'closed', generation: 2, policy: null }
const soon = () => AbortSignal.timeout(2_000)

function account(policy: string | null, credentials = 1): PbxAccountInForce {
  const all = [{ id: 'c1', generation: 1, digest: null }]
  return { extension: '1001', credentials: all.slice(0, credentials), registrations: [], calls: [], policy }
}
const seen = (
  one: PbxAccountInForce | null,
  leftovers: readonly Leftover[] | null = [],
  more: Partial<ExtensionState> = {},
): ExtensionState => ({
  product: 'Fake PBX 1.0',
  accounts: new Map(one ? [[one.extension, one]] : []),
  others: new Set(),
  leftovers: leftovers && Map.groupBy(leftovers, ({ extension }) => extension),
  sharedPins: [],
  judged: new Map(),
  seenShut: new Set(),
  ...more,
})
const forward: Leftover = { extension: '1001', kind: 'call-forward', words: 'calls go to 0171', clearable: true }
const mailbox: Leftover = { extension: '1001', kind: 'voicemail-pin', words: 'a mailbox is there', clearable: false }

function access(pbx: FakePbx, held: readonly string[] = []) {
  return extensionLines(pbx.driver, {
    heldNow: async (extensions) => new Set(extensions.filter((extension) => held.includes(extension))),
    subjects: async () => [closed],
  })
}

const able = (leftovers: LeftoverReach) => fakePbx({ leftovers }).driver

describe('whoever is here', () => {
  test.each([
    ['national callsAtOnce=2', 'as-desired'],
    ['national', 'differs'],
    ['none', 'differs'],
    [null, 'differs'],
  ] as const)('with %s in force the chosen class is %s', (policy, state) => {
    expect(judgePolicy(open, seen(account(policy)), { callClasses: 'enforced' }).state).toBe(state)
  })

  test('an account that is not there yet enforces nothing, and no class needs no account', () => {
    expect(judgePolicy(open, seen(null), { callClasses: 'enforced' })).toMatchObject({
      state: 'differs',
      evidence: { facts: { inForce: 'no account' } },
    })
    const none = { ...open, policy: null }
    expect(judgePolicy(none, seen(null), { callClasses: 'enforced' }).state).toBe('as-desired')
    expect(judgePolicy(none, seen(account('national')), { callClasses: 'enforced' }).state).toBe('differs')
  })

  test('a PBX that takes no classes has a step in words, which never calls anything done', () => {
    expect(judgePolicy(open, seen(account(null)), { callClasses: 'absent' })).toMatchObject({
      state: 'waiting',
      problem: expect.stringMatching(/extension 1001 to national calls; outside calls at most 2 at once/),
    })
  })
})

describe('whoever left', () => {
  test.each([
    ['gone', null, 'as-desired', 'is gone from'],
    ['kept and blocked', account('blocked', 0), 'as-desired', 'is blocked on'],
    ['kept and not blocked', account('national', 0), 'differs', 'not blocked'],
    ['with a registration alone, which is for the line of the account', account(null, 0), 'as-desired', 'is gone from'],
    [
      'with a login, which is for the line of the account',
      account('national'),
      'as-desired',
      'is still there on Fake PBX 1.0 (its login: see the line sip-account), and',
    ],
  ] as const)('an extension %s is judged so', (_words, one, state, words) => {
    const finding = judgeEnded(closed, seen(one), able('cleared'))
    expect(finding).toMatchObject({ state, evidence: { summary: expect.stringContaining(words) } })
  })

  test.each([
    ['cleared', [forward], 'differs', 'calls go to 0171'],
    ['cleared', [mailbox], 'waiting', 'a mailbox is there'],
    ['cleared', [forward, mailbox], 'differs', 'calls go to 0171'],
    ['read', [forward], 'waiting', 'calls go to 0171'],
    ['cleared', [], 'as-desired', null],
    ['unseen', null, 'waiting', 'voicemail PIN'],
  ] as const)('where leftovers are %s, %j is %s', (ability, found, state, words) => {
    const finding = judgeEnded(closed, seen(null, found), able(ability))
    expect(finding.state).toBe(state)
    if (words !== null) expect(finding).toMatchObject({ problem: expect.stringContaining(words) })
  })

  test('while somebody leaves, what they may know by heart is a step too, whoever has the extension by then', () => {
    const room = { kind: 'conference-pin', words: 'the PIN of conference room 8000' } as const
    const state = { ...seen(null), sharedPins: [room] }
    const leaving = { ...closed, leaving: true }
    for (const subject of [leaving, { ...leaving, hasNextHolder: true }]) {
      expect(judgeEnded(subject, state, able('cleared'))).toMatchObject({
        state: 'waiting',
        problem: expect.stringContaining('by heart: the PIN of conference room 8000'),
      })
    }
    expect(judgeEnded(closed, state, able('cleared')).state).toBe('as-desired')
    // Nothing to see: the step says where to look.
    expect(judgeEnded(leaving, seen(null, null), able('unseen'))).toMatchObject({
      problem: expect.stringMatching(/voicemail PIN.*by heart: DISA .*; PINs of conference rooms/),
    })
    expect(judgeEnded(closed, seen(null, null), able('unseen'))).not.toMatchObject({
      problem: expect.stringContaining('by heart'),
    })
  })

  test('PINs are asked for once however many leave, not at all while nobody does, and no "no" keeps anybody waiting', async () => {
    const pbx = fakePbx()
    pbx.addRoom('8000')
    let asked = 0
    let refusing = false
    const readSharedPins = async (signal: AbortSignal) => {
      asked += 1
      if (refusing) throw new AppError('PBX_REFUSED', 'the PBX does not show confbridge.conf')
      return pbx.driver.readSharedPins!(signal)
    }
    const leaving = ['1001', '1002', '1003'].map((extension) => ({
      ...closed,
      id: extension,
      extension,
      leaving: true,
    }))
    const gone = { ...closed, id: 'a9', extension: '1009' }
    let subjects: readonly AssignmentSubject[] = [...leaving, gone]
    const access = extensionLines({ ...pbx.driver, readSharedPins }, { subjects: async () => subjects })
    const state = await access.read(soon())
    expect(asked).toBe(1)
    expect(leaving.map((one) => access.judge(one, state).state)).toEqual(['waiting', 'waiting', 'waiting'])
    expect(access.judge(gone, state).state).toBe('as-desired')
    refusing = true
    expect(access.judge(leaving[0]!, await access.read(soon()))).toMatchObject({
      state: 'waiting',
      problem: expect.stringMatching(/PINs of conference rooms, which cannot be seen .*confbridge/),
    })
    subjects = [gone, open]
    await access.read(soon())
    expect(asked).toBe(2)
  })

  const passedOn: AssignmentSubject = { ...closed, hasNextHolder: true }

  test.each(['cleared', 'read'] as const)(
    'what a next owner sets (%s) is theirs once the extension was seen clean, and only its kind is told',
    (ability) => {
      const state = seen(account('national'), [forward], { seenShut: new Set([closed.id]) })
      const finding = judgeEnded(passedOn, state, able(ability))
      expect(finding).toMatchObject({
        state: 'as-desired',
        evidence: { summary: expect.stringContaining('another owner'), facts: { leftovers: 'call-forward' } },
      })
      expect(JSON.stringify(finding)).not.toContain('0171')
    },
  )

  test('what is set under a next owner who came before it was ever seen clean is a step, not green', () => {
    expect(judgeEnded(passedOn, seen(account('national'), [forward]), able('cleared'))).toMatchObject({
      state: 'waiting',
      problem: expect.stringContaining('has another owner now, and this is set: calls go to 0171'),
      // Whom the number means is said where the line is shown (journeys/known-pbx.ts).
      hint: expect.stringContaining('ringfence acknowledge 1001 extension'),
    })
    expect(judgeEnded(passedOn, seen(account('national'), []), able('cleared')).state).toBe('as-desired')
    // Nor is it where nobody looked, since this PBX shows nothing.
    expect(judgeEnded(passedOn, seen(account('national'), null), able('unseen')).state).toBe('waiting')
    const ticked = seen(account('national'), null, { seenShut: new Set([closed.id]) })
    expect(judgeEnded(passedOn, ticked, able('unseen')).state).toBe('as-desired')
  })

  test('what is set on an extension that somebody else made on the PBX is shown, for a person to decide', () => {
    const others = { others: new Set(['1001']) }
    expect(judgeEnded(closed, seen(null, [forward], others), able('cleared'))).toMatchObject({
      state: 'waiting',
      problem: expect.stringMatching(/somebody else made extension 1001.*calls go to 0171.*left alone/),
    })
    expect(judgeEnded(closed, seen(null, [], others), able('cleared'))).toMatchObject({
      state: 'as-desired',
      evidence: { summary: expect.stringContaining('by somebody else') },
    })
  })

  test('is cleared only where nobody holds the extension at that very moment, whatever was listed before', async () => {
    const pbx = fakePbx()
    for (const extension of ['1001', '1002']) pbx.addLeftover(extension)
    // Whoever holds it may have no phone yet.
    await access(pbx, ['1001']).apply([closed, { ...closed, id: 'a2', extension: '1002' }], soon())
    const left = await pbx.driver.readLeftovers!(['1001', '1002'], soon())
    expect(left.map(({ extension }) => extension)).toEqual(['1001'])
  })

  test('an extension that an admin made anew on the PBX for somebody else keeps its forwards, and they are shown', async () => {
    const pbx = fakePbx()
    const system = access(pbx)
    const pass = (actFirst: boolean) =>
      reconcile(system, [closed], { actFirst, whole: !actFirst, signal: AbortSignal.timeout(5_000) })
    pbx.addLeftover('1001')
    expect((await pass(true)).outcomes[0]!.finding.state).toBe('as-desired')
    expect(await pbx.driver.readLeftovers!(['1001'], soon())).toEqual([])

    pbx.addForeign('1001', 'of the reception')
    pbx.addLeftover('1001')
    for (const actFirst of [true, false]) {
      expect((await pass(actFirst)).outcomes[0]!.finding).toMatchObject({
        state: 'waiting',
        problem: expect.stringContaining('calls are forwarded'),
      })
      expect(await pbx.driver.readLeftovers!(['1001'], soon())).toHaveLength(1)
    }
  })

  test('a PBX that is away is an error and never an empty look', async () => {
    const pbx = fakePbx()
    const system = access(pbx)
    pbx.faults.down = true
    await expect(system.read(soon())).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    pbx.faults.down = false
    pbx.faults.hang = true
    await expect(system.read(AbortSignal.timeout(50))).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
  })
})
