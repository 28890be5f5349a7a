import { Secret } from '../../src/domain/secret.ts'
import type { Actor } from '../../src/domain/token.ts'
import { AppError } from '../../src/errors.ts'
import type {
  AccountDeeds,
  AdministratorDeeds,
  AdministratorView,
  SignInDeeds,
} from '../../src/journeys/sign-in-view.ts'

const at = '2026-11-22T14:00:00.000Z'

/** Nobody has an account here: every way in is refused. What comes of the right ones is in test/http/sign-in.test.ts. */
export function fakeSignIn(): { signIn: SignInDeeds; account: AccountDeeds } {
  const refused = async () => null
  const nobody = async (): Promise<never> => {
    throw new AppError('NOT_FOUND', 'there is no account behind this')
  }
  return {
    signIn: {
      ways: async () => ({
        passkeyRequest: '{"challenge":"AAAA"}',
        passkeyHost: 'localhost',
        consoleUrl: 'http://localhost:8080',
        singleSignOn: null,
        firstOwner: false,
      }),
      withPassword: refused,
      withPasskey: refused,
      secondStep: refused,
      withCode: refused,
      enrolCode: refused,
      enrolPasskey: refused,
      beginSingleSignOn: async () => {
        throw new AppError('NOT_FOUND', 'single sign-on is not set up')
      },
      finishSingleSignOn: refused,
      out: async () => undefined,
      setup: refused,
      setupWithPassword: refused,
      setupWithPasskey: refused,
    },
    account: {
      view: nobody,
      changePassword: nobody,
      newAuthenticator: nobody,
      confirmAuthenticator: nobody,
      removeAuthenticator: nobody,
      addPasskey: nobody,
      removePasskey: nobody,
      endSession: nobody,
    },
  }
}

export function fakeAdministrators(did: (deed: string, actor: Actor) => void): AdministratorDeeds {
  const rows = new Map<string, AdministratorView>()
  const found = (who: string): AdministratorView => {
    const row = [...rows.values()].find(({ id, email }) => id === who || email === who)
    if (row && row.disabledAt === null) return row
    throw new AppError('NOT_FOUND', `no administrator is ${JSON.stringify(who)}`, {
      hint: '`ringfence admin list` shows them all',
    })
  }
  const keep = (row: AdministratorView): AdministratorView => {
    rows.set(row.id, row)
    return row
  }
  const linked = (administrator: AdministratorView) => ({
    administrator,
    link: new Secret(`http://localhost:8080/setup/${'t'.repeat(43)}`),
    expiresAt: at,
  })
  return {
    list: async () => [...rows.values()],
    async invite({ name, email, role }, actor) {
      did('inviteAdministrator', actor)
      const id = `01939d2c-0000-7000-8000-${String(rows.size + 1).padStart(12, '0')}`
      const made = { createdAt: at, createdBy: actor.name, disabledAt: null, ways: [], lastSeenAt: null }
      return linked(keep({ id, name, email, role, ...made }))
    },
    async recover(who, actor) {
      did('recoverAdministrator', actor)
      return linked(found(who))
    },
    async setRole(who, role, actor) {
      did('setRole', actor)
      return keep({ ...found(who), role })
    },
    async disable(who, actor) {
      did('disableAdministrator', actor)
      return keep({ ...found(who), disabledAt: at })
    },
  }
}
