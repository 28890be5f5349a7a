/** Where a PBX listens for phones, and with which certificate. */
export interface TlsPorts {
  readonly bindAddress: string
  /** TLS, server certificate only. */
  readonly port: number
  /** TLS, client certificate required. */
  readonly mtlsPort: number
  /** Paths as the PBX sees them. */
  readonly certificateFile: string
  readonly keyFile: string
  readonly handsetCaFile: string
}
