import { describe, expect, test } from 'vitest'
import { mayDo } from '../../src/domain/token.ts'
import { mia, openWorld } from './world.ts'

describe('an API token', () => {
  test('is shown once, stored as a hash, names who uses it, and ends when it is revoked', async () => {
    await using world = await openWorld()
    const { view, token } = await world.app.createToken(' HR script ', 'helpdesk', mia)
    expect(view).toMatchObject({
      label: 'HR script',
      role: 'helpdesk',
      createdBy: 'Mia',
      lastUsedAt: null,
      revokedAt: null,
    })
    expect(token.reveal()).toMatch(/^rf_[A-Za-z0-9_-]{43}$/)
    expect(JSON.stringify([await world.app.tokens(), await world.store.find('apiToken', {}), token])).not.toContain(
      token.reveal(),
    )
    expect(await world.app.authenticate(token.reveal())).toEqual({
      name: 'token HR script',
      role: 'helpdesk',
      via: 'token',
    })
    expect((await world.app.tokens())[0]!.lastUsedAt).not.toBeNull()
    for (const wrong of ['', 'rf_', `${token.reveal()}x`, token.reveal().toUpperCase(), token.reveal().slice(3)])
      expect(await world.app.authenticate(wrong), wrong).toBeNull()

    const revoked = await world.app.revokeToken(view.id, mia)
    expect(await world.app.authenticate(token.reveal())).toBeNull()
    expect(await world.app.revokeToken(view.id, mia)).toEqual(revoked)
    const kinds = (await world.store.auditTrail({ limit: 100 })).map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind.startsWith('token.'))).toEqual(['token.created', 'token.revoked'])
  })

  test.each([
    ['no label', '  ', 'admin'],
    ['a label without end', 'x'.repeat(81), 'admin'],
    ['a line break', 'a\nb', 'admin'],
    ['a role that nobody knows', 'a', 'god'],
  ])('with %s is refused, and none is made', async (_what, label, role) => {
    await using world = await openWorld()
    await expect(world.app.createToken(label, role as 'admin', mia)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(await world.app.tokens()).toEqual([])
  })

  test('that does not exist cannot be revoked', async () => {
    await using world = await openWorld()
    await expect(world.app.revokeToken('none', mia)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('may do what its role says and no more', () => {
    const may = (role: 'auditor' | 'helpdesk' | 'admin' | 'owner') =>
      (['read', 'onboard', 'revoke', 'administer'] as const).filter((authority) => mayDo(role, authority))
    expect(may('auditor')).toEqual(['read'])
    expect(may('helpdesk')).toEqual(['read', 'onboard'])
    expect(may('admin')).toEqual(['read', 'onboard', 'revoke'])
    expect(may('owner')).toEqual(['read', 'onboard', 'revoke', 'administer'])
  })
})
