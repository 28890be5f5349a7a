import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AssignmentSubject } from '../../src/domain/access.ts'
import { blockedPolicy, type CallPolicy } from '../../src/domain/call-policy.ts'
import type { Fake3cx } from '../fakes/fake-3cx.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { signal, unreachable } from './booked-bench.ts'
import { extensionLines, held1001 } from './held-extension.ts'
import { type ThreeCxBench, threeCxBench } from './three-cx-bench.ts'

let bench: ThreeCxBench
let fake: Fake3cx
beforeEach(async () => {
  bench = await threeCxBench()
  fake = bench.fake
  emergency()
})
afterEach(() => bench[Symbol.asyncDispose]())

const national: CallPolicy = { ...blockedPolicy, class: 'national' }
const emergency = () => fake.addRule('Emergency', { Prefix: '110,112', NumberLengthRanges: '3' })
const judge = async (extension = '1001', policy: CallPolicy = national, driver = bench.driver) =>
  (await driver.judgeCalls!([{ extension, policy }], signal()))[0]!
const steps = async (...args: Parameters<typeof judge>) => (await judge(...args)).steps

describe('the outbound rules of 3CX, held against a call class', () => {
  test('a rule that lets somebody dial abroad is named, with what to do; without it nothing is left to do', async () => {
    fake.addRule('National', { Prefix: '0', DNRanges: [{ From: '1000', To: '1099' }], NumberLengthRanges: '9-12' })
    expect(await steps()).toEqual(['outbound rule "National" lets 1001 dial 00…: take 1001 out of its extensions'])
    fake.rules[1]!.Prefix = '030,040,089'
    expect(await judge()).toEqual({
      extension: '1001',
      seen: 'none of the 2 outbound rules of 3CX lets 1001 dial more than its class',
      steps: [],
    })
  })

  test('a rule for other extensions says nothing of 1001, and 100 is not 1001', async () => {
    fake.addRule('Boss', {
      Prefix: '00',
      DNRanges: [
        { From: '100', To: null },
        { From: '2000', To: '2999' },
      ] as never,
    })
    expect(await steps()).toEqual([])
    expect(await steps('100')).toEqual(['outbound rule "Boss" lets 100 dial 00…: take 100 out of its extensions'])
    expect(await steps('2500')).toHaveLength(1)
  })

  test('a rule for everybody must be narrowed; one for a group is for a person to look at', async () => {
    fake.addRule('All', { Prefix: '00' })
    fake.addRule('Sales abroad', { Prefix: '00', GroupIds: [7], GroupNames: ['Sales'] })
    expect(await steps()).toEqual([
      'outbound rule "All" lets 1001 dial 00…, since it is for every extension: name those that may',
      'outbound rule "Sales abroad" lets 1001 dial 00… if it is in group Sales: see that it is not',
    ])
  })

  test.each([
    { Prefix: '0x' },
    { Prefix: '0;1' },
    { Prefix: '', NumberLengthRanges: 'long' },
    { Prefix: null, DNRanges: [{ From: 'abc', To: 'xyz' }] },
    { Prefix: null, DNRanges: [{ From: '', To: '' }] },
  ])('what is not understood is taken for everything: %j', async (fields) => {
    fake.addRule('Odd', fields)
    expect((await steps())[0]).toContain('"Odd" lets 1001 dial')
  })

  test.each([
    { Routes: [{ StripDigits: 1, Prepend: '0044' }] },
    { Routes: [{ StripDigits: 0, Prepend: '' }, { Prepend: '0044' }] },
    { Routes: [{ StripDigits: 2, Prepend: null }] },
    { Routes: [{ Append: '00' }] },
  ])(
    'a rule that sends another number to the trunk than was dialled is for a person to look at: %j',
    async (fields) => {
      fake.addRule('Short dial', { Prefix: '5', NumberLengthRanges: '8', ...fields })
      expect(await judge()).toEqual({
        extension: '1001',
        seen: 'outbound rules of 3CX rewrite what 1001 dials',
        steps: [
          expect.stringMatching(/^outbound rule "Short dial" rewrites what 1001 dials \(.+\): see what it dials$/),
        ],
      })
      expect(await steps('1001', { ...national, class: 'international' })).toEqual([])
      expect(await steps('1001', { ...national, countries: ['43'] })).toHaveLength(1)
    },
  )

  test('what a rule makes of a number is said, so that another rewriting asks anew', async () => {
    const rule = fake.addRule('Odd', { Prefix: '5', Routes: [{ StripDigits: 1, Prepend: '0044' }] })
    expect(await steps()).toEqual([
      'outbound rule "Odd" rewrites what 1001 dials (StripDigits 1, Prepend "0044"): see what it dials',
    ])
    rule.Routes = [{ StripDigits: 1, Prepend: '0043' }]
    expect((await steps())[0]).toContain('Prepend "0043"')
    for (let index = 0; index < 6; index += 1) fake.addRule(`More ${index}`, { Prefix: '5', Routes: rule.Routes })
    expect((await steps()).slice(5)).toEqual(['and 2 more outbound rules rewrite what 1001 dials'])
  })

  test('to take the outside line off, from numbers that begin with it, is no rewriting', async () => {
    const driver = bench.open({ dialPlan: async () => ({ ...germany, outsideLine: '9' }) })
    const ask = () => steps('1001', national, driver)
    const rule = fake.addRule('Town', { Prefix: '930', Routes: [{ StripDigits: 1, Prepend: '' }] })
    expect(await ask()).toEqual([])
    rule.Prefix = '930,0'
    expect(await ask()).toContainEqual(expect.stringContaining('"Town" rewrites'))
    Object.assign(rule, { Prefix: '930', Routes: [{ StripDigits: 2, Prepend: '' }] })
    expect(await ask()).toContainEqual(expect.stringContaining('"Town" rewrites'))
  })

  test.each(['15-8', '1,15-8', '25-30', '0'])(
    'lengths %s are not taken for "no number at all"',
    async (NumberLengthRanges) => {
      fake.addRule('Abroad', { Prefix: '00', NumberLengthRanges })
      expect(await steps()).toEqual([expect.stringContaining('"Abroad" lets 1001 dial 00…')])
    },
  )

  test('extensions from 1010 to 1000 are those from 1000 to 1010', async () => {
    fake.addRule('Turned round', { Prefix: '00', DNRanges: [{ From: '1010', To: '1000' }] })
    expect(await steps()).toHaveLength(1)
    expect(await steps('1011')).toEqual([])
  })

  test('an emergency number that no rule lets through is told, and an emergency rule is for no other number', async () => {
    fake.rules.length = 0
    fake.addRule('SOS', { Prefix: '112', EmergencyRule: false, NumberLengthRanges: '3' })
    expect(await steps('1001', blockedPolicy)).toEqual(['no outbound rule lets 1001 dial 110: add one for it'])
    fake.rules[0]!.Prefix = '112,110'
    expect(await steps('1001', blockedPolicy)).toEqual([])
    Object.assign(fake.rules[0]!, { NumberLengthRanges: null })
    expect(await steps('1001', blockedPolicy)).toHaveLength(1)
    Object.assign(fake.rules[0]!, { EmergencyRule: true })
    expect(await steps('1001', blockedPolicy)).toEqual([])
  })

  test('limits of calls and minutes are said to be kept by nobody', async () => {
    expect(await steps('1001', { ...national, minutesPerDay: 60 })).toEqual([
      '3CX keeps no limit of calls or minutes for 1001: set one at the provider, or choose none',
    ])
  })

  test('more rules than one page holds are all read, and rules that change meanwhile are no answer', async () => {
    for (let index = 0; index < 120; index += 1)
      fake.addRule(`Local ${index}`, { Prefix: '030', DNRanges: [{ From: '1001', To: '1001' }] })
    fake.addRule('Last', { Prefix: '00' })
    expect(await steps()).toHaveLength(1)
    fake.afterPage = () => fake.rules.shift()
    await expect(judge()).rejects.toMatchObject(unreachable)
  })

  test.each(['DNRanges', 'Routes'])('rules without %s are no rules: nothing is called right', async (field) => {
    fake.faults.dropRuleField = field
    expect((await judge()).seen).toContain('could not be judged')
    expect(await steps()).toEqual([
      'set the outbound rules for extension 1001 to national calls; emergency numbers stay allowed',
    ])
  })

  test('a client that may not see them, and a site without a dial plan, leave the step to a person', async () => {
    fake.faults.noRules = true
    expect(await judge()).toMatchObject({
      seen: expect.stringContaining('does not let this API client have the outbound rules'),
      steps: ['set the outbound rules for extension 1001 to national calls; emergency numbers stay allowed'],
    })
    expect((await bench.driver.describe(signal())).problems).toHaveLength(1)
    fake.faults.noRules = false
    const driver = bench.open({ dialPlan: async () => null })
    expect((await judge('1001', national, driver)).seen).toContain('nobody said what dialled numbers mean')
  })

  test('2,000 people and 200 rules are judged in a moment', async () => {
    for (let index = 0; index < 200; index += 1)
      fake.addRule(`Rule ${index}`, {
        Prefix: `0${index},00${index}`,
        DNRanges: [{ From: `${1000 + index}`, To: '2999' }],
      })
    const wishes = Array.from({ length: 2_000 }, (_, index) => ({ extension: String(1000 + index), policy: national }))
    const before = process.cpuUsage()
    const answers = await bench.driver.judgeCalls!(wishes, signal())
    expect(answers).toHaveLength(2_000)
    expect(answers.at(-1)!.steps.slice(5)).toEqual(['and 194 more outbound rules let 2999 dial more than its class'])
    const { user } = process.cpuUsage(before)
    expect(user / 1000).toBeLessThan(2_000)
  })

  test('looking changes nothing', async () => {
    fake.addRule('All', { Prefix: '' })
    const before = fake.snapshot()
    await judge()
    expect(fake.snapshot()).toBe(before)
    expect(fake.https.asked.filter(({ method, path }) => method !== 'GET' && path !== '/connect/token')).toEqual([])
  })
})

