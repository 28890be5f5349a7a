/**
 * A PBX. The driver knows extensions and credentials, not employees.
 *
 * Rules for every implementation (test/contracts/pbx.contract.ts runs on each, fakes included):
 * - An ability that a PBX lacks is absent or declared, never a stub that answers OK.
 * - `applyAccounts` is idempotent and changes by difference: accounts that are not named stay byte for byte as they are;
 *   what Ringfence did not make is never touched. It may be killed at any point and called again.
 * - Reads show what is *in force* in the running PBX, not what was written; complete or an error, never partial.
 * - Errors: PBX_UNREACHABLE (retryable), PBX_REFUSED (it answered and said no; hint says what to check).
 * - An extension without a credential has no account: never one that accepts calls without authentication.
 * - Matching is exact: an act on 100 never hits 1001.
 */
import type { CallPolicy } from '../domain/call-policy.ts'
import type { Outliving, OwnKind, SharedKind } from '../domain/outliving.ts'
import type { Secret } from '../domain/secret.ts'

export interface PbxDriver {
  /** `asterisk`, `manual`, … */
  readonly kind: string
  readonly abilities: PbxAbilities
  /** How long one pass of changes may take, where a change takes longer than elsewhere. */
  readonly patienceMs?: number
  /** How many accounts one pass may change, where each takes its time. */
  readonly mostAtOnce?: number

  /** What this PBX is and whether it answers; for `doctor` and the start banner. */
  describe(signal: AbortSignal): Promise<PbxDescription>

  /**
   * Every account of ours that is in force, with registrations and calls. Extensions of others as `foreign`; what is
   * registered or talking on one of them is shown as well, as an account without credentials, because a leaver's phone may
   * be behind it.
   */
  readAccounts(signal: AbortSignal, sight?: Sight): Promise<PbxState>

  /** Brings these extensions, and only these, into the state that is given. */
  applyAccounts(accounts: readonly PbxAccount[], signal: AbortSignal): Promise<void>

  /** Removes registrations and ends calls. Absent where the PBX cannot. */
  readonly disconnect?: (targets: readonly DisconnectTarget[], signal: AbortSignal) => Promise<void>

  /**
   * Sends a SIP NOTIFY with this Event header to phones that are registered now, each over its own connection, and to no
   * other phone of the extension. One answer for each target, in their order. That it was sent is all that is known: the
   * phone's next fetch shows whether it obeyed. Present exactly when `abilities.resync` is true.
   */
  readonly notify?: (targets: readonly NotifyTarget[], signal: AbortSignal) => Promise<readonly NotifyAnswer[]>

  /** Manual PBXs: the step a person must do, in plain words. Present exactly when `abilities.readBack` is false. */
  readonly describeStep?: (account: PbxAccount) => string

  /**
   * Call forwards and the like that are set on these extensions now. Present unless
   * `reachOfLeftovers(outliving)` is `unseen`.
   * One that only a person can see is given with `clearable: false` and its words say what to do.
   */
  readonly readLeftovers?: (extensions: readonly string[], signal: AbortSignal) => Promise<readonly Leftover[]>

  /** Clears what `readLeftovers` shows as clearable. Present exactly when `outliving` says `cleared` of any. */
  readonly clearLeftovers?: (extensions: readonly string[], signal: AbortSignal) => Promise<void>

  /** What is done about each kind of thing that outlives a password. */
  readonly outliving: Outliving

  /**
   * PINs that many people of this PBX know, whoever had an extension may be one of them: DISA, conference rooms, PINs that
   * open outside lines. Read as one, however many extensions are closed. Never the PIN itself. Present exactly when
   * `outliving` says `read` of one of these kinds.
   */
  readonly readSharedPins?: (signal: AbortSignal) => Promise<readonly SharedPin[]>

  /**
   * Extensions that Ringfence did not make, with what can be compared. Looks only. Present exactly when
   * `abilities.adoption` is true: then an account with `adopted` takes such an extension over.
   */
  readonly listExisting?: (signal: AbortSignal) => Promise<readonly ExistingExtension[]>

  /**
   * Whether the PBX's own rules, which are the admin's and stay as they are, let these extensions dial more than their
   * policy. One answer for each, in their order. Present exactly when `abilities.callClasses` is `judged`.
   */
  readonly judgeCalls?: (wishes: readonly CallWish[], signal: AbortSignal) => Promise<readonly CallJudgement[]>

  /** The published revocation list on this PBX. Present exactly when `abilities.revocationLists` is `enforced`. */
  readonly revocations?: PbxRevocations
}

export interface PbxRevocations {
  /** Takes the newest published list over, and ends connections of certificates that stand in it. Idempotent. */
  enforce(signal: AbortSignal): Promise<void>
  /** The number of the list that new connections are checked against, as read back; null when that is not known. */
  inForce(signal: AbortSignal): Promise<number | null>
}

export interface PbxAbilities {
  /** The digest realm; fixed, since stored hashes contain it. Null where the PBX keeps clear secrets. */
  readonly realm: string | null
  readonly credentialsPerExtension: 'many' | 'one'
  /** Can show which credential is in force. Without it no verdict is ever green. */
  readonly readBack: boolean
  readonly endsRegistrations: boolean
  readonly endsCalls: boolean
  /** Can tell a registered phone to fetch its files again. */
  readonly resync: boolean
  /** What a client certificate means to it. */
  readonly certificates: 'required-on-own-port' | 'not-checked'
  readonly revocationLists: 'enforced' | 'not-checked'
  /** `digest`: only H(user:realm:secret) is stored there. */
  readonly storesSecretAs: 'digest' | 'clear' | 'unknown'
  /**
   * `enforced`: the policy of an account is in force on the PBX and can be read back; `judged`: a person sets it up in the
   * PBX's rules, and Ringfence reads whether these let it dial more; `absent`: a step for a person.
   */
  readonly callClasses: 'enforced' | 'judged' | 'absent'
  /** Extensions that are there already can be listed and taken over. */
  readonly adoption: boolean
  /** False: it never says where a phone registered from, so that a registration without an address is nothing odd. */
  readonly tellsAddresses?: false
}

