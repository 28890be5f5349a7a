import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { AppError } from '../errors.ts'

// ub-common-name, RFC 5280 appendix A.1; counted in code points, as OpenSSL does for a UTF8String.
const longestCommonName = 64

/**
 * The text that becomes a subject's CN: control characters gone (C programs end a name at NUL, logs break at a line
 * end), at most 64 characters, cut between whole characters as people see them, so that no accent loses its letter.
 * @throws AppError INVALID_INPUT when nothing is left.
 */
export function subjectCommonName(text: string): string {
  const clean = text
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
  let name = ''
  let length = 0
  for (const { segment } of new Intl.Segmenter('und', { granularity: 'grapheme' }).segment(clean)) {
    const size = [...segment].length
    if (length + size > longestCommonName) break
    name += segment
    length += size
  }
  // A single "character" of more than 64 code points exists only to annoy; cut inside it.
  const result = (name || [...clean].slice(0, longestCommonName).join('')).trim()
  if (!result)
    throw invalid('a certificate needs a name', 'give the employee a name with at least one visible character')
  return result
}

/** `sip:<user>@<domain>` with everything but RFC 3261's unreserved characters percent-escaped in the user part. */
export function sipUri(user: string, domain: string): string {
  if (!user) throw invalid('a handset certificate needs an extension', 'give the employee an extension')
  return `sip:${encodeURIComponent(user.toWellFormed())}@${sipHost(domain)}`
}

/** `urn:uuid:<id>` (RFC 9562 section 4). */
export function uuidUrn(id: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) {
    throw invalid(
      `the handset id ${JSON.stringify(id)} is not a UUID`,
      'handset ids are made by Ringfence; report this',
    )
  }
  return `urn:uuid:${id.toLowerCase()}`
}

/** A DNS name in its ASCII form. Wildcards are refused: RFC 5922 section 7.2 forbids phones to match them. */
export function dnsName(name: string): string {
  const ascii = domainToASCII(name.replace(/\.$/, ''))
  const labels = ascii.split('.')
  const plain = labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$/.test(label))
  if (!plain || ascii.length > 253 || isIP(ascii)) {
    throw invalid(`${JSON.stringify(name)} is not a DNS name`, 'use a full host name such as pbx.example.com')
  }
  return ascii
}

/** The 4 or 16 bytes of an IP address, as an iPAddress entry holds them. */
export function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  if (isIP(address) !== 6 || address.includes('%')) {
    throw invalid(`${JSON.stringify(address)} is not an IP address`, 'use an address such as 10.0.0.10 or fd00::10')
  }
  // The URL parser also turns the dotted tail of ::ffff:192.0.2.1 into groups.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const left = groups(head)
  const right = groups(tail ?? '')
  const zeros = Array<number>(8 - left.length - right.length).fill(0)
  return Buffer.from([...left, ...zeros, ...right].flatMap((group) => [group >> 8, group & 0xff]))
}

/** An http(s) URL in plain ASCII, as it stands: phones and PBXs compare it byte for byte. */
export function plainUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!/^[\x21-\x7e]+$/.test(url) || (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:')) {
    throw invalid(`${JSON.stringify(url)} is not a URL for a revocation list`, 'check RINGFENCE_PHONE_URL')
  }
  return url
}

function sipHost(domain: string): string {
  const family = isIP(domain)
  if (family === 4) return domain
  return family === 6 ? new URL(`http://[${domain}]`).hostname : dnsName(domain)
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

function invalid(message: string, hint: string): AppError {
  return new AppError('INVALID_INPUT', message, { hint })
}
