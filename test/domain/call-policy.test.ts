import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type CallPolicy,
  callClasses,
  callLimits,
  parsePolicyText,
  policyText,
  storedPolicy,
  withEffect,
} from '../../src/domain/call-policy.ts'

const limit = fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: null })

const policies: fc.Arbitrary<CallPolicy> = fc.record({
  class: fc.constantFrom(...callClasses),
  countries: fc
    .uniqueArray(fc.integer({ min: 1, max: 999 }).map(String), { maxLength: 4 })
    .map((countries) => countries.sort()),
  callsAtOnce: limit,
  callsPerHour: limit,
  callsPerDay: limit,
  minutesPerHour: limit,
  minutesPerDay: limit,
})

test('the text of a policy says all of it', () => {
  fc.assert(
    fc.property(policies, (policy) => {
      expect(parsePolicyText(policyText(policy))).toEqual({ ok: true, value: policy })
      expect(storedPolicy(JSON.stringify(policy))).toEqual(policy)
    }),
  )
  expect(parsePolicyText(policyText(null))).toEqual({ ok: true, value: null })
})

test('a policy is read as people write it', () => {
  expect(parsePolicyText('  National countries=43+41 callsatonce=2 ')).toMatchObject({
    ok: true,
    value: { class: 'national', countries: ['41', '43'], callsAtOnce: 2, callsPerDay: null },
  })
})

test.each([
  ['', 'callClass'],
  ['everything', 'callClass'],
  ['national 2', 'calls'],
  ['national callsAtOnce=0', 'callsAtOnce'],
  ['national callsAtOnce=2 callsAtOnce=3', 'calls'],
  ['national countries=49x', 'calls'],
  ['national countries=1234', 'countries'],
  ['none callsAtOnce=2', 'callClass'],
])('%j is no policy', (text, field) => {
  expect(parsePolicyText(text)).toMatchObject({ ok: false, problem: { field, message: expect.stringMatching(/\w/) } })
})

test('countries beside `blocked` would never be reached: whoever chooses them is told, what is kept stays readable', () => {
  const blocked = parsePolicyText('blocked countries=43+1')
  expect(blocked).toMatchObject({ ok: true })
  expect(withEffect(blocked)).toMatchObject({
    ok: false,
    problem: { field: 'countries', message: expect.stringContaining('+1, +43') },
  })
  for (const text of ['blocked', 'internal countries=43', 'none'])
    expect(withEffect(parsePolicyText(text))).toEqual(parsePolicyText(text))
})

test('a policy that was damaged in the database is an error and no freedom', () => {
  expect(() => storedPolicy('{"class":"everything"}')).toThrow(/damaged/)
  expect(callLimits).toHaveLength(5)
})
