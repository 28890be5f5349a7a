import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Subject } from '../../src/domain/access.ts'
import type { Tombstone } from '../../src/domain/tombstone.ts'
import { type Withdrawal, type WithdrawalKind, withdrawalOf } from '../../src/domain/withdrawal.ts'
import { readJournal } from '../../src/store/journal-file.ts'
import type { JournalRow } from '../../src/store/journal-rows.ts'
import { openJournal } from '../../src/store/leaver-journal.ts'
import { replayJournal } from '../../src/store/replay-journal.ts'
import type { Store, StoreWriter } from '../../src/store/store.ts'
import {
  type JournalOffice,
  nothingReplayed as nothing,
  openJournalOffice,
  journalSystem as system,
} from './journal-office.ts'
import * as cast from './store-cast.ts'
import { at } from './store-cast.ts'

let office: JournalOffice
let path: string
const company = () => office.company()

beforeEach(() => {
  office = openJournalOffice()
  path = office.path
})
afterEach(() => office[Symbol.asyncDispose]())

function tombstone(n: number, generation = 2, change: Partial<Tombstone> = {}): Tombstone {
  // In the journal's own order of names, so that what comes back can be compared.
  const door = {
    id: `h${n}`,
    employeeId: `e${n}`,
    generation,
    kind: 'phone-door',
    handsetId: `h${n}`,
    wanted: 'closed',
  }
  return {
    id: `phone-door/h${n}`,
    kind: 'phone-door',
    subjectId: `h${n}`,
    employeeId: `e${n}`,
    closedAt: at(generation),
    generation,
    subject: JSON.stringify(door),
    ...change,
  }
}

describe('the leaver journal', () => {
  test('what was appended is there after a restart, once, and the newest of each counts', async () => {
    const journal = await openJournal(path)
    await journal.append([tombstone(1), tombstone(2)])
    await Promise.all([
      journal.append([tombstone(1)]),
      journal.append([tombstone(1, 5)]),
      journal.append([tombstone(1, 5)]),
    ])
    const again = await openJournal(path)
    await again.append([tombstone(1, 5), tombstone(3)])
    expect(again.lacking([tombstone(3), tombstone(4)])).toEqual([tombstone(4)])
    expect(await again.newest()).toEqual([tombstone(1, 5), tombstone(2), tombstone(3)])
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(4)
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
  })

  test('no name and no secret gets into it', async () => {
    const subject = {
      kind: 'sip-credential',
      id: 's1',
      employeeId: 'e1',
      wanted: 'closed',
      generation: 2,
      pbxId: 'default',
      extension: '1001',
      username: '1001-abcd',
      displayName: 'Grace Hopper',
      secretSealed: 'v1.sealed',
      addresses: [],
      certificate: false,
      extensionShared: true,
    }
    const journal = await openJournal(path)
    await journal.append([
      {
        id: 'sip-credential/s1',
        kind: 'sip-credential',
        subjectId: 's1',
        employeeId: 'e1',
        closedAt: at(1),
        generation: 2,
        subject: JSON.stringify(subject),
      },
    ])
    expect(readFileSync(path, 'utf8')).toContain('1001-abcd')
    expect(readFileSync(path, 'utf8')).not.toMatch(/Grace|sealed"?:"?v1/)
  })

  test('a crash at any byte of the last line costs that line only, and the next append goes on', async () => {
    const journal = await openJournal(path)
    await journal.append([tombstone(1)])
    const whole = statSync(path).size
    await journal.append([tombstone(2)])
    const full = readFileSync(path)
    for (const size of [whole + 1, whole + 57, full.length - 1]) {
      writeFileSync(path, full)
      truncateSync(path, size)
      expect(await readJournal(path)).toEqual([tombstone(1)])
      const after = await openJournal(path)
      expect(after.lacking([tombstone(1), tombstone(2)])).toEqual([tombstone(2)])
      await after.append([tombstone(2)])
      expect(readFileSync(path)).toEqual(full)
    }
  })

  test.each([
    ['a changed letter', (text: string) => text.replace('h2', 'h9')],
    ['a removed line', (text: string) => text.split('\n').toSpliced(1, 1).join('\n')],
    [
      'two swapped lines',
      (text: string) =>
        text
          .split('\n')
          .map((line, n, all) => (n === 0 ? all[1] : n === 1 ? all[0] : line))
          .join('\n'),
    ],
    ['a line of somebody else', (text: string) => `${text}{}\n`],
    ['an added blank', (text: string) => text.replace('{', '{ ')],
  ])('%s is noticed, and the hint needs nobody to edit a database', async (_, damage) => {
    await (await openJournal(path)).append([tombstone(1), tombstone(2), tombstone(3)])
    writeFileSync(path, damage(readFileSync(path, 'utf8')))
    const refused = await openJournal(path).then(
      () => expect.fail('it was opened'),
      (error) => error,
    )
    expect(refused).toMatchObject({ code: 'JOURNAL_UNREADABLE', hint: expect.stringContaining('backup') })
  })

  test('while the disk refuses, the error is told, and when it takes again nothing is lost or glued together', async () => {
    const journal = await openJournal(path)
    await journal.append([tombstone(1)])
    const good = readFileSync(path)
    rmSync(path)
    mkdirSync(path)
    await expect(journal.append([tombstone(2)])).rejects.toMatchObject({ code: 'JOURNAL_UNREADABLE', retryable: true })
    rmSync(path, { recursive: true })
    writeFileSync(path, good)
    appendFileSync(path, '{"half a li')
    await journal.append([tombstone(2)])
    expect(await readJournal(path)).toEqual([tombstone(1), tombstone(2)])
  })
})

