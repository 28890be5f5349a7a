/** Where the edge listens and whom it serves: what its configuration is made of. */
export interface EdgeOptions {
  /** The address on which it listens for phones and for the PBX. */
  readonly address: string
  /** The name by which phones dial it; stands in what it tells them. */
  readonly host: string
  /** TLS, server certificate only: phones that can hold no certificate. */
  readonly port: number
  /** TLS, client certificate required. */
  readonly mtlsPort: number
  /** TLS, where the PBX delivers calls to phones. */
  readonly pbxPort: number
  readonly rpc: EdgeRpcPlace
  /** The folder that Ringfence keeps in step, as the edge sees it. */
  readonly folder: string
  /** What phones are shown, as the edge sees it; null: the one in `folder`. */
  readonly tls: { readonly certificateFile: string; readonly keyFile: string } | null
  readonly pbx: {
    readonly address: string
    readonly port: number
    /** PEM of the authority behind the certificate that it must show, as the edge sees it; null: it may show any. */
    readonly authorityFile: string | null
  }
  /** SHA-256 of what the `Authorization` header must say, hex: the edge knows the key only as this. */
  readonly rpcKeyHash: string
}

/** Where its management interface listens: HTTPS with a certificate of the Service CA. */
export interface EdgeRpcPlace {
  readonly address: string
  readonly port: number
}

/** Names inside `EdgeOptions.folder`. The tables are those of Kamailio's db_text. */
export const edgeFiles = {
  certificate: 'edge.crt',
  key: 'edge.key',
  /** What the management interface and the PBX's side show: always of the Service CA. */
  ownCertificate: 'edge-own.crt',
  ownKey: 'edge-own.key',
  handsetAuthority: 'handset-ca.crt',
  /** Behind the PBX's certificate where Ringfence made that. */
  serviceAuthority: 'service-ca.crt',
  revocationList: 'handsets.pem',
} as const

/** `10.0.0.1:5061`, `[fd00::1]:5061`. */
export function socketText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
