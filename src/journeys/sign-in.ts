/** Signing in: password, then a code or passkey where the role needs it; passkey alone; single sign-on. */
import { type Administrator, needsSecondFactor, type Session } from '../domain/administrator.ts'
import type { Secret } from '../domain/secret.ts'
import type { StoreWriter } from '../store/store.ts'
import { auditEvent, inPerson, itself } from './context.ts'
import type { Guesses } from './guesses.ts'
import { mayUseLocalWays } from './local-ways.ts'
import { openSession, type SignInContext } from './open-session.ts'
import { addPasskeyRow, passkeysOf } from './own-passkeys.ts'
import { authenticatorKey, enrolAuthenticator, takeCode } from './second-factor.ts'
import { liveSession } from './sessions.ts'
import { setUpDeeds } from './set-up.ts'
import type { SecondStep, SignedIn, SignInDeeds, Visitor } from './sign-in-view.ts'
import { singleSignOnDeeds } from './single-sign-on.ts'
import { tellFailure } from './tell-failure.ts'

export function signInDeeds(context: SignInContext, guesses: Guesses): SignInDeeds {
  const { passkeys, singleSignOn } = context.signIn
  return {
    async ways() {
      const [anybody] = await context.store.find('administrator', { role: 'owner', disabledAt: null })
      return {
        passkeyRequest: await passkeys.request(null, context.system.now()),
        passkeyHost: passkeys.host,
        consoleUrl: context.config.console.url,
        singleSignOn: singleSignOn?.name ?? null,
        firstOwner: anybody === undefined,
      }
    },
    withPassword: (email, password, visitor, signal) =>
      withPassword(context, guesses, { email, password, visitor, signal }),
    withPasskey: (answer, visitor) => withPasskey(context, guesses, { answer, visitor }),
    secondStep: (cookie) => secondStep(context, cookie),
    withCode: (cookie, code, visitor) => withCode(context, guesses, { cookie, code, visitor }),
    async enrolCode(cookie, code, visitor) {
      const waiting = await enrolling(context, cookie)
      if (waiting === null) return null
      return context.store.transaction(async (tx) => {
        if (
          !(await enrolAuthenticator(context, tx, {
            administratorId: waiting.administrator.id,
            sessionId: waiting.session.id,
            code,
          }))
        )
          return null
        return rise(context, tx, waiting, 'password and authenticator app', visitor)
      })
    },
    async enrolPasskey(cookie, answer, visitor) {
      const waiting = await enrolling(context, cookie)
      const passkey = waiting && (await passkeys.created(answer, context.system.now()))
      if (!passkey) return null
      return context.store.transaction(async (tx) => {
        await addPasskeyRow(context, tx, waiting.administrator, 'first passkey', passkey)
        return rise(context, tx, waiting, 'password and passkey', visitor)
      })
    },
    ...singleSignOnDeeds(context, guesses),
    async out(cookie) {
      const session = await liveSession(context, cookie)
      if (session === null) return
      const administrator = await context.store.get('administrator', session.administratorId)
      await context.store.transaction(async (tx) => {
        await tx.update('session', session.id, { endedAt: context.system.now().toISOString() })
        // Recorded, so that the database is seen to have moved on: an older copy still has this session.
        const who = { subjectId: session.administratorId, actor: administrator ? inPerson(administrator) : itself }
        await tx.record(auditEvent(context, 'session.ended', who, { from: session.remoteAddress }))
      })
    },
    ...setUpDeeds(context, guesses),
  }
}

/**
 * Unknown, wrong, disabled and without a password: the same answer after the same work. The waiting comes before the look,
 * so that it says nothing about the account either.
 */
async function withPassword(
  context: SignInContext,
  guesses: Guesses,
  {
    email,
    password,
    visitor,
    signal,
  }: { email: string; password: Secret; visitor: Visitor; signal: AbortSignal | undefined },
): Promise<SignedIn | null> {
  const account = email.trim().toLowerCase().slice(0, 254)
  const turn = await guesses.admit(account, visitor.network)
  if (turn === false) return null
  try {
    // After the waiting: whoever waits there holds no place here. Refused unseen, which is no failure of this account.
    const leave = await guesses.turns.enter(visitor.network, signal)
    if (leave === null) return null
    const { administrator, right } = await look(context, account, password).finally(leave)
    if (!right || !administrator) {
      turn.failed()
      await tellFailure(context, guesses, {
        administratorId: administrator?.id ?? null,
        visitor,
        how: 'password',
      })
      return null
    }
    turn.succeeded()
    return context.store.transaction(async (tx) => {
      // The verdict took a while: who was disabled meanwhile stays out.
      const now = await tx.get('administrator', administrator.id)
      if (!now || now.disabledAt !== null || now.passwordHash !== administrator.passwordHash) return null
      if (!mayUseLocalWays(context, now)) return null
      const second = needsSecondFactor(now.role) || (await hasSecondFactor(tx, now))
      return openSession(context, tx, now, {
        level: second ? 'password' : 'full',
        how: 'password',
        visitor,
        instead: null,
      })
    })
  } finally {
    turn.done()
  }
}

async function look(context: SignInContext, email: string, password: Secret) {
  const [administrator] = await context.store.find('administrator', { email, disabledAt: null })
  const right = await context.signIn.passwords.verify(administrator?.passwordHash ?? null, password)
  return { administrator, right }
}