describe('after an old copy of the database was restored', () => {
  test('who had left stays out, their offboarding runs again, and the log says so', async () => {
    const journal = await openJournal(path)
    const today = await company()
    await today.transaction((tx) => cast.onboard(tx, 1, 2))
    await journal.append(await today.transaction((tx) => cast.offboard(tx, 1, 5)))

    const yesterday = await company()
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
    const store = await company()
    await store.transaction((tx) => cast.onboard(tx, 1))
    const tombstones = await store.transaction((tx) => cast.offboard(tx, 1, 5))
    const journal = await openJournal(path)
    await journal.append(tombstones.slice(0, 1))
    expect(await replayJournal(store, journal, system)).toMatchObject({ inserted: 0, shut: 0, appended: 3 })
    expect((await readJournal(path)).map((entry) => entry.id).toSorted()).toEqual(
      tombstones.map((entry) => entry.id).toSorted(),
    )
    expect(await store.auditTrail({ limit: 9 })).toEqual([])
  })

  test('a tombstone that was damaged in the database is taken from the journal again', async () => {
    const store = await company()
    await store.transaction((tx) => cast.onboard(tx, 1))
    const journal = await openJournal(path)
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
    writeFileSync(path, `${JSON.stringify({ number: 1, ...door, hash })}\n`)
    const store = await company()
    const revoked = {
      id: 'api-token/x',
      kind: 'api-token',
      subjectId: 'x',
      employeeId: null,
      at: at(1),
      generation: 1,
    } as const
    await store.transaction((tx) => tx.insert('withdrawal', [revoked]))
    expect(await replayJournal(store, await openJournal(path), system)).toMatchObject({ inserted: 1, appended: 1 })
    expect(await readJournal(path)).toEqual([tombstone(1), revoked])
  })

  test('somebody who keeps one phone stays, with that phone', async () => {
    const both = async () => {
      const store = await company()
      await store.transaction(async (tx) => {
        await cast.onboard(tx, 1)
        await tx.insert('handset', [cast.handset(2, { employeeId: 'e1', assignmentId: 'a1' })])
        await tx.insert('tunnel', [cast.tunnel(2)])
      })
      return store
    }
    const journal = await openJournal(path)
    const today = await both()
    await journal.append(await today.transaction((tx) => cast.offboard(tx, 1, 5)))
    const yesterday = await both()
    expect(await replayJournal(yesterday, journal, system)).toMatchObject({ shut: 4, offboarding: [] })
    expect(await yesterday.get('employee', 'e1')).toMatchObject({ lifecycle: 'active' })
    expect(await yesterday.get('assignment', 'a1')).toMatchObject({ untilAt: null })
    expect(await cast.ids(yesterday, 'tunnel')).toEqual({ open: ['t2'], closed: ['t1'] })
  })

  test('a key that was replaced since is not in force again; the next one is, if the copy has it', async () => {
    const journal = await openJournal(path)
    const today = await company()
    await today.transaction((tx) => cast.onboard(tx, 1, 2))
    for (const who of [1, 2]) await journal.append(await doIt(today, { what: 'new key', who }, 1))
    const yesterday = await company()
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
    const journal = await openJournal(path)
    const today = await company()
    await today.transaction((tx) => cast.onboard(tx, 1, 2))
    for (const who of [1, 2]) await journal.append(await today.transaction((tx) => cast.offboard(tx, who, 5)))
    const copy = await company()
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

  test('whatever happened and however old the copy is: no door that was shut is open, and no other is shut', async () => {
    const people = [1, 2, 3]
    const deed = fc.record({
      what: fc.constantFrom(
        'onboard',
        'offboard',
        'rotate',
        'new key',
        'new links',
        'enrol',
        'new invite',
        'new token',
      ),
      who: fc.constantFrom(...people),
    })
    // Two are there from the start, so that few deeds do nothing.
    const early = [1, 2].map((who) => ({ what: 'onboard', who }))
    const history = fc.array(deed, { minLength: 2, maxLength: 12 }).map((later) => [...early, ...later])
    await fc.assert(
      fc.asyncProperty(history, fc.nat({ max: 9 }), async (deeds, tenths) => {
        rmSync(path, { force: true })
        const journal = await openJournal(path)
        const today = await company()
        for (const [minute, each] of deeds.entries()) await journal.append(await doIt(today, each, minute + 1))
        const copy = await company()
        for (const [minute, each] of deeds.slice(0, Math.ceil((tenths / 9) * deeds.length)).entries())
          await doIt(copy, each, minute + 1)
        const before = await openDoors(copy)
        const [workedThen, worksToday] = [new Set(await whatWorks(copy)), new Set(await whatWorks(today))]
        const { inserted } = await replayJournal(copy, journal, system)

        const tombstones = await today.find('tombstone', {})
        const shut = new Map(tombstones.map((each) => [each.id, each.generation]))
        const retired = new Set(tombstones.filter((each) => each.id.includes('#')).flatMap(keysOf))
        const after = await openDoors(copy)
        const wrong = after.filter(
          (door) =>
            (shut.get(`${door.kind}/${door.id}`) ?? 0) >= door.generation ||
            (door.kind === 'tunnel' && door.publicKeys.some((key) => retired.has(key))),
        )
        expect(wrong).toEqual([])
        const stillWanted = before.filter((door) => (shut.get(`${door.kind}/${door.id}`) ?? 0) < door.generation)
        expect(after.map((door) => `${door.kind}/${door.id}`)).toEqual(
          stillWanted.map((door) => `${door.kind}/${door.id}`),
        )
        // Of tokens, links and secrets nothing works that was withdrawn, and all that was not still does; but for one-time
        // links, of which an older copy cannot know whether somebody used them since.
        const stillGood = [...workedThen].filter((name) => worksToday.has(name)).sort()
        const isOneTime = (name: string) => /^(i\d|enrol-)/.test(name)
        expect(await whatWorks(copy)).toEqual(stillGood.filter((name) => inserted === 0 || !isOneTime(name)))
        const inUse = (await copy.find('tunnel', { closedAt: null })).map((row) => row.id)
        expect(inUse).toEqual(after.filter((door) => door.kind === 'tunnel').map((door) => door.id))
        expect(await replayJournal(copy, journal, system)).toEqual(nothing)
        expect(await copy.verifyAuditChain()).toBeNull()
      }),
      { numRuns: 40 },
    )
  })
})

async function openDoors(store: Store): Promise<readonly Subject[]> {
  const kinds = ['tunnel', 'certificate', 'sip-credential', 'phone-door'] as const
  const all: readonly Subject[] = (await Promise.all(kinds.map((kind) => store.subjects(kind)))).flat()
  return all.filter((door) => door.wanted === 'open')
}

function keysOf(tombstone: Tombstone): string[] {
  const { publicKeys, retiredKeys } = JSON.parse(tombstone.subject) as { publicKeys: string[]; retiredKeys: string[] }
  return [...publicKeys, ...retiredKeys]
}

/** One thing that happened, if it could; returns what it shut. */
function doIt(
  store: Store,
  { what, who }: { what: string; who: number },
  minute: number,
): Promise<readonly JournalRow[]> {
  return store.transaction(async (tx) => {
    const person = await tx.get('employee', `e${who}`)
    if (what === 'onboard' && person === undefined) {
      await cast.onboard(tx, who)
      await invite(tx, who, minute)
    }
    if (person?.lifecycle !== 'active') return []
    if (what === 'offboard') {
      const [open] = await tx.find('invite', { employeeId: `e${who}`, closedAt: null })
      await tx.update('invite', open!.id, { closedAt: at(minute) })
      const links = await gone(tx, 'invite', open!.id, who, minute, 1)
      return [...links, ...(await cast.offboard(tx, who, minute))]
    }
    if (what === 'rotate') {
      const credential = await tx.get('sipCredential', `s${who}`)
      const generation = (credential?.generation ?? 0) + 1
      await tx.update('sipCredential', `s${who}`, { generation, secretSealed: `secret-${who}-${generation}` })
      return gone(tx, 'sip-secret', `s${who}`, who, minute, generation)
    }
    if (what === 'new links') {
      const handset = await tx.get('handset', `h${who}`)
      const doorGeneration = (handset?.doorGeneration ?? 0) + 1
      const links = { enrolTokenHash: `enrol-${who}-${minute}`, steadyTokenHash: `steady-${who}-${doorGeneration}` }
      await tx.update('handset', `h${who}`, { doorGeneration, ...links, enrolledAt: null })
      return gone(tx, 'door-links', `h${who}`, who, minute, doorGeneration)
    }
    if (what === 'enrol') {
      const handset = await tx.get('handset', `h${who}`)
      if (handset?.enrolledAt !== null) return []
      await tx.update('handset', `h${who}`, { enrolledAt: at(minute) })
      return gone(tx, 'enrolment-link', `h${who}`, who, minute, handset.doorGeneration)
    }
    if (what === 'new invite') {
      const [old] = await tx.find('invite', { employeeId: `e${who}`, closedAt: null })
      if (old) await tx.update('invite', old.id, { closedAt: at(minute) })
      await invite(tx, who, minute)
      for (const handset of await tx.find('handset', { employeeId: `e${who}`, enrolledAt: null }))
        await tx.update('handset', handset.id, { enrolTokenHash: `enrol-${who}-${minute}` })
      return old ? gone(tx, 'invite', old.id, who, minute, 1) : []
    }
    if (what === 'new token') {
      const [old] = await tx.find('apiToken', { label: `${who}`, revokedAt: null })
      if (old) await tx.update('apiToken', old.id, { revokedAt: at(minute) })
      const id = `token${who}-${minute}`
      const token = {
        id,
        label: `${who}`,
        role: 'admin',
        tokenHash: id,
        createdBy: 'Ada',
        createdAt: at(minute),
      } as const
      await tx.insert('apiToken', [{ ...token, lastUsedAt: null, revokedAt: null }])
      return old ? gone(tx, 'api-token', old.id, who, minute, 1) : []
    }
    if (what === 'new key') {
      const tunnel = await tx.get('tunnel', `t${who}`)
      const generation = (tunnel?.generation ?? 0) + 1
      await tx.update('tunnel', `t${who}`, { publicKey: `key-${who}-${generation}`, generation })
      const id = `t${who}#${generation}`
      const subject = {
        kind: 'tunnel',
        id,
        employeeId: `e${who}`,
        wanted: 'closed',
        generation,
        hubId: 'default',
        publicKeys: [],
        activeKey: null,
        retiredKeys: [tunnel?.publicKey],
        prefixes: [],
      }
      const retired: Tombstone = {
        id: `tunnel/${id}`,
        kind: 'tunnel',
        subjectId: id,
        employeeId: `e${who}`,
        closedAt: at(minute),
        generation,
        subject: JSON.stringify(subject),
      }
      await tx.put('tombstone', [retired])
      return [retired]
    }
    return []
  })
}

async function invite(tx: StoreWriter, who: number, minute: number): Promise<void> {
  const id = `i${who}-${minute}`
  const links = { createdAt: at(minute), expiresAt: at(999), closedAt: null }
  await tx.insert('invite', [{ id, employeeId: `e${who}`, tokenHash: id, ...links }])
}

async function gone(
  tx: StoreWriter,
  kind: WithdrawalKind,
  id: string,
  who: number,
  minute: number,
  generation: number,
): Promise<readonly Withdrawal[]> {
  const withdrawals = [withdrawalOf(kind, id, { employeeId: `e${who}`, at: at(minute), generation })]
  await tx.put('withdrawal', withdrawals)
  return withdrawals
}

/** Every token, link and secret that works, by a name that it never shares with an earlier one. */
async function whatWorks(store: Store): Promise<string[]> {
  const handsets = await store.find('handset', { removedAt: null })
  return [
    ...(await store.find('apiToken', { revokedAt: null })).map((row) => row.tokenHash),
    ...(await store.find('invite', { closedAt: null })).map((row) => row.tokenHash),
    ...handsets.flatMap((row) => (row.enrolledAt === null ? (row.enrolTokenHash ?? []) : [])),
    ...handsets.flatMap((row) => row.steadyTokenHash ?? []),
    ...(await store.find('sipCredential', { closedAt: null })).flatMap((row) => row.secretSealed ?? []),
  ].sort()
}
