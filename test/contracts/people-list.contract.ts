import { describe, expect, test } from 'vitest'
import type { Mail } from '../../src/domain/mail.ts'
import type { PeopleFilter, PeopleOrder, Store } from '../../src/store/store.ts'
import * as cast from './store-cast.ts'
import { at } from './store-cast.ts'

/** The lists of people that the console shows, on every database. */
export function peopleListContract(store: () => Store): void {
  const byName: PeopleOrder = { sort: 'name', descending: false, offset: 0, limit: 100 }
  const found = async (filter: PeopleFilter, order: Partial<PeopleOrder> = {}) =>
    (await store().peoplePage(filter, { ...byName, ...order })).ids
  const rename = (n: number, name: string, email = `person${n}@example.com`) =>
    store().transaction((tx) => tx.update('employee', `e${n}`, { name, email }))

  describe('mails that wait', () => {
    test('are found when their time has come, the longest waiting first, and only those', async () => {
      const mail = (id: string, nextTryAt: string, state: Mail['state'] = 'queued'): Mail => ({
        id,
        employeeId: 'e1',
        kind: 'invite',
        recipient: 'ada@example.com',
        language: 'de',
        linkSealed: 'sealed',
        expiresAt: at(99),
        state,
        attempts: 0,
        nextTryAt,
        lastProblem: null,
        createdAt: at(1),
        sentAt: null,
      })
      await store().transaction((tx) =>
        tx.insert('mail', [mail('m1', at(5)), mail('m2', at(2)), mail('m3', at(3), 'sent'), mail('m4', at(9))]),
      )
      expect((await store().mailsDue(at(5), 10)).map(({ id }) => id)).toEqual(['m2', 'm1'])
      expect((await store().mailsDue(at(5), 1)).map(({ id }) => id)).toEqual(['m2'])
      expect(await store().mailsDue(at(1), 10)).toEqual([])
    })
  })

  describe('what onboarding asks', () => {
    test('which extensions, addresses and MACs somebody has now', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2)
        await tx.update('assignment', 'a2', { untilAt: at(5) })
        await tx.update('employee', 'e2', { lifecycle: 'offboarded' })
        await tx.update('handset', 'h1', { mac: '805ec0000001' })
        await tx.update('handset', 'h2', { mac: '805ec0000002', removedAt: at(5) })
      })
      const { extension } = (await store().find('assignment', { id: 'a1' }))[0]!
      const gone = (await store().find('assignment', { id: 'a2' }))[0]!.extension
      const [one, two] = await store().find('employee', {})
      const answer = await store().taken('default', {
        extensions: new Set([extension, gone, '9']),
        emails: new Set([one!.email, two!.email, 'nobody@example.com']),
        macs: new Set(['805ec0000001', '805ec0000002']),
      })
      expect([[...answer.extensions], [...answer.emails], [...answer.macs]]).toEqual([
        [extension],
        [one!.email],
        ['805ec0000001'],
      ])
      const none = { extensions: new Set<string>(), emails: new Set<string>(), macs: new Set<string>() }
      expect(await store().taken('default', none)).toEqual(none)
    })

    test('how far people are, and whose link is still good', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2)
        await tx.update('tunnel', 't2', { firstHandshakeAt: at(3) })
        for (const [id, closedAt, expiresAt] of [
          ['i8', null, at(9)],
          ['i9', at(2), at(9)],
        ] as const)
          await tx.insert('invite', [{ id, employeeId: 'e1', tokenHash: id, createdAt: at(1), expiresAt, closedAt }])
      })
      const far = await store().howFar(['e1', 'e2', 'nobody'])
      expect([...far.keys()]).toEqual(['e1', 'e2', 'nobody'])
      expect(far.get('e1')).toEqual({ onPbx: false, pbxWaits: false, invited: false, connected: false, mail: null })
      expect(far.get('e2')).toMatchObject({ connected: true })
      expect((await store().openInvites(['e1', 'e2'], at(5))).map(({ id }) => id)).toContain('i8')
      expect((await store().openInvites(['e1'], at(5))).map(({ id }) => id)).not.toContain('i9')
      expect((await store().openInvites(['e1'], at(9))).map(({ id }) => id)).not.toContain('i8')
    })
  })

  describe('lists of people', () => {
    test('are cut into pages that together name everybody once, and count the whole', async () => {
      await store().transaction((tx) => cast.onboard(tx, 1, 2, 3, 4, 5))
      const pages = await Promise.all(
        [0, 2, 4, 6].map((offset) => store().peoplePage({}, { ...byName, offset, limit: 2 })),
      )
      expect(pages.map(({ ids }) => ids)).toEqual([['e1', 'e2'], ['e3', 'e4'], ['e5'], []])
      expect(pages.map(({ total }) => total)).toEqual([5, 5, 5, 5])
      expect(await store().peoplePage({}, { ...byName, limit: 0 })).toEqual({ ids: [], total: 5 })
    })

    test('are sorted by name whatever its case, by extension as a number, by start and by last handshake', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2, 3)
        await tx.update('employee', 'e1', { name: 'charlie', createdAt: at(3) })
        await tx.update('employee', 'e2', { name: 'Bo', createdAt: at(1) })
        await tx.update('employee', 'e3', { name: 'alice', createdAt: at(2) })
        await tx.update('assignment', 'a1', { extension: '1000' })
        await tx.update('assignment', 'a2', { extension: '999' })
        await tx.update('assignment', 'a3', { extension: '20' })
        await tx.update('tunnel', 't3', { firstHandshakeAt: at(1), lastHandshakeAt: at(9) })
        await tx.update('tunnel', 't2', { firstHandshakeAt: at(1), lastHandshakeAt: at(8) })
      })
      expect(await found({})).toEqual(['e3', 'e2', 'e1'])
      expect(await found({}, { descending: true })).toEqual(['e1', 'e2', 'e3'])
      expect(await found({}, { sort: 'extension' })).toEqual(['e3', 'e2', 'e1'])
      expect(await found({}, { sort: 'created' })).toEqual(['e2', 'e3', 'e1'])
      expect(await found({}, { sort: 'heard', descending: true })).toEqual(['e3', 'e2', 'e1'])
    })

    test('find part of a name or address in any case, and the beginning of an extension', async () => {
      await store().transaction((tx) => cast.onboard(tx, 1, 2, 3))
      await rename(1, 'Ada Byron', 'ada@example.com')
      await rename(2, 'Özlem Ünal', 'oezlem@example.org')
      expect(await found({ search: 'BYR' })).toEqual(['e1'])
      expect(await found({ search: 'byron ada' })).toEqual(['e1'])
      expect(await found({ search: 'özlem' })).toEqual(['e2'])
      expect(await found({ search: 'ünal' })).toEqual(['e2'])
      expect(await found({ search: 'example.org' })).toEqual(['e2'])
      expect(await found({ search: '1003' })).toEqual(['e3'])
      expect((await found({ search: '100' })).length).toBe(3)
      expect(await found({ search: '03' })).toEqual([])
      expect(await found({ search: 'byron nobody' })).toEqual([])
    })

    test('take percent, underscore, backslash and quotes of a search for what they are', async () => {
      await store().transaction((tx) => cast.onboard(tx, 1, 2))
      await rename(1, `50% of_it \\ O'Brien`)
      for (const search of ['%', '_', '\\', "o'b"]) expect(await found({ search })).toEqual(['e1'])
    })

    test('are narrowed by state, site and model in use', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2)
        await cast.offboard(tx, 2, 5)
        await tx.insert('site', [{ id: 'berlin', name: 'Berlin' }])
        await tx.update('employee', 'e1', { siteId: 'berlin' })
      })
      expect(await found({ lifecycle: 'offboarding' })).toEqual(['e2'])
      expect(await found({ siteId: 'berlin' })).toEqual(['e1'])
      // Person 2's phone was of this model too, and is not in use any more.
      expect(await found({ model: 'yealink-t54w' })).toEqual(['e1'])
      expect(await found({ model: 'snom-d785' })).toEqual([])
      expect(await store().modelsInUse()).toEqual(['yealink-t54w'])
      expect(await found({ ids: ['e2', 'nobody'] })).toEqual(['e2'])
      expect(await found({ ids: [] })).toEqual([])
    })

    test('tell whose tunnel speaks now, is quiet, or never spoke; behind a gateway it is the gateway’s', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2, 3)
        await tx.update('tunnel', 't1', { firstHandshakeAt: at(1), lastHandshakeAt: at(50) })
        await tx.update('tunnel', 't2', { firstHandshakeAt: at(1), lastHandshakeAt: at(10) })
        await tx.insert('gateway', [cast.gateway(1)])
        await tx.insert('handset', [
          cast.handset(40, { employeeId: 'e3', assignmentId: 'a3', gatewayId: 'g1', mac: 'aa0000000040' }),
        ])
        await tx.insert('tunnel', [
          cast.tunnel(40, { carrierKind: 'gateway', carrierId: 'g1', firstHandshakeAt: at(1), lastHandshakeAt: at(5) }),
        ])
      })
      expect(await found({ tunnel: { heardOf: ['key-1', 'a stranger', "'; drop table employee"] } })).toEqual(['e1'])
      expect(await found({ tunnel: { heardOf: [] } })).toEqual([])
      expect(await found({ tunnel: { heardOf: ['key-40'] } })).toEqual(['e3'])
      expect(await found({ tunnel: { quietSince: at(20) } })).toEqual(['e2', 'e3'])
      expect(await found({ tunnel: { never: true } })).toEqual(['e3'])
    })

    test('tell who has a door that needs a look; a ticked one does not', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2, 3, 4)
        await tx.put('verdict', [
          cast.verdict(1),
          cast.verdict(2, { state: 'retrying' }),
          cast.verdict(3, { state: 'waiting', acknowledgedAt: at(3), acknowledgedBy: 'mia' }),
          cast.verdict(4, { state: 'unverifiable' }),
        ])
      })
      expect(await found({ openVerdicts: true })).toEqual(['e2', 'e4'])
    })

    test('tell whose certificate ends soon, whose secret is old, and who has a leaving date', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2, 3)
        await tx.update('certificate', 'c1', { notAfter: at(100) })
        await tx.update('certificate', 'c2', { notAfter: at(100), revokedAt: at(1) })
        await tx.put('withdrawal', [
          {
            id: 'sip-secret/s1',
            kind: 'sip-secret',
            subjectId: 's1',
            employeeId: 'e1',
            at: at(60),
            generation: 2,
          },
        ])
        await tx.update('sipCredential', 's3', { createdAt: at(60) })
        await tx.insert('leaving', [
          leaving('l1', 'e1'),
          leaving('l2', 'e2', { cancelledAt: at(2) }),
          leaving('l3', 'e3', { doneAt: at(2) }),
        ])
      })
      expect(await found({ certificateEndsBefore: at(200) })).toEqual(['e1'])
      expect(await found({ secretOlderThan: at(30) })).toEqual(['e2'])
      expect(await found({ leavingSet: true })).toEqual(['e1'])
      expect(await found({ leavingSet: true, secretOlderThan: at(30) })).toEqual([])
    })
  })

  describe('what happened', () => {
    test('the newest events of some kinds since an id', async () => {
      await store().transaction(async (tx) => {
        await tx.record(cast.event('01', { kind: 'access.drift' }))
        await tx.record(cast.event('02', { kind: 'access.drift', detail: { summary: 'two' } }))
        await tx.record(cast.event('03'))
        await tx.record(cast.event('04', { kind: 'stranger.seen' }))
      })
      const since = (sinceId: string, limit = 10) =>
        store().eventsSince({ kinds: ['access.drift', 'stranger.seen'], sinceId, limit })
      expect((await since('02')).map(({ id }) => id)).toEqual(['04', '02'])
      expect((await since('02')).at(-1)?.detail).toBe('{"summary":"two"}')
      expect((await since('00', 1)).map(({ id }) => id)).toEqual(['04'])
    })

    test('a person’s ledger tells which fetch was the first from its address', async () => {
      await store().transaction((tx) =>
        tx.insert('doorFetch', [
          cast.doorFetch('f1', { employeeId: 'e1', remoteAddress: '192.0.2.1' }),
          cast.doorFetch('f2', { employeeId: 'e1', remoteAddress: '192.0.2.1' }),
          cast.doorFetch('f3', { employeeId: 'e1', remoteAddress: '192.0.2.9' }),
          cast.doorFetch('f4', { employeeId: 'e2', remoteAddress: '192.0.2.77' }),
        ]),
      )
      const { fetches, firstFromAddress } = await store().personLedger('e1', 2)
      expect(fetches.map(({ id }) => id)).toEqual(['f3', 'f2'])
      // The first of an address may be older than what is listed.
      expect([...firstFromAddress].sort()).toEqual(['f1', 'f3'])
    })
  })
}

function leaving(id: string, employeeId: string, change: { cancelledAt?: string; doneAt?: string } = {}) {
  return {
    id,
    employeeId,
    at: at(1_000),
    reason: null,
    askedBy: 'mia',
    createdAt: at(0),
    remindedAt: null,
    cancelledAt: null,
    doneAt: null,
    ...change,
  }
}