async function withPasskey(
  context: SignInContext,
  guesses: Guesses,
  { answer, visitor }: { answer: string; visitor: Visitor },
): Promise<SignedIn | null> {
  const { passkeys } = context.signIn
  const credentialId = passkeys.spokenOf(answer)
  if (credentialId === null) return null
  const [known] = await context.store.find('passkey', { credentialId, removedAt: null })
  // Unknown ones share a line, so that made-up passkeys do not begin anew each time and stand in nobody else's way.
  const turn = await guesses.admit(`passkey ${known?.id ?? 'unknown'}`, visitor.network)
  if (turn === false) return null
  try {
    const signedIn = known && (await provedBy(context, { answer, passkeyId: known.id, visitor }))
    if (signedIn) turn.succeeded()
    else {
      turn.failed()
      await tellFailure(context, guesses, { administratorId: known?.administratorId ?? null, visitor, how: 'passkey' })
    }
    return signedIn ?? null
  } finally {
    turn.done()
  }
}

/** Read anew, since the try may have stood in the line for long. */
async function provedBy(
  context: SignInContext,
  { answer, passkeyId, visitor }: { answer: string; passkeyId: string; visitor: Visitor },
): Promise<SignedIn | null> {
  const { passkeys } = context.signIn
  const passkey = await context.store.get('passkey', passkeyId)
  if (!passkey || passkey.removedAt !== null) return null
  const counter = await passkeys.used(answer, passkey, context.system.now())
  if (counter === null) return null
  return context.store.transaction(async (tx) => {
    const administrator = await tx.get('administrator', passkey.administratorId)
    const still = await tx.get('passkey', passkey.id)
    if (!administrator || administrator.disabledAt !== null || still?.removedAt !== null) return null
    if (!mayUseLocalWays(context, administrator)) return null
    await tx.update('passkey', passkey.id, { counter, lastUsedAt: context.system.now().toISOString() })
    return openSession(context, tx, administrator, { level: 'full', how: 'passkey', visitor, instead: null })
  })
}

async function withCode(
  context: SignInContext,
  guesses: Guesses,
  { cookie, code, visitor }: { cookie: string; code: string; visitor: Visitor },
): Promise<SignedIn | null> {
  const waiting = await waitingFor(context, cookie)
  if (waiting === null) return null
  // By account alone: who knows the password and guesses the code must not begin anew from each network.
  const turn = await guesses.admit(`code ${waiting.administrator.id}`, 'any')
  if (turn === false) return null
  try {
    const signedIn = await context.store.transaction(async (tx) => {
      // It may have been ended while this try stood in the line.
      if ((await tx.get('session', waiting.session.id))?.endedAt !== null) return null
      if (!(await takeCode(context, tx, waiting.administrator.id, code))) return null
      return rise(context, tx, waiting, 'password and authenticator app', visitor)
    })
    if (signedIn !== null) turn.succeeded()
    else {
      const { id } = waiting.administrator
      turn.failed()
      if (guesses.codeMissed(waiting.session.id))
        await context.store.transaction((tx) =>
          tx.update('session', waiting.session.id, { endedAt: context.system.now().toISOString() }),
        )
      await tellFailure(context, guesses, { administratorId: id, visitor, how: 'authenticator app' })
    }
    return signedIn
  } finally {
    turn.done()
  }
}

async function secondStep(context: SignInContext, cookie: string): Promise<SecondStep | null> {
  const waiting = await waitingFor(context, cookie)
  if (waiting === null) return null
  const { administrator } = waiting
  const now = context.system.now()
  const { passkeys } = context.signIn
  const known = await passkeysOf(context.store, administrator.id)
  const code = administrator.totpConfirmedAt !== null
  const common = { email: administrator.email, passkeyHost: passkeys.host }
  if (code || known.length > 0)
    return {
      ...common,
      step: 'ask',
      code,
      passkeyRequest: known.length > 0 ? await passkeys.request(known, now) : null,
    }
  return {
    ...common,
    step: 'enrol',
    key: await authenticatorKey(context, administrator.id, waiting.session.id),
    passkeyCreation: await passkeys.creation(administrator, known, now),
  }
}

interface Waiting {
  readonly session: Session
  readonly administrator: Administrator
}

/** Whoever gave the password and is still to show the second factor. */
async function waitingFor(context: SignInContext, cookie: string): Promise<Waiting | null> {
  const session = await liveSession(context, cookie)
  if (session?.level !== 'password') return null
  const administrator = await context.store.get('administrator', session.administratorId)
  if (!administrator || administrator.disabledAt !== null || !mayUseLocalWays(context, administrator)) return null
  return { session, administrator }
}

/** Only whoever has no second factor yet may set one up with the password alone. */
async function enrolling(context: SignInContext, cookie: string): Promise<Waiting | null> {
  const waiting = await waitingFor(context, cookie)
  return waiting && !(await hasSecondFactor(context.store, waiting.administrator)) ? waiting : null
}

async function hasSecondFactor(
  store: Pick<SignInContext['store'], 'find'>,
  { id, totpConfirmedAt }: Administrator,
): Promise<boolean> {
  return totpConfirmedAt !== null || (await passkeysOf(store, id)).length > 0
}

/** From `password` to `full`, if the session was not ended meanwhile. */
async function rise(
  context: SignInContext,
  tx: StoreWriter,
  { session, administrator }: Waiting,
  how: string,
  visitor: Visitor,
): Promise<SignedIn | null> {
  if ((await tx.get('session', session.id))?.endedAt !== null) return null
  return openSession(context, tx, administrator, { level: 'full', how, visitor, instead: session })
}
