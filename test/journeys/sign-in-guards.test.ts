import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { codeOf, desk, elsewhere, goodPassword, makeAdministrator, makeOwner, tokenOf } from './console-people.ts'
import { consoleOfEachTest } from './sign-in-console.ts'
import { mia } from './world.ts'

const office = consoleOfEachTest()
const { signIn } = office

describe('many tries at once', () => {
  test('for many accounts of one network: a handful is looked at, the rest is refused unseen, others come in', async () => {
    const { email } = await makeOwner(office.world)
    const before = office.passwords.count()
    const flood = Array.from({ length: 100 }, (_, n) => signIn(`n${n}@example.com`, goodPassword, elsewhere))
    expect(await signIn(email)).not.toBeNull()
    await Promise.all(flood)
    expect(office.passwords.count() - before).toBe(6)
  })
})

describe('made-up passkeys', () => {
  const madeUp = (id: string, visitor = elsewhere) =>
    office.world.app.signIn.withPasskey(JSON.stringify({ id, response: {} }), visitor)
  const took = async (deed: Promise<unknown>) => {
    const startedAt = performance.now()
    expect(await deed).toBeNull()
    return performance.now() - startedAt
  }

  test('wait in one line after the first few, and stand in the way of no known passkey and no other network', async () => {
    const { email } = await makeOwner(office.world)
    const { id: administratorId } = (await office.world.store.find('administrator', { email }))[0]!
    const credential = { credentialId: 'a2V5', publicKey: 'a2V5', counter: 0, label: 'key', createdAt: '' }
    const row = { id: 'p', administratorId, ...credential, lastUsedAt: null, removedAt: null }
    await office.world.store.transaction((tx) => tx.insert('passkey', [row]))
    for (let n = 0; n < 5; n++) await madeUp(`made-up-${n}`)
    expect(await took(madeUp('made-up-5'))).toBeGreaterThan(450)
    expect(await took(madeUp('a2V5'))).toBeLessThan(400)
    expect(await took(madeUp('made-up-6', desk))).toBeLessThan(400)
  })

  test('from many addresses leave few events, the last of which counts them', async () => {
    for (let n = 0; n < 100; n++) await madeUp('nobody', { ...elsewhere, network: `net ${n}` })
    const failed = (await office.world.store.auditTrail({ limit: 200 })).filter(({ kind }) => kind === 'sign-in.failed')
    expect(failed).toHaveLength(41)
    expect(JSON.parse(failed.at(-1)!.detail!)).toEqual({
      actor: 'ringfence',
      via: 'system',
      failures: 41,
      addresses: 41,
    })
    const { events } = await office.world.app.records.audit({ kind: 'sign-in', limit: 1 })
    expect(events[0]!.text).toContain('failed 41 times within an hour, from 41 addresses')
  })
})

describe('codes', () => {
  test('five wrong ones end the session that waits, wherever they come from, and the password begins anew', async () => {
    const { email, key } = await makeOwner(office.world)
    const half = (await signIn(email))!.cookie.reveal()
    for (let n = 0; n < 5; n++) {
      expect(await office.world.app.signIn.secondStep(half)).not.toBeNull()
      expect(await office.world.app.signIn.withCode(half, '000000', n % 2 === 0 ? desk : elsewhere)).toBeNull()
    }
    expect(await office.world.app.signIn.secondStep(half)).toBeNull()
    const next = codeOf(key, new Date(office.world.context.system.now().getTime() + 30_000))
    expect(await office.world.app.signIn.withCode(half, next, desk)).toBeNull()
    const again = (await signIn(email))!.cookie.reveal()
    // The account waits from now on, from a network that never missed too.
    const startedAt = performance.now()
    const from = { ...elsewhere, network: '203.0.113.9' }
    expect(await office.world.app.signIn.withCode(again, next, from)).not.toBeNull()
    expect(performance.now() - startedAt).toBeGreaterThan(450)
  })
})

