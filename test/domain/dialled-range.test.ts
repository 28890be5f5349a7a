import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blockedPolicy, type CallPolicy, callClasses, type DialPlan } from '../../src/domain/call-policy.ts'
import { mayDial } from '../../src/domain/dialled-number.ts'
import { beyondPolicy, isInRange } from '../../src/domain/dialled-range.ts'
import { germany } from '../fixtures/dialled-numbers.ts'

const newYork: DialPlan = {
  countryCode: '1',
  outsideLine: '9',
  internationalPrefix: '011',
  nationalPrefix: '1',
  areaCode: '212',
  emergencyNumbers: ['911'],
}
const policy = (name: CallPolicy['class'], countries: readonly string[] = []): CallPolicy => ({
  ...blockedPolicy,
  class: name,
  countries,
})

describe('numbers that a rule lets through, held against a call class', () => {
  test.each([
    ['00', null, 'national', '00'],
    ['00', null, 'international', null],
    ['0', null, 'national', '00'],
    ['030', null, 'local', null],
    ['03', null, 'local', '03'],
    ['0049', null, 'national', null],
    ['004930', null, 'local', null],
    ['004', null, 'national', '004'],
    ['', null, 'international', null],
    ['112', [3], 'blocked', null],
    ['112', null, 'blocked', '112'],
    ['11', [3], 'blocked', '11'],
    ['', [6, 7], 'internal', ''],
    ['00', [2, 3], 'national', '00'],
  ] as const)('in Berlin, %j with lengths %j and class %s', (prefix, lengths, name, beyond) => {
    const found = beyondPolicy({ prefix, lengths }, policy(name), germany)
    if (beyond === null) expect(found).toBeNull()
    else expect(found).toMatch(new RegExp(`^${beyond}`))
  })

  test('countries on top of a class are let through, and no others', () => {
    expect(beyondPolicy({ prefix: '0043', lengths: null }, policy('national', ['43']), germany)).toBeNull()
    expect(beyondPolicy({ prefix: '0041', lengths: null }, policy('national', ['43']), germany)).toBe('0041')
    expect(beyondPolicy({ prefix: '004', lengths: null }, policy('national', ['43']), germany)).toMatch(/^004/)
  })

  test('what the dial plan does not know is beyond every class', () => {
    expect(beyondPolicy({ prefix: '0171', lengths: null }, policy('international'), newYork)).toBe('0171')
    expect(beyondPolicy({ prefix: '92', lengths: null }, policy('international'), newYork)).toBeNull()
    // Operators of North America.
    expect(beyondPolicy({ prefix: '9', lengths: null }, policy('international'), newYork)).toBe('90')
  })

  test('whatever number is in a range that fits a class may be dialled by that class', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 5 })
    const start = fc.oneof(
      digits,
      fc.constantFrom('00', '0', '0049', '004930', '030', '112', '110', '+49', '+', '9011'),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(germany, newYork),
        start,
        fc.option(fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 4 }), { nil: null }),
        fc.constantFrom(...callClasses),
        fc.subarray(['43', '49', '1', '41']),
        fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 0, maxLength: 11 }),
        (plan, prefix, lengths, name, countries, rest) => {
          const range = { prefix, lengths }
          const number = prefix + rest
          fc.pre(number !== '' && number !== '+' && isInRange(number, range))
          const chosen = policy(name, countries)
          if (beyondPolicy(range, chosen, plan) === null) expect(mayDial(chosen, number, plan, false)).toBe(true)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
