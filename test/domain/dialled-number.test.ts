import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blockedPolicy, type CallPolicy, callClasses } from '../../src/domain/call-policy.ts'
import { parseDialPlan, storedDialPlan } from '../../src/domain/dial-plan.ts'
import { emergencyNumbers, kindOf, mayDial, rankOf } from '../../src/domain/dialled-number.ts'
import { dialledNumbers, germany } from '../fixtures/dialled-numbers.ts'

describe.each(dialledNumbers)('in %s', (_where, plan, numbers) => {
  test.each(Object.entries(numbers))('%s is %s', (dialled, what) => {
    expect(kindOf(dialled, plan, false)).toBe(what.split(' ')[0])
  })
})

test('a number with a line break behind it is no emergency number', () => {
  expect(kindOf('112\n', germany, false)).toBe('unknown')
})

const digits = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength, maxLength })

const plans = fc
  .record({
    countryCode: digits(1, 3).filter((code) => !code.startsWith('0')),
    outsideLine: digits(0, 2),
    internationalPrefix: digits(1, 3),
    nationalPrefix: digits(0, 2),
    areaCode: fc.option(digits(1, 4), { nil: null }),
    emergencyNumbers: fc.array(digits(2, 4), { minLength: 1, maxLength: 3 }),
  })
  .filter((plan) => parseDialPlan(plan).ok)

const dialled = fc.oneof(
  digits(0, 16),
  digits(0, 14).map((rest) => `+${rest}`),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: fc.constantFrom(...'0123456789+*#;,&/()[]{}$"\' \n'), maxLength: 12 }),
)

const policies: fc.Arbitrary<CallPolicy> = fc.record({
  class: fc.constantFrom(...callClasses),
  countries: fc.uniqueArray(
    digits(1, 3).filter((code) => !code.startsWith('0')),
    { maxLength: 3 },
  ),
  callsAtOnce: fc.constant(null),
  callsPerHour: fc.constant(null),
  callsPerDay: fc.constant(null),
  minutesPerHour: fc.constant(null),
  minutesPerDay: fc.constant(null),
})

describe('whatever is dialled, in whatever country', () => {
  test('a number that is no extension is never taken for one', () => {
    fc.assert(fc.property(plans, dialled, (plan, number) => kindOf(number, plan, false) !== 'internal'))
  })

  test('emergency numbers are exactly those that were given, with and without the outside line', () => {
    fc.assert(
      fc.property(plans, dialled, fc.boolean(), (plan, number, isInternal) => {
        const isOne = plan.emergencyNumbers.some((one) => [one, `${plan.outsideLine}${one}`].includes(number))
        expect(kindOf(number, plan, isInternal) === 'emergency').toBe(isOne)
      }),
    )
  })

  test('emergency numbers are never refused, whatever the policy', () => {
    fc.assert(
      fc.property(plans, policies, fc.boolean(), (plan, policy, isInternal) => {
        for (const number of emergencyNumbers(plan)) expect(mayDial(policy, number, plan, isInternal)).toBe(true)
      }),
    )
  })

  test('a number with a foreign country code is never allowed to whoever may not call abroad', () => {
    fc.assert(
      fc.property(plans, policies, digits(3, 10), fc.boolean(), (plan, policy, rest, withPlus) => {
        const number = `${withPlus ? '+' : plan.outsideLine + plan.internationalPrefix}${rest}`
        fc.pre(!rest.startsWith(plan.countryCode) && !emergencyNumbers(plan).includes(number))
        // A national prefix that begins with the international one is longer, so it wins; no country has that.
        fc.pre(withPlus || !plan.nationalPrefix.startsWith(plan.internationalPrefix))
        const listed = policy.countries.some((country) => rest.startsWith(country))
        const expected = policy.class === 'international' || (listed && policy.class !== 'blocked')
        expect(mayDial(policy, number, plan, false)).toBe(expected)
      }),
    )
  })

  test('a higher class allows all that a lower one does', () => {
    fc.assert(
      fc.property(plans, policies, dialled, fc.boolean(), (plan, policy, number, isInternal) => {
        if (!mayDial(policy, number, plan, isInternal)) return
        for (const higher of callClasses.slice(rankOf(policy.class)))
          expect(mayDial({ ...policy, class: higher }, number, plan, isInternal)).toBe(true)
      }),
    )
  })

  test('what is neither an extension nor digits with at most a plus before them is allowed to nobody', () => {
    fc.assert(
      fc.property(plans, policies, dialled, (plan, policy, number) => {
        fc.pre(!/^[+]?[0-9]+$/.test(number) || number.includes('\n'))
        expect(mayDial(policy, number, plan, false)).toBe(false)
      }),
    )
  })

  test('a blocked extension reaches emergency numbers and nothing else', () => {
    fc.assert(
      fc.property(plans, dialled, fc.boolean(), (plan, number, isInternal) => {
        const policy = { ...blockedPolicy, countries: ['43', '1'] }
        expect(mayDial(policy, number, plan, isInternal)).toBe(emergencyNumbers(plan).includes(number))
      }),
    )
  })
})

test('a dial plan is read as people write it', () => {
  expect(
    parseDialPlan({
      countryCode: ' +49 ',
      internationalPrefix: '00',
      nationalPrefix: '0',
      areaCode: '',
      emergencyNumbers: ['112', ' 110', '112', ''],
    }),
  ).toEqual({ ok: true, value: { ...germany, areaCode: null, emergencyNumbers: ['110', '112'] } })
})

test('every problem of a dial plan is told at once, each beside its field', () => {
  const checked = parseDialPlan({
    countryCode: '049',
    outsideLine: '0)',
    internationalPrefix: '',
    nationalPrefix: '$',
    areaCode: '030x',
    emergencyNumbers: [],
  })
  expect(!checked.ok && checked.problems.map(({ field }) => field)).toEqual([
    'countryCode',
    'outsideLine',
    'internationalPrefix',
    'nationalPrefix',
    'areaCode',
    'emergencyNumbers',
  ])
  const prefixed = parseDialPlan({ ...germany, areaCode: '030' })
  expect(!prefixed.ok && prefixed.problems).toMatchObject([{ field: 'areaCode', hint: 'without it: 30, not 030' }])
})

test('a dial plan that was damaged in the database is an error and no dial plan', () => {
  expect(storedDialPlan(null)).toBe(null)
  expect(storedDialPlan(JSON.stringify(germany))).toEqual(germany)
  expect(() => storedDialPlan(JSON.stringify({ ...germany, emergencyNumbers: [] }))).toThrow(/damaged/)
})
