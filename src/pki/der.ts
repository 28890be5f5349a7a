/**
 * The few pieces of DER (ITU-T X.690) that certificates and revocation lists need.
 * The reader takes definite, minimal lengths only and never looks beyond the bytes it was given.
 */

export const tag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const

/** AlgorithmIdentifier sha256WithRSAEncryption with NULL parameters (RFC 4055 section 5). */
export const sha256WithRsa = Buffer.from('300d06092a864886f70d01010b0500', 'hex')

export const oid = {
  subjectKeyIdentifier: '2.5.29.14',
  authorityKeyIdentifier: '2.5.29.35',
  crlDistributionPoints: '2.5.29.31',
} as const

/** Where one element lies in its bytes: `start` is its tag, `content` to `end` (exclusive) what it holds. */
export interface Element {
  readonly tag: number
  readonly start: number
  readonly content: number
  readonly end: number
}

/** Tag, length and the joined parts. */
export function element(elementTag: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([Buffer.of(elementTag), lengthOf(length), ...parts])
}

/** Elements are context-specific and constructed (`[n] { … }`). */
export function tagged(number: number, ...parts: readonly Uint8Array[]): Buffer {
  return element(0xa0 | number, ...parts)
}

/** A non-negative INTEGER from its value in hex; never negative, never longer than it must be. */
export function integer(hex: string): Buffer {
  return element(tag.integer, Buffer.from(positive(hex), 'hex'))
}

/** Tag and text of a Time: UTCTime to 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5), whole seconds. */
export function time(at: Date): { readonly tag: number; readonly text: string } {
  const iso = at.toISOString()
  const date = iso.slice(0, 4) + iso.slice(5, 7) + iso.slice(8, 10)
  const text = `${date}${iso.slice(11, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`
  const year = at.getUTCFullYear()
  return year >= 1950 && year < 2050 ? { tag: tag.utcTime, text: text.slice(2) } : { tag: tag.generalizedTime, text }
}

export function timeElement(at: Date): Buffer {
  const { tag: timeTag, text } = time(at)
  return element(timeTag, Buffer.from(text, 'latin1'))
}

/** `SEQUENCE { toBeSigned, sha256WithRSAEncryption, BIT STRING }`, the shape of a certificate and of a list alike. */
export function signed(toBeSigned: Uint8Array, signature: Uint8Array): Buffer {
  return element(tag.sequence, toBeSigned, sha256WithRsa, element(tag.bitString, Buffer.of(0), signature))
}

/** A positive number in hex as DER wants it: even, minimal, with a zero byte in front when the top bit is set. */
export function positive(hex: string): string {
  const short = canonicalSerial(hex)
  return Number.parseInt(short.slice(0, 2), 16) >= 0x80 ? `00${short}` : short
}

/** One spelling for one serial: lower case, no leading zero bytes. */
export function canonicalSerial(hex: string): string {
  const short = hex.toLowerCase().replace(/^0+(?=.)/, '')
  return short.length % 2 === 0 ? short : `0${short}`
}

/** The element that starts at `offset` and ends before `limit`. @throws RangeError when there is none. */
export function readElement(bytes: Buffer, offset: number, limit: number): Element {
  if (offset + 2 > limit) throw new RangeError('an element is cut off')
  const elementTag = bytes[offset]!
  if ((elementTag & 0x1f) === 0x1f) throw new RangeError('a tag of several bytes does not belong here')
  const first = bytes[offset + 1]!
  let content = offset + 2
  let length = first
  if (first >= 0x80) {
    const size = first & 0x7f
    if (size < 1 || size > 4 || content + size > limit) throw new RangeError('a length is not readable')
    length = bytes.readUIntBE(content, size)
    content += size
    if (length < 0x80 || length < 2 ** (8 * (size - 1))) throw new RangeError('a length is longer than it must be')
  }
  if (content + length > limit) throw new RangeError('an element reaches beyond its frame')
  return { tag: elementTag, start: offset, content, end: content + length }
}

/** The elements inside a constructed one, in order, read as they are asked for. */
export function* elementsIn(bytes: Buffer, frame: Pick<Element, 'content' | 'end'>): Generator<Element, void> {
  for (let offset = frame.content; offset < frame.end; ) {
    const next = readElement(bytes, offset, frame.end)
    yield next
    offset = next.end
  }
}

/** The instant of a UTCTime or GeneralizedTime. @throws RangeError for anything else. */
export function readTime(bytes: Buffer, at: Element): Date {
  const text = bytes.toString('latin1', at.content, at.end)
  const full = at.tag === tag.utcTime ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full)
  if (!parts || (at.tag !== tag.utcTime && at.tag !== tag.generalizedTime))
    throw new RangeError('a time is not readable')
  const [, year, month, day, hour, minute, second] = parts
  const instant = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(instant.getTime())) throw new RangeError('a time is not readable')
  return instant
}

/** PEM with lines of 64 characters (RFC 7468). */
export function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length)
  const hex = length.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes])
}
