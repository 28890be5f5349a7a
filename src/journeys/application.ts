/**
 * Everything that a person or a phone can do with Ringfence, in one list: what http and cli are built on, and what
 * main.ts puts together. Each deed lives in a file of its own beside this one.
 *
 * Deeds throw AppError (INVALID_INPUT with every problem, CONFLICT, NOT_FOUND, …) and have written nothing then.
 */
import type { CallPolicy, CallPolicyInput } from '../domain/call-policy.ts'
import type { VerdictState } from '../domain/condition.ts'
import type { Lifecycle } from '../domain/employee.ts'
import type { PhoneSettingAddress } from '../domain/phone-setting.ts'
import type { Secret } from '../domain/secret.ts'
import type { Actor, ApiToken, Role } from '../domain/token.ts'
import type { Model } from '../phones/phone-port.ts'
import type { CallDeeds } from './calls-view.ts'
import type { DoctorReport } from './doctor-view.ts'
import type { DoorDeeds } from './door-view.ts'
import type { FilePreview, HandsetFile, TemplateReload } from './file-view.ts'
import type { HandsetDeeds } from './handsets-view.ts'
import type { LeaverFile } from './leaver-view.ts'
import type { MailChoice, MailDeeds } from './mail-view.ts'
import type { TunnelProfile } from './managed-profile.ts'
import type { PbxDeeds } from './pbx-view.ts'
import type { PeopleDeeds } from './people-view.ts'
import type { BlankedView, PhonePasswords, ResyncView } from './phone-view.ts'
import type { RecordDeeds } from './records-view.ts'
import type { ImportView, RosterDeeds } from './roster-view.ts'
import type { EffectiveSettingView, PhoneSettingChange, PhoneSettingView } from './setting-view.ts'
import type { HandOverDeeds } from './sheet-view.ts'
import type { AccountDeeds, AdministratorDeeds, SignInDeeds } from './sign-in-view.ts'

/**
 * `who` is an id, an e-mail address or an extension (its live holder, else the latest leaver). `handsetId` is also taken as a
 * MAC address, or as a `who` that has exactly one handset.
 */
export interface Application extends DoorDeeds {
  readonly overview: () => Overview
  readonly models: () => readonly ModelView[]

  readonly onboard: (input: OnboardInput, actor: Actor) => Promise<Onboarded>
  readonly addHandset: (who: string, handset: HandsetInput, actor: Actor) => Promise<Onboarded>
  readonly removeHandset: (handsetId: string, actor: Actor) => Promise<EmployeeView>
  /** Tells the phone to fetch its files again. @throws CONFLICT when it was taken back */
  readonly resyncHandset: (handsetId: string, actor: Actor) => Promise<ResyncView>
  /** Takes it back, and says how it comes to the document that takes its account away. */
  readonly blankHandset: (handsetId: string, actor: Actor) => Promise<BlankedView>
  /** The passwords of the phone's own pages; each look is recorded. @throws CONFLICT when its files set none */
  readonly showPhonePasswords: (handsetId: string, actor: Actor) => Promise<PhonePasswords>
  /** A new link in place of the old one. */
  readonly invite: (who: string, actor: Actor) => Promise<Onboarded>
  /** The tunnel of a handset as a profile for the device management of Apple devices. @throws NOT_FOUND, CONFLICT */
  readonly managedProfile: (tunnelId: string, platform: 'ios' | 'macos', actor: Actor) => Promise<TunnelProfile>
  /** The public key that the router of this person's home gateway made, where an admin was told it. */
  readonly setGatewayKey: (who: string, publicKey: string, actor: Actor) => Promise<EmployeeView>
  /** The click. Returns when it is committed and closing has begun; `settled` waits for the verdicts. */
  readonly offboard: (who: string, reason: string | null, actor: Actor) => Promise<EmployeeView>
  /** Resolves when nothing of this person is `retrying` or unjudged any more, or after `waitMs`; then the person as it is. */
  readonly settled: (who: string, waitMs: number, signal?: AbortSignal) => Promise<EmployeeView>
  /** Ticks the waiting and unverifiable lines of one system (`subjectId` null: all of its lines). */
  /** `shown`: `wordsMark` of what was seen; without it whatever the lines say now is ticked. */
  readonly acknowledge: (
    who: string,
    system: string,
    subjectId: string | null,
    actor: Actor,
    shown?: string | null,
  ) => Promise<EmployeeView>
  /** What must be typed into a PBX that is operated by hand; each look is recorded. */
  readonly showSecrets: (who: string, actor: Actor) => Promise<readonly SipSecretView[]>
  readonly erase: (who: string, actor: Actor) => Promise<void>

