import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readJournal } from '../../src/store/journal-file.ts'
import { openJournal } from '../../src/store/leaver-journal.ts'
import { replayJournal } from '../../src/store/replay-journal.ts'
import { nothingReplayed as nothing, officeOfEachTest, journalSystem as system, tombstone } from './journal-office.ts'
import { doIt } from './made-up-history.ts'
import * as cast from './store-cast.ts'
import { at } from './store-cast.ts'

const office = officeOfEachTest()

describe('after an old copy of the database was restored', () => {
  test('who had left stays out, their offboarding runs again, and the log says so', async () => {
    const journal = await openJournal(office.path)
    const today = await office.company()
    await today.transaction((tx) => cast.onboard(tx, 1, 2))
    await journal.append(await today.transaction((tx) => cast.offboard(tx, 1, 5)))

    const yesterday = await office.company()
    await yesterday.transaction((tx) => cast.onboard(tx, 1, 2))
    await yesterday.transaction((tx) =>
      tx.insert('invite', [
        { id: 'i1', employeeId: 'e1', tokenHash: 'x', createdAt: at(0), expiresAt: at(999), closedAt: null },
      ]),
    )
    expect(await replayJournal(yesterday, journal, system)).toEqual({
      ...nothing,
      inserted: 4,
      shut: 4,
      offboarding: ['e1'],
    })
    for (const [table, column] of [
      ['tunnel', 'closedAt'],
      ['certificate', 'revokedAt'],
      ['sipCredential', 'closedAt'],
      ['handset', 'removedAt'],
      ['assignment', 'untilAt'],
      ['invite', 'closedAt'],
    ] as const) {
      const rows = (await yesterday.find(table, {})) as unknown as readonly Record<string, unknown>[]
      expect(
        rows.map((row) => row[column]),
        table,
      ).toEqual([at(5), null].slice(0, rows.length))
    }
    expect(await yesterday.get('tunnel', 't1')).toMatchObject({ privateKeySealed: null, presharedKeySealed: null })
    expect((await yesterday.find('tunnelAddress', { releasedAt: null })).map((row) => row.id)).toEqual(['ta2'])
    expect(await yesterday.get('employee', 'e1')).toMatchObject({
      lifecycle: 'offboarding',
      offboardRequestedAt: at(5),
    })
    expect(await yesterday.get('employee', 'e2')).toEqual(cast.employee(2))
    expect((await yesterday.handsetByTokenHash('steady-1'))?.removedAt).toBe(at(5))
    const trail = await yesterday.auditTrail({ after: 0, limit: 9 })
    expect(trail.map((entry) => [entry.kind, entry.employeeId])).toEqual([
      ['journal.replayed', 'e1'],
      ['journal.replayed', null],
    ])

    expect(await replayJournal(yesterday, journal, system)).toEqual(nothing)
    expect(await yesterday.auditTrail({ after: 0, limit: 9 })).toHaveLength(2)
  })

  test('what a crash kept from the journal is appended at the next start', async () => {
    const store = await office.company()
    await store.transaction((tx) => cast.onboard(tx, 1))
    const tombstones = await store.transaction((tx) => cast.offboard(tx, 1, 5))
    const journal = await openJournal(office.path)
    await journal.append(tombstones.slice(0, 1))
    expect(await replayJournal(store, journal, system)).toMatchObject({ inserted: 0, shut: 0, appended: 3 })
    expect((await readJournal(office.path)).map((entry) => entry.id).toSorted()).toEqual(
      tombstones.map((entry) => entry.id).toSorted(),
    )
    expect(await store.auditTrail({ limit: 9 })).toEqual([])
  })

  test('a tombstone that was damaged in the database is taken from the journal again', async () => {
    const store = await office.company()
    await store.transaction((tx) => cast.onboard(tx, 1))
    const journal = await openJournal(office.path)
    await journal.append(await store.transaction((tx) => cast.offboard(tx, 1, 5)))
    await store.transaction((tx) => tx.update('tombstone', 'tunnel/t1', { subject: '{"kind":"erased"' }))
    await expect(store.subjects('tunnel')).rejects.toMatchObject({ message: expect.stringContaining('tunnel/t1') })
    expect(await replayJournal(store, journal, system)).toEqual({ ...nothing, repaired: 1 })
    expect(await store.subjects('tunnel')).toMatchObject([{ id: 't1', wanted: 'closed', retiredKeys: [] }])
    expect(await replayJournal(store, journal, system)).toEqual(nothing)
  })

  test('a journal from before withdrawals were kept is read on, and what was withdrawn before is added', async () => {
    // As the first version wrote it.
    const { subject, ...old } = tombstone(1)
    const door = { previousHash: '0'.repeat(64), tombstone: { ...old, subject } }
    const hash = 'b17d80cb52d9ce5bbaf8c2c0eceabc9aed528a0679ec6b60a3b22e4686949145'
    writeFileSync(office.path, `${JSON.stringify({ number: 1, ...door, hash })}\n`)
    const store = await office.company()
    const revoked = {
      id: 'api-token/x',
      kind: 'api-token',
      subjectId: 'x',
      employeeId: null,
      at: at(1),
      generation: 1,
    } as const
    await store.transaction((tx) => tx.insert('withdrawal', [revoked]))
    expect(await replayJournal(store, await openJournal(office.path), system)).toMatchObject({
      inserted: 1,
      appended: 1,
    })
    expect(await readJournal(office.path)).toEqual([tombstone(1), revoked])
  })

  test('somebody who keeps one phone stays, with that phone', async () => {
    const both = async () => {
      const store = await office.company()
      await store.transaction(async (tx) => {
        await cast.onboard(tx, 1)
        await tx.insert('handset', [cast.handset(2, { employeeId: 'e1', assignmentId: 'a1' })])
        await tx.insert('tunnel', [cast.tunnel(2)])
      })
      return store
    }
    const journal = await openJournal(office.path)
    const today = await both()
    await journal.append(await today.transaction((tx) => cast.offboard(tx, 1, 5)))
    const yesterday = await both()
    expect(await replayJournal(yesterday, journal, system)).toMatchObject({ shut: 4, offboarding: [] })
    expect(await yesterday.get('employee', 'e1')).toMatchObject({ lifecycle: 'active' })
    expect(await yesterday.get('assignment', 'a1')).toMatchObject({ untilAt: null })
    expect(await cast.ids(yesterday, 'tunnel')).toEqual({ open: ['t2'], closed: ['t1'] })
  })

  test('a key that was replaced since is not in force again; the next one is, if the copy has it', async () => {
    const journal = await openJournal(office.path)
    const today = await office.company()
    await today.transaction((tx) => cast.onboard(tx, 1, 2))
    for (const who of [1, 2]) await journal.append(await doIt(today, { what: 'new key', who }, 1))
    const yesterday = await office.company()
    await yesterday.transaction((tx) => cast.onboard(tx, 1, 2))
    await yesterday.transaction((tx) => tx.update('tunnel', 't2', { nextPublicKey: 'key-2-2' }))
    expect(await replayJournal(yesterday, journal, system)).toMatchObject({ inserted: 2, shut: 2, offboarding: [] })
    const [first, second] = await yesterday.subjects('tunnel', ['t1', 't2'])
    expect(first).toMatchObject({ wanted: 'open', publicKeys: [], activeKey: null })
    expect(second).toMatchObject({ wanted: 'open', publicKeys: ['key-2-2'], activeKey: 'key-2-2' })
    expect(await yesterday.get('tunnel', 't1')).toMatchObject({ privateKeySealed: null })
    expect(await yesterday.get('tunnel', 't2')).toMatchObject({ privateKeySealed: 'sealed' })
  })

  test('a door of the same generation as its tombstone is shut, one that was given out later stays open', async () => {
    const journal = await openJournal(office.path)
    const today = await office.company()
    await today.transaction((tx) => cast.onboard(tx, 1, 2))
    for (const who of [1, 2]) await journal.append(await today.transaction((tx) => cast.offboard(tx, who, 5)))
    const copy = await office.company()
    await copy.transaction((tx) => cast.onboard(tx, 1, 2))
    await copy.transaction(async (tx) => {
      for (const [n, generation] of [
        [1, 2],
        [2, 3],
      ] as const) {
        await tx.update('tunnel', `t${n}`, { generation })
        await tx.update('sipCredential', `s${n}`, { generation })
        await tx.update('handset', `h${n}`, { doorGeneration: generation })
      }
    })
    await replayJournal(copy, journal, system)
    for (const [kind, letter] of [
      ['tunnel', 't'],
      ['sip-credential', 's'],
      ['phone-door', 'h'],
    ] as const) {
      expect((await cast.ids(copy, kind)).open, kind).toEqual([`${letter}2`])
    }
    expect((await copy.find('tunnel', { closedAt: null })).map((row) => row.id)).toEqual(['t2'])
    expect((await copy.find('sipCredential', { closedAt: null })).map((row) => row.id)).toEqual(['s2'])
    expect((await copy.find('handset', { removedAt: null })).map((row) => row.id)).toEqual(['h2'])
  })
})
