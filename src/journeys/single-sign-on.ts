import { type Administrator, newAdministrator } from '../domain/administrator.ts'
import { parseEmail, parseName } from '../domain/employee.ts'
import { tokenHash } from '../domain/invite.ts'
import { Secret } from '../domain/secret.ts'
import type { Role } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import type { SignedOn } from '../signin/sign-in-port.ts'
import type { StoreWriter } from '../store/store.ts'
import { newId } from '../system.ts'
import { auditEvent, itself } from './context.ts'
import type { Guesses } from './guesses.ts'
import { openSession, type SignInContext } from './open-session.ts'
import { passkeysOf } from './own-passkeys.ts'
import { usableOwners } from './owners.ts'
import type { SignInDeeds } from './sign-in-view.ts'
import { tellFailure } from './tell-failure.ts'

/** How long somebody may take at the provider. */
const pendingMs = 600_000
const sealedAs = 'console:single-sign-on'

/** What was begun travels sealed in the browser's cookie: a page that is only looked at costs no memory here. */
export function singleSignOnDeeds(
  context: SignInContext,
  guesses: Pick<Guesses, 'count'>,
): Pick<SignInDeeds, 'beginSingleSignOn' | 'finishSingleSignOn'> {
  const { singleSignOn } = context.signIn
  return {
    async beginSingleSignOn(next) {
      if (singleSignOn === null)
        throw new AppError('NOT_FOUND', 'single sign-on is not set up', { hint: 'docs/sign-in.md says how' })
      const { url, pending } = await singleSignOn.begin()
      const kept = JSON.stringify({ pending, next, at: context.system.now().getTime() })
      return { url, sealed: context.vault.seal(new Secret(kept), sealedAs) }
    },
    async finishSingleSignOn(answer, sealed, visitor) {
      const kept = opened(context, sealed)
      if (singleSignOn === null || kept === null) return null
      const signedOn = await singleSignOn.finish(new URL(answer, context.config.console.url), kept.pending)
      if (signedOn === null) return null
      const how = 'single sign-on'
      const done = await context.store.transaction(async (tx) => {
        const administrator = await administratorOf(context, tx, signedOn)
        if (typeof administrator === 'string') return administrator
        return {
          signedIn: await openSession(context, tx, administrator, { level: 'full', how, visitor, instead: null }),
          next: kept.next,
        }
      })
      if (typeof done !== 'string') return done
      context.log.warn({ reason: done }, 'single sign-on was refused')
      await tellFailure(context, guesses, { administratorId: null, visitor, how, reason: done })
      return null
    },
  }
}

interface Kept {
  readonly pending: { readonly state: string; readonly nonce: string; readonly verifier: string }
  readonly next: string
  readonly at: number
}

function opened({ vault, system }: SignInContext, sealed: string): Kept | null {
  try {
    const kept = JSON.parse(vault.open(sealed, sealedAs).reveal()) as Kept
    return system.now().getTime() - kept.at < pendingMs ? kept : null
  } catch {
    // A cookie that we did not seal is as good as none.
    return null
  }
}

/**
 * Who it is, or why they do not come in. Issuer and subject are the identity; an address alone opens nobody's account that
 * is in use. The role is the provider's word at each sign-in.
 */
async function administratorOf(
  context: SignInContext,
  tx: StoreWriter,
  { identity: told, email: address, name: said, role }: SignedOn,
): Promise<Administrator | string> {
  const identity = tokenHash(told)
  if (role === null) return 'no role is mapped for this person'
  const rows = await tx.find('administrator', { oidcIdentity: identity })
  const known = rows.find(({ disabledAt }) => disabledAt === null)
  if (known) return withRole(context, tx, known, role)
  const email = parseEmail(address)
  if (!email.ok) return 'the provider tells no verified e-mail address'
  const [holder] = await tx.find('administrator', { email: email.value, disabledAt: null })
  if (holder) {
    const unused = holder.oidcIdentity === null && holder.passwordHash === null
    if (!unused || (await passkeysOf(tx, holder.id)).length > 0)
      return 'an administrator with this e-mail address signs in another way'
    await tx.update('administrator', holder.id, { oidcIdentity: identity })
    // The invitation is taken up: its link must not set a password beside the provider.
    for (const { id } of await tx.find('setupLink', { administratorId: holder.id, usedAt: null }))
      await tx.update('setupLink', id, { usedAt: context.system.now().toISOString() })
    return withRole(context, tx, { ...holder, oidcIdentity: identity }, role)
  }
  if (rows.length > 0) return 'this administrator was disabled'
  // The provider may be slower to forget a leaver than we are.
  const employee = await tx.employeeBy(email.value)
  if (employee && employee.lifecycle !== 'active') return 'this employee has left'
  const name = parseName(said ?? email.value)
  const administrator: Administrator = {
    ...newAdministrator({
      id: newId(context.system),
      name: name.ok ? name.value : email.value,
      email: email.value,
      role,
      createdAt: context.system.now().toISOString(),
      createdBy: 'single sign-on',
    }),
    oidcIdentity: identity,
  }
  await tx.insert('administrator', [administrator])
  const detail = { role, how: 'single sign-on' }
  await tx.record(auditEvent(context, 'administrator.set-up', { subjectId: administrator.id, actor: itself }, detail))
  return administrator
}

async function withRole(
  context: SignInContext,
  tx: StoreWriter,
  administrator: Administrator,
  role: Role,
): Promise<Administrator | string> {
  if (administrator.role === role) return administrator
  const owners = administrator.role === 'owner' ? await usableOwners(tx) : []
  if (owners.length === 1 && owners[0]?.id === administrator.id)
    return `the provider makes the last owner ${role}; make another owner first`
  await tx.update('administrator', administrator.id, { role })
  const detail = { from: administrator.role, to: role, how: 'single sign-on' }
  await tx.record(
    auditEvent(context, 'administrator.role-changed', { subjectId: administrator.id, actor: itself }, detail),
  )
  return { ...administrator, role }
}
