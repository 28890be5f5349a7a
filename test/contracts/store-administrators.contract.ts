import { describe, expect, test } from 'vitest'
import { type Administrator, newAdministrator, type Session } from '../../src/domain/administrator.ts'
import * as cast from './store-cast.ts'
import { at } from './store-cast.ts'
import type { StoreHand } from './store-hand.ts'

const made = (id: string, change: Partial<Administrator> = {}): Administrator => ({
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
  ...change,
})
const shut = { passwordHash: null, totpSealed: null, totpConfirmedAt: null }
const session = (id: string, administratorId: string, endedAt: string | null): Session => ({
  id,
  administratorId,
  tokenHash: id,
  level: 'full',
  how: 'password',
  createdAt: at(0),
  lastSeenAt: at(0),
  expiresAt: at(9),
  endedAt,
  remoteAddress: '192.0.2.77',
  userAgent: 'a browser',
})

/** Administrators who go, on every database. */
export function storeAdministratorsContract({ store, write }: StoreHand): void {
  describe('shutting an administrator', () => {
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
      const ended = await store().transaction((tx) => tx.shutAdministrator('m1', at(5)))
      expect(ended).toEqual({ sessions: 1, passkeys: 1 })
      expect(await store().find('administrator', {})).toEqual([made('m1', { ...shut, disabledAt: at(5) }), made('m2')])
      expect((await store().find('session', {})).map(({ endedAt }) => endedAt)).toEqual([at(5), at(1), null])
      expect((await store().find('passkey', {})).map(({ removedAt }) => removedAt)).toEqual([at(5), at(1), null])
      expect((await store().find('setupLink', {})).map(({ usedAt }) => usedAt)).toEqual([at(5), at(1), null])
    })
  })

  describe('erasing a person who was an administrator', () => {
    test('takes name, address, devices and where from out of the console too, and leaves others', async () => {
      const other = made('m2')
      await write(async (tx) => {
        await cast.onboard(tx, 1)
        await cast.offboard(tx, 1, 5)
        await tx.update('employee', 'e1', { lifecycle: 'offboarded', offboardedAt: at(6) })
        const { email } = cast.employee(1)
        await tx.insert('administrator', [made('m1', { ...shut, disabledAt: at(5), email }), other])
        await tx.insert('session', [session('w1', 'm1', at(1)), session('w2', 'm2', at(1))])
      })
      await store().erasePerson('e1', new Date(at(7)))
      const [gone, stayed] = await store().find('administrator', {})
      expect(gone).toMatchObject({ id: 'm1', name: 'erased', oidcIdentity: 'identity of m1' })
      expect(gone?.email).not.toContain('example.com')
      expect(stayed).toEqual(other)
      expect((await store().find('session', {})).map(({ remoteAddress }) => remoteAddress)).toEqual([
        'erased',
        '192.0.2.77',
      ])
    })
  })
}
