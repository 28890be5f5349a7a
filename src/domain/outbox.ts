/** A message that must reach somebody even if the process dies now: written with what it tells of, delivered later. */
export interface OutboxMessage {
  readonly id: string
  /** One message for one thing, however often it is written. */
  readonly dedupeKey: string
  readonly kind: string
  /** JSON, no secret. */
  readonly payload: string
  readonly createdAt: string
  readonly deliveredAt: string | null
  readonly attempts: number
  readonly nextTryAt: string
  readonly lastProblem: string | null
}
