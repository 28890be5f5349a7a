/**
 * Two self-signed, single-purpose authorities. The Handset CA signs client certificates and the revocation list and is
 * the only CA that a PBX trusts for clients; the Service CA signs server certificates and is the only CA that is handed
 * to phones. A handset's certificate can therefore never pose as the PBX.
 */
import type { Secret } from '../domain/secret.ts'

export interface HandsetAuthority {
  /** PEM of the CA certificate. */
  readonly certificate: string
  /** A new RSA-2048 key (from the pool when it has one) and its client certificate. */
  issue(request: HandsetCertificateRequest): Promise<IssuedCertificate>
  /** Signs a complete list: DER. `number` must grow; entries' order does not matter. */
  signRevocationList(list: RevocationList): Promise<Buffer>
}

export interface ServiceAuthority {
  readonly certificate: string
  /** serverAuth only; names become dNSName, addresses iPAddress entries. RSA-2048. */
  issueServer(request: ServerCertificateRequest): Promise<IssuedCertificate>
}

export interface HandsetCertificateRequest {
  readonly handsetId: string
  /** Any text in UTF-8, also right-to-left or with quotes; becomes the subject's CN. */
  readonly commonName: string
  readonly extension: string
  /** SIP domain for the subject alternative name `URI:sip:<extension>@<domain>`. */
  readonly sipDomain: string
  /** `PHONE_URL/crl/handsets.crl`. */
  readonly crlUrl: string
  readonly now: Date
  readonly validDays: number
}

export interface ServerCertificateRequest {
  readonly commonName: string
  readonly dnsNames: readonly string[]
  readonly addresses: readonly string[]
  readonly now: Date
  readonly validDays: number
}

export interface IssuedCertificate {
  /** 128 random bits, positive; lower-case hex. */
  readonly serial: string
  /** Leaf only, PEM. */
  readonly certificate: string
  /** PKCS#8 PEM. */
  readonly privateKey: Secret
  readonly notBefore: string
  readonly notAfter: string
}

export interface RevocationList {
  readonly number: number
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly entries: readonly RevokedEntry[]
}

export interface RevokedEntry {
  readonly serial: string
  readonly revokedAt: string
}
