import { describe, expect, test } from 'vitest'
import type { LeaseHolder } from '../../src/store/lease-holder.ts'
import { at } from './store-cast.ts'
import type { StoreHand } from './store-hand.ts'

/** The right to write, which one server has at a time, on every database. */
export function storeLeaseContract({ store }: StoreHand): void {
  describe('the right to write', () => {
    const holder = (host: string, pid = 1): LeaseHolder => ({ host, pid, startedAt: at(0) })
    const minutes = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, n))

    test('belongs to one at a time, and can be renewed for as long as nobody else has it', async () => {
      const first = await store().acquireLease('writer', holder('one'), minutes(0), 60_000)
      await expect(store().acquireLease('writer', holder('two'), minutes(0), 60_000)).rejects.toMatchObject({
        code: 'STORE_IN_USE',
      })
      expect(await store().renewLease(first, minutes(0), 600_000)).toBe(true)
      await expect(store().acquireLease('writer', holder('two'), minutes(5), 60_000)).rejects.toMatchObject({
        code: 'STORE_IN_USE',
      })
      await expect(store().acquireLease('other', holder('two'), minutes(0), 60_000)).resolves.toMatchObject({
        token: 1,
      })
    })

    test('is taken over when it ran out, and the old holder learns it', async () => {
      const first = await store().acquireLease('writer', holder('one'), minutes(0), 60_000)
      const second = await store().acquireLease('writer', holder('two'), minutes(1), 60_000)
      expect(second.token).toBeGreaterThan(first.token)
      expect(await store().renewLease(first, minutes(1), 60_000)).toBe(false)
      await store().releaseLease(first)
      await expect(store().acquireLease('writer', holder('one'), minutes(1), 60_000)).rejects.toMatchObject({
        code: 'STORE_IN_USE',
      })
    })

    test('its number grows for ever, also after it was given back', async () => {
      const first = await store().acquireLease('writer', holder('one'), minutes(0), 60_000)
      await store().releaseLease(first)
      expect(await store().renewLease(first, minutes(0), 60_000)).toBe(false)
      const second = await store().acquireLease('writer', holder('two'), minutes(0), 60_000)
      expect(second.token).toBe(first.token + 1)
    })

    test('of ten who ask at once, one gets it', async () => {
      const asked = Array.from({ length: 10 }, (_, n) =>
        store().acquireLease('writer', holder(`host${n}`), minutes(0), 60_000),
      )
      const outcomes = await Promise.allSettled(asked)
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
    })
  })
}
