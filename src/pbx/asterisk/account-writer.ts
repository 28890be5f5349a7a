/**
 * Where the accounts of an Asterisk are kept: files that pjsip.conf includes, tables (realtime), or objects made through
 * ARI. Whoever keeps them, what is in force is read from the manager interface; a writer is never asked.
 */

import type { ExistingExtension, PbxDescription } from '../pbx-driver.ts'
import type { AmiSession } from './ami-conversation.ts'
import type { AsteriskObject } from './asterisk-account.ts'

export interface AccountChange {
  /** Null: the extension's account goes. */
  readonly objects: readonly AsteriskObject[] | null
  /** An admin gave this extension, made by somebody else, to Ringfence. */
  readonly adopted: boolean
}

/** By extension. */
export type AccountChanges = ReadonlyMap<string, AccountChange>

/** Of the extensions asked for, those that this place holds. */
export interface Holdings {
  readonly ours: ReadonlySet<string>
  /** Made by somebody else, in this very place. */
  readonly foreign: ReadonlySet<string>
}

export interface AccountWriter {
  look(extensions: readonly string[], signal: AbortSignal): Promise<Holdings>
  /**
   * Brings these extensions into this state, by difference; others stay byte for byte as they are. At no moment is there
   * an endpoint without a login. May be killed anywhere and called again.
   */
  write(changes: AccountChanges, signal: AbortSignal): Promise<void>
  /** How many accounts are changed in one go, where each takes its time. */
  readonly mostAtOnce?: number
  /**
   * Accounts of ours from before the edge came, went or moved get what it asks of them now, and nothing else of them
   * changes. Absent where no edge can be in front. Returns the extensions that changed; `takeOver` is still to be called.
   */
  readonly align?: (signal: AbortSignal) => Promise<readonly string[]>
  /** The extensions that `align` would change. Looks only; present exactly where `align` is. */
  readonly unaligned?: (signal: AbortSignal) => Promise<readonly string[]>
  /** Makes the running Asterisk take over what was written for these extensions. */
  takeOver(session: AmiSession, changes: AccountChanges, signal: AbortSignal): Promise<void>
  /** Removes registrations that are kept beside Asterisk's own database. Absent where there is no such place. */
  readonly removeContacts?: (ids: readonly string[], signal: AbortSignal) => Promise<void>
  /** Actions of the manager interface that `takeOver` needs. */
  readonly managerActions: readonly string[]
  /** What keeps this place from working, for `doctor`. */
  problems(session: AmiSession, signal: AbortSignal): Promise<PbxDescription['problems']>
  /** Where taking over what is there already is possible: extensions that are not ours. */
  readonly listExisting?: (signal: AbortSignal) => Promise<readonly ExistingExtension[]>
}
