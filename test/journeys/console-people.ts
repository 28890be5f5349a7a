/** People who sign in to the console of a world, as the pages do it for them. */
import { Secret as Key, TOTP } from 'otpauth'
import { Secret } from '../../src/domain/secret.ts'
import type { Role } from '../../src/domain/token.ts'
import { firstOwnerLink } from '../../src/journeys/set-up.ts'
import type { AuthenticatorKey, SignedIn, Visitor } from '../../src/journeys/sign-in-view.ts'
import { passwords } from '../../src/signin/passwords.ts'
import type { Passwords } from '../../src/signin/sign-in-port.ts'
import { mia, type World } from './world.ts'

export const desk: Visitor = { remoteAddress: '192.0.2.10', network: '192.0.2.10', userAgent: 'a browser' }
export const elsewhere: Visitor = { remoteAddress: '198.51.100.7', network: '198.51.100.7', userAgent: null }
export const goodPassword = new Secret('violet harbour tin 42')

/** Real argon2id at a cost that tests can pay, and how often it was done. */
export function countedPasswords(): Passwords & { readonly count: () => number } {
  const real = passwords({ memory: 64, passes: 2, parallelism: 1 })
  let verifications = 0
  return {
    ...real,
    verify(hash, password) {
      verifications++
      return real.verify(hash, password)
    },
    count: () => verifications,
  }
}

/** What an authenticator app with this key shows at that moment. */
export function codeOf({ readable }: Pick<AuthenticatorKey, 'readable'>, at: Date): string {
  return new TOTP({ secret: Key.fromBase32(readable.reveal().replaceAll(' ', '')) }).generate({
    timestamp: at.getTime(),
  })
}

export interface SignedInPerson {
  readonly email: string
  readonly cookie: string
  readonly key: AuthenticatorKey
}

/** The first owner: set-up link, password, authenticator app. */
export async function makeOwner(world: World, email = 'olga@example.com'): Promise<SignedInPerson> {
  const token = await firstOwnerLink(world.context)
  const begun = await world.app.signIn.setupWithPassword(
    token!.reveal(),
    { name: 'Olga Owner', email },
    goodPassword,
    desk,
  )
  return enrolled(world, email, begun!)
}

export async function makeAdministrator(world: World, name: string, role: Role): Promise<SignedInPerson> {
  const email = `${name.toLowerCase()}@example.com`
  const { link } = await world.app.administrators.invite({ name, email, role }, mia)
  const begun = await world.app.signIn.setupWithPassword(tokenOf(link), { name: '', email: '' }, goodPassword, desk)
  return enrolled(world, email, begun!)
}

async function enrolled(world: World, email: string, begun: SignedIn): Promise<SignedInPerson> {
  const step = await world.app.signIn.secondStep(begun.cookie.reveal())
  if (step?.step !== 'enrol') return { email, cookie: begun.cookie.reveal(), key: noKey }
  const code = codeOf(step.key, world.context.system.now())
  const full = await world.app.signIn.enrolCode(begun.cookie.reveal(), code, desk)
  return { email, cookie: full!.cookie.reveal(), key: step.key }
}

const noKey: AuthenticatorKey = { readable: new Secret(''), address: new Secret('') }

export function tokenOf(link: Secret): string {
  return link.reveal().split('/').at(-1)!
}
