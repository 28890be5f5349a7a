/** What somebody does with their own account, by the cookie of their session. */
import { type Administrator, needsSecondFactor, type Session, sessionCounts } from '../domain/administrator.ts'
import type { Secret } from '../domain/secret.ts'
import { AppError } from '../errors.ts'
import { auditEvent, inPerson } from './context.ts'
import { type Guesses, inTurn, tooMany } from './guesses.ts'
import { demandLocalWays, mayUseLocalWays } from './local-ways.ts'
import type { SignInContext } from './open-session.ts'
import { addPasskeyRow, passkeysOf, removePasskeyRows } from './own-passkeys.ts'
import { invalid } from './refusal.ts'
import { authenticatorKey, enrolAuthenticator } from './second-factor.ts'
import { endSessions, liveSession, startSession } from './sessions.ts'
import type { AccountDeeds, AccountView, SignedIn, Visitor } from './sign-in-view.ts'
import { appendToJournal } from './withdraw.ts'

export function accountDeeds(context: SignInContext, guesses: Guesses): AccountDeeds {
  const { store, system } = context
  const { passkeys } = context.signIn
  const at = () => system.now().toISOString()
  return {
    view: async (cookie) => view(context, await own(context, cookie)),
    changePassword: async (cookie, current, password, visitor) =>
      changePassword(context, guesses, await own(context, cookie), { current, password, visitor }),

    async newAuthenticator(cookie) {
      const { session, administrator } = await own(context, cookie)
      if (administrator.totpConfirmedAt !== null)
        throw new AppError('CONFLICT', 'there is an authenticator app already', { hint: 'remove it first' })
      return authenticatorKey(context, administrator.id, session.id)
    },
    async confirmAuthenticator(cookie, code) {
      const { session, administrator } = await own(context, cookie)
      const given = { administratorId: administrator.id, sessionId: session.id, code }
      if (!(await store.transaction((tx) => enrolAuthenticator(context, tx, given))))
        throw new AppError('INVALID_INPUT', 'this code is not right', {
          hint: 'the code of now; when the clock of the phone is wrong, none is',
        })
    },
    async removeAuthenticator(cookie) {
      const { session, administrator } = await own(context, cookie)
      demandFresh(context, session)
      await store.transaction(async (tx) => {
        const now = (await tx.get('administrator', administrator.id))!
        const left = (await passkeysOf(tx, administrator.id)).length
        if (left === 0) keepsOne(now)
        await tx.update('administrator', administrator.id, { totpSealed: null, totpConfirmedAt: null, totpLastStep: 0 })
        await tx.record(auditEvent(context, 'authenticator.removed', who(administrator)))
      })
    },

    async addPasskey(cookie, label, answer) {
      const { session, administrator } = await own(context, cookie)
      demandLocalWays(context, administrator)
      demandFresh(context, session)
      const passkey = await passkeys.created(answer, system.now())
      if (passkey === null)
        throw new AppError('INVALID_INPUT', 'the passkey could not be checked', {
          hint: `open the console as ${context.config.console.url} and try again`,
        })
      await store.transaction((tx) => addPasskeyRow(context, tx, administrator, label, passkey))
    },
    async removePasskey(cookie, id) {
      const { administrator } = await own(context, cookie)
      const withdrawn = await store.transaction(async (tx) => {
        const mine = await passkeysOf(tx, administrator.id)
        const passkey = mine.find((each) => each.id === id)
        if (!passkey) throw new AppError('NOT_FOUND', 'there is no such passkey')
        const now = (await tx.get('administrator', administrator.id))!
        if (mine.length === 1 && now.totpConfirmedAt === null) keepsOne(now)
        if (mine.length === 1 && now.passwordHash === null && now.oidcIdentity === null)
          throw new AppError('CONFLICT', 'this passkey is the only way in', { hint: 'add another one first' })
        await tx.record(auditEvent(context, 'passkey.removed', who(administrator), { label: passkey.label }))
        return removePasskeyRows(tx, [id], at())
      })
      await appendToJournal(context, withdrawn)
    },
    async endSession(cookie, id) {
      const { administrator } = await own(context, cookie)
      await store.transaction(async (tx) => {
        const session = await tx.get('session', id)
        if (session?.administratorId !== administrator.id) throw new AppError('NOT_FOUND', 'there is no such session')
        if (session.endedAt !== null) return
        await tx.update('session', id, { endedAt: at() })
        await tx.record(auditEvent(context, 'session.ended', who(administrator), { from: session.remoteAddress }))
      })
    },
  }
}

interface Own {
  readonly session: Session
  readonly administrator: Administrator
}

