/**
 * What signing in needs from outside: the libraries for passwords, authenticator apps, passkeys and single sign-on. The
 * journeys know these shapes only. None of them keeps a state of its own that a restart would lose.
 */
import type { Passkey } from '../domain/administrator.ts'
import type { Problem } from '../domain/parse.ts'
import type { Secret } from '../domain/secret.ts'
import type { Role } from '../domain/token.ts'

export interface SignInTools {
  readonly passwords: Passwords
  readonly authenticatorApp: AuthenticatorApp
  readonly passkeys: Passkeys
  /** Null where it is not set up. */
  readonly singleSignOn: SingleSignOn | null
}

export interface Passwords {
  /** argon2id in PHC string form. */
  hash(password: Secret): Promise<string>
  /**
   * Costs the same whatever `hash` is: without one (nobody, or somebody without a password) the same work is done on a
   * hash that fits no password, and the answer is no.
   */
  verify(hash: string | null, password: Secret): Promise<boolean>
  /** Null when it is good enough. `personal`: words that are no secret here, such as their own name. */
  weakness(password: Secret, personal: readonly string[]): Promise<Problem | null>
}

/** Time-based one-time passwords (RFC 6238). */
export interface AuthenticatorApp {
  newKey(): Secret
  /** What its QR code says. */
  address(key: Secret, email: string): Secret
  /** Base32, for typing. */
  readable(key: Secret): Secret
  /** The time step whose code this is, the one before and the one after included; null when it is none of them. */
  stepOf(key: Secret, code: string, now: Date): number | null
}

export interface Passkeys {
  /** The name of the host that passkeys belong to; null where the console is opened by IP address only. */
  readonly host: string | null
  /** Options for `navigator.credentials.create`, as JSON. */
  creation(
    who: { readonly id: string; readonly email: string; readonly name: string },
    known: readonly Passkey[],
    now: Date,
  ): Promise<string>
  /** Null for every answer that proves nothing. */
  created(answer: string, now: Date): Promise<Pick<Passkey, 'credentialId' | 'publicKey' | 'counter'> | null>
  /** Options for `navigator.credentials.get`, as JSON; without `known` the browser offers what it has. */
  request(known: readonly Passkey[] | null, now: Date): Promise<string>
  /** Which passkey the answer speaks of; nothing is proved by it. Null when it is no answer. */
  spokenOf(answer: string): string | null
  /** The new counter, when the answer proves that the owner of this passkey is there and was verified; else null. */
  used(answer: string, passkey: Passkey, now: Date): Promise<number | null>
}

/** OpenID Connect, authorization code with PKCE. */
export interface SingleSignOn {
  readonly name: string
  /** @throws AppError SERVER_UNREACHABLE while the provider does not answer */
  begin(): Promise<{ readonly url: string; readonly pending: PendingSignOn }>
  /** Null when the answer does not belong to what was begun, or the provider says no. */
  finish(answer: URL, pending: PendingSignOn): Promise<SignedOn | null>
}

/** What the browser keeps sealed between the two halves. */
export interface PendingSignOn {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

export interface SignedOn {
  /** `<issuer> <subject>`. */
  readonly identity: string
  readonly email: string | null
  readonly name: string | null
  /** Of the first mapped value in the role claim; null: no entry. */
  readonly role: Role | null
}
