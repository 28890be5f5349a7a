import { createHash } from 'node:crypto'

/** Everything that can be recorded. The kind is stable; the words for people are made from it where it is shown. */
export type AuditKind =
  | 'settings.changed'
  | 'templates.reloaded'
  | 'employee.onboarded'
  | 'employee.imported'
  | 'employee.import-stopped'
  | 'employee.offboarding-requested'
  | 'employee.offboarded'
  | 'employee.erased'
  | 'leaving.set'
  | 'leaving.cancelled'
  | 'leaving.suspended'
  | 'handset.added'
  | 'handset.removed'
  | 'handset.enrolled'
  | 'handset.blanked'
  | 'handset.mismatch'
  | 'handset.passwords-shown'
  | 'handset.resync-asked'
  | 'phone-setting.changed'
  | 'calls.changed'
  | 'dial-plan.changed'
  | 'gateway.handed-over'
  | 'invite.created'
  | 'invite.shown'
  | 'mail.sent'
  | 'mail.failed'
  | 'mail.cancelled'
  | 'mail.retried'
  | 'mail.tested'
  | 'tunnel.key-replaced'
  | 'tunnel.first-handshake'
  | 'tunnel.key-erased'
  | 'tunnel.profile-taken'
  | 'sip-credential.rotated'
  | 'sip-credential.shown'
  | 'access.closed'
  | 'access.drift'
  | 'access.acknowledged'
  | 'access.half-done'
  | 'stranger.seen'
  | 'step.overdue'
  | 'journal.replayed'
  | 'token.created'
  | 'token.revoked'
  | 'administrator.invited'
  | 'administrator.set-up'
  | 'administrator.recovery'
  | 'administrator.role-changed'
  | 'administrator.disabled'
  | 'sign-in.done'
  | 'sign-in.failed'
  | 'session.ended'
  | 'password.changed'
  | 'authenticator.added'
  | 'authenticator.removed'
  | 'passkey.added'
  | 'passkey.removed'

/**
 * One link of the chain. It holds ids and a salted commitment only, so that a person's data can be erased from
 * `AuditDetail` without breaking the chain.
 */
export interface AuditEvent {
  readonly id: string
  /** 1, 2, 3 … without a gap. */
  readonly position: number
  readonly at: string
  readonly kind: AuditKind
  /** Id of the employee concerned, if any. */
  readonly employeeId: string | null
  /** Id of what it is about: a handset, a tunnel, a token … */
  readonly subjectId: string | null
  /** SHA-256 over salt and detail. */
  readonly commitment: string
  readonly previousHash: string
  readonly hash: string
}

/** The erasable side: who did it and the particulars. */
export interface AuditDetail {
  readonly eventId: string
  readonly salt: string
  /** JSON `{actor, …}`; never a secret. */
  readonly detail: string
}

export function auditCommitment(salt: string, detail: string): string {
  return createHash('sha256').update(`${salt}\n${detail}`).digest('hex')
}

export function auditHash(event: Omit<AuditEvent, 'hash'>): string {
  const link = [
    event.previousHash,
    String(event.position),
    event.id,
    event.at,
    event.kind,
    event.employeeId,
    event.subjectId,
    event.commitment,
  ]
  // JSON, so that no two different events give the same text: a line break in one field is not the next field.
  return createHash('sha256').update(JSON.stringify(link)).digest('hex')
}

/** `previousHash` of the first event. */
export const auditGenesis = '0'.repeat(64)

/** Where the chain first breaks, or null: a changed, missing or swapped event shows here. */
export function firstBrokenLink(events: readonly AuditEvent[]): number | null {
  let previous = auditGenesis
  for (const [index, event] of events.entries()) {
    const intact = event.position === index + 1 && event.previousHash === previous && auditHash(event) === event.hash
    if (!intact) return index + 1
    previous = event.hash
  }
  return null
}
