import { AppError } from '../errors.ts'
import type { System } from '../system.ts'
import type { Vault } from '../vault.ts'
import { buildCertificate, checkCertificate, type Profile } from './certificate-builder.ts'
import { addressBytes, dnsName, plainUrl, sipUri, subjectCommonName, uuidUrn } from './certificate-names.ts'
import { pem } from './der.ts'
import { type Issuer, newSerial, openIssuer, wholeSeconds } from './issuer.ts'
import type { KeyPair } from './key-pair.ts'
import type { HandsetAuthority, IssuedCertificate, ServiceAuthority } from './pki-port.ts'
import { revocationListSigner } from './revocation-list.ts'

export interface AuthorityOptions {
  /** `<DATA>/pki`; made when absent. */
  readonly folder: string
  readonly vault: Vault
  readonly system: Pick<System, 'now' | 'randomBytes'>
  /** Where leaf keys (RSA-2048) come from: the key pool's `take`. */
  readonly takeKey: () => Promise<KeyPair>
}

export interface Authorities {
  readonly handset: HandsetAuthority
  readonly service: ServiceAuthority
}

interface LeafRequest {
  readonly commonName: string
  readonly profile: Profile
  readonly now: Date
  readonly validDays: number
}

const day = 86_400_000
// For a PBX or phone whose clock is behind, or in the wrong time zone.
const backdatedBy = day

/**
 * Opens both CAs, or makes them the first time (about 1 s of CPU each).
 * @throws AppError VAULT_LOCKED, CERTIFICATE_AUTHORITY_SEALED (see `openIssuer`).
 */
export async function openAuthorities(options: AuthorityOptions): Promise<Authorities> {
  const [handset, service] = await Promise.all([openIssuer('handset', options), openIssuer('service', options)])
  return {
    handset: {
      certificate: handset.certificate,
      issue: (request) =>
        issueLeaf(handset, options, () => ({
          ...request,
          profile: {
            kind: 'handset',
            uris: [sipUri(request.extension, request.sipDomain), uuidUrn(request.handsetId)],
            crlUrl: plainUrl(request.crlUrl),
          },
        })),
      signRevocationList: revocationListSigner(handset),
    },
    service: {
      certificate: service.certificate,
      issueServer: (request) =>
        issueLeaf(service, options, () => {
          const dnsNames = request.dnsNames.map(dnsName)
          const addresses = request.addresses.map(addressBytes)
          if (dnsNames.length + addresses.length === 0) {
            throw new AppError('INVALID_INPUT', 'a server certificate needs a name or an address', {
              hint: 'name at least one host name or IP address that phones will call',
            })
          }
          return { ...request, profile: { kind: 'server', dnsNames, addresses } }
        }),
    },
  }
}

async function issueLeaf(
  issuer: Issuer,
  { system, takeKey }: AuthorityOptions,
  prepare: () => LeafRequest,
): Promise<IssuedCertificate> {
  // Everything that can be refused is refused before a key of the pool is spent.
  const { commonName, profile, now, validDays } = prepare()
  const subject = subjectCommonName(commonName)
  const { notBefore, notAfter } = validity(issuer, now, validDays)
  const { publicKey, privateKey } = await takeKey()
  const content = {
    serial: newSerial(system),
    subject,
    issuer: issuer.commonName,
    publicKey,
    issuerKeyIdentifier: issuer.keyIdentifier,
    notBefore,
    notAfter,
    profile,
  }
  const der = await buildCertificate(content, issuer.sign)
  checkCertificate(der, content, issuer.x509)
  return {
    serial: content.serial,
    certificate: pem('CERTIFICATE', der),
    privateKey,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
  }
}

function validity(issuer: Issuer, now: Date, validDays: number): { notBefore: Date; notAfter: Date } {
  if (!Number.isFinite(validDays) || validDays <= 0) {
    throw new AppError('INVALID_INPUT', 'a certificate must be valid for at least a part of a day', {
      hint: 'give a number of days above 0',
    })
  }
  if (now.getTime() >= issuer.notAfter.getTime()) {
    throw new AppError(
      'CERTIFICATE_AUTHORITY_SEALED',
      `${issuer.commonName} ran out at ${issuer.notAfter.toISOString()}`,
      {
        hint: 'check the clock of this server; if it is right, the CA must be replaced and every phone provisioned again',
      },
    )
  }
  const wantedEnd = now.getTime() + validDays * day
  return {
    notBefore: wholeSeconds(now.getTime() - backdatedBy),
    notAfter: wholeSeconds(Math.min(wantedEnd, issuer.notAfter.getTime())),
  }
}