export interface PbxDescription {
  /** `Asterisk 22.10.1`; shown to people. */
  readonly product: string
  readonly problems: readonly { readonly message: string; readonly hint: string }[]
}

/** What a caller asks about, where looking at everything takes long. */
export interface Sight {
  /** Anything may be left out that tells nothing of these and of the credentials made for them. Left out: all. */
  readonly extensions?: readonly string[]
  /** False: every policy may be null. */
  readonly policies?: boolean
}

/** The whole desired state of one extension. No credentials = the account must be gone. */
export interface PbxAccount {
  readonly extension: string
  /** Caller's name as shown to others; any text, the driver escapes it for its format. */
  readonly displayName: string
  readonly credentials: readonly PbxCredential[]
  /** How many devices may be registered at once. */
  readonly maxContacts: number
  /** What it may dial; null: the PBX's own rules alone. Without effect unless `abilities.callClasses` is `enforced`. */
  readonly policy: CallPolicy | null
  /** An admin said that this extension, made by somebody else, is Ringfence's from now on. */
  readonly adopted: boolean
}

export interface PbxCredential {
  /** Stable id of the credential; together with `generation` it names one secret for ever. */
  readonly id: string
  readonly generation: number
  /** What the phone sends as the digest username, e.g. `1001-k3f9`. */
  readonly username: string
  readonly secret: Secret
}

export interface PbxState {
  /** What answered: `Asterisk 22.10.1`. */
  readonly product: string
  readonly accounts: readonly PbxAccountInForce[]
  /** Extensions or objects on the PBX that Ringfence did not make, as far as it can see them. */
  readonly foreign: readonly string[]
  /** Ways into an extension, whoever made it, that Ringfence did not open. Absent where the PBX has no such thing. */
  readonly othersWaysIn?: readonly WayIn[]
}

export interface WayIn {
  readonly extension: string
  /** For people: `takes calls without a login`. */
  readonly words: string
}

export interface PbxAccountInForce {
  readonly extension: string
  /**
   * `digest`: H(user:realm:secret) as the running PBX shows it, lower-case hex; null where it shows none. Generation 0: a
   * secret that Ringfence never gave out.
   */
  readonly credentials: readonly CredentialInForce[]
  readonly registrations: readonly Registration[]
  readonly calls: readonly Call[]
  /** `policyText` of what is in force; null where the PBX shows none. */
  readonly policy: string | null
}

export interface CredentialInForce {
  readonly id: string
  readonly generation: number
  readonly digest: string | null
  /**
   * It is there, but `switched-off`: one click away from working, so not shut, and not open either; or `not-shown`: the
   * PBX hides this one, so that nothing can be said of it.
   */
  readonly doubt?: 'switched-off' | 'not-shown'
}

/** Something that goes on acting for an extension when its password is gone. */
export interface Leftover {
  readonly extension: string
  readonly kind: OwnKind
  /** For people: `calls are forwarded to 0171…`. Never a PIN. */
  readonly words: string
  readonly clearable: boolean
}

/** A PIN that does not belong to one extension. */
export interface SharedPin {
  readonly kind: SharedKind
  /** For people: what it opens and where it is changed. Never the PIN. */
  readonly words: string
}

export interface CallWish {
  readonly extension: string
  readonly policy: CallPolicy
}

export interface CallJudgement {
  readonly extension: string
  /** What was looked at and found, for the evidence. */
  readonly seen: string
  /** What a person must change, each in words that name the rule; none: the rules let it dial no more than its policy. */
  readonly steps: readonly string[]
}

/** An extension of somebody else's making. */
export interface ExistingExtension {
  readonly extension: string
  readonly displayName: string | null
  readonly email: string | null
  /** What else the PBX tells of it, for a person who compares: context, codecs, model. Never a secret. */
  readonly facts: Readonly<Record<string, string>>
  /** Null: it can be taken over. Else why not, and what a person can do. */
  readonly obstacle: string | null
}

export interface Call {
  /** Channel name or call id. */
  readonly id: string
  /** Address of the phone at the other end, without port; null where the PBX does not say. */
  readonly address: string | null
}

export interface Registration {
  /** The PBX's own handle for it. */
  readonly id: string
  readonly contact: string
  /** Source address as the PBX saw it, without port; null where it does not say. */
  readonly address: string | null
  readonly userAgent: string | null
}

export interface DisconnectTarget {
  readonly extension: string
  /** Only registrations and calls from these addresses; null: all of the extension's. */
  readonly addresses: readonly string[] | null
}

export interface NotifyTarget {
  readonly extension: string
  /** Only phones that registered from these addresses; null: all of the extension's. */
  readonly addresses: readonly string[] | null
  /** `check-sync;reboot=false` and the like. */
  readonly event: string
}

export interface NotifyAnswer {
  /** The contacts that it was sent to; none when no phone of the target is registered. */
  readonly told: readonly string[]
  /** Registered, but this PBX could not tell them, or not without telling other phones too. */
  readonly passedOver: readonly string[]
  /** Why, in words for people; where any was passed over. */
  readonly why?: string
}
