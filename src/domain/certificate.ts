/** A handset's SIP-TLS client certificate. */
export interface Certificate {
  readonly id: string
  readonly handsetId: string
  /** Lower-case hex. */
  readonly serial: string
  readonly notBefore: string
  readonly notAfter: string
  /** Leaf, PEM. */
  readonly certificate: string
  /** PKCS#8 PEM sealed with context `certificate:<id>`; erased once the door is proved shut. */
  readonly privateKeySealed: string | null
  readonly createdAt: string
  readonly revokedAt: string | null
}
