import { afterEach, beforeEach } from 'vitest'
import { countedPasswords, desk, goodPassword } from './console-people.ts'
import { openWorld, type World } from './world.ts'

/** A console that nobody has signed in to, anew for each test of a file. */
export function consoleOfEachTest() {
  let passwords: ReturnType<typeof countedPasswords>
  let world: World
  beforeEach(async () => {
    passwords = countedPasswords()
    world = await openWorld({ signIn: { passwords }, begin: false })
  })
  afterEach(async () => world[Symbol.asyncDispose]())
  return {
    get world() {
      return world
    },
    get passwords() {
      return passwords
    },
    signIn: (email: string, password = goodPassword, visitor = desk) =>
      world.app.signIn.withPassword(email, password, visitor),
  }
}
