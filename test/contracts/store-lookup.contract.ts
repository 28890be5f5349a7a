import { beforeEach, describe, expect, test } from 'vitest'
import * as cast from './store-cast.ts'
import { at } from './store-cast.ts'
import type { StoreHand } from './store-hand.ts'

/** Who and what is found, on every database. */
export function storeLookupContract({ store, write }: StoreHand): void {
  describe('looking up', () => {
    beforeEach(() => write((tx) => cast.onboard(tx, 1, 2, 3)))

    test('a person is found by id, e-mail in any case, and extension', async () => {
      for (const who of ['e2', 'Person2@Example.com', '1002', ' 1002 ']) {
        expect((await store().employeeBy(who))?.id, who).toBe('e2')
      }
      expect(await store().employeeBy('10')).toBeUndefined()
    })

    test('an extension means its live holder, and when nobody has it the one who left last', async () => {
      await write(async (tx) => {
        await tx.update('assignment', 'a1', { untilAt: at(10) })
        await tx.update('assignment', 'a2', { untilAt: at(20), extension: '1001' })
      })
      expect((await store().employeeBy('1001'))?.id).toBe('e2')
      await write((tx) => tx.update('assignment', 'a3', { extension: '1001' }))
      expect((await store().employeeBy('1001'))?.id).toBe('e3')
    })

    test('an extension that two PBXs have is nobody’s until one of them is named', async () => {
      await write(async (tx) => {
        const [first] = await tx.find('pbx', { id: 'default' })
        await tx.put('pbx', [{ ...first!, id: 'second', name: 'branch' }])
        await tx.update('assignment', 'a2', { pbxId: 'second', extension: '1001' })
      })
      const home = (await store().get('pbx', 'default'))!.name
      await expect(store().employeeBy('1001')).rejects.toMatchObject({
        code: 'CONFLICT',
        message: `extension 1001 is on 2 PBXs: ${['1001@branch', `1001@${home}`].sort().join(', ')}`,
      })
      for (const [who, id] of [
        ['1001@branch', 'e2'],
        ['1001@SECOND', 'e2'],
        ['1001@default', 'e1'],
      ] as const)
        expect((await store().employeeBy(who))?.id, who).toBe(id)
      expect(await store().employeeBy('1001@elsewhere')).toBeUndefined()
      // Also where one of them left: whoever looks for a leaver must not meet a colleague of the same number.
      await write((tx) => tx.update('assignment', 'a1', { untilAt: at(10) }))
      await expect(store().employeeBy('1001')).rejects.toMatchObject({ code: 'CONFLICT' })
      expect((await store().employeeBy('1001@branch'))?.id).toBe('e2')
      expect((await store().employeeBy('1001@default'))?.id).toBe('e1')
      // Two that are called the same are still two.
      await write((tx) => tx.update('pbx', 'second', { name: home }))
      for (const who of ['1001', `1001@${home}`])
        await expect(store().employeeBy(who)).rejects.toMatchObject({ code: 'CONFLICT' })
      expect((await store().employeeBy('1001@second'))?.id).toBe('e2')
      await write((tx) => tx.update('assignment', 'a2', { untilAt: at(5) }))
      await expect(store().employeeBy('1001')).rejects.toMatchObject({ code: 'CONFLICT' })
    })

    test('a person who came back is meant before the one who left', async () => {
      await write(async (tx) => {
        await tx.update('employee', 'e1', { lifecycle: 'offboarded' })
        await tx.insert('employee', [cast.employee(0, { email: 'person1@example.com' })])
      })
      expect((await store().employeeBy('person1@example.com'))?.id).toBe('e0')
    })

    test('everything of a person comes with them and nothing of another', async () => {
      const former = {
        id: 'tunnel/t1#2',
        kind: 'tunnel',
        subjectId: 't1#2',
        employeeId: 'e1',
        closedAt: at(2),
        generation: 2,
        subject: '{}',
      } as const
      await write(async (tx) => {
        await tx.insert('gateway', [cast.gateway(1)])
        await tx.insert('tunnel', [cast.tunnel(4, { carrierKind: 'gateway', carrierId: 'g1' })])
        await tx.insert('tunnelAddress', [cast.address(4)])
        await tx.insert('verdict', [cast.verdict(1), cast.verdict(2)])
        await tx.put('tombstone', [former, { ...former, id: 'tunnel/t2#2', subjectId: 't2#2', employeeId: 'e2' }])
      })
      const [first, ...others] = await store().employeesWithAccess({ ids: ['e1'] })
      expect(others).toEqual([])
      expect(first).toEqual({
        employee: cast.employee(1),
        assignments: [cast.assignment(1)],
        handsets: [cast.handset(1)],
        gateways: [cast.gateway(1)],
        tunnels: [cast.tunnel(1), cast.tunnel(4, { carrierKind: 'gateway', carrierId: 'g1' })],
        addresses: [cast.address(1), cast.address(4)],
        certificates: [cast.certificate(1)],
        credentials: [cast.credential(1)],
        verdicts: [cast.verdict(1)],
        // Of doors that have a row of their own the row says it.
        tombstones: [former],
        passedOn: new Set(),
      })
      expect((await store().employeesWithAccess({})).map((each) => each.employee.id)).toEqual(['e1', 'e2', 'e3'])
      await write((tx) => tx.update('employee', 'e3', { lifecycle: 'offboarding' }))
      expect((await store().employeesWithAccess({ lifecycle: 'offboarding' })).map((each) => each.employee.id)).toEqual(
        ['e3'],
      )
    })

    test('what a leaver had and somebody else has, or had, is told with them', async () => {
      await write(async (tx) => {
        await tx.update('assignment', 'a1', { untilAt: at(10) })
        await tx.update('employee', 'e1', { lifecycle: 'offboarded' })
        await tx.update('assignment', 'a2', { extension: '1001' })
      })
      const passedOn = async () => (await store().employeesWithAccess({ ids: ['e1', 'e2'] })).map((one) => one.passedOn)
      expect(await passedOn()).toEqual([new Set(['default 1001']), new Set()])
      const { email } = cast.employee(1)
      await write((tx) => tx.update('employee', 'e2', { email }))
      expect((await passedOn())[0]).toEqual(new Set(['default 1001', email]))
      await write((tx) => tx.update('assignment', 'a2', { extension: '1009' }))
      expect((await passedOn())[0]).toEqual(new Set([email]))
    })

    test('a handset is found by either token, also when it was taken back', async () => {
      await write((tx) => tx.update('handset', 'h1', { removedAt: at(5) }))
      expect((await store().handsetByTokenHash('steady-1'))?.id).toBe('h1')
      expect((await store().handsetByTokenHash('enrol-2'))?.id).toBe('h2')
      expect(await store().handsetByTokenHash('steady')).toBeUndefined()
      expect((await write((tx) => tx.handsetByTokenHash('enrol-2')))?.id).toBe('h2')
    })

    test('an address counts as taken until long enough after its release', async () => {
      await write(async (tx) => {
        await tx.update('tunnelAddress', 'ta1', { releasedAt: at(10) })
        await tx.update('tunnelAddress', 'ta2', { releasedAt: at(30) })
      })
      expect(await store().takenPrefixes('default', at(20))).toEqual(['10.77.0.2/32', '10.77.0.3/32'])
      expect(await store().takenPrefixes('second', at(0))).toEqual([])
    })

    test('the revocation list holds what was revoked and has not run out, also what only a tombstone knows', async () => {
      await write(async (tx) => {
        await tx.update('certificate', 'c1', { revokedAt: at(5) })
        await tx.update('certificate', 'c2', { revokedAt: at(6), notAfter: at(7) })
        const gone = {
          kind: 'certificate' as const,
          id: 'c9',
          employeeId: null,
          wanted: 'closed' as const,
          generation: 2,
        }
        const subject = JSON.stringify({ ...gone, serial: '99aa', notAfter: at(99), revokedAt: at(8) })
        await tx.put('tombstone', [
          {
            id: 'certificate/c9',
            kind: 'certificate',
            subjectId: 'c9',
            employeeId: null,
            closedAt: at(8),
            generation: 2,
            subject,
          },
        ])
      })
      const holders = await store().certifiedHandsets()
      expect([holders.has('h1'), holders.has('h2'), holders.has('h3')]).toEqual([false, false, true])
      expect(await store().revokedCertificates(at(50))).toEqual([
        { serial: cast.certificate(1).serial, revokedAt: at(5) },
        { serial: '99aa', revokedAt: at(8) },
      ])
      expect((await store().revokedCertificates(at(100))).map((entry) => entry.serial)).toEqual([
        cast.certificate(1).serial,
      ])
    })

    test('the counts are numbers and count what is open', async () => {
      await write(async (tx) => {
        await tx.update('employee', 'e1', { lifecycle: 'offboarding' })
        await tx.update('employee', 'e2', { lifecycle: 'offboarded' })
        await tx.update('handset', 'h2', { removedAt: at(5) })
        await tx.insert('verdict', [
          cast.verdict(1),
          cast.verdict(2, { state: 'retrying', acknowledgedAt: at(1) }),
          cast.verdict(3, { state: 'waiting' }),
          cast.verdict(4, { state: 'unverifiable', acknowledgedAt: at(1) }),
        ])
      })
      expect(await store().counts()).toEqual({ employees: 2, handsets: 2, openVerdicts: 2, leaversInProgress: 1 })
    })

    test('the door ledger is read newest first and stays bounded', async () => {
      await write((tx) =>
        tx.insert(
          'doorFetch',
          ['1', '2', '3'].map((id) => cast.doorFetch(id, { handsetId: 'h1' })),
        ),
      )
      await write((tx) =>
        tx.insert('doorFetch', [cast.doorFetch('4', { at: new Date(Date.UTC(2027, 0, 1)).toISOString() })]),
      )
      expect((await store().ledgerPage({ limit: 2 })).map((row) => row.id)).toEqual(['4', '3'])
      expect((await store().ledgerPage({ handsetId: 'h1', limit: 9 })).map((row) => row.id)).toEqual(['3', '2', '1'])
      expect(await store().trimDoorLedger(new Date(Date.UTC(2027, 5, 1)))).toBe(3)
      expect((await store().ledgerPage({ limit: 9 })).map((row) => row.id)).toEqual(['4'])
    })

    test('a flood of strangers washes nobody out of the door ledger', async () => {
      const flood = Array.from({ length: 20_003 }, (_, n) => cast.doorFetch(`s${String(n).padStart(6, '0')}`))
      await write(async (tx) => {
        await tx.insert('doorFetch', [
          cast.doorFetch('a', { handsetId: 'h1' }),
          cast.doorFetch('b', { employeeId: 'e1' }),
          ...flood,
        ])
      })
      expect(await store().trimDoorLedger(new Date(at(1)))).toBe(3)
      const left = (await store().ledgerPage({ limit: 30_000 })).map((row) => row.id)
      expect(left).toHaveLength(20_002)
      expect(left.slice(-3)).toEqual(['s000003', 'b', 'a'])
    })
  })
}
