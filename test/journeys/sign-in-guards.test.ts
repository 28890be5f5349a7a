import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { countedPasswords, desk, elsewhere, goodPassword, makeOwner } from './console-people.ts'
import { openWorld, type World } from './world.ts'

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