  /** Everything that is set for phones' files, in all three layers. */
  readonly phoneSettings: () => Promise<readonly PhoneSettingView[]>
  /** What holds for one handset, and what it won over. @throws NOT_FOUND */
  readonly handsetSettings: (handsetId: string) => Promise<readonly EffectiveSettingView[]>
  readonly setPhoneSetting: (
    address: PhoneSettingAddress,
    value: string,
    options: { readonly dryRun: boolean },
    actor: Actor,
  ) => Promise<PhoneSettingChange>
  /** @throws NOT_FOUND when nothing is set there */
  readonly unsetPhoneSetting: (
    address: PhoneSettingAddress,
    options: { readonly dryRun: boolean },
    actor: Actor,
  ) => Promise<PhoneSettingChange>

  readonly employees: (filter: { lifecycle?: Lifecycle }) => Promise<readonly EmployeeView[]>
  /** @throws NOT_FOUND */
  readonly employee: (who: string) => Promise<EmployeeView>
  /** The leaver file: frozen when complete, a preview of it before. @throws NOT_FOUND for people who did not leave. */
  readonly report: (who: string) => Promise<LeaverFile>

  /** What the console's pages about people show and set. */
  readonly handsets: HandsetDeeds
  readonly records: RecordDeeds
  readonly people: PeopleDeeds
  readonly calls: CallDeeds
  readonly pbxs: PbxDeeds

  /** Checks the whole text, then starts; progress by `importRun`. @throws INVALID_INPUT with every problem by row */
  readonly importRoster: (csv: Uint8Array, actor: Actor, mail?: MailChoice) => Promise<ImportView>
  /** @param shownTo who sees its links: that is recorded */
  readonly importRun: (id: string, shownTo?: Actor) => Promise<ImportView>

  readonly handOver: HandOverDeeds
  readonly mails: MailDeeds
  readonly rosters: RosterDeeds

  readonly createToken: (
    label: string,
    role: Role,
    actor: Actor,
  ) => Promise<{ readonly view: TokenView; readonly token: Secret }>
  readonly tokens: () => Promise<readonly TokenView[]>
  readonly revokeToken: (id: string, actor: Actor) => Promise<TokenView>
  /** Null for anything that is not a live token. */
  readonly authenticate: (token: string) => Promise<Actor | null>
  /** Null for anything that is not the cookie of somebody who is fully signed in. `looking` does not count as use. */
  readonly authenticateSession: (cookie: string, by?: 'use' | 'looking') => Promise<Actor | null>

  readonly signIn: SignInDeeds
  readonly account: AccountDeeds
  readonly administrators: AdministratorDeeds

  /** The files of a live handset, and whether each would be another than the one last fetched. @throws NOT_FOUND */
  readonly handsetFiles: (handsetId: string) => Promise<readonly HandsetFile[]>
  /** One of them as the phone would get it now, every secret masked. @throws NOT_FOUND */
  readonly previewFile: (handsetId: string, fileName: string) => Promise<FilePreview>
  /** Reads the templates again and says whose files change; then uses them, unless it is a dry run. @throws TEMPLATE_INVALID */
  readonly reloadTemplates: (options: { readonly dryRun: boolean }, actor: Actor) => Promise<TemplateReload>

  readonly doctor: () => Promise<DoctorReport>
  /** Calls back for every change until `stop` is called. */
  readonly subscribe: (listener: (event: LiveEvent) => void) => { stop(): void }
  readonly metrics: () => Promise<string>
}

