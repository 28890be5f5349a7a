import type { Administrator } from '../domain/administrator.ts'
import { AppError } from '../errors.ts'
import type { SignInContext } from './open-session.ts'

/**
 * Whether a password or passkey kept here may let this person in. Whoever belongs to the provider is let in by it alone, or
 * somebody whose group it took away would go on by another door. Owners may: they are who mends a provider that is down.
 */
export function mayUseLocalWays(
  { signIn }: Pick<SignInContext, 'signIn'>,
  { oidcIdentity, role }: Pick<Administrator, 'oidcIdentity' | 'role'>,
): boolean {
  return signIn.singleSignOn === null || oidcIdentity === null || role === 'owner'
}

/** @throws FORBIDDEN */
export function demandLocalWays(context: Pick<SignInContext, 'signIn'>, administrator: Administrator): void {
  if (mayUseLocalWays(context, administrator)) return
  throw new AppError('FORBIDDEN', 'this account signs in by single sign-on alone', {
    hint: 'passwords and passkeys are kept at the provider; here owners alone have their own',
  })
}
