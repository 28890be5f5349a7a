/** What is known of a phone that does not work, and what a cause is. */
import type { Wanted } from './access.ts'
import type { VerdictState } from './condition.ts'

export interface PhoneFacts {
  readonly now: Date
  readonly createdAt: string
  readonly enrolledAt: string | null
  /** It was enrolled before, and a new link waits for it. */
  readonly newLinkWaits: boolean
  readonly removedAt: string | null
  /** Until when its holder's link works; null: it was closed, or there is none. */
  readonly linkUntil: string | null
  /** Fetches of this handset, newest first. */
  readonly fetches: readonly FetchFact[]
  /** When its holder last opened the link's page; null: never. */
  readonly linkOpenedAt: string | null
  readonly tunnel: TunnelFacts | null
  readonly doors: readonly DoorFact[]
  /** Where what it says of itself does not fit what was handed out. */
  readonly doubts: readonly string[]
  readonly certificate: { readonly notBefore: string; readonly notAfter: string } | null
  /** When names or addresses changed since its files were handed out. */
  readonly staleSince: string | null
  /** The next fetch would give another file. */
  readonly filesDiffer: boolean
  /** Null: it could not be asked. */
  readonly hub: { readonly preview: boolean } | null
  readonly demo: readonly string[]
}

export interface FetchFact {
  readonly at: string
  readonly outcome: string
  readonly reason: string
  readonly remoteAddress: string
}

export interface TunnelFacts {
  readonly hasKey: boolean
  /** The router makes it and tells it. */
  readonly madeByRouter: boolean
  readonly firstHandshakeAt: string | null
  readonly lastHandshakeAt: string | null
  /** A new key waits for its first handshake. */
  readonly replacementWaits: boolean
  /** It hangs on a home gateway. */
  readonly throughGateway: boolean
}

export interface DoorFact {
  readonly system: string
  readonly wanted: Wanted
  readonly verdict: VerdictState
  readonly problem: string | null
  readonly hint: string | null
  readonly acknowledged: boolean
}

export type Certainty = 'certain' | 'likely' | 'possible'

/** Sentences without first capital and full stop. */
export interface Cause {
  readonly certainty: Certainty
  readonly what: string
  /** What was seen, and when; times as ISO text. */
  readonly seen: string
  readonly todo: string
}

export function cause(certainty: Certainty, what: string, seen: string, todo: string): Cause {
  return { certainty, what, seen, todo }
}
