import { describe, expect, test } from 'vitest'
import { carriedMore } from '../../src/domain/tunnel-traffic.ts'
import { trafficWatch } from '../../src/journeys/watch-traffic.ts'

describe('a tunnel that is only kept open', () => {
  test.each([
    ['nothing', 0],
    ['a keepalive', 32],
    ['two keepalives', 64],
    ['a handshake', 148],
    ['an answered handshake and a keepalive', 92 + 32],
    ['counters that began anew', -5_000],
  ])('carried nobody: %s', (_what, bytes) => {
    expect(carriedMore(bytes, 3)).toBe(false)
  })

  test.each([
    // 60 bytes of TCP SYN, padded to 64, with 32 of WireGuard.
    ['an attempt to connect', 96 + 112],
    ['a TLS hello', 560],
    ['a call', 30_000],
  ])('carried somebody: %s', (_what, bytes) => {
    expect(carriedMore(bytes, 3)).toBe(true)
  })
})

test('only growth between two listings counts, and a peer that is gone is forgotten', () => {
  const watch = trafficWatch()
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second))
  watch.note([{ publicKey: 'a', receivedBytes: 9_000 }], at(0))
  expect(watch.carriedAt('a')).toBeNull()
  watch.note([{ publicKey: 'a', receivedBytes: 9_032 }], at(3))
  expect(watch.carriedAt('a')).toBeNull()
  watch.note([{ publicKey: 'a', receivedBytes: 10_000 }], at(6))
  expect(watch.carriedAt('a')).toBe(at(6).toISOString())
  watch.note([{ publicKey: 'a', receivedBytes: 10_000 }], at(9))
  expect(watch.carriedAt('a')).toBe(at(6).toISOString())
  watch.note([], at(12))
  expect(watch.carriedAt('a')).toBeNull()
})
