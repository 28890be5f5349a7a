import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  codeOf,
  countedPasswords,
  desk,
  elsewhere,
  goodPassword,
  makeAdministrator,
  makeOwner,
} from './console-people.ts'
import { mia, openWorld, type World } from './world.ts'

let passwords: ReturnType<typeof countedPasswords>
let world: World
beforeEach(async () => {
  passwords = countedPasswords()
  world = await openWorld({ signIn: { passwords }, begin: false })
})
afterEach(async () => world[Symbol.asyncDispose]())

const signIn = (email: string, password = goodPassword, visitor = desk) =>
  world.app.signIn.withPassword(email, password, visitor)

describe('many tries at once', () => {
  test('for many accounts of one network: a handful is looked at, the rest is refused unseen, others come in', async () => {
    const { email } = await makeOwner(world)
    const before = passwords.count()
    const flood = Array.from({ length: 100 }, (_, n) => signIn(`n${n}@example.com`, goodPassword, elsewhere))
    expect(await signIn(email)).not.toBeNull()
    await Promise.all(flood)
    expect(passwords.count() - before).toBe(6)
  })
})

describe('codes', () => {
  test('five wrong ones end the session that waits, wherever they come from, and the password begins anew', async () => {
    const { email, key } = await makeOwner(world)
    const half = (await signIn(email))!.cookie.reveal()
    for (let n = 0; n < 5; n++) {
      expect(await world.app.signIn.secondStep(half)).not.toBeNull()
      expect(await world.app.signIn.withCode(half, '000000', n % 2 === 0 ? desk : elsewhere)).toBeNull()
    }
    expect(await world.app.signIn.secondStep(half)).toBeNull()
    const next = codeOf(key, new Date(world.context.system.now().getTime() + 30_000))
    expect(await world.app.signIn.withCode(half, next, desk)).toBeNull()
    const again = (await signIn(email))!.cookie.reveal()
    // The account waits from now on, from a network that never missed too.
    const startedAt = performance.now()
    const from = { ...elsewhere, network: '203.0.113.9' }
    expect(await world.app.signIn.withCode(again, next, from)).not.toBeNull()
    expect(performance.now() - startedAt).toBeGreaterThan(450)
  })
})

describe('a session', () => {
  test('ends when the role of its person begins to need a second factor', async () => {
    const hanna = await makeAdministrator(world, 'Hanna', 'helpdesk')
    await world.app.administrators.setRole(hanna.email, 'admin', mia)
    expect(await world.app.authenticateSession(hanna.cookie)).toBeNull()
    expect((await signIn(hanna.email))?.next).toBe('second-factor')
  })
})
