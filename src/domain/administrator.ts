import { mayDo, type Role } from './token.ts'

/** Somebody who may sign in to the console. */
export interface Administrator {
  readonly id: string
  readonly name: string
  /** Lower case; also how a leaver who is an administrator is found. */
  readonly email: string
  readonly role: Role
  /** argon2id in PHC string form; null for somebody who signs in by passkey or single sign-on only. */
  readonly passwordHash: string | null
  /** Sealed with context `administrator:<id>:totp`, until it is confirmed with `:<session>` after it; null without an app. */
  readonly totpSealed: string | null
  /** Null until the first code was right: an unconfirmed one locks nobody out. */
  readonly totpConfirmedAt: string | null
  /** The time step of the last code: each is good once (RFC 6238 section 5.2). */
  readonly totpLastStep: number
  /** SHA-256 of `<issuer> <subject>` of single sign-on: known again, also after an erasure, and telling nobody who it is. */
  readonly oidcIdentity: string | null
  readonly createdAt: string
  readonly createdBy: string
  readonly disabledAt: string | null
}

/** Somebody new, who has no way to sign in yet. */
export function newAdministrator(
  who: Pick<Administrator, 'id' | 'name' | 'email' | 'role' | 'createdAt' | 'createdBy'>,
): Administrator {
  return {
    ...who,
    passwordHash: null,
    totpSealed: null,
    totpConfirmedAt: null,
    totpLastStep: 0,
    oidcIdentity: null,
    disabledAt: null,
  }
}

/** A browser that is signed in. Only the hash of its cookie is stored. */
export interface Session {
  readonly id: string
  readonly administratorId: string
  readonly tokenHash: string
  /** `password`: the second factor is still to come, and nothing but that may be done. */
  readonly level: 'password' | 'full'
  /** How they signed in: `password`, `passkey`, `single sign-on`, `set-up link`. */
  readonly how: string
  readonly createdAt: string
  readonly lastSeenAt: string
  readonly expiresAt: string
  readonly endedAt: string | null
  readonly remoteAddress: string
  readonly userAgent: string | null
}

export interface Passkey {
  readonly id: string
  readonly administratorId: string
  /** Base64url, as WebAuthn has it. */
  readonly credentialId: string
  readonly publicKey: string
  readonly counter: number
  readonly label: string
  readonly createdAt: string
  readonly lastUsedAt: string | null
  readonly removedAt: string | null
}

/** A one-time link: for the first owner, for a new administrator, or to come back in. Only its hash is stored. */
export interface SetupLink {
  readonly id: string
  readonly tokenHash: string
  readonly purpose: 'first-owner' | 'new' | 'recovery'
  /** Null for the first owner, who is nobody yet. */
  readonly administratorId: string | null
  readonly createdAt: string
  readonly expiresAt: string
  readonly usedAt: string | null
}

/** Whoever can take phones away needs more than a password that somebody may have looked at. */
export function needsSecondFactor(role: Role): boolean {
  return mayDo(role, 'revoke')
}

/** Signed in for at most this long, whatever happens. */
export const sessionHours = 12

/** Without a request for this long, a session is over. */
const idleHours = 2

export function sessionCounts(
  { endedAt, expiresAt, lastSeenAt }: Pick<Session, 'endedAt' | 'expiresAt' | 'lastSeenAt'>,
  now: Date,
): boolean {
  if (endedAt !== null) return false
  // Asked this way round, a time that cannot be read is over: NaN is greater than nothing.
  return Date.parse(expiresAt) > now.getTime() && Date.parse(lastSeenAt) + idleHours * 3_600_000 > now.getTime()
}

/** How long a one-time link can be used. */
export const setupLinkHours = 24
