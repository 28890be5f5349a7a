/**
 * Everything that a person or a phone can do with Ringfence, in one list: what http and cli are built on, and what
 * main.ts puts together. Each deed lives in a file of its own beside this one.
 *
 * Deeds throw AppError (INVALID_INPUT with every problem, CONFLICT, NOT_FOUND, …) and have written nothing then.
 */
import type { VerdictState } from '../domain/condition.ts'
import type { Lifecycle } from '../domain/employee.ts'
import type { Secret } from '../domain/secret.ts'
import type { Actor, ApiToken, Role } from '../domain/token.ts'
import type { JoinStatus, JoinView } from './join-view.ts'
import type { TunnelProfile } from './managed-profile.ts'

/** `who` is an id, an e-mail address or an extension (its live holder, else the latest leaver). */
export interface Application {
  readonly overview: () => Overview
  readonly models: () => readonly ModelView[]

  readonly onboard: (input: OnboardInput, actor: Actor) => Promise<Onboarded>
  readonly addHandset: (who: string, handset: HandsetInput, actor: Actor) => Promise<Onboarded>
  readonly removeHandset: (handsetId: string, actor: Actor) => Promise<EmployeeView>
  /** A new link in place of the old one. */
  readonly invite: (who: string, actor: Actor) => Promise<Onboarded>
  /** The public key that the router of this person's home gateway made, where an admin was told it. */
  readonly setGatewayKey: (who: string, publicKey: string, actor: Actor) => Promise<EmployeeView>
  /** The click. Returns when it is committed and closing has begun; `settled` waits for the verdicts. */
  readonly offboard: (who: string, reason: string | null, actor: Actor) => Promise<EmployeeView>
  /** Resolves when nothing of this person is `retrying` or unjudged any more, or after `waitMs`; then the person as it is. */
  readonly settled: (who: string, waitMs: number, signal?: AbortSignal) => Promise<EmployeeView>
  /** Ticks the waiting and unverifiable lines of one system (`subjectId` null: all of its lines). */
  readonly acknowledge: (who: string, system: string, subjectId: string | null, actor: Actor) => Promise<EmployeeView>
  /** What must be typed into a PBX that is operated by hand; each look is recorded. */
  readonly showSecrets: (who: string, actor: Actor) => Promise<readonly SipSecretView[]>
  readonly erase: (who: string, actor: Actor) => Promise<void>

  readonly employees: (filter: { lifecycle?: Lifecycle }) => Promise<readonly EmployeeView[]>
  /** @throws NOT_FOUND */
  readonly employee: (who: string) => Promise<EmployeeView>
  /** The leaver file: frozen when complete, a preview of it before. @throws NOT_FOUND for people who did not leave. */
  readonly report: (who: string) => Promise<LeaverFile>

  /** Checks the whole text, then starts; progress by `importRun`. @throws INVALID_INPUT with every problem by row */
  readonly importRoster: (csv: Uint8Array, actor: Actor) => Promise<ImportView>
  readonly importRun: (id: string) => Promise<ImportView>

  readonly createToken: (
    label: string,
    role: Role,
    actor: Actor,
  ) => Promise<{ readonly view: TokenView; readonly token: Secret }>
  readonly tokens: () => Promise<readonly TokenView[]>
  readonly revokeToken: (id: string, actor: Actor) => Promise<TokenView>
  /** Null for anything that is not a live token. */
  readonly authenticate: (token: string) => Promise<Actor | null>
  /** Null for anything that is not the cookie of somebody who is fully signed in. */
  readonly authenticateSession: (cookie: string) => Promise<Actor | null>

  readonly doctor: () => Promise<DoctorReport>
  /** Calls back for every change until `stop` is called. */
  readonly subscribe: (listener: (event: LiveEvent) => void) => { stop(): void }
  readonly metrics: () => Promise<string>

  /** The employee's page; null for every refusal alike. */
  readonly join: (token: string) => Promise<JoinView | null>
  /** `<name>.conf` of one tunnel of this invite; null for every refusal alike. */
  readonly joinTunnel: (token: string, fileName: string) => Promise<DoorFile | null>
  /** Files beside the page: client certificate PEM for models that take it by hand. */
  readonly joinFile: (token: string, fileName: string) => Promise<DoorFile | null>
  /** The public key of a tunnel whose private half the employee's browser made; null for every refusal alike, else the `.conf` without it. */
  readonly takeBrowserKey: (token: string, tunnelId: string, publicKey: string) => Promise<string | null>
  /** What was seen of the tunnels and phones of this invite; null for every refusal alike. */
  readonly joinStatus: (token: string) => Promise<JoinStatus | null>
  /** The tunnel of a handset as a profile for the device management of Apple devices. @throws NOT_FOUND, CONFLICT */
  readonly managedProfile: (tunnelId: string, platform: 'ios' | 'macos', actor: Actor) => Promise<TunnelProfile>
  /** What a phone asks for; every answer and refusal goes into the ledger. Null: the one 404. */
  readonly serveFile: (request: DoorRequest) => Promise<DoorFile | null>
  /** The public key that a home gateway's router tells through its own link. False for every refusal alike. */
  readonly takeGatewayKey: (token: string, publicKey: string) => Promise<boolean>
  /** Called for each request to an invite's page or files, with what became of it. */
  readonly enterVisit: (visit: InviteVisit) => Promise<void>
  readonly revocationList: () => Promise<Buffer>
}

