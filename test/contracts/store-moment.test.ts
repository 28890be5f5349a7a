import { statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readJournal } from '../../src/store/journal-file.ts'
import { openJournal } from '../../src/store/leaver-journal.ts'
import { noteMoment } from '../../src/store/moment.ts'
import { replayJournal } from '../../src/store/replay-journal.ts'
import type { Store, StoreWriter } from '../../src/store/store.ts'
import { nothingReplayed as nothing, officeOfEachTest, journalSystem as system } from './journal-office.ts'
import * as cast from './store-cast.ts'
import { at } from './store-cast.ts'

const office = officeOfEachTest()

async function withInvite(tx: StoreWriter): Promise<void> {
  await cast.onboard(tx, 1)
  await tx.insert('invite', [
    { id: 'i1', employeeId: 'e1', tokenHash: 'x', createdAt: at(0), expiresAt: at(999), closedAt: null },
  ])
}

describe('the moment that the database has reached', () => {
  const something = (store: Store, minute: number) =>
    store.transaction((tx) =>
      tx.record({
        id: `event-${minute}`,
        at: at(minute),
        kind: 'leaving.cancelled',
        employeeId: null,
        subjectId: null,
        salt: 'aa',
        detail: { actor: 'Mia' },
      }),
    )

  test('is a line in the journal where something was recorded since, and none where nothing was', async () => {
    const journal = await openJournal(office.path)
    const store = await office.company()
    await noteMoment(store, journal)
    expect(await readJournal(office.path)).toEqual([])
    for (const minute of [1, 2]) {
      await something(store, minute)
      await noteMoment(store, journal)
      const size = statSync(office.path).size
      await noteMoment(store, journal)
      expect(statSync(office.path).size).toBe(size)
      expect(await readJournal(office.path)).toEqual([
        {
          id: 'moment/database',
          kind: 'moment',
          subjectId: 'database',
          employeeId: null,
          at: at(minute),
          generation: minute,
        },
      ])
    }
    expect(await replayJournal(store, journal, system)).toEqual(nothing)
  })

  test('makes an old copy known in which nobody was shut since: once, and whenever that start was killed', async () => {
    const journal = await openJournal(office.path)
    const today = await office.company()
    await something(today, 1)
    await noteMoment(today, journal)
    const yesterday = await office.company()
    await something(yesterday, 0)
    await yesterday.transaction((tx) => withInvite(tx))
    // Killed after its transaction, before the journal heard of the link that it ended.
    const killed = { ...journal, append: () => Promise.reject(new Error('killed')) }
    await expect(replayJournal(yesterday, killed, system)).rejects.toThrow('killed')
    const trail = await yesterday.auditTrail({ after: 1, limit: 9 })
    expect(trail.map(({ kind, detail }) => [kind, JSON.parse(detail!)])).toMatchObject([
      ['journal.replayed', { inserted: 1, shut: 0, withdrawn: 0, invites: 1 }],
    ])
    expect(await yesterday.find('invite', { closedAt: null })).toEqual([])

    const again = await openJournal(office.path)
    expect(await replayJournal(yesterday, again, system)).toEqual({ ...nothing, appended: 1 })
    await noteMoment(yesterday, again)
    expect(await replayJournal(yesterday, again, system)).toEqual(nothing)
    expect(await yesterday.auditTrail({ after: 2, limit: 9 })).toEqual([])
    // The copy that went on is the newest now; the one that it replaced is the old one.
    expect(await replayJournal(today, again, system)).toMatchObject({ inserted: 2 })
  })

  test('that a crash kept from the journal raises no alarm, and is told to it at the next start', async () => {
    const journal = await openJournal(office.path)
    const store = await office.company()
    for (const minute of [1, 2]) {
      await something(store, minute)
      const killed = { ...journal, append: () => Promise.reject(new Error('killed')) }
      await expect(noteMoment(store, minute === 1 ? journal : killed).catch(() => 'killed')).resolves.toBe(
        minute === 1 ? undefined : 'killed',
      )
    }
    await store.transaction((tx) => withInvite(tx))
    expect(await replayJournal(store, await openJournal(office.path), system)).toEqual({ ...nothing, appended: 1 })
    expect((await readJournal(office.path)).map(({ generation }) => generation)).toEqual([2])
    expect(await store.find('invite', { closedAt: null })).toHaveLength(1)
    expect((await store.auditTrail({ limit: 9 })).map(({ kind }) => kind)).not.toContain('journal.replayed')
  })
})
