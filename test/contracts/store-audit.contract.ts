import { describe, expect, test } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import * as cast from './store-cast.ts'
import type { StoreHand } from './store-hand.ts'

/** The audit log, on every database. */
export function storeAuditContract({ store, write, tamper }: StoreHand): void {
  describe('the audit log', () => {
    const many = async (count: number) => {
      await write(async (tx) => {
        for (let n = 1; n <= count; n++)
          await tx.record(cast.event(`ev${n}`, { employeeId: `e${n % 3}`, detail: { actor: 'Ada', n } }))
      })
    }

    test('it is a chain without gaps, also when many write at once', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, n) => write((tx) => tx.record(cast.event(`ev${n}`)))))
      const trail = await store().auditTrail({ after: 0, limit: 100 })
      expect(trail.map((entry) => entry.position)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
      expect(await store().verifyAuditChain()).toBeNull()
    })

    test('it is read after a position, or the newest in order, for all or one person', async () => {
      await many(9)
      const positions = async (filter: Parameters<Store['auditTrail']>[0]) =>
        (await store().auditTrail(filter)).map((entry) => entry.position)
      expect(await positions({ limit: 3 })).toEqual([7, 8, 9])
      expect(await positions({ after: 2, limit: 3 })).toEqual([3, 4, 5])
      expect(await positions({ employeeId: 'e1', limit: 2 })).toEqual([4, 7])
      expect((await store().auditTrail({ limit: 1 }))[0]?.detail).toBe('{"actor":"Ada","n":9}')
    })

    test.each([
      ['changed', `update "auditEvent" set "at" = '2020-01-01T00:00:00.000Z' where "position" = 5`, 5],
      ['given to another person', `update "auditEvent" set "employeeId" = 'e9' where "position" = 4`, 4],
      [
        'removed',
        `delete from "auditDetail" where "eventId" = 'ev6'; delete from "auditEvent" where "position" = 6`,
        6,
      ],
      ['told differently', `update "auditDetail" set "detail" = '{"actor":"Eve"}' where "eventId" = 'ev7'`, 7],
    ])('an event that was %s behind its back shows', async (_, sql, position) => {
      await many(9)
      await tamper(sql)
      expect(await store().verifyAuditChain()).toBe(position)
    })

    test('what a transaction took back left no event', async () => {
      await write(async (tx) => {
        await tx.record(cast.event('ev1'))
        throw new RangeError('no')
      }).catch(() => undefined)
      await many(2)
      expect(await store().verifyAuditChain()).toBeNull()
    })
  })
}
