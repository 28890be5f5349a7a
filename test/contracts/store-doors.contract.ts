import { beforeEach, describe, expect, test } from 'vitest'
import { closed, type Subject } from '../../src/domain/access.ts'
import { blockedPolicy } from '../../src/domain/call-policy.ts'
import { tombstoneOf } from '../../src/domain/tombstone.ts'
import * as cast from './store-cast.ts'
import { at } from './store-cast.ts'
import type { StoreHand } from './store-hand.ts'

/** Which doors are open and which are shut, on every database. */
export function storeDoorsContract({ store, write, tamper }: StoreHand): void {
  describe('what each door should be', () => {
    beforeEach(() => write((tx) => cast.onboard(tx, 1, 2)))

    test('live rows are open doors with all that the systems need', async () => {
      await write((tx) => tx.update('tunnel', 't1', { nextPublicKey: 'key-1b' }))
      expect(await store().subjects('tunnel', ['t1'])).toEqual([
        {
          kind: 'tunnel',
          id: 't1',
          employeeId: 'e1',
          wanted: 'open',
          generation: 1,
          hubId: 'default',
          publicKeys: ['key-1', 'key-1b'],
          activeKey: 'key-1',
          retiredKeys: [],
          prefixes: ['10.77.0.1/32'],
          admitted: ['10.77.0.1/32'],
          presharedKeySealed: 'psk-1',
        },
      ])
      expect(await store().subjects('sip-credential', ['s1'])).toEqual([
        {
          kind: 'sip-credential',
          id: 's1',
          employeeId: 'e1',
          wanted: 'open',
          generation: 1,
          pbxId: 'default',
          extension: '1001',
          username: '1001-abcd',
          displayName: 'Person 1',
          secretSealed: 'secret-1',
          addresses: ['10.77.0.1/32'],
          certificate: true,
          extensionShared: false,
        },
      ])
      expect(await store().subjects('certificate', ['c1'])).toEqual([
        {
          kind: 'certificate',
          id: 'c1',
          employeeId: 'e1',
          wanted: 'open',
          generation: 1,
          serial: '5e000001',
          notAfter: at(500_000),
          revokedAt: null,
          pbxId: 'default',
          holder: { extension: '1001', addresses: ['10.77.0.1/32'] },
          handsetId: 'h1',
        },
      ])
      expect(await store().subjects('phone-door', ['h1'])).toEqual([
        { kind: 'phone-door', id: 'h1', employeeId: 'e1', wanted: 'open', generation: 1, handsetId: 'h1' },
      ])
      expect(await store().subjects('tunnel', [])).toEqual([])
      expect((await cast.ids(store(), 'phone-door')).open).toEqual(['h1', 'h2'])
    })

    test('a leaver is closed everywhere, without name or secret, and nobody else is', async () => {
      await write((tx) => cast.offboard(tx, 1, 5))
      for (const [kind, letter] of [
        ['tunnel', 't'],
        ['certificate', 'c'],
        ['sip-credential', 's'],
        ['phone-door', 'h'],
      ] as const) {
        expect(await cast.ids(store(), kind), kind).toEqual({ open: [`${letter}2`], closed: [`${letter}1`] })
      }
      const [tunnel] = await store().subjects('tunnel', ['t1'])
      expect(tunnel).toMatchObject({ prefixes: ['10.77.0.1/32'], presharedKeySealed: null })
      expect([...(tunnel?.publicKeys ?? []), ...(tunnel?.retiredKeys ?? [])]).toContain('key-1')
      expect((await store().subjects('sip-credential', ['s1']))[0]).toMatchObject({
        displayName: null,
        secretSealed: null,
        addresses: ['10.77.0.1/32'],
      })
    })

    test('an extension is a door once a call policy was chosen for it, and for good when its holder left', async () => {
      const national = { ...blockedPolicy, class: 'national' } as const
      const open = { kind: 'assignment', employeeId: 'e1', pbxId: 'default', extension: '1001' } as const
      expect(await store().subjects('assignment')).toEqual([])
      await write((tx) => tx.update('assignment', 'a1', { callPolicy: JSON.stringify(national), generation: 2 }))
      const chosen = {
        ...open,
        id: 'a1',
        wanted: 'open',
        generation: 2,
        policy: national,
        hasNextHolder: false,
        leaving: false,
      } as const
      expect(await store().subjects('assignment')).toEqual([chosen])
      expect(await store().subjects('assignment', ['a1', 'a2'])).toEqual([chosen])
      // That nothing is chosen any more has to be brought to the PBX too.
      await write((tx) => tx.update('assignment', 'a1', { callPolicy: null, generation: 3 }))
      expect(await store().subjects('assignment')).toEqual([{ ...chosen, generation: 3, policy: null }])
      await write(async (tx) => {
        await tx.put('tombstone', [tombstoneOf(closed<Subject>({ ...chosen, generation: 3 }, at(5)), at(5))])
        await tx.update('assignment', 'a1', { untilAt: at(5), generation: 4 })
      })
      const shut = { ...chosen, wanted: 'closed', generation: 4, policy: null } as const
      expect(await store().subjects('assignment')).toEqual([shut])
      await write((tx) => tx.insert('assignment', [cast.assignment(3, { employeeId: 'e2', extension: '1001' })]))
      expect(await store().subjects('assignment')).toEqual([{ ...shut, hasNextHolder: true }])
      // Whoever is being offboarded may know PINs by heart; once that is complete nobody is asked again.
      await write((tx) => tx.update('employee', 'e1', { lifecycle: 'offboarding' }))
      expect(await store().subjects('assignment')).toEqual([{ ...shut, hasNextHolder: true, leaving: true }])
      await write((tx) => tx.update('employee', 'e1', { lifecycle: 'offboarded' }))
      expect(await store().subjects('assignment')).toEqual([{ ...shut, hasNextHolder: true }])
    })

    test("an administrator's way into the console is a door that is only ever shut, and keeps the tokens to look for", async () => {
      const subject = {
        kind: 'administrator',
        id: 'm1',
        employeeId: 'e1',
        wanted: 'closed',
        generation: 2,
        tokenIds: ['k1'],
      } as const
      await write((tx) => tx.put('tombstone', [tombstoneOf(subject, at(5))]))
      expect(await store().subjects('administrator')).toEqual([subject])
      expect(await store().subjects('administrator', ['m1'])).toEqual([subject])
      expect(await store().subjects('administrator', ['m2'])).toEqual([])
    })

    test('all doors read at once and some doors read by id are the same', async () => {
      await write((tx) => cast.offboard(tx, 1, 5))
      await write((tx) => tx.insert('assignment', [cast.assignment(3, { employeeId: 'e2', extension: '1001' })]))
      await write((tx) => tx.insert('sipCredential', [cast.credential(3, { handsetId: null })]))
      for (const kind of ['tunnel', 'certificate', 'sip-credential', 'phone-door'] as const) {
        const all = await store().subjects(kind)
        for (const subject of all) expect(await store().subjects(kind, [subject.id])).toEqual([subject])
        expect(
          await store().subjects(kind, [
            ...all.map((subject) => subject.id),
            ...Array.from({ length: 1_200 }, (_, n) => `no${n}`),
          ]),
        ).toEqual(all)
      }
    })

    test('an older copy of the database cannot re-open a door, a newer life of it can', async () => {
      const tombstones = await write((tx) => cast.offboard(tx, 1, 5))
      // The rows as an old backup has them, beside the tombstones from the journal.
      await tamper(`update "tunnel" set "closedAt" = null, "generation" = 1 where "id" = 't1'`)
      await tamper(`update "handset" set "removedAt" = null where "id" = 'h1'`)
      await tamper(`update "certificate" set "revokedAt" = null where "id" = 'c1'`)
      await tamper(`update "sipCredential" set "closedAt" = null, "generation" = 1 where "id" = 's1'`)
      expect(tombstones).toHaveLength(4)
      for (const [kind, letter] of [
        ['tunnel', 't'],
        ['certificate', 'c'],
        ['sip-credential', 's'],
        ['phone-door', 'h'],
      ] as const) {
        expect(await cast.ids(store(), kind), kind).toEqual({ open: [`${letter}2`], closed: [`${letter}1`] })
      }
      await write((tx) => tx.update('sipCredential', 's1', { generation: 3 }))
      expect(await cast.ids(store(), 'sip-credential')).toEqual({ open: ['s1', 's2'], closed: [] })
    })

    test('a retired key of a living tunnel is closed beside the tunnel', async () => {
      const retired = {
        kind: 'tunnel',
        id: 't1#2',
        employeeId: 'e1',
        wanted: 'closed',
        generation: 2,
        hubId: 'default',
        publicKeys: [],
        activeKey: null,
        retiredKeys: ['old'],
        prefixes: [],
        presharedKeySealed: null,
      }
      await write((tx) =>
        tx.put('tombstone', [
          {
            id: 'tunnel/t1#2',
            kind: 'tunnel',
            subjectId: 't1#2',
            employeeId: 'e1',
            closedAt: at(5),
            generation: 2,
            subject: JSON.stringify(retired),
          },
        ]),
      )
      expect(await cast.ids(store(), 'tunnel')).toEqual({ open: ['t1', 't2'], closed: ['t1#2'] })
    })

    test('an address that meanwhile belongs to somebody else is not shut with the old tunnel', async () => {
      await write((tx) => cast.offboard(tx, 1, 5))
      await write((tx) => tx.insert('tunnelAddress', [cast.address(3, { tunnelId: 't2', prefix: '10.77.0.1/32' })]))
      expect((await store().subjects('tunnel', ['t1']))[0]?.prefixes).toEqual([])
      expect((await store().subjects('tunnel')).find((subject) => subject.id === 't1')?.prefixes).toEqual([])
      await write((tx) => tx.update('tunnelAddress', 'ta3', { hubId: 'second' }))
      expect((await store().subjects('tunnel', ['t1']))[0]?.prefixes).toEqual(['10.77.0.1/32'])
    })

    test('a leaver’s login knows whether the extension has a new holder now', async () => {
      await write((tx) => cast.offboard(tx, 1, 5))
      const shared = async () => (await store().subjects('sip-credential', ['s1']))[0]?.extensionShared
      expect(await shared()).toBe(false)
      await write(async (tx) => {
        await tx.insert('assignment', [cast.assignment(3, { employeeId: 'e2', extension: '1001' })])
        await tx.insert('sipCredential', [cast.credential(3, { handsetId: null })])
      })
      expect(await shared()).toBe(true)
      await write((tx) => tx.update('assignment', 'a3', { pbxId: 'second' }))
      expect(await shared()).toBe(false)
    })

    test('a damaged tombstone is an error that names it, never a door that nobody watches', async () => {
      const tombstones = await write((tx) => cast.offboard(tx, 1, 5))
      for (const damage of [`'{'`, `'{"kind":"tunnel"}'`, `replace("subject", '"id":"t1"', '"id":"t2"')`]) {
        await write((tx) => tx.put('tombstone', tombstones))
        await tamper(`update "tombstone" set "subject" = ${damage} where "id" = 'tunnel/t1'`)
        const named = { code: 'INTERNAL', message: expect.stringContaining('tunnel/t1') }
        await expect(store().subjects('tunnel')).rejects.toMatchObject(named)
      }
    })
  })
}