export interface OnboardInput {
  readonly name: string
  readonly email: string
  readonly extension: string
  readonly handsets: readonly HandsetInput[]
  /** Kind of the home gateway for desk phones without WireGuard; default `plain`. */
  readonly gateway?: string | undefined
  /** Somebody of the same home, on whose gateway these phones hang instead of one of their own. */
  readonly gatewayOf?: string | undefined
}

export interface HandsetInput {
  readonly model: string
  readonly mac?: string | null | undefined
  readonly gateway?: string | undefined
  readonly gatewayOf?: string | undefined
}

/** The only answer that carries bearer secrets. */
export interface Onboarded {
  readonly employee: EmployeeView
  readonly invite: { readonly url: string; readonly expiresAt: string }
  /** By handset id; ends in `/`. */
  readonly provisioningUrls: Readonly<Record<string, string>>
  readonly warnings: readonly string[]
}

/** What the admin of a PBX that is operated by hand must type in. */
export interface SipSecretView {
  readonly extension: string
  readonly username: string
  readonly generation: number
  readonly secret: Secret
}

/** Exactly the contract of the API (design 6). */
export interface EmployeeView {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly extension: string
  readonly lifecycle: Lifecycle
  readonly createdAt: string
  readonly offboardRequestedAt: string | null
  readonly offboardedAt: string | null
  readonly handsets: readonly HandsetView[]
  readonly tunnels: readonly TunnelView[]
  readonly access: readonly AccessLine[]
}

export interface HandsetView {
  readonly id: string
  readonly model: string
  readonly mac: string | null
  readonly tunnelId: string | null
  /** Behind a home gateway: its reserved address in the gateway's phone network. */
  readonly phoneAddress: string | null
  readonly certificate: { readonly serial: string; readonly notAfter: string } | null
  /** Why there is no certificate, in words; null when there is one. */
  readonly certificateNote: string | null
  readonly files: readonly string[]
  readonly enrolledAt: string | null
  readonly removedAt: string | null
}

export interface TunnelView {
  readonly id: string
  readonly carrier: { readonly kind: 'handset' | 'gateway'; readonly id: string }
  readonly addresses: readonly string[]
  readonly publicKey: string | null
  readonly keyOrigin: string
  readonly lastHandshakeAt: string | null
}

export interface AccessLine {
  readonly system: string
  readonly instance: string
  readonly subject: { readonly kind: string; readonly id: string }
  readonly wanted: 'open' | 'closed'
  readonly verdict: VerdictState
  readonly evidence: { readonly summary: string; readonly facts: Readonly<Record<string, unknown>> } | null
  readonly problem: string | null
  readonly hint: string | null
  readonly nextTryAt: string | null
  readonly at: string
  readonly acknowledged: { readonly by: string; readonly at: string } | null
}

export interface LeaverFile {
  readonly version: 1
  readonly complete: boolean
  readonly employee: { readonly id: string; readonly name: string; readonly email: string; readonly extension: string }
  readonly requestedAt: string
  readonly requestedBy: string
  readonly reason: string | null
  readonly completedAt: string | null
  readonly durationMs: number | null
  readonly doors: readonly AccessLine[]
  readonly handsets: readonly {
    readonly model: string
    readonly mac: string | null
    readonly certificateSerials: readonly string[]
  }[]
  /** What came later, from the audit chain: drift that was corrected, ticks. */
  readonly addenda: readonly { readonly at: string; readonly kind: string; readonly summary: string }[]
  readonly auditHead: { readonly position: number; readonly hash: string } | null
}

export interface ImportView {
  readonly id: string
  readonly total: number
  readonly done: number
  readonly finished: boolean
  readonly people: readonly {
    readonly email: string
    readonly extension: string
    readonly state: 'queued' | 'onboarded' | 'failed'
    readonly employeeId: string | null
    readonly inviteUrl: string | null
    readonly problem: string | null
  }[]
}

export interface TokenView
  extends Pick<ApiToken, 'id' | 'label' | 'role' | 'createdAt' | 'createdBy' | 'lastUsedAt' | 'revokedAt'> {}

export interface ModelView {
  readonly id: string
  readonly vendor: string
  readonly kind: 'desk-phone' | 'softphone' | 'gateway'
  readonly name: string
  readonly capabilities: Readonly<Record<string, unknown>>
  readonly notes: readonly string[]
}

export interface Overview {
  /** What is not configured and therefore only good for trying. */
  readonly demo: readonly string[]
}

export interface DoctorReport {
  readonly checks: readonly DoctorCheck[]
}

export interface DoctorCheck {
  readonly area: 'host' | 'hub' | 'phone door' | 'pbx' | 'pki' | 'store' | 'settings'
  readonly state: 'ok' | 'note' | 'problem'
  readonly message: string
  /** The command or step that mends it. */
  readonly hint: string | null
}

export interface LiveEvent {
  readonly kind: 'verdict' | 'employee' | 'import'
  readonly employeeId: string | null
  readonly data: Readonly<Record<string, unknown>>
}

export interface DoorRequest {
  readonly token: string
  readonly fileName: string
  readonly remoteAddress: string
  readonly userAgent: string | null
  readonly ifNoneMatch: string | null
  readonly method: 'GET' | 'HEAD'
}

export interface InviteVisit {
  readonly token: string
  /** `page`, or the name of the file. */
  readonly fileName: string
  readonly remoteAddress: string
  readonly userAgent: string | null
  readonly served: boolean
}

export interface DoorFile {
  readonly contentType: string
  readonly body: string
  /** Strong ETag with quotes. */
  readonly etag: string
  readonly notModified: boolean
}
