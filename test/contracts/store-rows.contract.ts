import { beforeEach, describe, expect, test } from 'vitest'
import type { AppError } from '../../src/errors.ts'
import type { StoreWriter } from '../../src/store/store.ts'
import * as cast from './store-cast.ts'
import { at } from './store-cast.ts'
import type { StoreHand } from './store-hand.ts'

/** Rows and transactions, on every database. */
export function storeRowsContract({ store, write, restart }: StoreHand): void {
  describe('rows', () => {
    test('what was written is read back the same, by id and by column, oldest first', async () => {
      await write((tx) => cast.onboard(tx, 2, 1))
      expect(await store().get('tunnel', 't2')).toEqual(cast.tunnel(2))
      expect((await store().find('handset', { removedAt: null })).map((row) => row.id)).toEqual(['h1', 'h2'])
      expect(await store().find('handset', { mac: 'ffffffffffff' })).toEqual([])
      expect(await store().get('handset', 'nobody')).toBeUndefined()
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
      expect((await store().find('setting', {})).map((row) => row.id)).toEqual(bytewise)
    })

    test('a name in any script survives', async () => {
      const name = `O'Brien "Bob" ${String.fromCodePoint(0x5e9, 0x5dc, 0x200f, 0x1f600)} {{x}} =cmd()`
      await write((tx) => tx.insert('employee', [cast.employee(1, { name })]))
      expect((await store().get('employee', 'e1'))?.name).toBe(name)
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
      expect(await store().find('setting', {})).toEqual([
        { id: 'a', value: '2' },
        { id: 'b', value: '4' },
      ])
      await write((tx) => tx.remove('setting', ['a', 'nothing']))
      expect(await store().get('setting', 'a')).toBeUndefined()
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
        await expect(store().find('setting', patch)).rejects.toMatchObject({ code: 'INTERNAL' })
        expect(await store().find('setting', {})).toEqual([{ id: 'a', value: 'kept' }])
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
      expect(await store().get('assignment', 'a1')).toBeDefined()
    })
  })

  describe('transactions', () => {
    test('an error takes back everything, and the reader sees nothing of it meanwhile', async () => {
      const failed = write(async (tx) => {
        await tx.insert('setting', [{ id: 'a', value: '1' }])
        expect(await tx.get('setting', 'a')).toBeDefined()
        expect(await store().get('setting', 'a')).toBeUndefined()
        expect(await store().find('setting', {})).toEqual([])
        throw new RangeError('changed my mind')
      })
      await expect(failed).rejects.toThrow(RangeError)
      expect(await store().find('setting', {})).toEqual([])
    })

    test('an error that was caught still takes back everything', async () => {
      await write((tx) => tx.insert('setting', [{ id: 'a', value: '1' }]))
      const failed = write(async (tx) => {
        await tx.insert('setting', [{ id: 'b', value: '1' }])
        await tx.insert('setting', [{ id: 'a', value: '2' }]).catch(() => undefined)
      })
      await expect(failed).rejects.toMatchObject({ code: 'CONFLICT' })
      expect((await store().find('setting', {})).map((row) => row.id)).toEqual(['a'])
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
      expect((await store().get('setting', 'n'))?.value).toBe('50')
    })

    test('one inside another is an error and not a standstill', async () => {
      await expect(write(() => write(async () => undefined))).rejects.toMatchObject({ code: 'INTERNAL' })
    })

    test('what kept the transaction beyond its end cannot write any more', async () => {
      const kept = await write(async (tx) => ({ tx }))
      await expect(kept.tx.insert('setting', [{ id: 'a', value: '' }])).rejects.toMatchObject({ code: 'INTERNAL' })
      expect(await store().find('setting', {})).toEqual([])
    })

    test('it is there after a restart', async () => {
      await write((tx) => tx.insert('setting', [{ id: 'a', value: '1' }]))
      await restart()
      expect(await store().get('setting', 'a')).toEqual({ id: 'a', value: '1' })
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
}
