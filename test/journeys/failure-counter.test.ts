import { describe, expect, test } from 'vitest'
import { failureCounter } from '../../src/journeys/failure-counter.ts'

const start = Date.parse('2026-11-22T14:00:00Z')
const minuteMs = 60_000

describe('failures to sign in', () => {
  test('are told as they begin and grow, for each network, and begin anew after an hour of quiet', () => {
    let at = start
    const count = failureCounter(() => new Date(at))
    const told = Array.from({ length: 1_000 }, () => count('net')).filter((each) => each !== null)
    expect(told).toEqual([1, 5, 10, 100, 1_000].map((failures) => ({ failures, addresses: null })))
    expect(count('another net')).toEqual({ failures: 1, addresses: null })
    at += 60 * minuteMs + 1
    expect(count('net')).toEqual({ failures: 1, addresses: null })
  })

  test('from very many addresses are told as one count, and fill no log', () => {
    let at = start
    const count = failureCounter(() => new Date(at))
    const flood = (from: string) =>
      Array.from({ length: 20_000 }, (_, n) => count(`${from} ${n}`)).filter((each) => each !== null)
    const first = flood('net')
    expect(first.filter(({ addresses }) => addresses === null)).toHaveLength(40)
    // The count is right from the first on, and comes again as it grows tenfold.
    expect(first.filter(({ addresses }) => addresses !== null)).toEqual([
      { failures: 41, addresses: 41 },
      { failures: 410, addresses: 410 },
      { failures: 4_100, addresses: 4_100 },
    ])
    at += 30 * minuteMs
    expect(flood('other')).toEqual([])
    at += 31 * minuteMs
    expect(flood('third')).toHaveLength(43)
  })

  test('of somebody who mistypes are told one by one again when the flood is an hour ago', () => {
    let at = start
    const count = failureCounter(() => new Date(at), { single: 2, remembered: 100 })
    for (let n = 0; n < 50; n++) count(`net ${n}`)
    expect(count('home')).toBeNull()
    at += 60 * minuteMs
    expect(count('office')).toEqual({ failures: 1, addresses: null })
  })
})
