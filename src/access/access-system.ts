/**
 * The one shape of every place where access can exist: a hub's peers, a firewall table, a revocation list, a PBX.
 * The database says what should be; an AccessSystem looks, acts and looks again. Only a look may say that a door is shut.
 */
import type { Subject } from '../domain/access.ts'

export interface AccessSystem<S extends Subject, Snapshot> {
  /** `tunnel`, `firewall`, `certificate`, `allow-list`, `sip-account`, `phone-door`, `administrator`. */
  readonly kind: string
  /** Which one of that kind: the id of the hub, PBX or authority. */
  readonly instance: string

  /**
   * One complete listing, strangers included. Throws an AppError when it cannot be had whole: a failed, partial or
   * doubtful read must never look like an empty one.
   */
  read(signal: AbortSignal): Promise<Snapshot>

  /** The quick look after an act: enough of a snapshot to judge these subjects. Absent: `read` is quick enough. */
  readSome?(subjects: readonly S[], signal: AbortSignal): Promise<Snapshot>

  /** Pure. `as-desired` and `differs` are said only of what the snapshot really shows. */
  judge(subject: S, snapshot: Snapshot): Finding

  /**
   * Makes these subjects as they should be, by difference: nothing else in the system is touched, no other phone
   * notices. Idempotent and batched; may be killed at any point and called again. That it returns proves nothing.
   */
  apply(subjects: readonly S[], signal: AbortSignal): Promise<void>

  /**
   * How many subjects one pass acts on, where an act takes its time for each of them: a closing never waits behind a
   * thousand openings, and a pass ends before its time is over. Left out: any number.
   */
  readonly mostAtOnce?: number

  /**
   * Shuts these while another `apply` may be running: only where the system itself takes care that such a request is not
   * undone. It saves the wait, not the proof: the ordinary pass follows.
   */
  shutAtOnce?(subjects: readonly S[], signal: AbortSignal): Promise<void>

  /** What the snapshot holds that nobody here issued, in words; reported as drift, never touched. */
  strangers?(subjects: readonly S[], snapshot: Snapshot): readonly string[]
}

export type Finding =
  | { readonly state: 'as-desired'; readonly evidence: Evidence }
  | {
      readonly state: 'differs'
      readonly evidence: Evidence
      readonly problem: string
      readonly hint?: string
      /** It is the system's own trouble, in the same words for each of its subjects: the audit log has it once. */
      readonly ofAll?: true
      /** More is wanted than the system was ever told: to be done now, but nobody undid it, so it is no drift. */
      readonly isNew?: true
    }
  /** The system was reached and took the change, but cannot show it. */
  | { readonly state: 'unverifiable'; readonly evidence: Evidence; readonly problem: string; readonly hint?: string }
  /** A person must do something outside and tick it; `problem` is the step in plain words. */
  | { readonly state: 'waiting'; readonly evidence: Evidence; readonly problem: string; readonly hint?: string }

/**
 * What was read, as a sentence for people and facts for machines. Says no more than was seen, holds no secret and no
 * volatile figures: an unchanged world gives equal evidence.
 */
export interface Evidence {
  readonly summary: string
  readonly facts: Readonly<Record<string, string | number | boolean | null>>
}
