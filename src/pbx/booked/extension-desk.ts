/**
 * What a PBX that holds one secret for an extension lets Ringfence do through its management interface. Each method is one
 * kind of request and nothing more; booked-driver.ts makes a driver of it.
 *
 * Errors: PBX_UNREACHABLE (retryable), PBX_REFUSED. A listing is whole or an error.
 */
import type { Secret } from '../../domain/secret.ts'
import type { AccountBook } from '../account-book.ts'
import type { PbxAccount, Registration } from '../pbx-driver.ts'

export interface ExtensionDesk {
  product(signal: AbortSignal): Promise<string>
  /** Every extension there is. */
  list(signal: AbortSignal): Promise<readonly Listed[]>
  /** These, as far as they are there; exact matches only. */
  find(extensions: readonly string[], signal: AbortSignal): Promise<readonly Listed[]>
  /** Everything about one; null when it is gone. */
  look(objectId: string, signal: AbortSignal): Promise<Looked | null>
  /** The new object's id. */
  create(account: NewExtension, signal: AbortSignal): Promise<string>
  /** `displayName` null: it keeps the name that it has. */
  open(objectId: string, login: Login & { readonly displayName: string | null }, signal: AbortSignal): Promise<void>
  /** Every other way into it gets a secret that nobody knows, as far as the interface can; `open` follows. */
  renewWaysIn(objectId: string, signal: AbortSignal): Promise<void>
  /** Those of `Looked.settings` that hold the name. */
  readonly nameSettings: readonly string[]
  /** Blocks it, and gives it secrets that nobody knows. The extension stays, with what belongs to it. */
  shut(looked: Looked, signal: AbortSignal): Promise<void>
  /** Writes back what a change took along. */
  restore(objectId: string, settings: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void>
  calls(signal: AbortSignal): Promise<readonly OngoingCall[]>
  hangUp(callId: string, signal: AbortSignal): Promise<void>
}

/** Such a PBX, and what Ringfence noted of it. */
export interface BookedPbx {
  readonly desk: ExtensionDesk
  readonly book: AccountBook
  readonly realm: string
  /** What more must hold for an account on this PBX. */
  readonly requireFit?: (account: PbxAccount) => void
}

export interface Login {
  readonly username: string
  readonly secret: Secret
  readonly maxContacts: number
}

export interface NewExtension extends Login {
  readonly extension: string
  readonly displayName: string
}

export interface Listed {
  readonly extension: string
  readonly objectId: string
  readonly displayName: string | null
  readonly email: string | null
  readonly facts: Readonly<Record<string, string>>
  readonly registrations: readonly Registration[]
}

export interface Looked {
  readonly objectId: string
  /** False: nobody can log in, whatever the secret. Null: this PBX has no such switch. */
  readonly enabled: boolean | null
  readonly username: string
  readonly secret: Secret
  /** All other settings, those left out that change by themselves: what must be the same after a change of ours. */
  readonly settings: Readonly<Record<string, unknown>>
}

export interface OngoingCall {
  readonly id: string
  /** Extensions of the PBX that take part. */
  readonly extensions: readonly string[]
}
