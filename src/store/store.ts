/**
 * What is remembered, in domain words. One adapter (Kysely) serves SQLite and PostgreSQL; test/contracts/store.contract.ts
 * runs on both.
 *
 * - Times are ISO 8601 text in UTC, ids are text; a `null` means "not (yet)".
 * - A transaction is all or nothing and durable when it returns. Inside one, never wait for anything but the store:
 *   there is one writer at a time and everybody else waits. A failed operation fails its transaction, also when the
 *   error was caught; a transaction inside another is an error. Reads outside see what is committed and never wait.
 * - A unique rule that is broken throws AppError CONFLICT whose problem names the field (`extension`, `email`, `mac` …).
 */
import type { Subject, SubjectKind } from '../domain/access.ts'
import type { Administrator, Passkey, Session, SetupLink } from '../domain/administrator.ts'
import type { AuditDetail, AuditEvent, AuditKind } from '../domain/audit.ts'
import type { Certificate } from '../domain/certificate.ts'
import type { Verdict } from '../domain/condition.ts'
import type { Assignment, Employee } from '../domain/employee.ts'
import type { Gateway, Handset } from '../domain/handset.ts'
import type { Invite } from '../domain/invite.ts'
import type { Leaving } from '../domain/leaving.ts'
import type { Mail } from '../domain/mail.ts'
import type { OutboxMessage } from '../domain/outbox.ts'
import type { PhoneSetting } from '../domain/phone-setting.ts'
import type { SipCredential } from '../domain/sip-account.ts'
import type { Hub, Pbx, Site } from '../domain/site.ts'
import type { ApiToken } from '../domain/token.ts'
import type { Tombstone } from '../domain/tombstone.ts'
import type { Tunnel, TunnelAddress } from '../domain/tunnel.ts'
import type { Withdrawal } from '../domain/withdrawal.ts'
import type { ConsoleLists } from './console-lists.ts'
import type { LeaseHolder } from './lease-holder.ts'
import type { ShutAdministrator } from './shut-administrator.ts'

export interface Rows {
  site: Site
  pbx: Pbx
  hub: Hub
  employee: Employee
  assignment: Assignment
  handset: Handset
  gateway: Gateway
  tunnel: Tunnel
  tunnelAddress: TunnelAddress
  certificate: Certificate
  sipCredential: SipCredential
  invite: Invite
  verdict: Verdict
  tombstone: Tombstone
  withdrawal: Withdrawal
  apiToken: ApiToken
  outbox: OutboxMessage
  doorFetch: DoorFetch
  importRun: ImportRun
  setting: Setting
  phoneSetting: PhoneSetting
  servedFile: ServedFile
  administrator: Administrator
  session: Session
  passkey: Passkey
  setupLink: SetupLink
  leaving: Leaving
  mail: Mail
}

export type Table = keyof Rows

export interface StoreReader extends ConsoleLists {
  get<T extends Table>(table: T, id: string): Promise<Rows[T] | undefined>
  /** Every row whose columns equal the given ones (null matches null), oldest first (by id). */
  find<T extends Table>(table: T, where: Partial<Rows[T]>): Promise<readonly Rows[T][]>

  /** By id, e-mail, or extension: its live holder, else the latest leaver. @throws CONFLICT where two PBXs have it; `1001@branch` */
  employeeBy(who: string): Promise<Employee | undefined>
  /** Everything that hangs on these people, for their pages: one query a table, not one a person. */
  employeesWithAccess(filter: EmployeeFilter): Promise<readonly EmployeeAccess[]>

  /**
   * What each door should be: live rows as open subjects, tombstones as closed ones. `ids` limits it to some subjects.
   * Closed tunnels do not carry prefixes that meanwhile belong to somebody else.
   */
  subjects<K extends SubjectKind>(kind: K, ids?: readonly string[]): Promise<readonly Extract<Subject, { kind: K }>[]>