export interface OnboardInput {
  readonly name: string
  readonly email: string
  readonly extension: string
  /** Name of the PBX; the first where none is named. */
  readonly pbx?: string | undefined
  /** Takes over an extension that is on the PBX already. */
  readonly adopt?: boolean | undefined
  /** What the extension may dial; left out: nothing is chosen. */
  readonly calls?: CallPolicyInput | undefined
  readonly handsets: readonly HandsetInput[]
  /** Kind of the home gateway for desk phones without WireGuard; default `plain`. */
  readonly gateway?: string | undefined
  /** Somebody of the same home (or the network of the phones there), on whose gateway these hang instead of one of their own. */
  readonly gatewayOf?: string | undefined
  /** Sends the link by mail, in this language. */
  readonly mail?: MailChoice | undefined
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
  /** Name of the PBX that has the extension. */
  readonly pbx: string
  /** What the extension may dial; null: nothing was chosen, the PBX's own rules hold alone. */
  readonly calls: CallPolicy | null
  readonly lifecycle: Lifecycle
  readonly createdAt: string
  readonly offboardRequestedAt: string | null
  readonly offboardedAt: string | null
  readonly handsets: readonly HandsetView[]
  readonly tunnels: readonly TunnelView[]
  /** Also of others who carry their phones, and those that stayed for others when they left. */
  readonly gateways: readonly GatewayView[]
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
  /** In words where it stands: `enrolled`, `access revoked; tombstone not fetched yet` … */
  readonly status: string
  /** What it last said of itself in its User-Agent: a hint, never an authority. */
  readonly seen: {
    readonly model: string | null
    readonly firmware: string | null
    readonly mac: string | null
    readonly at: string
  } | null
  /** What does not fit, in sentences. */
  readonly warnings: readonly string[]
  /** First fetch of the document that takes the account away. */
  readonly blankedAt: string | null
}

export interface TunnelView {
  readonly id: string
  readonly carrier: { readonly kind: 'handset' | 'gateway'; readonly id: string }
  readonly addresses: readonly string[]
  readonly publicKey: string | null
  readonly keyOrigin: string
  readonly lastHandshakeAt: string | null
}

export interface GatewayView {
  readonly id: string
  readonly kind: string
  /** Networks of its phones. */
  readonly subnets: readonly string[]
  readonly owner: { readonly id: string; readonly name: string; readonly extension: string }
  readonly lastHeardAt: string | null
}

export interface AccessLine {
  readonly system: string
  readonly instance: string
  /**
   * `name`: the handset or gateway that it belongs to, in words. `mark`: what it is known by there (address, start of a
   * key, serial, account). Leaver files of before have neither.
   */
  readonly subject: {
    readonly kind: string
    readonly id: string
    readonly name?: string | null | undefined
    readonly mark?: string | null | undefined
  }
  readonly wanted: 'open' | 'closed'
  readonly verdict: VerdictState
  readonly evidence: { readonly summary: string; readonly facts: Readonly<Record<string, unknown>> } | null
  readonly problem: string | null
  readonly hint: string | null
  readonly nextTryAt: string | null
  readonly at: string
  /** Since when it has to be shut; null while it is open. Leaver files of before do not say it. */
  readonly shutAt?: string | null | undefined
  readonly acknowledged: { readonly by: string; readonly at: string } | null
}

export interface TokenView
  extends Pick<ApiToken, 'id' | 'label' | 'role' | 'createdAt' | 'createdBy' | 'lastUsedAt' | 'revokedAt'> {}

export interface ModelView
  extends Pick<Model, 'id' | 'vendor' | 'kind' | 'name' | 'capabilities' | 'notes' | 'warnings'> {}

export interface Overview {
  /** What is not configured and therefore only good for trying. */
  readonly demo: readonly string[]
  /** Names of those on which each change is a step for a person. */
  readonly pbxsByHand: readonly string[]
}

export interface LiveEvent {
  readonly kind: 'verdict' | 'employee' | 'import'
  readonly employeeId: string | null
  readonly data: Readonly<Record<string, unknown>>
}
