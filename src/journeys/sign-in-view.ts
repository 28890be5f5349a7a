/** What signing in, one's own account and the administrators look like to the pages, the API and the command line. */
import type { Session } from '../domain/administrator.ts'
import type { Secret } from '../domain/secret.ts'
import type { Actor, Role } from '../domain/token.ts'

/** Who is at the other end of a request. */
export interface Visitor {
  readonly remoteAddress: string
  /** The smallest network that this address is one of several of: what slows down together. */
  readonly network: string
  readonly userAgent: string | null
}

/** The cookie of a session that has just begun; every rise of level is a new one. */
export interface SignedIn {
  readonly cookie: Secret
  readonly expiresAt: string
  /** `second-factor`: nothing but that may be done with it. */
  readonly next: 'console' | 'second-factor'
}

export interface SignInWays {
  /** Options of a passkey request as JSON. */
  readonly passkeyRequest: string
  /** The host that passkeys belong to; null: none. */
  readonly passkeyHost: string | null
  readonly consoleUrl: string
  /** What the button of single sign-on says; null without it. */
  readonly singleSignOn: string | null
  /** Nobody has been made yet: the set-up link is the way. */
  readonly firstOwner: boolean
}

/** After the password: what is asked, or what must be set up before anything else. */
export type SecondStep = { readonly email: string; readonly passkeyHost: string | null } & (
  | { readonly step: 'ask'; readonly code: boolean; readonly passkeyRequest: string | null }
  | { readonly step: 'enrol'; readonly key: AuthenticatorKey; readonly passkeyCreation: string }
)

export interface AuthenticatorKey {
  /** For typing. */
  readonly readable: Secret
  /** For the QR code. */
  readonly address: Secret
}

export interface SetupView {
  readonly purpose: 'first-owner' | 'new' | 'recovery'
  /** Null for the first owner, who is still to say. */
  readonly email: string | null
  readonly name: string | null
  readonly role: Role
  readonly expiresAt: string
  readonly passkeyCreation: string
  readonly passkeyHost: string | null
  readonly consoleUrl: string
}

export interface SetupInput {
  /** Counts for the first owner only. */
  readonly name: string
  readonly email: string
}

/**
 * Null is the one answer for everything that is not right: wrong, unknown, disabled, run out and too many tries look alike.
 */
export interface SignInDeeds {
  readonly ways: () => Promise<SignInWays>
  /** `signal`: whoever asked hung up, and need not be waited for. */
  readonly withPassword: (
    email: string,
    password: Secret,
    visitor: Visitor,
    signal?: AbortSignal,
  ) => Promise<SignedIn | null>
  /** A passkey alone is a full sign-in: it is had, and its owner was verified by it. */
  readonly withPasskey: (answer: string, visitor: Visitor) => Promise<SignedIn | null>
  /** Null without a session that waits for it. */
  readonly secondStep: (cookie: string) => Promise<SecondStep | null>
  readonly withCode: (cookie: string, code: string, visitor: Visitor) => Promise<SignedIn | null>
  readonly enrolCode: (cookie: string, code: string, visitor: Visitor) => Promise<SignedIn | null>
  readonly enrolPasskey: (cookie: string, answer: string, visitor: Visitor) => Promise<SignedIn | null>
  /** @throws NOT_FOUND where it is not set up, SERVER_UNREACHABLE */
  readonly beginSingleSignOn: (next: string) => Promise<{ readonly url: string; readonly sealed: string }>
  readonly finishSingleSignOn: (
    /** Path and query as the browser asked. */
    answer: string,
    sealed: string,
    visitor: Visitor,
  ) => Promise<{ readonly signedIn: SignedIn; readonly next: string } | null>
  readonly out: (cookie: string) => Promise<void>
  readonly setup: (token: string) => Promise<SetupView | null>
  /** @throws INVALID_INPUT for a weak password or a wrong e-mail address */
  readonly setupWithPassword: (
    token: string,
    input: SetupInput,
    password: Secret,
    visitor: Visitor,
  ) => Promise<SignedIn | null>
  readonly setupWithPasskey: (
    token: string,
    input: SetupInput,
    answer: string,
    visitor: Visitor,
  ) => Promise<SignedIn | null>
}

export interface SessionView
  extends Pick<Session, 'id' | 'how' | 'createdAt' | 'lastSeenAt' | 'remoteAddress' | 'userAgent'> {
  readonly own: boolean
}

export interface AccountView {
  readonly email: string
  readonly name: string
  readonly role: Role
  readonly hasPassword: boolean
  readonly hasAuthenticator: boolean
  readonly singleSignOn: boolean
  /** Whether a password or passkey kept here may be added and lets them in. */
  readonly localWays: boolean
  readonly secondFactorNeeded: boolean
  readonly passkeys: readonly {
    readonly id: string
    readonly label: string
    readonly createdAt: string
    readonly lastUsedAt: string | null
  }[]
  readonly sessions: readonly SessionView[]
  readonly passkeyCreation: string
  readonly passkeyHost: string | null
  readonly consoleUrl: string
}

/**
 * All by the cookie of a full session. What adds a way in or takes a factor away needs one that began just now.
 * @throws NOT_FOUND where there is none, FORBIDDEN where it is too old
 */
export interface AccountDeeds {
  readonly view: (cookie: string) => Promise<AccountView>
  /** Ends every other session and gives this one a new cookie. */
  readonly changePassword: (cookie: string, current: Secret, password: Secret, visitor: Visitor) => Promise<SignedIn>
  readonly newAuthenticator: (cookie: string) => Promise<AuthenticatorKey>
  /** @throws INVALID_INPUT for a wrong code */
  readonly confirmAuthenticator: (cookie: string, code: string) => Promise<void>
  /** @throws CONFLICT where it is the last second factor of a role that needs one */
  readonly removeAuthenticator: (cookie: string) => Promise<void>
  readonly addPasskey: (cookie: string, label: string, answer: string) => Promise<void>
  readonly removePasskey: (cookie: string, id: string) => Promise<void>
  readonly endSession: (cookie: string, id: string) => Promise<void>
}

export interface AdministratorView {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly role: Role
  readonly createdAt: string
  readonly createdBy: string
  readonly disabledAt: string | null
  /** `password`, `authenticator app`, `passkey`, `single sign-on`; none: the link was not used yet. */
  readonly ways: readonly string[]
  readonly lastSeenAt: string | null
}

/** `link` is a secret that is shown this once. */
export interface AdministratorLink {
  readonly administrator: AdministratorView
  readonly link: Secret
  readonly expiresAt: string
}

export interface AdministratorDeeds {
  readonly list: () => Promise<readonly AdministratorView[]>
  readonly invite: (
    input: { readonly name: string; readonly email: string; readonly role: Role },
    actor: Actor,
  ) => Promise<AdministratorLink>
  /** `who` is an id or an e-mail address. What they had goes when the link is used, not before. */
  readonly recover: (who: string, actor: Actor) => Promise<AdministratorLink>
  /** @throws CONFLICT for the last owner */
  readonly setRole: (who: string, role: Role, actor: Actor) => Promise<AdministratorView>
  readonly disable: (who: string, actor: Actor) => Promise<AdministratorView>
}
