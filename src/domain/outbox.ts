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

/** One message about one person and one turn in their life; the same turn is told once, however often it is written. */
export function personMessage(id: string, kind: string, employeeId: string, at: string): OutboxMessage {
  return {
    id,
    dedupeKey: `${kind}:${employeeId}`,
    kind,
    payload: JSON.stringify({ employeeId }),
    createdAt: at,
    deliveredAt: null,
    attempts: 0,
    nextTryAt: at,
    lastProblem: null,
  }
}
