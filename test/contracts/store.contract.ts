import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { closed, type Subject } from '../../src/domain/access.ts'
import { newAdministrator } from '../../src/domain/administrator.ts'
import { blockedPolicy } from '../../src/domain/call-policy.ts'
import { neverSeen } from '../../src/domain/handset.ts'
import { tombstoneOf } from '../../src/domain/tombstone.ts'
import type { AppError } from '../../src/errors.ts'
import type { LeaseHolder } from '../../src/store/lease-holder.ts'
import type { Store, StoreWriter } from '../../src/store/store.ts'
import { consoleListContract } from './console-list.contract.ts'
import { peopleListContract } from './people-list.contract.ts'
import * as cast from './store-cast.ts'
import { at, seed } from './store-cast.ts'

export interface StoreUnderTest {
  open(): Promise<Store>
  /** The same database again, as after a restart. */
  reopen(): Promise<Store>
  /** Behind the store's back, as an intruder or a restored backup would. */
  tamper(sql: string): Promise<void>
  dispose(): Promise<void>
}

/** What every database must do; `make` gives an empty one for each test. */
export function storeContract(make: () => Promise<StoreUnderTest>): void {
  let world: StoreUnderTest
  let store: Store
  beforeEach(async () => {
    world = await make()
    store = await world.open()
    await seed(store)
  })
  afterEach(async () => {
    await store?.close()
    await world?.dispose()
  })
  const write = <T>(work: (tx: StoreWriter) => Promise<T>) => store.transaction(work)

  peopleListContract(() => store)
  consoleListContract(() => store)

  describe('rows', () => {
    test('what was written is read back the same, by id and by column, oldest first', async () => {
      await write((tx) => cast.onboard(tx, 2, 1))
      expect(await store.get('tunnel', 't2')).toEqual(cast.tunnel(2))
      expect((await store.find('handset', { removedAt: null })).map((row) => row.id)).toEqual(['h1', 'h2'])
      expect(await store.find('handset', { mac: 'ffffffffffff' })).toEqual([])
      expect(await store.get('handset', 'nobody')).toBeUndefined()
    })

    test('ids sort by bytes whatever the language of the database is', async () => {
      const names = ['b', 'B', 'a-1', 'a1', 'ä', 'Z']
      await write((tx) =>
        tx.insert(
          'setting',
          names.map((id) => ({ id, value: '' })),
        ),
      )
      const bytewise = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect((await store.find('setting', {})).map((row) => row.id)).toEqual(bytewise)
    })

    test('a name in any script survives', async () => {
      const name = `O'Brien "Bob" ${String.fromCodePoint(0x5e9, 0x5dc, 0x200f, 0x1f600)} {{x}} =cmd()`
      await write((tx) => tx.insert('employee', [cast.employee(1, { name })]))
      expect((await store.get('employee', 'e1'))?.name).toBe(name)
    })

    test('put replaces every column, update only the named ones, remove takes the row away', async () => {
      await write((tx) => tx.insert('setting', [{ id: 'a', value: '1' }]))
      await write(async (tx) => {
        await tx.put('setting', [
          { id: 'a', value: '2' },
          { id: 'b', value: '3' },
        ])
        await tx.update('setting', 'b', { value: '4' })
      })
      expect(await store.find('setting', {})).toEqual([
        { id: 'a', value: '2' },
        { id: 'b', value: '4' },
      ])
      await write((tx) => tx.remove('setting', ['a', 'nothing']))
      expect(await store.get('setting', 'a')).toBeUndefined()
    })

    test('a change of a row that is not there says so', async () => {
      await expect(write((tx) => tx.update('setting', 'x', { value: '' }))).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await expect(write((tx) => tx.update('setting', 'x', {}))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    test('of two who change the same state, one is told that it came too late', async () => {
      await write((tx) => tx.insert('setting', [{ id: 'a', value: 'old' }]))
      const change = (value: string) => write((tx) => tx.updateIf('setting', 'a', { value: 'old' }, { value }))
      const outcomes = await Promise.all([change('one'), change('two')])
      expect(outcomes.toSorted()).toEqual([false, true])
    })

    test('a Date, a missing value and a number without a value are refused before they are stored wrongly', async () => {
      const wrong = [new Date(), undefined, Number.NaN, { a: 1 }]
      for (const value of wrong) {
        const patch = { value } as unknown as { value: string }
        await write((tx) => tx.put('setting', [{ id: 'a', value: 'kept' }]))
        await expect(write((tx) => tx.update('setting', 'a', patch))).rejects.toMatchObject({ code: 'INTERNAL' })
        await expect(write((tx) => tx.insert('setting', [{ id: 'b', ...patch }]))).rejects.toMatchObject({
          code: 'INTERNAL',
        })
        await expect(store.find('setting', patch)).rejects.toMatchObject({ code: 'INTERNAL' })
        expect(await store.find('setting', {})).toEqual([{ id: 'a', value: 'kept' }])
      }
    })

    test('a word that the domain does not know is refused', async () => {
      const lifecycle = 'retired' as 'active'
      await expect(write((tx) => tx.insert('employee', [cast.employee(1, { lifecycle })]))).rejects.toThrow()
    })

    test('a row that refers to nothing is refused, in whatever order a transaction writes', async () => {
      await expect(write((tx) => tx.insert('assignment', [cast.assignment(1)]))).rejects.toMatchObject({
        code: 'INTERNAL',
      })
      await write(async (tx) => {
        await tx.insert('assignment', [cast.assignment(1)])
        await tx.insert('employee', [cast.employee(1)])
      })
      expect(await store.get('assignment', 'a1')).toBeDefined()
    })
  })

  describe('transactions', () => {
    test('an error takes back everything, and the reader sees nothing of it meanwhile', async () => {
      const failed = write(async (tx) => {
        await tx.insert('setting', [{ id: 'a', value: '1' }])
        expect(await tx.get('setting', 'a')).toBeDefined()
        expect(await store.get('setting', 'a')).toBeUndefined()
        expect(await store.find('setting', {})).toEqual([])
        throw new RangeError('changed my mind')
      })
      await expect(failed).rejects.toThrow(RangeError)
      expect(await store.find('setting', {})).toEqual([])
    })

    test('an error that was caught still takes back everything', async () => {
      await write((tx) => tx.insert('setting', [{ id: 'a', value: '1' }]))
      const failed = write(async (tx) => {
        await tx.insert('setting', [{ id: 'b', value: '1' }])
        await tx.insert('setting', [{ id: 'a', value: '2' }]).catch(() => undefined)
      })
      await expect(failed).rejects.toMatchObject({ code: 'CONFLICT' })
      expect((await store.find('setting', {})).map((row) => row.id)).toEqual(['a'])
    })

    test('fifty at once that each read, wait and write lose nothing', async () => {
      await write((tx) => tx.insert('setting', [{ id: 'n', value: '0' }]))
      const step = () =>
        write(async (tx) => {
          const row = await tx.get('setting', 'n')
          await new Promise((resolve) => setImmediate(resolve))
          await tx.update('setting', 'n', { value: String(Number(row?.value) + 1) })
        })
      await Promise.all(Array.from({ length: 50 }, step))
      expect((await store.get('setting', 'n'))?.value).toBe('50')
    })

    test('one inside another is an error and not a standstill', async () => {
      await expect(write(() => write(async () => undefined))).rejects.toMatchObject({ code: 'INTERNAL' })
    })

    test('what kept the transaction beyond its end cannot write any more', async () => {
      const kept = await write(async (tx) => ({ tx }))
      await expect(kept.tx.insert('setting', [{ id: 'a', value: '' }])).rejects.toMatchObject({ code: 'INTERNAL' })
      expect(await store.find('setting', {})).toEqual([])
    })

    test('it is there after a restart', async () => {
      await write((tx) => tx.insert('setting', [{ id: 'a', value: '1' }]))
      await store.close()
      store = await world.reopen()
      expect(await store.get('setting', 'a')).toEqual({ id: 'a', value: '1' })
    })

    test('a named number grows by one for each who asks', async () => {
      const numbers = await Promise.all(Array.from({ length: 5 }, () => write((tx) => tx.nextNumber('crl'))))
      expect(numbers.toSorted()).toEqual([1, 2, 3, 4, 5])
      expect(await write((tx) => tx.nextNumber('other'))).toBe(1)
    })
  })

  describe('what must not be there twice', () => {
    const refused = async (field: string, work: (tx: StoreWriter) => Promise<void>) => {
      const error: AppError = await write(work).then(
        () => expect.fail('it was taken'),
        (thrown) => thrown,
      )
      expect(error).toMatchObject({ code: 'CONFLICT', problems: [{ field }] })
      expect(error.hint).toBeTruthy()
    }
    beforeEach(() => write((tx) => cast.onboard(tx, 1, 2)))

    test('an extension has one holder on each PBX, and gets a new one when the old has left', async () => {
      const taken = cast.assignment(3, { employeeId: 'e2', extension: '1001' })
      await refused('extension', (tx) => tx.insert('assignment', [taken]))
      await write((tx) => tx.insert('assignment', [{ ...taken, id: 'other-pbx', pbxId: 'second' }]))
      await write((tx) => tx.update('assignment', 'a1', { untilAt: at(5) }))
      await write((tx) => tx.insert('assignment', [taken]))
    })

    test('an e-mail address belongs to one person who is here; who left may come back', async () => {
      const again = cast.employee(3, { email: 'person1@example.com' })
      await refused('email', (tx) => tx.insert('employee', [again]))
      await write((tx) => tx.update('employee', 'e1', { lifecycle: 'offboarding' }))
      await refused('email', (tx) => tx.insert('employee', [again]))
      await write((tx) => tx.update('employee', 'e1', { lifecycle: 'offboarded' }))
      await write((tx) => tx.insert('employee', [again]))
    })

    test('a phone is in use once; a returned one may be handed out again', async () => {
      const again = cast.handset(3, { employeeId: 'e2', assignmentId: 'a2', mac: cast.handset(1).mac })
      await refused('mac', (tx) => tx.insert('handset', [again]))
      await write((tx) =>
        tx.insert('handset', [{ ...again, id: 'soft1', mac: null, enrolTokenHash: null, steadyTokenHash: null }]),
      )
      await write((tx) => tx.update('handset', 'h1', { removedAt: at(5) }))
      await write((tx) => tx.insert('handset', [again]))
    })

    test('a public key is in one live tunnel only, also as a replacement that waits', async () => {
      const other = (change: object) => cast.tunnel(3, { carrierId: 'h2', ...change })
      await refused('publicKey', (tx) => tx.insert('tunnel', [other({ publicKey: 'key-1' })]))
      await refused('publicKey', (tx) => tx.insert('tunnel', [other({ publicKey: null, nextPublicKey: 'key-1' })]))
      await refused('publicKey', (tx) => tx.update('tunnel', 't2', { nextPublicKey: 'key-1' }))
      await write((tx) => tx.update('tunnel', 't2', { nextPublicKey: 'key-9' }))
      await refused('publicKey', (tx) => tx.update('tunnel', 't1', { nextPublicKey: 'key-9' }))
      await refused('publicKey', (tx) => tx.update('tunnel', 't1', { publicKey: 'key-9' }))
      await write((tx) => tx.update('tunnel', 't2', { publicKey: 'key-9', nextPublicKey: null }))
      await write((tx) =>
        tx.insert('tunnel', [other({ publicKey: null }), { ...other({ publicKey: null }), id: 't4' }]),
      )
    })

    test('a tunnel address has one holder on each hub until it is released', async () => {
      const taken = cast.address(3, { tunnelId: 't2', prefix: cast.address(1).prefix })
      await refused('prefix', (tx) => tx.insert('tunnelAddress', [taken]))
      await write((tx) => tx.insert('tunnelAddress', [{ ...taken, id: 'elsewhere', hubId: 'second' }]))
      await write((tx) => tx.update('tunnelAddress', 'ta1', { releasedAt: at(5) }))
      await write((tx) => tx.insert('tunnelAddress', [taken]))
    })

    test('serials, logins, tokens and messages are single too', async () => {
      await refused('serial', (tx) =>
        tx.insert('certificate', [cast.certificate(3, { handsetId: 'h2', serial: cast.certificate(1).serial })]),
      )
      await refused('username', (tx) =>
        tx.insert('sipCredential', [
          cast.credential(3, { assignmentId: 'a1', handsetId: 'h1', username: '1001-abcd' }),
        ]),
      )
      await refused('steadyTokenHash', (tx) => tx.update('handset', 'h1', { steadyTokenHash: 'steady-2' }))
      const message = {
        kind: 'x',
        payload: '{}',
        createdAt: at(0),
        deliveredAt: null,
        attempts: 0,
        nextTryAt: at(0),
        lastProblem: null,
      }
      await write((tx) => tx.insert('outbox', [{ id: '1', dedupeKey: 'k', ...message }]))
      await refused('dedupeKey', (tx) => tx.insert('outbox', [{ id: '2', dedupeKey: 'k', ...message }]))
      await refused('id', (tx) => tx.insert('employee', [cast.employee(1, { email: 'new@example.com' })]))
    })
  })

  describe('looking up', () => {
    beforeEach(() => write((tx) => cast.onboard(tx, 1, 2, 3)))

    test('a person is found by id, e-mail in any case, and extension', async () => {
      for (const who of ['e2', 'Person2@Example.com', '1002', ' 1002 ']) {
        expect((await store.employeeBy(who))?.id, who).toBe('e2')
      }
      expect(await store.employeeBy('10')).toBeUndefined()
    })

    test('an extension means its live holder, and when nobody has it the one who left last', async () => {
      await write(async (tx) => {
        await tx.update('assignment', 'a1', { untilAt: at(10) })
        await tx.update('assignment', 'a2', { untilAt: at(20), extension: '1001' })
      })
      expect((await store.employeeBy('1001'))?.id).toBe('e2')
      await write((tx) => tx.update('assignment', 'a3', { extension: '1001' }))
      expect((await store.employeeBy('1001'))?.id).toBe('e3')
    })

    test('an extension that two PBXs have is nobody’s until one of them is named', async () => {
      await write(async (tx) => {
        const [first] = await tx.find('pbx', { id: 'default' })
        await tx.put('pbx', [{ ...first!, id: 'second', name: 'branch' }])
        await tx.update('assignment', 'a2', { pbxId: 'second', extension: '1001' })
      })
      const home = (await store.get('pbx', 'default'))!.name
      await expect(store.employeeBy('1001')).rejects.toMatchObject({
        code: 'CONFLICT',
        message: `extension 1001 is on 2 PBXs: ${['1001@branch', `1001@${home}`].sort().join(', ')}`,
      })
      for (const [who, id] of [
        ['1001@branch', 'e2'],
        ['1001@SECOND', 'e2'],
        ['1001@default', 'e1'],
      ] as const)
        expect((await store.employeeBy(who))?.id, who).toBe(id)
      expect(await store.employeeBy('1001@elsewhere')).toBeUndefined()
      // Also where one of them left: whoever looks for a leaver must not meet a colleague of the same number.
      await write((tx) => tx.update('assignment', 'a1', { untilAt: at(10) }))
      await expect(store.employeeBy('1001')).rejects.toMatchObject({ code: 'CONFLICT' })
      expect((await store.employeeBy('1001@branch'))?.id).toBe('e2')
      expect((await store.employeeBy('1001@default'))?.id).toBe('e1')
      // Two that are called the same are still two.
      await write((tx) => tx.update('pbx', 'second', { name: home }))
      for (const who of ['1001', `1001@${home}`])
        await expect(store.employeeBy(who)).rejects.toMatchObject({ code: 'CONFLICT' })
      expect((await store.employeeBy('1001@second'))?.id).toBe('e2')
      await write((tx) => tx.update('assignment', 'a2', { untilAt: at(5) }))
      await expect(store.employeeBy('1001')).rejects.toMatchObject({ code: 'CONFLICT' })
    })

    test('a person who came back is meant before the one who left', async () => {
      await write(async (tx) => {
        await tx.update('employee', 'e1', { lifecycle: 'offboarded' })
        await tx.insert('employee', [cast.employee(0, { email: 'person1@example.com' })])
      })
      expect((await store.employeeBy('person1@example.com'))?.id).toBe('e0')
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
      const [first, ...others] = await store.employeesWithAccess({ ids: ['e1'] })
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
      expect((await store.employeesWithAccess({})).map((each) => each.employee.id)).toEqual(['e1', 'e2', 'e3'])
      await write((tx) => tx.update('employee', 'e3', { lifecycle: 'offboarding' }))
      expect((await store.employeesWithAccess({ lifecycle: 'offboarding' })).map((each) => each.employee.id)).toEqual([
        'e3',
      ])
    })

    test('what a leaver had and somebody else has, or had, is told with them', async () => {
      await write(async (tx) => {
        await tx.update('assignment', 'a1', { untilAt: at(10) })
        await tx.update('employee', 'e1', { lifecycle: 'offboarded' })
        await tx.update('assignment', 'a2', { extension: '1001' })
      })
      const passedOn = async () => (await store.employeesWithAccess({ ids: ['e1', 'e2'] })).map((one) => one.passedOn)
      expect(await passedOn()).toEqual([new Set(['default 1001']), new Set()])
      const { email } = cast.employee(1)
      await write((tx) => tx.update('employee', 'e2', { email }))
      expect((await passedOn())[0]).toEqual(new Set(['default 1001', email]))
      await write((tx) => tx.update('assignment', 'a2', { extension: '1009' }))
      expect((await passedOn())[0]).toEqual(new Set([email]))
    })

    test('a handset is found by either token, also when it was taken back', async () => {
      await write((tx) => tx.update('handset', 'h1', { removedAt: at(5) }))
      expect((await store.handsetByTokenHash('steady-1'))?.id).toBe('h1')
      expect((await store.handsetByTokenHash('enrol-2'))?.id).toBe('h2')
      expect(await store.handsetByTokenHash('steady')).toBeUndefined()
      expect((await write((tx) => tx.handsetByTokenHash('enrol-2')))?.id).toBe('h2')
    })

    test('an address counts as taken until long enough after its release', async () => {
      await write(async (tx) => {
        await tx.update('tunnelAddress', 'ta1', { releasedAt: at(10) })
        await tx.update('tunnelAddress', 'ta2', { releasedAt: at(30) })
      })
      expect(await store.takenPrefixes('default', at(20))).toEqual(['10.77.0.2/32', '10.77.0.3/32'])
      expect(await store.takenPrefixes('second', at(0))).toEqual([])
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
      const holders = await store.certifiedHandsets()
      expect([holders.has('h1'), holders.has('h2'), holders.has('h3')]).toEqual([false, false, true])
      expect(await store.revokedCertificates(at(50))).toEqual([
        { serial: cast.certificate(1).serial, revokedAt: at(5) },
        { serial: '99aa', revokedAt: at(8) },
      ])
      expect((await store.revokedCertificates(at(100))).map((entry) => entry.serial)).toEqual([
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
      expect(await store.counts()).toEqual({ employees: 2, handsets: 2, openVerdicts: 2, leaversInProgress: 1 })
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
      expect((await store.ledgerPage({ limit: 2 })).map((row) => row.id)).toEqual(['4', '3'])
      expect((await store.ledgerPage({ handsetId: 'h1', limit: 9 })).map((row) => row.id)).toEqual(['3', '2', '1'])
      expect(await store.trimDoorLedger(new Date(Date.UTC(2027, 5, 1)))).toBe(3)
      expect((await store.ledgerPage({ limit: 9 })).map((row) => row.id)).toEqual(['4'])
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
      expect(await store.trimDoorLedger(new Date(at(1)))).toBe(3)
      const left = (await store.ledgerPage({ limit: 30_000 })).map((row) => row.id)
      expect(left).toHaveLength(20_002)
      expect(left.slice(-3)).toEqual(['s000003', 'b', 'a'])
    })
  })

  describe('what each door should be', () => {
    beforeEach(() => write((tx) => cast.onboard(tx, 1, 2)))

    test('live rows are open doors with all that the systems need', async () => {
      await write((tx) => tx.update('tunnel', 't1', { nextPublicKey: 'key-1b' }))
      expect(await store.subjects('tunnel', ['t1'])).toEqual([
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
      expect(await store.subjects('sip-credential', ['s1'])).toEqual([
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
      expect(await store.subjects('certificate', ['c1'])).toEqual([
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
      expect(await store.subjects('phone-door', ['h1'])).toEqual([
        { kind: 'phone-door', id: 'h1', employeeId: 'e1', wanted: 'open', generation: 1, handsetId: 'h1' },
      ])
      expect(await store.subjects('tunnel', [])).toEqual([])
      expect((await cast.ids(store, 'phone-door')).open).toEqual(['h1', 'h2'])
    })

    test('a leaver is closed everywhere, without name or secret, and nobody else is', async () => {
      await write((tx) => cast.offboard(tx, 1, 5))
      for (const [kind, letter] of [
        ['tunnel', 't'],
        ['certificate', 'c'],
        ['sip-credential', 's'],
        ['phone-door', 'h'],
      ] as const) {
        expect(await cast.ids(store, kind), kind).toEqual({ open: [`${letter}2`], closed: [`${letter}1`] })
      }
      const [tunnel] = await store.subjects('tunnel', ['t1'])
      expect(tunnel).toMatchObject({ prefixes: ['10.77.0.1/32'], presharedKeySealed: null })
      expect([...(tunnel?.publicKeys ?? []), ...(tunnel?.retiredKeys ?? [])]).toContain('key-1')
      expect((await store.subjects('sip-credential', ['s1']))[0]).toMatchObject({
        displayName: null,
        secretSealed: null,
        addresses: ['10.77.0.1/32'],
      })
    })

    test('an extension is a door once a call policy was chosen for it, and for good when its holder left', async () => {
      const national = { ...blockedPolicy, class: 'national' } as const
      const open = { kind: 'assignment', employeeId: 'e1', pbxId: 'default', extension: '1001' } as const
      expect(await store.subjects('assignment')).toEqual([])
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
      expect(await store.subjects('assignment')).toEqual([chosen])
      expect(await store.subjects('assignment', ['a1', 'a2'])).toEqual([chosen])
      // That nothing is chosen any more has to be brought to the PBX too.
      await write((tx) => tx.update('assignment', 'a1', { callPolicy: null, generation: 3 }))
      expect(await store.subjects('assignment')).toEqual([{ ...chosen, generation: 3, policy: null }])
      await write(async (tx) => {
        await tx.put('tombstone', [tombstoneOf(closed<Subject>({ ...chosen, generation: 3 }, at(5)), at(5))])
        await tx.update('assignment', 'a1', { untilAt: at(5), generation: 4 })
      })
      const shut = { ...chosen, wanted: 'closed', generation: 4, policy: null } as const
      expect(await store.subjects('assignment')).toEqual([shut])
      await write((tx) => tx.insert('assignment', [cast.assignment(3, { employeeId: 'e2', extension: '1001' })]))
      expect(await store.subjects('assignment')).toEqual([{ ...shut, hasNextHolder: true }])
      // Whoever is being offboarded may know PINs by heart; once that is complete nobody is asked again.
      await write((tx) => tx.update('employee', 'e1', { lifecycle: 'offboarding' }))
      expect(await store.subjects('assignment')).toEqual([{ ...shut, hasNextHolder: true, leaving: true }])
      await write((tx) => tx.update('employee', 'e1', { lifecycle: 'offboarded' }))
      expect(await store.subjects('assignment')).toEqual([{ ...shut, hasNextHolder: true }])
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
      expect(await store.subjects('administrator')).toEqual([subject])
      expect(await store.subjects('administrator', ['m1'])).toEqual([subject])
      expect(await store.subjects('administrator', ['m2'])).toEqual([])
    })

    test('all doors read at once and some doors read by id are the same', async () => {
      await write((tx) => cast.offboard(tx, 1, 5))
      await write((tx) => tx.insert('assignment', [cast.assignment(3, { employeeId: 'e2', extension: '1001' })]))
      await write((tx) => tx.insert('sipCredential', [cast.credential(3, { handsetId: null })]))
      for (const kind of ['tunnel', 'certificate', 'sip-credential', 'phone-door'] as const) {
        const all = await store.subjects(kind)
        for (const subject of all) expect(await store.subjects(kind, [subject.id])).toEqual([subject])
        expect(
          await store.subjects(kind, [
            ...all.map((subject) => subject.id),
            ...Array.from({ length: 1_200 }, (_, n) => `no${n}`),
          ]),
        ).toEqual(all)
      }
    })

    test('an older copy of the database cannot re-open a door, a newer life of it can', async () => {
      const tombstones = await write((tx) => cast.offboard(tx, 1, 5))
      // The rows as an old backup has them, beside the tombstones from the journal.
      await world.tamper(`update "tunnel" set "closedAt" = null, "generation" = 1 where "id" = 't1'`)
      await world.tamper(`update "handset" set "removedAt" = null where "id" = 'h1'`)
      await world.tamper(`update "certificate" set "revokedAt" = null where "id" = 'c1'`)
      await world.tamper(`update "sipCredential" set "closedAt" = null, "generation" = 1 where "id" = 's1'`)
      expect(tombstones).toHaveLength(4)
      for (const [kind, letter] of [
        ['tunnel', 't'],
        ['certificate', 'c'],
        ['sip-credential', 's'],
        ['phone-door', 'h'],
      ] as const) {
        expect(await cast.ids(store, kind), kind).toEqual({ open: [`${letter}2`], closed: [`${letter}1`] })
      }
      await write((tx) => tx.update('sipCredential', 's1', { generation: 3 }))
      expect(await cast.ids(store, 'sip-credential')).toEqual({ open: ['s1', 's2'], closed: [] })
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
      expect(await cast.ids(store, 'tunnel')).toEqual({ open: ['t1', 't2'], closed: ['t1#2'] })
    })

    test('an address that meanwhile belongs to somebody else is not shut with the old tunnel', async () => {
      await write((tx) => cast.offboard(tx, 1, 5))
      await write((tx) => tx.insert('tunnelAddress', [cast.address(3, { tunnelId: 't2', prefix: '10.77.0.1/32' })]))
      expect((await store.subjects('tunnel', ['t1']))[0]?.prefixes).toEqual([])
      expect((await store.subjects('tunnel')).find((subject) => subject.id === 't1')?.prefixes).toEqual([])
      await write((tx) => tx.update('tunnelAddress', 'ta3', { hubId: 'second' }))
      expect((await store.subjects('tunnel', ['t1']))[0]?.prefixes).toEqual(['10.77.0.1/32'])
    })

    test('a leaver’s login knows whether the extension has a new holder now', async () => {
      await write((tx) => cast.offboard(tx, 1, 5))
      const shared = async () => (await store.subjects('sip-credential', ['s1']))[0]?.extensionShared
      expect(await shared()).toBe(false)
      await write(async (tx) => {
        await tx.insert('assignment', [cast.assignment(3, { employeeId: 'e2', extension: '1001' })])
        await tx.insert('sipCredential', [cast.credential(3, { handsetId: null })])
      })
      expect(await shared()).toBe(true)
      await write((tx) => tx.update('assignment', 'a3', { pbxId: 'second' }))
      expect(await shared()).toBe(false)
    })

    test('phones behind a gateway speak from their reserved address; a login without a handset from all of its phones', async () => {
      await write(async (tx) => {
        await tx.insert('gateway', [cast.gateway(1)])
        await tx.insert('handset', [
          cast.handset(3, { employeeId: 'e1', assignmentId: 'a1', gatewayId: 'g1', phoneAddress: '10.78.0.2' }),
        ])
        await tx.insert('tunnel', [cast.tunnel(4, { carrierKind: 'gateway', carrierId: 'g1' })])
        await tx.insert('tunnelAddress', [
          cast.address(4),
          cast.address(5, { tunnelId: 't4', prefix: '10.78.0.0/29', purpose: 'phones' }),
        ])
        await tx.insert('sipCredential', [
          cast.credential(3, { assignmentId: 'a1', username: 'behind' }),
          cast.credential(4, { assignmentId: 'a1', handsetId: null, username: 'all' }),
        ])
      })
      const [behind, all] = await store.subjects('sip-credential', ['s3', 's4'])
      expect(behind).toMatchObject({ addresses: ['10.78.0.2/32'], certificate: false, extensionShared: true })
      expect(all).toMatchObject({ addresses: ['10.77.0.1/32', '10.78.0.2/32'], certificate: false })
      expect((await store.subjects('tunnel', ['t4']))[0]).toMatchObject({
        employeeId: 'e1',
        prefixes: ['10.77.0.4/32', '10.78.0.0/29'],
        admitted: ['10.77.0.4/32', '10.78.0.2/32'],
      })
      expect(Object.fromEntries(await store.prefixHolders('default'))).toMatchObject({
        '10.77.0.4/32': 't4',
        '10.78.0.0/29': 't4',
        '10.78.0.2/32': 'h3',
      })
    })

    test('a gateway that two people share is shown to both until the phone of the other has gone', async () => {
      await write(async (tx) => {
        await cast.onboard(tx, 6)
        await tx.insert('gateway', [cast.gateway(1)])
        await tx.insert('tunnel', [cast.tunnel(4, { carrierKind: 'gateway', carrierId: 'g1' })])
        await tx.insert('tunnelAddress', [cast.address(4)])
        await tx.put('verdict', [cast.verdict(4, { employeeId: 'e1' })])
        await tx.update('handset', 'h6', { gatewayId: 'g1', phoneAddress: '10.78.0.3' })
      })
      const shown = async (...people: string[]) =>
        (await store.employeesWithAccess({ ids: people })).map(
          ({ employee, gateways, tunnels, addresses, verdicts }) => [
            employee.id,
            gateways.map(({ id }) => id).join(),
            tunnels.map(({ id }) => id).join(),
            addresses.map(({ id }) => id).join(),
            verdicts.filter(({ subjectId }) => subjectId === 't4').length,
          ],
        )
      expect(await shown('e1', 'e6')).toEqual([
        ['e1', 'g1', 't1,t4', 'ta1,ta4', 1],
        ['e6', 'g1', 't4,t6', 'ta4,ta6', 1],
      ])
      expect(await shown('e6')).toEqual([['e6', 'g1', 't4,t6', 'ta4,ta6', 1]])
      expect((await store.employeesWithAccess({})).find(({ employee }) => employee.id === 'e2')!.gateways).toEqual([])
      await write((tx) => tx.update('handset', 'h6', { removedAt: cast.at(5) }))
      expect(await shown('e1', 'e6')).toEqual([
        ['e1', 'g1', 't1,t4', 'ta1,ta4', 1],
        ['e6', '', 't6', 'ta6', 0],
      ])
    })

    test('the address of a phone that left its gateway is shut, unless another phone has it by now', async () => {
      const left: Subject = {
        kind: 'tunnel',
        id: 't4#h3',
        employeeId: 'e1',
        wanted: 'closed',
        generation: 2,
        hubId: 'default',
        publicKeys: [],
        activeKey: null,
        retiredKeys: [],
        prefixes: ['10.78.0.2/32'],
        admitted: [],
        gatewayStays: { keys: ['gateway-key'] },
        presharedKeySealed: null,
      }
      await write((tx) => tx.put('tombstone', [tombstoneOf(left, cast.at(5))]))
      for (const ids of [undefined, ['t4#h3']])
        expect((await store.subjects('tunnel', ids)).find(({ id }) => id === 't4#h3')).toEqual(left)
      await write(async (tx) => {
        await tx.insert('gateway', [cast.gateway(1)])
        await tx.insert('tunnel', [cast.tunnel(4, { carrierKind: 'gateway', carrierId: 'g1' })])
        await tx.update('handset', 'h2', { gatewayId: 'g1', phoneAddress: '10.78.0.2' })
      })
      for (const ids of [undefined, ['t4#h3']])
        expect((await store.subjects('tunnel', ids)).find(({ id }) => id === 't4#h3')).toEqual({
          ...left,
          prefixes: [],
        })
    })

    test('a damaged tombstone is an error that names it, never a door that nobody watches', async () => {
      const tombstones = await write((tx) => cast.offboard(tx, 1, 5))
      for (const damage of [`'{'`, `'{"kind":"tunnel"}'`, `replace("subject", '"id":"t1"', '"id":"t2"')`]) {
        await write((tx) => tx.put('tombstone', tombstones))
        await world.tamper(`update "tombstone" set "subject" = ${damage} where "id" = 'tunnel/t1'`)
        const named = { code: 'INTERNAL', message: expect.stringContaining('tunnel/t1') }
        await expect(store.subjects('tunnel')).rejects.toMatchObject(named)
      }
    })
  })

  describe('the audit log', () => {
    const many = async (count: number) => {
      await write(async (tx) => {
        for (let n = 1; n <= count; n++)
          await tx.record(cast.event(`ev${n}`, { employeeId: `e${n % 3}`, detail: { actor: 'Ada', n } }))
      })
    }

    test('it is a chain without gaps, also when many write at once', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, n) => write((tx) => tx.record(cast.event(`ev${n}`)))))
      const trail = await store.auditTrail({ after: 0, limit: 100 })
      expect(trail.map((entry) => entry.position)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
      expect(await store.verifyAuditChain()).toBeNull()
    })

    test('it is read after a position, or the newest in order, for all or one person', async () => {
      await many(9)
      const positions = async (filter: Parameters<Store['auditTrail']>[0]) =>
        (await store.auditTrail(filter)).map((entry) => entry.position)
      expect(await positions({ limit: 3 })).toEqual([7, 8, 9])
      expect(await positions({ after: 2, limit: 3 })).toEqual([3, 4, 5])
      expect(await positions({ employeeId: 'e1', limit: 2 })).toEqual([4, 7])
      expect((await store.auditTrail({ limit: 1 }))[0]?.detail).toBe('{"actor":"Ada","n":9}')
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
      await world.tamper(sql)
      expect(await store.verifyAuditChain()).toBe(position)
    })

    test('what a transaction took back left no event', async () => {
      await write(async (tx) => {
        await tx.record(cast.event('ev1'))
        throw new RangeError('no')
      }).catch(() => undefined)
      await many(2)
      expect(await store.verifyAuditChain()).toBeNull()
    })
  })

  describe('shutting an administrator', () => {
    const made = (id: string) => ({
      ...newAdministrator({
        id,
        name: id,
        email: `${id}@example.com`,
        role: 'admin',
        createdAt: at(0),
        createdBy: 'Mia',
      }),
      passwordHash: 'a hash',
      totpSealed: 'sealed',
      totpConfirmedAt: at(0),
      oidcIdentity: `identity of ${id}`,
    })
    const session = (id: string, administratorId: string, endedAt: string | null) => ({
      id,
      administratorId,
      tokenHash: id,
      level: 'full' as const,
      how: 'password',
      createdAt: at(0),
      lastSeenAt: at(0),
      expiresAt: at(9),
      endedAt,
      remoteAddress: '192.0.2.77',
      userAgent: null,
    })
    const passkey = (id: string, administratorId: string, removedAt: string | null) => ({
      id,
      administratorId,
      credentialId: id,
      publicKey: 'key',
      counter: 0,
      label: id,
      createdAt: at(0),
      lastUsedAt: null,
      removedAt,
    })
    const link = (id: string, administratorId: string, usedAt: string | null) => ({
      id,
      tokenHash: id,
      purpose: 'recovery' as const,
      administratorId,
      createdAt: at(0),
      expiresAt: at(9),
      usedAt,
    })

    test('ends every way in that is left, counts them, and leaves what was over and all others as they are', async () => {
      await write(async (tx) => {
        await tx.insert('administrator', [made('m1'), made('m2')])
        await tx.insert('session', [session('w1', 'm1', null), session('w2', 'm1', at(1)), session('w3', 'm2', null)])
        await tx.insert('passkey', [passkey('k1', 'm1', null), passkey('k2', 'm1', at(1)), passkey('k3', 'm2', null)])
        await tx.insert('setupLink', [link('l1', 'm1', null), link('l2', 'm1', at(1)), link('l3', 'm2', null)])
      })
      const ended = await store.transaction((tx) => tx.shutAdministrator('m1', at(5)))
      expect(ended).toEqual({ sessions: 1, passkeys: 1 })
      const shut = { passwordHash: null, totpSealed: null, totpConfirmedAt: null, disabledAt: at(5) }
      expect(await store.find('administrator', {})).toEqual([{ ...made('m1'), ...shut }, made('m2')])
      expect((await store.find('session', {})).map(({ endedAt }) => endedAt)).toEqual([at(5), at(1), null])
      expect((await store.find('passkey', {})).map(({ removedAt }) => removedAt)).toEqual([at(5), at(1), null])
      expect((await store.find('setupLink', {})).map(({ usedAt }) => usedAt)).toEqual([at(5), at(1), null])
    })
  })

  describe('erasing a person who was an administrator', () => {
    test('takes name, address, devices and where from out of the console too, and leaves others', async () => {
      const row = (id: string, email: string, disabledAt: string | null) =>
        ({
          id,
          name: 'Ada Admin',
          email,
          role: 'admin',
          passwordHash: null,
          totpSealed: null,
          totpConfirmedAt: null,
          totpLastStep: 0,
          oidcIdentity: `hash-of-${id}`,
          createdAt: at(0),
          createdBy: 'Mia',
          disabledAt,
        }) as const
      const session = (id: string, administratorId: string) => ({
        id,
        administratorId,
        tokenHash: id,
        level: 'full' as const,
        how: 'password',
        createdAt: at(0),
        lastSeenAt: at(0),
        expiresAt: at(9),
        endedAt: at(1),
        remoteAddress: '192.0.2.77',
        userAgent: 'a browser',
      })
      await write(async (tx) => {
        await cast.onboard(tx, 1)
        await cast.offboard(tx, 1, 5)
        await tx.update('employee', 'e1', { lifecycle: 'offboarded', offboardedAt: at(6) })
        const { email } = cast.employee(1)
        await tx.insert('administrator', [row('m1', email, at(5)), row('m2', 'other@example.com', null)])
        await tx.insert('session', [session('w1', 'm1'), session('w2', 'm2')])
      })
      await store.erasePerson('e1', new Date(at(7)))
      const [gone, other] = await store.find('administrator', {})
      expect(gone).toMatchObject({ id: 'm1', name: 'erased', oidcIdentity: 'hash-of-m1' })
      expect(gone?.email).not.toContain('example.com')
      expect(other).toEqual(row('m2', 'other@example.com', null))
      expect((await store.find('session', {})).map(({ remoteAddress }) => remoteAddress)).toEqual([
        'erased',
        '192.0.2.77',
      ])
    })
  })

  describe('erasing a person', () => {
    const said = {
      seenModel: 'SIP-T54W',
      seenFirmware: '96.86',
      seenMac: '805ec0000001',
      seenAt: at(5),
      blankedAt: at(6),
    }
    const erase = async (name: string, email: string) => {
      await write(async (tx) => {
        await cast.onboard(tx, 1, 2)
        await cast.offboard(tx, 1, 5)
        const leaverFile = JSON.stringify({ employee: { name, email }, reason: `${name} was too slow` })
        await tx.update('employee', 'e1', {
          name,
          email,
          lifecycle: 'offboarded',
          leaverFile,
          offboardReason: `${name} left`,
        })
        await tx.update('certificate', 'c1', { certificate: `CN=${name}` })
        for (const id of ['h1', 'h2']) await tx.update('handset', id, said)
        await tx.insert('verdict', [cast.verdict(1, { evidence: JSON.stringify({ summary: `account of ${name}` }) })])
        await tx.insert('doorFetch', [
          cast.doorFetch('1', { handsetId: 'h1' }),
          cast.doorFetch('2', { employeeId: 'e1' }),
          cast.doorFetch('3'),
        ])
        await tx.insert('servedFile', [
          { id: 'h1/a', handsetId: 'h1', fileName: 'a', contentHash: 'x', masked: 'packed', at: at(1) },
          { id: 'h2/a', handsetId: 'h2', fileName: 'a', contentHash: 'x', masked: 'packed', at: at(1) },
        ])
        const places = [
          ['handset', 'h1', `desk of ${name}`],
          ['handset', 'h2', 'desk 2'],
          ['site', 'h1', 'all desks'],
        ] as const
        await tx.insert(
          'phoneSetting',
          places.map(([layer, scope, value]) => {
            const id = `${layer}/${scope}/label`
            return { id, layer, scope, name: 'label', value, setAt: at(0), setBy: 'Ada' }
          }),
        )
        await tx.record(cast.event('ev1', { employeeId: 'e1', detail: { actor: 'Ada', name } }))
        await tx.record(cast.event('ev2', { kind: 'employee.imported', detail: { rows: [{ name, email }] } }))
        await tx.record(cast.event('ev3', { employeeId: 'e1', kind: 'employee.erased', detail: { actor: 'Ada' } }))
        await tx.record(cast.event('ev4', { employeeId: 'e2', detail: { actor: 'Ada', name: 'Person 2' } }))
        await tx.insert('importRun', [
          {
            id: 'i',
            createdAt: at(0),
            createdBy: 'Ada',
            total: 1,
            done: 1,
            finishedAt: null,
            state: JSON.stringify([{ name, email }]),
          },
        ])
        const payload = JSON.stringify({ text: `welcome ${name} <${email}>` })
        await tx.insert('outbox', [
          {
            id: '1',
            dedupeKey: 'k',
            kind: 'x',
            payload,
            createdAt: at(0),
            deliveredAt: null,
            attempts: 0,
            nextTryAt: at(0),
            lastProblem: `550 ${email} unknown`,
          },
        ])
      })
      await store.erasePerson('e1', new Date(at(60)))
    }

    test.each([
      ['a plain name', 'Grace Hopper', 'grace@example.com'],
      ['a name with quotes and signs', `O'Neill "Mick" (.*) \\ {{x}}`, `mick.o'neill+x@example.com`],
      ['a name in another script', '名前', 'namae@example.jp'],
    ])('%s is nowhere any more, and the chain still holds', async (_, name, email) => {
      await erase(name, email)
      const tables = [
        'employee',
        'certificate',
        'verdict',
        'doorFetch',
        'importRun',
        'outbox',
        'tombstone',
        'invite',
        'phoneSetting',
      ] as const
      const texts = await Promise.all(tables.map((table) => store.find(table, {})))
      const everything = JSON.stringify([texts, await store.auditTrail({ after: 0, limit: 100 })])
      const escaped = (text: string) => JSON.stringify(JSON.stringify(text)).slice(3, -3)
      for (const word of [name, email]) {
        expect(everything).not.toContain(word)
        expect(everything).not.toContain(JSON.stringify(word).slice(1, -1))
        expect(everything).not.toContain(escaped(word))
      }
      expect(await store.verifyAuditChain()).toBeNull()
      const trail = await store.auditTrail({ after: 0, limit: 100 })
      expect(trail.map((entry) => entry.detail === null)).toEqual([true, true, false, false])
      expect((await store.find('doorFetch', {})).map((row) => row.remoteAddress)).toEqual([
        'erased',
        'erased',
        '192.0.2.1',
      ])
      expect((await store.find('phoneSetting', {})).map(({ value }) => value)).toEqual(['desk 2', 'all desks'])
      // The doors stay watched, the other person stays whole.
      expect((await cast.ids(store, 'tunnel')).closed).toEqual(['t1'])
      expect(await store.get('employee', 'e2')).toEqual(cast.employee(2))
      // What a leaver's phone said of itself goes; that it took its blanking document is proof and stays.
      expect(await store.get('handset', 'h1')).toMatchObject({ ...neverSeen, blankedAt: said.blankedAt })
      expect(await store.get('handset', 'h2')).toMatchObject(said)
      expect(await store.employeeBy('e1')).toMatchObject({ name: 'erased' })
      expect((await store.find('servedFile', {})).map(({ id }) => id)).toEqual(['h2/a'])
    })

    test('whatever the person was called, only that is forgotten: doors, proof and the people beside them stay', async () => {
      // Words that tombstones, leaver files and imports are made of.
      const words = [
        'Tunnel',
        'Null',
        'closed',
        'kind',
        'true',
        'default',
        '1001',
        'open',
        'summary',
        '{',
        '"',
        'a',
        '\\',
      ]
      const anyName = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => text !== 'erased')
      let n = 100
      const forgets = async (name: string) => {
        n += 1
        const email = `person${n}@example.com`
        const line = {
          system: 'tunnel',
          subject: { kind: 'tunnel', id: `t${n}` },
          wanted: 'closed',
          verdict: 'converged',
        }
        const proof = {
          ...line,
          evidence: { summary: 'tunnel closed: 1001 is null', facts: { open: true, kind: null } },
        }
        const file = { version: 1, employee: { id: `e${n}`, name, email, extension: '1001' }, doors: [proof] }
        const others = { name, email: `other-${email}`, extension: '1001', handsets: [{ model: 'kind', mac: null }] }
        const state = (mine: object) => ({
          people: [{ ...mine, extension: '1001', handsets: [] }, others],
          outcomes: { 1001: { employeeId: `e${n}` } },
        })
        const run = { createdAt: at(0), createdBy: 'Ada', total: 2, done: 2, finishedAt: at(1) }
        const tombstones = await write(async (tx) => {
          await cast.onboard(tx, n)
          const shut = await cast.offboard(tx, n, 5)
          const left = { lifecycle: 'offboarded', leaverFile: JSON.stringify({ ...file, reason: name }) } as const
          await tx.update('employee', `e${n}`, { name, email, ...left })
          const seen = cast.verdict(n, {
            evidence: JSON.stringify({ summary: `of ${email}`, facts: proof.evidence.facts }),
          })
          await tx.insert('verdict', [seen])
          await tx.insert('importRun', [{ id: `i${n}`, ...run, state: JSON.stringify(state({ name, email })) }])
          return shut
        })
        await store.erasePerson(`e${n}`, new Date(at(60)))

        expect(await store.find('tombstone', { employeeId: `e${n}` })).toEqual(byId(tombstones))
        expect(await cast.ids(store, 'tunnel')).toMatchObject({ closed: expect.arrayContaining([`t${n}`]) })
        const gone = { name: 'erased', email: 'erased' }
        const { leaverFile } = (await store.get('employee', `e${n}`))!
        expect(JSON.parse(leaverFile!)).toEqual({ ...file, employee: { ...file.employee, ...gone }, reason: null })
        const kept = (await store.get('importRun', `i${n}`))!.state
        expect(JSON.parse(kept)).toEqual(state(gone))
        const evidence = JSON.parse((await store.get('verdict', `tunnel/default/tunnel/t${n}`))!.evidence!)
        expect(evidence.facts).toEqual(proof.evidence.facts)
        expect(evidence.summary).not.toContain(email)
      }
      for (const word of words) await forgets(word)
      await fc.assert(fc.asyncProperty(anyName, forgets), { numRuns: 15 })
    })

    test('somebody who still has access is not erased', async () => {
      await write((tx) => cast.onboard(tx, 1))
      await expect(store.erasePerson('e1', new Date(at(60)))).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(store.erasePerson('nobody', new Date(at(60)))).rejects.toMatchObject({ code: 'NOT_FOUND' })
      expect(await store.get('employee', 'e1')).toEqual(cast.employee(1))
    })
  })

  describe('the right to write', () => {
    const holder = (host: string, pid = 1): LeaseHolder => ({ host, pid, startedAt: at(0) })
    const minutes = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, n))

    test('belongs to one at a time, and can be renewed for as long as nobody else has it', async () => {
      const first = await store.acquireLease('writer', holder('one'), minutes(0), 60_000)
      await expect(store.acquireLease('writer', holder('two'), minutes(0), 60_000)).rejects.toMatchObject({
        code: 'STORE_IN_USE',
      })
      expect(await store.renewLease(first, minutes(0), 600_000)).toBe(true)
      await expect(store.acquireLease('writer', holder('two'), minutes(5), 60_000)).rejects.toMatchObject({
        code: 'STORE_IN_USE',
      })
      await expect(store.acquireLease('other', holder('two'), minutes(0), 60_000)).resolves.toMatchObject({ token: 1 })
    })

    test('is taken over when it ran out, and the old holder learns it', async () => {
      const first = await store.acquireLease('writer', holder('one'), minutes(0), 60_000)
      const second = await store.acquireLease('writer', holder('two'), minutes(1), 60_000)
      expect(second.token).toBeGreaterThan(first.token)
      expect(await store.renewLease(first, minutes(1), 60_000)).toBe(false)
      await store.releaseLease(first)
      await expect(store.acquireLease('writer', holder('one'), minutes(1), 60_000)).rejects.toMatchObject({
        code: 'STORE_IN_USE',
      })
    })

    test('its number grows for ever, also after it was given back', async () => {
      const first = await store.acquireLease('writer', holder('one'), minutes(0), 60_000)
      await store.releaseLease(first)
      expect(await store.renewLease(first, minutes(0), 60_000)).toBe(false)
      const second = await store.acquireLease('writer', holder('two'), minutes(0), 60_000)
      expect(second.token).toBe(first.token + 1)
    })

    test('of ten who ask at once, one gets it', async () => {
      const asked = Array.from({ length: 10 }, (_, n) =>
        store.acquireLease('writer', holder(`host${n}`), minutes(0), 60_000),
      )
      const outcomes = await Promise.allSettled(asked)
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
    })
  })
}

function byId<T extends { readonly id: string }>(rows: readonly T[]): T[] {
  return rows.toSorted((one, other) => (one.id < other.id ? -1 : 1))
}