describe('the line of the extension on 3CX', () => {
  const line = async (subject: AssignmentSubject = held1001) => {
    const lines = extensionLines(bench.driver, { subjects: async () => [subject] })
    return lines.judge(subject, await lines.read(signal()))
  }

  test('waits while a rule lets 1001 dial more, and closes by itself without a tick when none does', async () => {
    const rule = fake.addRule('International', { Prefix: '00', DNRanges: [{ From: '1001', To: '1001' }] })
    expect(await line()).toMatchObject({
      state: 'waiting',
      problem: 'On the PBX: outbound rule "International" lets 1001 dial 00…: take 1001 out of its extensions.',
    })
    rule.DNRanges = [{ From: '1002', To: '1002' }]
    expect(await line()).toMatchObject({
      state: 'as-desired',
      evidence: { summary: expect.stringContaining('none of the 2 outbound rules') },
    })
  })

  test('a leaver asks for no rule, and whoever has no class is bound by the rules alone', async () => {
    expect((await line({ ...held1001, policy: null })).state).toBe('as-desired')
    const asked = () => fake.https.asked.filter(({ path }) => path.includes('OutboundRules')).length
    await line({ ...held1001, wanted: 'closed', policy: null })
    expect(asked()).toBe(0)
  })

  test('with a 3CX that is away nothing is said', async () => {
    fake.https.goDown()
    await expect(line()).rejects.toMatchObject(unreachable)
  })
})
