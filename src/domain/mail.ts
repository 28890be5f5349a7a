/** A mail on its way to an employee, and what became of it. Never holds a secret but the link, sealed until it is sent. */
export interface Mail {
  readonly id: string
  readonly employeeId: string
  /** `invite`, `reminder`, … : which template. */
  readonly kind: string
  readonly recipient: string
  readonly language: string
  /** Sealed with context `mail:<id>`; null once it was sent or given up. */
  readonly linkSealed: string | null
  readonly expiresAt: string
  readonly state: 'queued' | 'sent' | 'failed' | 'cancelled'
  readonly attempts: number
  readonly nextTryAt: string
  readonly lastProblem: string | null
  readonly createdAt: string
  readonly sentAt: string | null
}
