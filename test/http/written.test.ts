import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { written } from '../../src/http/written.ts'

/** Whether it is still waiting after everything that can happen by itself has happened. */
async function isWaiting(writing: Promise<void>): Promise<boolean> {
  const waiting = new Promise<true>((resolve) => setTimeout(() => resolve(true), 20))
  return Promise.race([writing.then(() => false), waiting])
}

describe('an export', () => {
  test('waits for a slow reader, and goes on when it has read', async () => {
    const stream = new PassThrough({ highWaterMark: 8 })
    const writing = written(stream, 'x'.repeat(100), new AbortController().signal)
    expect(await isWaiting(writing)).toBe(true)
    stream.resume()
    await writing
    expect(await isWaiting(written(stream, 'y', new AbortController().signal))).toBe(false)
  })

  test('waits no longer for a reader that hung up', async () => {
    const stream = new PassThrough({ highWaterMark: 8 })
    const hangUp = new AbortController()
    const writing = written(stream, 'x'.repeat(100), hangUp.signal)
    hangUp.abort()
    await writing
    await written(stream, 'x'.repeat(100), hangUp.signal)
  })
})
