/** A console while the tests of one file run, and who sits before it. */
import { afterAll, beforeAll } from 'vitest'
import type { Role } from '../../src/domain/token.ts'
import { openPostOffice, type PostOffice } from '../fakes/post-office.ts'
import { type ConsoleWorld, openConsoleWorld } from '../journeys/console-world.ts'
import { formVisitor } from './form-visitor.ts'

type Options = Parameters<typeof openConsoleWorld>[0]

/** One of each of these roles is signed in; the first works with the forms where nobody else is named. */
export function consoleOfFile(roles: readonly [Role, ...Role[]], options: () => Options = () => ({})) {
  let open: ConsoleWorld
  const cookies = new Map<Role, string>()
  beforeAll(async () => {
    open = await openConsoleWorld(options())
    for (const role of roles) cookies.set(role, await open.signIn(role))
  })
  afterAll(async () => open?.[Symbol.asyncDispose]())

  /** The cookie of the one with this role. */
  const as = (role: Role): string => cookies.get(role)!
  const visitor = formVisitor(
    () => open.port,
    () => as(roles[0]),
  )
  const desk = {
    get world() {
      return open.world
    },
    get port() {
      return open.port
    },
    signIn: (role: Role) => open.signIn(role),
  }
  return { desk, as, ...visitor }
}

/** A mail server that pretends, opened before the console that is told of it and closed after it. */
export function postOfficeOfFile(): Pick<PostOffice, 'env' | 'received' | 'refusals'> {
  let office: PostOffice
  beforeAll(async () => {
    office = await openPostOffice()
  })
  afterAll(async () => office?.[Symbol.asyncDispose]())
  return {
    get env() {
      return office.env
    },
    get received() {
      return office.received
    },
    get refusals() {
      return office.refusals
    },
  }
}
