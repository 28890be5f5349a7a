import type { Administrator } from '../domain/administrator.ts'
import type { StoreWriter } from '../store/store.ts'
import { auditEvent, inPerson } from './context.ts'
import type { SignInContext } from './open-session.ts'
import type { AuthenticatorKey } from './sign-in-view.ts'

/** The key to scan: the one that waits to be confirmed, so that a reloaded page shows the same code, or a new one. */
export async function authenticatorKey(context: SignInContext, administratorId: string): Promise<AuthenticatorKey> {
  const { authenticatorApp } = context.signIn
  const { key, email } = await context.store.transaction(async (tx) => {
    const administrator = (await tx.get('administrator', administratorId))!
    const { email, totpSealed, totpConfirmedAt } = administrator
    if (totpSealed !== null && totpConfirmedAt === null) return { email, key: openKey(context, administrator) }
    const key = authenticatorApp.newKey()
    const sealed = context.vault.seal(key, sealedAs(administratorId))
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
    administrator !== undefined && administrator.totpConfirmedAt !== null && useStep(context, tx, administrator, code)
  )
}

/** The first right code shows that the app has the key. */
export async function enrolAuthenticator(
  context: SignInContext,
  tx: StoreWriter,
  administratorId: string,
  code: string,
): Promise<boolean> {
  const administrator = await tx.get('administrator', administratorId)
  if (!administrator || administrator.totpConfirmedAt !== null) return false
  if (!(await useStep(context, tx, administrator, code))) return false
  await tx.update('administrator', administratorId, { totpConfirmedAt: context.system.now().toISOString() })
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
  code: string,
): Promise<boolean> {
  const key = openKey(context, administrator)
  const step = context.signIn.authenticatorApp.stepOf(key, code, context.system.now())
  if (step === null || step <= administrator.totpLastStep) return false
  await tx.update('administrator', administrator.id, { totpLastStep: step })
  return true
}

function openKey({ vault }: SignInContext, { id, totpSealed }: Administrator) {
  return vault.open(totpSealed ?? '', sealedAs(id))
}

function sealedAs(administratorId: string): string {
  return `administrator:${administratorId}:totp`
}
