/** What `doctor` found: what is missing on the host, and what mends it. */
export interface DoctorReport {
  readonly checks: readonly DoctorCheck[]
}

export interface DoctorCheck {
  readonly area: 'host' | 'hub' | 'phone door' | 'pbx' | 'edge' | 'pki' | 'store' | 'settings' | 'templates'
  readonly state: 'ok' | 'note' | 'problem'
  readonly message: string
  /** The command or step that mends it. */
  readonly hint: string | null
}
