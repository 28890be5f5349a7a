import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { enrolmentToken } from '../../src/domain/invite.ts'
import { networkOf, refusalLimiter, usualLimits } from '../../src/http/refusal-limiter.ts'
import { ada, openDoors, owner } from './doors.ts'
import { ask } from './http-client.ts'

const settings = { ...usualLimits, burst: 3, refillMs: 1_000, heldEach: 2, heldInAll: 3, remembered: 4 }

function holds(limiter: ReturnType<typeof refusalLimiter>, address: string, nowMs: number): number | 'hang-up' {
  const verdict = limiter.refused(address, nowMs)
  return verdict === 'hang-up' ? verdict : verdict.holdMs
}

describe('the refusal limiter', () => {
  test('the first refusals are answered at once, further ones later and later, and calm makes it forget', () => {
    const limiter = refusalLimiter({ ...settings, heldEach: 100, heldInAll: 100 })
    expect([0, 0, 0, 0, 0].map(() => holds(limiter, '192.0.2.1', 0))).toEqual([0, 0, 0, 500, 1_000])
    expect(holds(limiter, '192.0.2.2', 0)).toBe(0)
    expect(holds(limiter, '192.0.2.1', 10_000)).toBe(0)
  })

  test('who has too many answers waiting is hung up on, one address and all together', () => {
    const limiter = refusalLimiter(settings)
    const push = (address: string) => [1, 2, 3, 4, 5, 6].map(() => limiter.refused(address, 0))
    const first = push('192.0.2.1')
    expect(first.map((verdict) => verdict === 'hang-up')).toEqual([false, false, false, false, false, true])
    expect(push('192.0.2.2').filter((verdict) => verdict === 'hang-up')).toHaveLength(2)
    // An answer that is out (or whose asker left) makes room again; saying so twice changes nothing.
    for (const verdict of first) if (verdict !== 'hang-up') [verdict.done(), verdict.done()]
    expect(holds(limiter, '192.0.2.1', 0)).toBeGreaterThan(0)
  })

  test('the neighbours in an IPv6 /64 count as one, an IPv4 address on an IPv6 socket as itself', () => {
    expect(networkOf('2001:db8:1:2:aaaa::1')).toBe(networkOf('2001:DB8:1:2::ffff'))
    expect(networkOf('2001:db8:1:2::1')).not.toBe(networkOf('2001:db8:1:3::1'))
    expect(networkOf('::1')).toBe('0:0:0:0::/64')
    expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
    expect(networkOf('::ffff:192.0.2.7')).toBe('192.0.2.7')
  })

  test('it remembers as many addresses as it was told, and forgets the one seen longest ago', () => {
    for (const [others, hold] of [
      [settings.remembered - 1, 500],
      [settings.remembered, 0],
    ] as const) {
      const limiter = refusalLimiter(settings)
      for (let refusal = 0; refusal < settings.burst; refusal++) holds(limiter, '192.0.2.1', 0)
      for (let other = 0; other < others; other++) holds(limiter, `198.51.100.${other}`, 0)
      expect(holds(limiter, '192.0.2.1', 0)).toBe(hold)
    }
  })

  test('whoever asks and whenever, no answer is held longer than the longest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: -5_000, max: 5_000 })), { maxLength: 100 }),
        (requests) => {
          const limiter = refusalLimiter({ ...settings, heldEach: 1_000, heldInAll: 1_000 })
          let now = 0
          for (const [address, later] of requests) {
            now += later // a clock may be set back
            for (let round = 0; round < 5; round++) {
              const hold = holds(limiter, address, now)
              expect(hold).not.toBe('hang-up')
              expect(hold).toBeGreaterThanOrEqual(0)
              expect(hold).toBeLessThanOrEqual(settings.longestHoldMs)
            }
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  test('a good token gets through at once from an address that is being refused', async () => {
    const limiter = refusalLimiter({ ...usualLimits, burst: 2, longestHoldMs: 60_000, refillMs: 3_600_000 })
    await using doors = await openDoors({ phoneDoor: { limiter } })
    const { employee } = await doors.application.onboard(ada, owner)
    const good = enrolmentToken(doors.application.inviteTokenOf(employee.id), employee.handsets[0]!.id)
    const outcomes = Array.from({ length: 20 }, () =>
      ask(doors.phonePort, { path: `/p/${randomBytes(32).toString('base64url')}/x.xml` }).then(
        ({ status }) => status,
        () => 'hung up',
      ),
    )
    await expect.poll(() => doors.application.doorRequests.length).toBe(20)
    expect((await ask(doors.phonePort, { path: `/p/${good}/linphone.xml` })).status).toBe(200)
    const answered = await Promise.all(outcomes)
    expect(answered.filter((outcome) => outcome === 'hung up').length).toBeGreaterThan(10)
    expect(new Set(answered)).toEqual(new Set([404, 'hung up']))
  })
})