  /** Prefixes of this hub that are allotted now or were released after `since`. */
  takenPrefixes(hubId: string, since: string): Promise<readonly string[]>
  /** Who holds a prefix of this hub now: tunnels theirs, and phones behind gateways their reserved address, by id. */
  prefixHolders(hubId: string): Promise<ReadonlyMap<string, string>>
  /** The handset whose enrolment or steady token has this hash, live or removed. */
  handsetByTokenHash(hash: string): Promise<Handset | undefined>
  /** Whether this key is or ever was one of any tunnel's: a second tunnel with it would shut or open the first one's peer. */
  knowsTunnelKey(publicKey: string): Promise<boolean>
  /** How many keys of a tunnel that lives on were retired after `since`. */
  retiredTunnelKeys(tunnelId: string, since: string): Promise<number>
  /** Handsets that hold a certificate which was not revoked. */
  certifiedHandsets(): Promise<ReadonlySet<string>>
  /** Certificates that must stand in the revocation list: revoked and not yet run out. */
  revokedCertificates(now: string): Promise<readonly { serial: string; revokedAt: string }[]>
  /** In order of position: those after `after`, or without it the newest `limit`. */
  auditTrail(filter: { employeeId?: string; after?: number; limit: number }): Promise<readonly AuditEntry[]>
  /** Those of the claimed extensions, e-mail addresses and MAC addresses that somebody has now. */
  taken(pbxId: string, claims: Claims): Promise<Claims>
  /** How far these people are on the way from onboarding to a phone that speaks; all of them are in the answer. */
  howFar(employeeIds: readonly string[]): Promise<ReadonlyMap<string, HowFar>>
  /** Links of these people that are still good. */
  openInvites(employeeIds: readonly string[], now: string): Promise<readonly Invite[]>
  /** The latest roster runs without their rows, newest first. */
  recentImports(limit: number): Promise<readonly Omit<ImportRun, 'state'>[]>
  /** Mails that wait and whose time has come, those that waited longest first. */
  mailsDue(now: string, limit: number): Promise<readonly Mail[]>
  /** Ids of one page of the people that match, and how many match; `limit` 0 only counts. */
  peoplePage(
    filter: PeopleFilter,
    order: PeopleOrder,
  ): Promise<{ readonly ids: readonly string[]; readonly total: number }>
  modelsInUse(): Promise<readonly string[]>
  /** Audit events of these kinds with an id of at least `sinceId` (ids are in order of time), newest first. */
  eventsSince(filter: { kinds: readonly AuditKind[]; sinceId: string; limit: number }): Promise<readonly AuditEntry[]>
  /** What this person's phones and links asked for, newest first; `firstFromAddress` holds the ids of first contacts. */
  personLedger(
    employeeId: string,
    limit: number,
  ): Promise<{ readonly fetches: readonly DoorFetch[]; readonly firstFromAddress: ReadonlySet<string> }>
  counts(): Promise<Readonly<Record<'employees' | 'handsets' | 'openVerdicts' | 'leaversInProgress', number>>>
}

export interface StoreWriter extends StoreReader {
  insert<T extends Table>(table: T, rows: readonly Rows[T][]): Promise<void>
  /** Throws NOT_FOUND when no row has this id. */
  update<T extends Table>(table: T, id: string, patch: Partial<Rows[T]>): Promise<void>
  /** Changes only if the row still matches `expected`; says whether it did (compare and set). */
  updateIf<T extends Table>(table: T, id: string, expected: Partial<Rows[T]>, patch: Partial<Rows[T]>): Promise<boolean>
  /** Insert or replace by id, all columns. */
  put<T extends Table>(table: T, rows: readonly Rows[T][]): Promise<void>
  remove<T extends Table>(table: T, ids: readonly string[]): Promise<void>
  /** Disables them and ends every session, passkey and link of theirs. Their API tokens are not touched. */
  shutAdministrator(id: string, at: string): Promise<ShutAdministrator>

  /** Appends to the hash chain. `detail` is the erasable side and holds no secret. */
  record(event: NewAuditEvent): Promise<void>
  /** Next value of a named counter, from 1 (revocation list number and the like). */
  nextNumber(name: string): Promise<number>
}

export interface Store extends StoreReader {
  transaction<T>(work: (tx: StoreWriter) => Promise<T>): Promise<T>

  /**
   * The right to write to external systems, held by one server process. Taken over when the holder is gone (its process
   * on this host is dead) or let it run out. Each take has a higher token.
   * @throws AppError STORE_IN_USE while somebody else holds it.
   */
  acquireLease(name: string, holder: LeaseHolder, now: Date, ttlMs: number): Promise<Lease>
  /** False when somebody else holds it by now: stop writing. */
  renewLease(lease: Lease, now: Date, ttlMs: number): Promise<boolean>
  releaseLease(lease: Lease): Promise<void>

  /** The whole chain checked: null, or the position where it breaks. */
  verifyAuditChain(): Promise<number | null>
  /**
   * Erases a person's data everywhere but in the chain (names, e-mail, audit details). Write `employee.erased` to the log
   * before: its particulars stay. NOT_FOUND, or CONFLICT while the person is not offboarded.
   */
  erasePerson(employeeId: string, now: Date): Promise<void>
  /**
   * Keeps fetches of at most 400 days: the newest 100,000 of handsets and people and, apart from them, the newest 20,000
   * of strangers. Says how many went.
   */
  trimDoorLedger(now: Date): Promise<number>
  close(): Promise<void>
}

