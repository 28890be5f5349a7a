import type { Role } from './token.ts'

/** Somebody who may sign in to the console. */
export interface Administrator {
  readonly id: string
  readonly name: string
  /** Lower case; also how a leaver who is an administrator is found. */
  readonly email: string
  readonly role: Role
  /** argon2id in PHC string form; null for somebody who signs in by passkey or single sign-on only. */
  readonly passwordHash: string | null
  /** Sealed with context `administrator:<id>:totp`; null without an authenticator app. */
  readonly totpSealed: string | null
  /** Null until the first code was right: an unconfirmed one locks nobody out. */
  readonly totpConfirmedAt: string | null
  /** The time step of the last code: each is good once (RFC 6238 section 5.2). */
  readonly totpLastStep: number
  /** `<issuer> <subject>` of single sign-on. */
  readonly oidcIdentity: string | null
  readonly createdAt: string
  readonly createdBy: string
  readonly disabledAt: string | null
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