describe('a session', () => {
  test('ends when the role of its person begins to need a second factor', async () => {
    const hanna = await makeAdministrator(office.world, 'Hanna', 'helpdesk')
    await office.world.app.administrators.setRole(hanna.email, 'admin', mia)
    expect(await office.world.app.authenticateSession(hanna.cookie)).toBeNull()
    expect((await signIn(hanna.email))?.next).toBe('second-factor')
  })
})

describe("one's own account", () => {
  test('takes no new way in, and gives up no factor, for a session that began more than ten minutes ago', async () => {
    const { email, cookie } = await makeOwner(office.world)
    const { account } = office.world.app
    // Fresh: refused for another reason.
    await expect(account.addPasskey(cookie, 'laptop', '{}')).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(account.removeAuthenticator(cookie)).rejects.toMatchObject({ code: 'CONFLICT' })
    await office.world.travel(11 / 1_440)
    const stale = { code: 'FORBIDDEN', hint: expect.stringContaining('sign in again') }
    await expect(account.addPasskey(cookie, 'laptop', '{}')).rejects.toMatchObject(stale)
    await expect(account.removeAuthenticator(cookie)).rejects.toMatchObject(stale)
    const next = new Secret('another harbour of tin')
    const changed = await account.changePassword(cookie, goodPassword, next, desk)
    const [row] = await office.world.store.find('administrator', { email })
    await office.world.store.transaction((tx) => tx.update('administrator', row!.id, { passwordHash: null }))
    await office.world.travel(11 / 1_440)
    await expect(account.changePassword(changed.cookie.reveal(), next, next, desk)).rejects.toMatchObject(stale)
  })

  test('slows guesses at the password of now down, in one line with those at signing in', async () => {
    const { email, cookie } = await makeOwner(office.world)
    const wrong = new Secret('wrong')
    for (let n = 0; n < 5; n++)
      await expect(office.world.app.account.changePassword(cookie, wrong, wrong, desk)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      })
    const startedAt = performance.now()
    expect(await signIn(email)).not.toBeNull()
    expect(performance.now() - startedAt).toBeGreaterThan(450)
  })
})

describe('what was shown once', () => {
  test('a key that waits to be confirmed is shown again to the same session alone', async () => {
    const { email } = await makeAdministrator(office.world, 'Hanna', 'helpdesk')
    const [one, two] = [await signIn(email), await signIn(email)].map((each) => each!.cookie.reveal()) as [
      string,
      string,
    ]
    const { account } = office.world.app
    const seen = await account.newAuthenticator(one)
    expect((await account.newAuthenticator(one)).readable.reveal()).toBe(seen.readable.reveal())
    const fresh = await account.newAuthenticator(two)
    expect(fresh.readable.reveal()).not.toBe(seen.readable.reveal())
    const now = office.world.context.system.now()
    await expect(account.confirmAuthenticator(one, codeOf(seen, now))).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(account.confirmAuthenticator(one, codeOf(fresh, now))).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await account.confirmAuthenticator(two, codeOf(fresh, now))
    const half = (await signIn(email))!.cookie.reveal()
    const later = codeOf(fresh, new Date(now.getTime() + 30_000))
    expect(await office.world.app.signIn.withCode(half, later, desk)).not.toBeNull()
  })

  test('a used link ends every other link of that person', async () => {
    const input = { name: 'Otto', email: 'otto@example.com', role: 'owner' } as const
    const first = tokenOf((await office.world.app.administrators.invite(input, mia)).link)
    const second = tokenOf((await office.world.app.administrators.recover(input.email, mia)).link)
    // As if both had been made in one moment.
    for (const row of await office.world.store.find('setupLink', {}))
      await office.world.store.transaction((tx) => tx.update('setupLink', row.id, { usedAt: null }))
    await office.world.app.signIn.setupWithPassword(first, { name: '', email: '' }, goodPassword, desk)
    expect(await office.world.app.signIn.setup(second)).toBeNull()
  })
})
