import { describe, expect, test } from 'vitest'
import { type TrafficOf, trafficRecord } from '../../src/domain/traffic.ts'

const start = Date.UTC(2026, 0, 5, 10, 2)
const minute = (n: number): Date => new Date(start + n * 60_000)
const peer = (publicKey: string, receivedBytes: number, sentBytes = 0) => ({ publicKey, receivedBytes, sentBytes })
const sums = (traffic: TrafficOf | null) =>
  traffic && {
    hours: traffic.hours.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
    fiveMinutes: traffic.fiveMinutes.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
  }

describe('what passed through tunnels', () => {
  test('counts from the first listing on, and not what a counter stood at before', () => {
    const traffic = trafficRecord()
    traffic.note([peer('a', 1_000_000)], minute(0))
    expect(sums(traffic.of('a', minute(0)))).toEqual({ hours: 0, fiveMinutes: 0 })
    traffic.note([peer('a', 1_000_500, 70)], minute(1))
    const { hours, fiveMinutes } = traffic.of('a', minute(1))!
    expect(hours).toHaveLength(24)
    expect(fiveMinutes).toHaveLength(12)
    expect(hours.at(-1)).toEqual({ from: '2026-01-05T10:00:00.000Z', sentBytes: 500, receivedBytes: 70 })
    expect(fiveMinutes.at(-1)).toMatchObject({ from: '2026-01-05T10:00:00.000Z', sentBytes: 500 })
  })

  test('puts it into the step in which it passed, and forgets it after a day and after an hour', () => {
    const traffic = trafficRecord()
    traffic.note([peer('a', 0)], minute(0))
    traffic.note([peer('a', 100)], minute(1))
    traffic.note([peer('a', 300)], minute(60))
    const later = traffic.of('a', minute(60))!
    expect(later.hours.slice(-2).map(({ sentBytes }) => sentBytes)).toEqual([100, 200])
    expect(sums(later)).toEqual({ hours: 300, fiveMinutes: 200 })
    traffic.note([peer('a', 300)], minute(24 * 60))
    expect(sums(traffic.of('a', minute(24 * 60)))).toEqual({ hours: 200, fiveMinutes: 0 })
    traffic.note([peer('a', 300)], minute(60 * 60))
    expect(sums(traffic.of('a', minute(60 * 60)))).toEqual({ hours: 0, fiveMinutes: 0 })
  })

  test('shows nothing old when the hub has not been listed for long', () => {
    const traffic = trafficRecord()
    traffic.note([peer('a', 0)], minute(0))
    traffic.note([peer('a', 100)], minute(1))
    expect(sums(traffic.of('a', minute(30)))).toEqual({ hours: 100, fiveMinutes: 100 })
    expect(sums(traffic.of('a', minute(25 * 60)))).toEqual({ hours: 0, fiveMinutes: 0 })
  })

  test('takes a counter that fell for one that began anew', () => {
    const traffic = trafficRecord()
    traffic.note([peer('a', 5_000)], minute(0))
    traffic.note([peer('a', 40)], minute(1))
    expect(sums(traffic.of('a', minute(1)))).toMatchObject({ hours: 40 })
  })

  test('forgets a peer that is gone, and gives its place to the next one empty', () => {
    const traffic = trafficRecord()
    traffic.note([peer('a', 0), peer('b', 0)], minute(0))
    traffic.note([peer('a', 100), peer('b', 7)], minute(1))
    traffic.note([peer('b', 7)], minute(2))
    expect(traffic.of('a', minute(2))).toBeNull()
    traffic.note([peer('b', 7), peer('c', 9)], minute(3))
    expect(sums(traffic.of('c', minute(3)))).toEqual({ hours: 0, fiveMinutes: 0 })
    expect(sums(traffic.of('b', minute(3)))).toMatchObject({ hours: 7 })
    expect(sums(traffic.total(minute(3)))).toMatchObject({ hours: 107 })
  })

  test('keeps ten thousand tunnels apart', () => {
    const traffic = trafficRecord()
    const peers = (times: number) => Array.from({ length: 10_000 }, (_, n) => peer(`key-${n}`, n * times))
    traffic.note(peers(1), minute(0))
    traffic.note(peers(2), minute(1))
    expect([1, 17, 9_999].map((n) => sums(traffic.of(`key-${n}`, minute(1)))?.hours)).toEqual([1, 17, 9_999])
  })
})
