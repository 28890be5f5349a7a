import { X509Certificate } from 'node:crypto'
import forge from 'node-forge'
import { AppError } from '../errors.ts'
import { element, oid, signed, tag, tagged } from './der.ts'
import { keyIdentifier } from './key-pair.ts'

/**
 * The only place that knows node-forge. It arranges what we give it into a TBSCertificate; it makes no key, no hash and
 * no signature (its own arithmetic is 30 times slower and blocks), and it never parses anything from outside.
 */

export interface CertificateContent {
  /** Hex, positive, at most 20 bytes. */
  readonly serial: string
  /** CNs; each name is this one attribute, in UTF-8. */
  readonly subject: string
  readonly issuer: string
  /** SubjectPublicKeyInfo, DER, of an RSA key. */
  readonly publicKey: Buffer
  readonly issuerKeyIdentifier: Buffer
  readonly notBefore: Date
  readonly notAfter: Date
  readonly profile: Profile
}

/** What a certificate may be used for; one purpose each (RFC 5280 sections 4.2.1.3, 4.2.1.9 and 4.2.1.12). */
export type Profile =
  | { readonly kind: 'handset-ca' }
  | { readonly kind: 'service-ca' }
  | { readonly kind: 'handset'; readonly uris: readonly string[]; readonly crlUrl: string }
  | { readonly kind: 'server'; readonly dnsNames: readonly string[]; readonly addresses: readonly Buffer[] }

/** Builds and signs a certificate; DER. */
export async function buildCertificate(
  content: CertificateContent,
  sign: (bytes: Buffer) => Promise<Buffer>,
): Promise<Buffer> {
  const toBeSigned = toBeSignedOf(content)
  return signed(toBeSigned, await sign(toBeSigned))
}

/**
 * Reads a fresh certificate with OpenSSL's eyes before anybody gets it.
 * @throws AppError INTERNAL when it is not what was asked for.
 */
export function checkCertificate(der: Buffer, content: CertificateContent, issuer: X509Certificate | 'itself'): void {
  const certificate = new X509Certificate(der)
  const parent = issuer === 'itself' ? certificate : issuer
  const faults = [
    certificate.serialNumber.toLowerCase() !== content.serial && 'serial',
    certificate.toLegacyObject().subject.CN !== content.subject && 'subject',
    !certificate.checkIssued(parent) && 'issuer',
    !certificate.verify(parent.publicKey) && 'signature',
    !certificate.publicKey.export({ type: 'spki', format: 'der' }).equals(content.publicKey) && 'key',
    certificate.validFromDate.getTime() !== content.notBefore.getTime() && 'start',
    certificate.validToDate.getTime() !== content.notAfter.getTime() && 'end',
    certificate.ca !== content.profile.kind.endsWith('-ca') && 'purpose',
  ].filter((fault) => fault !== false)
  if (faults.length > 0) {
    throw new AppError('INTERNAL', `a new certificate came out wrong (${faults.join(', ')}) and was thrown away`, {
      hint: 'nothing was issued; please report this',
    })
  }
}

function toBeSignedOf(content: CertificateContent): Buffer {
  const certificate = forge.pki.createCertificate()
  certificate.serialNumber = content.serial
  certificate.publicKey = forge.pki.publicKeyFromAsn1(forge.asn1.fromDer(binary(content.publicKey)))
  certificate.validity = { notBefore: content.notBefore, notAfter: content.notAfter }
  certificate.setSubject(nameOf(content.subject))
  certificate.setIssuer(nameOf(content.issuer))
  certificate.setExtensions(extensionsOf(content))
  // forge's own sign() would set it; without, it writes SHA-1.
  certificate.siginfo.algorithmOid = forge.pki.oids.sha256WithRSAEncryption!
  return Buffer.from(forge.asn1.toDer(tbsCertificate(certificate)).getBytes(), 'latin1')
}

/** Public in forge (its own sign() uses it), absent from its types. */
const tbsCertificate = (certificate: forge.pki.Certificate): forge.asn1.Asn1 =>
  (forge.pki as unknown as { getTBSCertificate(of: typeof certificate): forge.asn1.Asn1 }).getTBSCertificate(
    certificate,
  )

function nameOf(commonName: string): forge.pki.CertificateField[] {
  // Without the explicit class forge writes a PrintableString that holds Latin-1 bytes. Its types say `asn1.Class`.
  const valueTagClass = forge.asn1.Type.UTF8 as unknown as forge.asn1.Class
  return [{ name: 'commonName', value: commonName, valueTagClass }]
}

function extensionsOf({ profile, publicKey, issuerKeyIdentifier }: CertificateContent): object[] {
  const subjectKey = raw(oid.subjectKeyIdentifier, element(tag.octetString, keyIdentifier(publicKey)))
  const authorityKey = raw(oid.authorityKeyIdentifier, element(tag.sequence, element(0x80, issuerKeyIdentifier)))
  const authority = { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 }
  const leaf = [
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
  ]
  switch (profile.kind) {
    case 'handset-ca':
      return [
        authority,
        { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
        { name: 'extKeyUsage', clientAuth: true },
        subjectKey,
      ]
    case 'service-ca':
      return [
        authority,
        { name: 'keyUsage', critical: true, keyCertSign: true },
        { name: 'extKeyUsage', serverAuth: true },
        subjectKey,
      ]
    case 'handset':
      return [
        ...leaf,
        { name: 'extKeyUsage', clientAuth: true },
        { name: 'subjectAltName', altNames: profile.uris.map((value) => ({ type: 6, value })) },
        subjectKey,
        authorityKey,
        raw(oid.crlDistributionPoints, distributionPoint(profile.crlUrl)),
      ]
    case 'server':
      return [
        ...leaf,
        { name: 'extKeyUsage', serverAuth: true },
        {
          name: 'subjectAltName',
          altNames: [
            ...profile.dnsNames.map((value) => ({ type: 2, value })),
            ...profile.addresses.map((bytes) => ({ type: 7, value: binary(bytes) })),
          ],
        },
        subjectKey,
        authorityKey,
      ]
  }
}

/** One DistributionPoint with a fullName URI (RFC 5280 section 4.2.1.13). */
function distributionPoint(url: string): Buffer {
  const uri = element(0x86, Buffer.from(url, 'latin1'))
  return element(tag.sequence, element(tag.sequence, tagged(0, tagged(0, uri))))
}

function raw(id: string, value: Buffer): object {
  return { id, critical: false, value: binary(value) }
}

/** forge keeps bytes in strings, one character for each. */
function binary(bytes: Buffer): string {
  return bytes.toString('latin1')
}