export interface Claims {
  readonly extensions: ReadonlySet<string>
  readonly emails: ReadonlySet<string>
  readonly macs: ReadonlySet<string>
}

export interface HowFar {
  /** Every SIP account was seen on the PBX, or somebody vouches for it. */
  readonly onPbx: boolean
  /** An account of theirs waits for somebody to make it. */
  readonly pbxWaits: boolean
  /** A mail was sent, or the link was opened. */
  readonly invited: boolean
  /** A tunnel has shaken hands. */
  readonly connected: boolean
  /** The latest. */
  readonly mail: Mail | null
}

export interface EmployeeFilter {
  readonly ids?: readonly string[]
  readonly lifecycle?: Employee['lifecycle']
}

/** All that is given must hold. */
export interface PeopleFilter {
  /** Words: each is part of the name or e-mail address, or begins the extension. */
  readonly search?: string
  readonly ids?: readonly string[]
  readonly lifecycle?: Employee['lifecycle']
  readonly siteId?: string
  /** Of a handset in use. */
  readonly model?: string
  /** Of a handset in use: its tunnel has one of these public keys, was last heard before a time, or never. */
  readonly tunnel?: { readonly heardOf: readonly string[] } | { readonly quietSince: string } | { readonly never: true }
  readonly openVerdicts?: true
  readonly certificateEndsBefore?: string
  readonly secretOlderThan?: string
  /** A leaving date is set and neither cancelled nor done. */
  readonly leavingSet?: true
}

export interface PeopleOrder {
  readonly sort: 'name' | 'extension' | 'created' | 'heard' | 'left'
  readonly descending: boolean
  readonly offset: number
  readonly limit: number
}

export interface EmployeeAccess {
  readonly employee: Employee
  readonly assignments: readonly Assignment[]
  readonly handsets: readonly Handset[]
  /** Their own, and others' on which phones of theirs hang; so with `tunnels` and `addresses`. */
  readonly gateways: readonly Gateway[]
  readonly tunnels: readonly Tunnel[]
  readonly addresses: readonly TunnelAddress[]
  readonly certificates: readonly Certificate[]
  readonly credentials: readonly SipCredential[]
  readonly verdicts: readonly Verdict[]
  /** Of shut doors that have no row of their own: former keys, phones that left a gateway, the way into the console. */
  readonly tombstones: readonly Tombstone[]
  /** Of what they left with: e-mail addresses and `pbxId extension` under which somebody else is found, or was. */
  readonly passedOn: ReadonlySet<string>
}

export interface NewAuditEvent {
  readonly id: string
  readonly at: string
  readonly kind: AuditKind
  readonly employeeId: string | null
  readonly subjectId: string | null
  /** Random, hex. */
  readonly salt: string
  readonly detail: Readonly<Record<string, unknown>>
}

export interface AuditEntry extends AuditEvent {
  /** Null when it was erased. */
  readonly detail: AuditDetail['detail'] | null
}

/** The phone door's ledger: every fetch and refusal with its real reason, never the content or the token. */
export interface DoorFetch {
  readonly id: string
  readonly at: string
  readonly handsetId: string | null
  readonly employeeId: string | null
  readonly remoteAddress: string
  readonly userAgent: string | null
  readonly fileName: string | null
  /** `served`, `not-modified`, `blanked`, `refused`. */
  readonly outcome: string
  readonly reason: string
  /** SHA-256 of what was served. */
  readonly contentHash: string | null
}

/** What a handset last got under a name, to compare with what it would get now. Written when it changes. */
export interface ServedFile {
  /** `<handset id>/<file name>`. */
  readonly id: string
  readonly handsetId: string
  readonly fileName: string
  readonly contentHash: string
  /** The same file with every secret masked, deflated and in base64. */
  readonly masked: string
  readonly at: string
}

export interface ImportRun {
  readonly id: string
  readonly createdAt: string
  readonly createdBy: string
  readonly total: number
  readonly done: number
  readonly finishedAt: string | null
  /** JSON: the rows still to do and what became of the others; no secret. */
  readonly state: string
}

export interface Setting {
  readonly id: string
  readonly value: string
}

export interface Lease {
  readonly name: string
  readonly token: number
  readonly holder: LeaseHolder
}