async function own(context: SignInContext, cookie: string): Promise<Own> {
  const session = await liveSession(context, cookie)
  const administrator = session?.level === 'full' && (await context.store.get('administrator', session.administratorId))
  if (session && administrator && administrator.disabledAt === null) return { session, administrator }
  throw new AppError('NOT_FOUND', 'there is no account behind this', {
    hint: 'an account is for people who signed in with a browser; tokens are under /tokens',
  })
}

function who(administrator: Administrator) {
  return { subjectId: administrator.id, actor: inPerson(administrator) }
}

/** @throws CONFLICT where the role needs a second factor beside the password */
function keepsOne({ role, passwordHash }: Administrator): void {
  if (!needsSecondFactor(role) || passwordHash === null) return
  throw new AppError('CONFLICT', `the role ${role} needs a second factor, and this is the last one`, {
    hint: 'add a passkey or another authenticator app first',
  })
}

/** What opens a lasting way in, or takes one lock off, is not for whoever finds a browser that somebody left. */
const freshMs = 600_000

/** @throws FORBIDDEN for a session that began too long ago */
function demandFresh({ system }: SignInContext, { createdAt }: Session): void {
  if (system.now().getTime() - Date.parse(createdAt) <= freshMs) return
  throw new AppError('FORBIDDEN', 'this takes a sign-in of the last ten minutes', {
    hint: 'sign out, sign in again, and do it then',
  })
}

/** As slow for guesses as the page for signing in, and in the same line. @throws INVALID_INPUT, CONFLICT */
async function demandPassword(
  context: SignInContext,
  guesses: Guesses,
  { email, passwordHash }: Administrator,
  { current, visitor }: { current: Secret; visitor: Visitor },
): Promise<void> {
  const turn = await guesses.admit(email, visitor.network)
  if (turn === false) throw tooMany()
  try {
    if (await inTurn(guesses, visitor, () => context.signIn.passwords.verify(passwordHash, current)))
      return turn.succeeded()
    turn.failed()
  } finally {
    turn.done()
  }
  throw new AppError('INVALID_INPUT', 'the password of now is not right', {
    problems: [{ field: 'current', message: 'the password of now is not right' }],
  })
}

async function changePassword(
  context: SignInContext,
  guesses: Guesses,
  { session, administrator }: Own,
  { current, password, visitor }: { current: Secret; password: Secret; visitor: Visitor },
): Promise<SignedIn> {
  demandLocalWays(context, administrator)
  const { passwords } = context.signIn
  const { passwordHash, email, name, id } = administrator
  // Whoever came in by a passkey or the provider alone has none to show.
  if (passwordHash === null) demandFresh(context, session)
  else await demandPassword(context, guesses, administrator, { current, visitor })
  const weakness = await passwords.weakness(password, [name, email, 'ringfence'])
  if (weakness !== null) throw invalid([weakness])
  const hash = await inTurn(guesses, visitor, () => passwords.hash(password))
  return context.store.transaction(async (tx) => {
    const at = context.system.now().toISOString()
    if (!(await tx.updateIf('administrator', id, { passwordHash, disabledAt: null }, { passwordHash: hash })))
      throw new AppError('CONFLICT', 'the password was changed elsewhere meanwhile', { hint: 'sign in again' })
    const ended = await endSessions(tx, id, at, session.id)
    await tx.record(auditEvent(context, 'password.changed', who(administrator), { otherSessionsEnded: ended }))
    return startSession(context, tx, {
      administratorId: id,
      level: 'full',
      how: session.how,
      visitor,
      instead: session,
    })
  })
}

async function view(context: SignInContext, { session, administrator }: Own): Promise<AccountView> {
  const { store, system, config } = context
  const { passkeys } = context.signIn
  const now = system.now()
  const { id, email, name, role, passwordHash, totpConfirmedAt, oidcIdentity } = administrator
  const known = await passkeysOf(store, id)
  const sessions = (await store.find('session', { administratorId: id, endedAt: null })).filter((each) =>
    sessionCounts(each, now),
  )
  return {
    email,
    name,
    role,
    hasPassword: passwordHash !== null,
    hasAuthenticator: totpConfirmedAt !== null,
    singleSignOn: oidcIdentity !== null,
    localWays: mayUseLocalWays(context, administrator),
    secondFactorNeeded: needsSecondFactor(role),
    passkeys: known.map(({ id, label, createdAt, lastUsedAt }) => ({ id, label, createdAt, lastUsedAt })),
    sessions: sessions
      .map(({ id, how, createdAt, lastSeenAt, remoteAddress, userAgent }) => ({
        id,
        how,
        createdAt,
        lastSeenAt,
        remoteAddress,
        userAgent,
        own: id === session.id,
      }))
      .reverse(),
    passkeyCreation: await passkeys.creation(administrator, known, now),
    passkeyHost: passkeys.host,
    consoleUrl: config.console.url,
  }
}
