import { verify, X509Certificate } from 'node:crypto'
import { AppError } from '../errors.ts'
import {
  canonicalSerial,
  type Element,
  element,
  elementsIn,
  integer,
  pem,
  readElement,
  readTime,
  sha256WithRsa,
  signed,
  tag,
  tagged,
  timeElement,
} from './der.ts'
import type { Issuer } from './issuer.ts'
import type { RevocationList } from './pki-port.ts'
import { joinedEntries } from './revoked-entries.ts'

/** What a published list says, as read from its bytes. */
export type ReadRevocationList =
  | {
      readonly signatureValid: true
      readonly number: number
      readonly thisUpdate: Date
      readonly nextUpdate: Date
      /** Canonical: lower-case hex without leading zero bytes. */
      readonly serials: ReadonlySet<string>
    }
  /** Not signed by this CA, damaged, or no list at all: nothing it says is repeated. */
  | { readonly signatureValid: false; readonly problem: string }

// 35 bytes an entry: room for 900,000 revoked handsets, and a bound for a file that somebody else put there.
const largestList = 32 * 1024 * 1024
const crlNumber = Buffer.from('0603551d14', 'hex')
const authorityKeyIdentifier = Buffer.from('0603551d23', 'hex')

/**
 * Signs complete lists (RFC 5280 section 5, version 2, without reasons: "unspecified" should be left out).
 * The entries' bytes are kept, so that the next list costs a look-up for each and one signature.
 */
export function revocationListSigner(issuer: Issuer): (list: RevocationList) => Promise<Buffer> {
  const name = subjectNameOf(issuer.x509.raw)
  const keyId = element(tag.sequence, element(0x80, issuer.keyIdentifier))
  const joined = joinedEntries()

  return async ({ number, thisUpdate, nextUpdate, entries }) => {
    checkFrame(number, thisUpdate, nextUpdate)
    const revoked = joined(entries)
    const extensions = [extension(authorityKeyIdentifier, keyId), extension(crlNumber, integer(number.toString(16)))]
    const toBeSigned = element(
      tag.sequence,
      integer('01'),
      sha256WithRsa,
      name,
      timeElement(thisUpdate),
      timeElement(nextUpdate),
      // An empty list has no revokedCertificates at all (section 5.1.2.6).
      ...(revoked.length === 0 ? [] : [element(tag.sequence, revoked)]),
      tagged(0, element(tag.sequence, ...extensions)),
    )
    return signed(toBeSigned, await issuer.sign(toBeSigned))
  }
}

/** The list for programs that want PEM (Kamailio, nginx, Node). */
export function revocationListPem(der: Buffer): string {
  return pem('X509 CRL', der)
}

/**
 * Reads a list, DER or PEM, and believes it only when `authority` (PEM) signed it. Never throws for what the bytes are:
 * a file that is not a list of ours is an answer, not a fault.
 */
export function readRevocationList(bytes: Buffer, authority: string): ReadRevocationList {
  if (bytes.length > largestList) return refused('the file is larger than any list of ours')
  try {
    return readSigned(derOf(bytes), new X509Certificate(authority))
  } catch (error) {
    if (error instanceof RangeError) return refused(`the file is not a revocation list: ${error.message}`)
    throw error
  }
}

/** The DER inside the one PEM block of a file; a file that is not PEM is taken as DER. @throws RangeError */
export function derOf(bytes: Buffer): Buffer {
  if (bytes.toString('latin1', 0, 5) !== '-----') return bytes
  const block = /^-----BEGIN X509 CRL-----\n([A-Za-z0-9+/=\n]+)-----END X509 CRL-----\s*$/.exec(
    bytes.toString('latin1'),
  )
  if (!block) throw new RangeError('it is not one PEM block with a revocation list')
  return Buffer.from(block[1]!, 'base64')
}

