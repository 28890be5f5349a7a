import { describe, expect, test } from 'vitest'
import { guessLimiter, usualGuessLimits, waitAfter } from '../../src/journeys/guess-limiter.ts'

const now = () => new Date('2026-11-22T14:00:00Z')

describe('the line of tries', () => {
  test('waits nothing for the first mistakes, then longer, and never longer than a quarter of a minute', () => {
    const waits = [0, 4, 5, 6, 7, 10, 40].map((failures) => waitAfter(failures, usualGuessLimits))
    expect(waits).toEqual([0, 0, 500, 1_000, 2_000, 15_000, 15_000])
  })

  test('lets one after the other through, however many come at once', async () => {
    const pauses: number[] = []
    const limiter = guessLimiter({ now, pause: async (ms) => void pauses.push(ms) })
    let inside = 0
    let most = 0
    const tries = Array.from({ length: 5 }, async () => {
      const turn = await limiter.admit('olga', 'net')
      if (turn === false) throw new Error('refused')
      most = Math.max(most, ++inside)
      await Promise.resolve()
      inside--
      turn.failed()
      turn.done()
    })
    await Promise.all(tries)
    expect(most).toBe(1)
    const sixth = await limiter.admit('olga', 'net')
    expect(pauses).toEqual([500])
    if (sixth) sixth.succeeded()
    if (sixth) sixth.done()
    await limiter.admit('olga', 'net')
    expect(pauses).toEqual([500])
  })

  test('refuses whoever comes when it is full, and takes the next when there is room', async () => {
    const limiter = guessLimiter({ now, pause: async () => undefined }, { ...usualGuessLimits, mostInLine: 1 })
    const first = await limiter.admit('olga', 'net')
    expect(await limiter.admit('olga', 'net')).toBe(false)
    expect(await limiter.admit('olga', 'another net')).not.toBe(false)
    if (first) first.done()
    expect(await limiter.admit('olga', 'net')).not.toBe(false)
  })

  test('slows everybody a little while there is a flood', async () => {
    const pauses: number[] = []
    const limiter = guessLimiter(
      { now, pause: async (ms) => void pauses.push(ms) },
      { ...usualGuessLimits, usualInAll: 3 },
    )
    for (let n = 0; n < 4; n++) {
      const turn = await limiter.admit(`somebody ${n}`, `net ${n}`)
      if (turn) turn.failed()
      if (turn) turn.done()
    }
    await limiter.admit('olga', 'home')
    expect(pauses).toEqual([usualGuessLimits.floodWaitMs])
  })
})
