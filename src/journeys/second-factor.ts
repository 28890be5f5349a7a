import type { Administrator } from '../domain/administrator.ts'
import type { Secret } from '../domain/secret.ts'
import { AppError } from '../errors.ts'
import type { StoreWriter } from '../store/store.ts'
import { auditEvent, inPerson } from './context.ts'
import type { SignInContext } from './open-session.ts'
import type { AuthenticatorKey } from './sign-in-view.ts'

/**
 * The key to scan. While it waits to be confirmed it is sealed for the session it was shown to: there a reloaded page shows
 * the same one, and whoever comes later gets a new one instead of one that somebody else may have seen.
 */
export async function authenticatorKey(
  context: SignInContext,
  administratorId: string,
  sessionId: string,
): Promise<AuthenticatorKey> {
  const { authenticatorApp } = context.signIn
  const { key, email } = await context.store.transaction(async (tx) => {
    const administrator = (await tx.get('administrator', administratorId))!
    const { email, totpSealed, totpConfirmedAt } = administrator
    // Pages ask only while there is none; one in use must never be shown again, nor replaced.
    if (totpConfirmedAt !== null) throw new AppError('CONFLICT', 'there is an authenticator app already')
    const waiting = totpSealed === null ? null : openWaiting(context, administrator, sessionId)
    if (waiting !== null) return { email, key: waiting }
    const key = authenticatorApp.newKey()
    const sealed = context.vault.seal(key, sealedFor(administratorId, sessionId))
    await tx.update('administrator', administratorId, { totpSealed: sealed, totpConfirmedAt: null, totpLastStep: 0 })
    return { email, key }
  })
  return { readable: authenticatorApp.readable(key), address: authenticatorApp.address(key, email) }
}

/** Whether this is a code of the confirmed app that was not used yet; it is used now. */
export async function takeCode(
  context: SignInContext,
  tx: StoreWriter,
  administratorId: string,
  code: string,
): Promise<boolean> {
  const administrator = await tx.get('administrator', administratorId)
  return (
    administrator !== undefined &&
    administrator.totpConfirmedAt !== null &&
    useStep(context, tx, administrator, openKey(context, administrator), code)
  )
}

/** The first right code shows that the app has the key. */
export async function enrolAuthenticator(
  context: SignInContext,
  tx: StoreWriter,
  { administratorId, sessionId, code }: { administratorId: string; sessionId: string; code: string },
): Promise<boolean> {
  const administrator = await tx.get('administrator', administratorId)
  if (!administrator || administrator.totpConfirmedAt !== null) return false
  const key = openWaiting(context, administrator, sessionId)
  if (key === null || !(await useStep(context, tx, administrator, key, code))) return false
  await tx.update('administrator', administratorId, {
    totpSealed: context.vault.seal(key, sealedAs(administratorId)),
    totpConfirmedAt: context.system.now().toISOString(),
  })
  await tx.record(
    auditEvent(context, 'authenticator.added', { subjectId: administratorId, actor: inPerson(administrator) }),
  )
  return true
}

/** Each step is good once, and none before it any more (RFC 6238 section 5.2). */
async function useStep(
  context: SignInContext,
  tx: StoreWriter,
  administrator: Administrator,
  key: Secret,
  code: string,
): Promise<boolean> {
  const step = context.signIn.authenticatorApp.stepOf(key, code, context.system.now())
  if (step === null || step <= administrator.totpLastStep) return false
  await tx.update('administrator', administrator.id, { totpLastStep: step })
  return true
}

function openKey({ vault }: SignInContext, { id, totpSealed }: Administrator) {
  return vault.open(totpSealed ?? '', sealedAs(id))
}

/** Null for one that was shown to another session. */
function openWaiting({ vault }: SignInContext, { id, totpSealed }: Administrator, sessionId: string): Secret | null {
  try {
    return vault.open(totpSealed ?? '', sealedFor(id, sessionId))
  } catch {
    return null
  }
}

function sealedFor(administratorId: string, sessionId: string): string {
  return `${sealedAs(administratorId)}:${sessionId}`
}

function sealedAs(administratorId: string): string {
  return `administrator:${administratorId}:totp`
}