function readSigned(der: Buffer, authority: X509Certificate): ReadRevocationList {
  const [toBeSigned, algorithm, signature] = exactly(3, der, whole(der))
  if (!slice(der, algorithm!).equals(sha256WithRsa)) return refused('the list is signed with another algorithm')
  if (signature!.tag !== tag.bitString || der[signature!.content] !== 0) throw new RangeError('it has no signature')
  // First the signature, then the content: unsigned bytes decide nothing.
  const bits = der.subarray(signature!.content + 1, signature!.end)
  if (!verify('sha256', slice(der, toBeSigned!), authority.publicKey, bits)) {
    return refused('the list was not signed by the handset CA, or was changed after that')
  }
  return readContent(der, toBeSigned!, subjectNameOf(authority.raw))
}

function readContent(der: Buffer, toBeSigned: Element, issuerName: Buffer): ReadRevocationList {
  const parts = [...elementsIn(der, toBeSigned)]
  const [version, algorithm, issuer, from, until] = parts
  if (!version || !algorithm || !issuer || !from || !until) throw new RangeError('parts are missing')
  if (version.tag !== tag.integer || der[version.content] !== 1) throw new RangeError('it is not of version 2')
  if (!slice(der, algorithm).equals(sha256WithRsa) || !slice(der, issuer).equals(issuerName)) {
    throw new RangeError('issuer or algorithm are not ours')
  }
  const rest = parts.slice(5)
  const revoked = rest[0]?.tag === tag.sequence ? rest.shift() : undefined
  const [extensions] = rest
  if (rest.length !== 1 || extensions?.tag !== 0xa0) throw new RangeError('the extensions are not where they belong')
  return {
    signatureValid: true,
    number: numberIn(der, extensions),
    thisUpdate: readTime(der, from),
    nextUpdate: readTime(der, until),
    serials: revoked ? serialsIn(der, revoked) : new Set(),
  }
}

function serialsIn(der: Buffer, revoked: Element): Set<string> {
  const serials = new Set<string>()
  for (const entry of elementsIn(der, revoked)) {
    const serial = readElement(der, entry.content, entry.end)
    if (serial.tag !== tag.integer) throw new RangeError('an entry has no serial')
    serials.add(canonicalSerial(der.toString('hex', serial.content, serial.end)))
  }
  return serials
}

function numberIn(der: Buffer, extensions: Element): number {
  const [list] = exactly(1, der, extensions)
  for (const one of elementsIn(der, list!)) {
    if (!der.subarray(one.content, one.content + crlNumber.length).equals(crlNumber)) continue
    const wrapper = readElement(der, one.content + crlNumber.length, one.end)
    const value = readElement(der, wrapper.content, wrapper.end)
    const number = Number.parseInt(der.toString('hex', value.content, value.end), 16)
    if (value.tag === tag.integer && Number.isSafeInteger(number)) return number
  }
  throw new RangeError('it has no number')
}

function checkFrame(number: number, thisUpdate: Date, nextUpdate: Date): void {
  if (Number.isSafeInteger(number) && number >= 0 && thisUpdate.getTime() < nextUpdate.getTime()) return
  throw new AppError('INVALID_INPUT', 'a revocation list needs a whole number and must end after it starts', {
    hint: 'check the clock of this server',
  })
}

/** The subject's Name as it stands in a certificate: the issuer of a list must be the same bytes. */
function subjectNameOf(certificate: Buffer): Buffer {
  const outer = readElement(certificate, 0, certificate.length)
  // version, serial, signature, issuer, validity, subject
  const parts = [...elementsIn(certificate, readElement(certificate, outer.content, outer.end))]
  return slice(certificate, parts[5]!)
}

function extension(id: Buffer, value: Buffer): Buffer {
  return element(tag.sequence, id, element(tag.octetString, value))
}

function whole(der: Buffer): Element {
  const outer = readElement(der, 0, der.length)
  if (outer.tag !== tag.sequence || outer.end !== der.length) throw new RangeError('it is not one whole structure')
  return outer
}

function exactly(count: number, der: Buffer, frame: Element): Element[] {
  const found: Element[] = []
  for (const next of elementsIn(der, frame)) {
    if (found.push(next) > count) break
  }
  if (found.length !== count) throw new RangeError('it has the wrong number of parts')
  return found
}

function slice(bytes: Buffer, { start, end }: Element): Buffer {
  return bytes.subarray(start, end)
}

function refused(problem: string): ReadRevocationList {
  return { signatureValid: false, problem }
}
