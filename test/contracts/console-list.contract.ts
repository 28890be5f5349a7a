import { describe, expect, test } from 'vitest'
import type { AuditFilter, HandsetFilter, HandsetOrder, LedgerFilter } from '../../src/store/console-lists.ts'
import type { Store } from '../../src/store/store.ts'
import * as cast from './store-cast.ts'
import { at } from './store-cast.ts'

/** The lists of handsets, fetches, events and peers that the console shows, on every database. */
export function consoleListContract(store: () => Store): void {
  const byName: HandsetOrder = { sort: 'name', descending: false, offset: 0, limit: 100 }
  const found = async (filter: HandsetFilter, order: Partial<HandsetOrder> = {}) =>
    (await store().handsetPage(filter, { ...byName, ...order })).ids
  const seen = (seenModel: string, seenFirmware: string | null, seenMac: string | null = null) => ({
    seenModel,
    seenFirmware,
    seenMac,
    seenAt: at(5),
  })

  describe('lists of handsets', () => {
    test('are cut into pages that together name every handset once, and count the whole', async () => {
      await store().transaction((tx) => cast.onboard(tx, 1, 2, 3, 4, 5))
      const pages = await Promise.all(
        [0, 2, 4, 6].map((offset) => store().handsetPage({}, { ...byName, offset, limit: 2 })),
      )
      expect(pages.map(({ ids }) => ids)).toEqual([['h1', 'h2'], ['h3', 'h4'], ['h5'], []])
      expect(pages.map(({ total }) => total)).toEqual([5, 5, 5, 5])
      expect(await store().handsetPage({}, { ...byName, limit: 0 })).toEqual({ ids: [], total: 5 })
      expect(await store().handsetModels({})).toEqual([{ model: 'yealink-t54w', count: 5 }])
      expect(await store().handsetModels({ model: 'snom-d785' })).toEqual([])
    })

    test('are sorted by holder, by extension as a number, by model, by last handshake and by last sight', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2, 3)
        await tx.update('employee', 'e1', { name: 'charlie' })
        await tx.update('employee', 'e2', { name: 'Bo' })
        await tx.update('employee', 'e3', { name: 'alice' })
        await tx.update('assignment', 'a1', { extension: '1000' })
        await tx.update('assignment', 'a2', { extension: '999' })
        await tx.update('handset', 'h3', { model: 'aastra-1' })
        await tx.update('handset', 'h2', { seenAt: at(7), createdAt: at(3) })
        await tx.update('tunnel', 't1', { firstHandshakeAt: at(1), lastHandshakeAt: at(9) })
      })
      expect(await found({})).toEqual(['h3', 'h2', 'h1'])
      expect(await found({}, { descending: true })).toEqual(['h1', 'h2', 'h3'])
      expect(await found({}, { sort: 'extension' })).toEqual(['h2', 'h1', 'h3'])
      expect(await found({}, { sort: 'model' })).toEqual(['h3', 'h2', 'h1'])
      expect((await found({}, { sort: 'heard', descending: true }))[0]).toBe('h1')
      expect((await found({}, { sort: 'seen', descending: true }))[0]).toBe('h2')
      expect((await found({}, { sort: 'created', descending: true }))[0]).toBe('h2')
    })

    test('find part of the holder’s name, of the MAC in any spelling and of the model, and begin the extension', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2, 3)
        await tx.update('employee', 'e1', { name: '50% Özlem' })
        await tx.update('handset', 'h2', { mac: '805ec0aabbcc' })
        await tx.update('handset', 'h3', { model: 'snom-d785', mac: null })
      })
      expect(await found({ search: 'özlem' })).toEqual(['h1'])
      expect(await found({ search: '%' })).toEqual(['h1'])
      expect(await found({ search: '80:5E:C0:AA-BB.CC' })).toEqual(['h2'])
      expect(await found({ search: 'aabbcc' })).toEqual(['h2'])
      expect(await found({ search: 'D785' })).toEqual(['h3'])
      expect(await found({ search: '1003' })).toEqual(['h3'])
      expect(await found({ search: 'person yealink 1002' })).toEqual(['h2'])
    })

    test('are narrowed by state, site, model, ids and firmware', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2, 3, 4)
        await cast.offboard(tx, 2, 5)
        await cast.offboard(tx, 3, 5)
        await tx.update('handset', 'h3', { blankedAt: at(6) })
        await tx.update('handset', 'h4', { enrolledAt: at(2), ...seen('T54W', '96.86.0.1') })
        await tx.insert('site', [{ id: 'berlin', name: 'Berlin' }])
        await tx.update('employee', 'e1', { siteId: 'berlin' })
      })
      expect(await found({ state: 'in-use' })).toEqual(['h1', 'h4'])
      expect(await found({ state: 'waiting' })).toEqual(['h1'])
      expect(await found({ state: 'enrolled' })).toEqual(['h4'])
      await store().transaction((tx) => tx.update('handset', 'h1', { formerTokenHash: 'the link before' }))
      expect(await found({ state: 'enrolled' })).toEqual(['h1', 'h4'])
      expect(await found({ state: 'waiting' })).toEqual([])
      expect(await found({ state: 'taken-back' })).toEqual(['h2', 'h3'])
      expect(await found({ state: 'blanked' })).toEqual(['h3'])
      expect(await found({ state: 'not-blanked' })).toEqual(['h2'])
      expect(await found({ siteId: 'berlin' })).toEqual(['h1'])
      expect(await found({ model: 'snom-d785' })).toEqual([])
      expect(await found({ ids: ['h2', 'none'] })).toEqual(['h2'])
      expect(await found({ ids: [] })).toEqual([])
      expect(await found({ firmware: '96.86.0.1' })).toEqual(['h4'])
      expect(await found({ firmware: null, state: 'in-use' })).toEqual(['h1'])
    })

    test('tell gateways apart, whose tunnel is heard, and whose phone is not what was handed out', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2, 3)
        await tx.insert('gateway', [cast.gateway(1, { kind: 'openwrt' })])
        await tx.update('handset', 'h3', { gatewayId: 'g1' })
        await tx.update('tunnel', 't1', { firstHandshakeAt: at(1), lastHandshakeAt: at(50) })
        await tx.update('handset', 'h1', seen('T54W', '1.0'))
        await tx.update('handset', 'h2', seen('T46U', null))
        await tx.update('handset', 'h3', { mac: '805ec0aabbcc', ...seen('T54W', '2.0', '805ec0aabbcd') })
      })
      expect(await found({ gateway: 'none' })).toEqual(['h1', 'h2'])
      expect(await found({ gateway: 'any' })).toEqual(['h3'])
      expect(await found({ gateway: 'openwrt' })).toEqual(['h3'])
      expect(await found({ gateway: 'plain' })).toEqual([])
      expect(await found({ tunnel: { heardOf: ['key-1'] } })).toEqual(['h1'])
      expect(await found({ tunnel: { never: true } })).toEqual(['h2'])
      const kinds = await store().seenKinds()
      expect(kinds).toEqual([
        { model: 'yealink-t54w', seenModel: 'T46U', seenFirmware: null },
        { model: 'yealink-t54w', seenModel: 'T54W', seenFirmware: '1.0' },
        { model: 'yealink-t54w', seenModel: 'T54W', seenFirmware: '2.0' },
      ])
      expect(await found({ doubted: [] })).toEqual(['h3'])
      expect(await found({ doubted: kinds.slice(0, 1) })).toEqual(['h2', 'h3'])
    })

    test('tell which have a door that needs a look, behind a gateway and after it was taken back too; a ticked one does not', async () => {
      const stuck = (id: string, subjectKind: 'tunnel' | 'certificate' | 'sip-credential' | 'phone-door') =>
        cast.verdict(1, { id, subjectKind, subjectId: id, state: 'retrying' })
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2, 3, 4, 5, 6, 7, 8)
        await tx.insert('gateway', [cast.gateway(1)])
        await tx.update('tunnel', 't6', { carrierKind: 'gateway', carrierId: 'g1' })
        for (const behind of ['h6', 'h7']) await tx.update('handset', behind, { gatewayId: 'g1' })
        await tx.update('handset', 'h7', { removedAt: at(9) })
        // One account for both phones of this person.
        await tx.update('sipCredential', 's4', { handsetId: null })
        await tx.insert('handset', [cast.handset(40, { employeeId: 'e4', assignmentId: 'a4', mac: 'aa0000000040' })])
        await tx.put('verdict', [
          cast.verdict(8),
          cast.verdict(5, { state: 'waiting', acknowledgedAt: at(3), acknowledgedBy: 'mia' }),
        ])
      })
      const first = async (verdict: ReturnType<typeof stuck>) => {
        await store().transaction((tx) => tx.put('verdict', [verdict]))
        const ids = await found({ openVerdicts: true })
        await store().transaction((tx) => tx.remove('verdict', [verdict.id]))
        return [...ids].sort()
      }
      expect(await found({ openVerdicts: true })).toEqual([])
      expect(await first(stuck('h1', 'phone-door'))).toEqual(['h1'])
      expect(await first(stuck('t2', 'tunnel'))).toEqual(['h2'])
      expect(await first(stuck('c3', 'certificate'))).toEqual(['h3'])
      expect(await first(stuck('s1', 'sip-credential'))).toEqual(['h1'])
      expect(await first(stuck('s4', 'sip-credential'))).toEqual(['h4', 'h40'])
      expect(await first(stuck('t6', 'tunnel'))).toEqual(['h6', 'h7'])
      expect(await first(stuck('t6#h7', 'tunnel'))).toEqual(['h7'])
      expect(await first({ ...stuck('s1', 'sip-credential'), state: 'waiting' })).toEqual(['h1'])
    })

    test('tell whose certificate ends soon, and what was handed out before names changed', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2, 3)
        await tx.update('certificate', 'c1', { notAfter: at(100) })
        await tx.update('handset', 'h3', { createdAt: at(60) })
        const link = { employeeId: 'e2', expiresAt: at(900), closedAt: null }
        await tx.insert('invite', [
          { ...link, id: 'first', tokenHash: 'first', createdAt: at(0) },
          { ...link, id: 'renewed', tokenHash: 'renewed', createdAt: at(60) },
          { ...link, id: 'old', employeeId: 'e1', tokenHash: 'old', createdAt: at(0) },
        ])
      })
      expect(await found({ certificateEndsBefore: at(200) })).toEqual(['h1'])
      expect(await found({ staleSince: [{ pbxId: 'default', at: at(30) }] })).toEqual(['h1'])
      expect(await found({ staleSince: [{ pbxId: 'second', at: at(30) }] })).toEqual([])
      expect(await found({ staleSince: [] })).toEqual([])
    })
  })

  describe('the phone door’s ledger', () => {
    const ids = async (filter: Partial<LedgerFilter>) =>
      (await store().ledgerPage({ limit: 10, ...filter })).map(({ id }) => id)

    test('is paged from the newest on and narrowed by everything a line says', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1)
        await tx.insert('doorFetch', [
          cast.doorFetch('f1', { employeeId: 'e1', handsetId: 'h1', at: at(1) }),
          cast.doorFetch('f2', { employeeId: 'e1', at: at(2), reason: 'invite' }),
          cast.doorFetch('f3', {
            remoteAddress: '198.51.100.7',
            outcome: 'refused',
            reason: 'no 100% such_link',
            at: at(3),
          }),
          cast.doorFetch('f4', { employeeId: 'e1', handsetId: 'h1', outcome: 'not-modified', at: at(4) }),
        ])
      })
      expect(await ids({})).toEqual(['f4', 'f3', 'f2', 'f1'])
      expect(await ids({ limit: 2 })).toEqual(['f4', 'f3'])
      expect(await ids({ before: 'f3' })).toEqual(['f2', 'f1'])
      expect(await ids({ employeeId: 'e1', before: 'f4' })).toEqual(['f2', 'f1'])
      expect(await ids({ handsetId: 'h1' })).toEqual(['f4', 'f1'])
      expect(await ids({ address: '198.51.' })).toEqual(['f3'])
      expect(await ids({ address: '1%' })).toEqual([])
      expect(await ids({ outcome: 'refused' })).toEqual(['f3'])
      expect(await ids({ reason: '100%' })).toEqual(['f3'])
      expect(await ids({ reason: 'such_l' })).toEqual(['f3'])
      expect(await ids({ reason: 'suchXl' })).toEqual([])
      expect(await ids({ since: at(2), until: at(4) })).toEqual(['f3', 'f2'])
      expect((await store().ledgerPage({ limit: 10 })).at(-1)).toMatchObject({
        name: 'Person 1',
        model: 'yealink-t54w',
        mac: '000000000001',
      })
      expect((await store().ledgerPage({ outcome: 'refused', limit: 1 }))[0]).toMatchObject({ name: null, model: null })
    })
  })

  describe('the audit log', () => {
    const positions = async (filter: Partial<AuditFilter>) =>
      (await store().auditPage({ limit: 10, ...filter })).map(({ position }) => position)

    test('is paged from the newest on and narrowed by person, thing, kind and time', async () => {
      expect(await store().auditLength()).toBe(0)
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1)
        await tx.record(cast.event('01', { employeeId: 'e1', at: at(1) }))
        await tx.record(cast.event('02', { kind: 'access.drift', subjectId: 'h1', at: at(2) }))
        await tx.record(cast.event('03', { kind: 'stranger.seen', at: at(3), detail: { actor: 'x', n: 3 } }))
      })
      expect(await store().auditLength()).toBe(3)
      expect(await positions({})).toEqual([3, 2, 1])
      expect(await positions({ limit: 1, before: 3 })).toEqual([2])
      expect(await positions({ employeeId: 'e1' })).toEqual([1])
      expect(await positions({ subjectId: 'h1' })).toEqual([2])
      expect(await positions({ kinds: ['access.drift', 'stranger.seen'] })).toEqual([3, 2])
      expect(await positions({ since: at(2), until: at(3) })).toEqual([2])
      const [newest, middle, oldest] = await store().auditPage({ limit: 10 })
      expect(middle).toMatchObject({ model: 'yealink-t54w' })
      expect(newest).toMatchObject({ name: null, detail: '{"actor":"x","n":3}' })
      expect(oldest).toMatchObject({ name: 'Person 1' })
    })
  })

  describe('peers of the hub', () => {
    test('are known by key, a waiting replacement too; keys of closed tunnels and strangers are strange', async () => {
      await store().transaction(async (tx) => {
        await cast.onboard(tx, 1, 2)
        await cast.offboard(tx, 2, 5)
        await tx.update('tunnel', 't1', { nextPublicKey: 'key-1-next' })
        await tx.insert('gateway', [cast.gateway(1, { kind: 'openwrt' })])
        await tx.insert('tunnel', [cast.tunnel(40, { carrierKind: 'gateway', carrierId: 'g1' })])
      })
      const keys = ['key-1', 'key-1-next', 'key-2', 'key-40', "nobody's"]
      expect(await store().tunnelOwners(keys)).toEqual([
        {
          tunnelId: 't1',
          publicKey: 'key-1',
          nextPublicKey: 'key-1-next',
          employeeId: 'e1',
          name: 'Person 1',
          handsetId: 'h1',
          model: 'yealink-t54w',
          gatewayKind: null,
        },
        expect.objectContaining({ tunnelId: 't40', name: 'Person 1', handsetId: null, gatewayKind: 'openwrt' }),
      ])
      expect(await store().strangeKeys(keys)).toEqual(['key-2', "nobody's"])
      expect(await store().tunnelOwners([])).toEqual([])
      expect(await store().strangeKeys([])).toEqual([])
    })
  })
}
