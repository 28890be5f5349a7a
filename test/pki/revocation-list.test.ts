import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Authorities } from '../../src/pki/certificate-authority.ts'
import { canonicalSerial } from '../../src/pki/der.ts'
import { readRevocationList, revocationListPem } from '../../src/pki/revocation-list.ts'
import { fileIn, openssl, openTestAuthorities, requestFor, scratchFolder } from './pki-fixture.ts'

let scratch: Awaited<ReturnType<typeof scratchFolder>>
let folder: string
let authorities: Authorities
let caFile: string

const now = Date.now()
const frame = { number: 41, thisUpdate: new Date(now - 600_000), nextUpdate: new Date(now + 30 * 86_400_000) }
const revokedAt = '2026-10-01T08:00:00.000Z'

beforeAll(async () => {
  scratch = await scratchFolder()
  folder = scratch.path
  authorities = await openTestAuthorities(folder)
  caFile = join(folder, 'handset-ca.pem')
}, 60_000)
afterAll(() => scratch[Symbol.asyncDispose]())

async function checkedBy(list: Buffer, certificate: string) {
  const crl = await fileIn(folder, 'list.pem', revocationListPem(list))
  const leaf = await fileIn(folder, 'leaf.pem', certificate)
  return openssl(
    'verify',
    '-x509_strict',
    '-crl_check_all',
    '-purpose',
    'sslclient',
    '-CAfile',
    caFile,
    '-CRLfile',
    crl,
    leaf,
  )
}

/** The list as OpenSSL reads it. */
async function readBack(list: Buffer): Promise<string> {
  const file = await fileIn(folder, 'read.crl', list)
  return (await openssl('crl', '-inform', 'DER', '-noout', '-text', '-in', file)).text
}

describe('a revocation list', () => {
  test('makes OpenSSL refuse the revoked handset and accept every other', async () => {
    const leaver = await authorities.handset.issue(requestFor())
    const colleague = await authorities.handset.issue(requestFor())
    const list = await authorities.handset.signRevocationList({
      ...frame,
      entries: [{ serial: leaver.serial, revokedAt }],
    })
    const refused = await checkedBy(list, leaver.certificate)
    expect(refused.ok).toBe(false)
    expect(refused.text).toContain('certificate revoked')
    expect((await checkedBy(list, colleague.certificate)).ok).toBe(true)
  })

  test('says number, authority and times, and nothing at all when nobody was revoked', async () => {
    const empty = await authorities.handset.signRevocationList({ ...frame, entries: [] })
    const text = await readBack(empty)
    expect(text).toContain('Version 2')
    expect(text).toMatch(/CRL Number: *\n\s+41\n/)
    expect(text).toContain('Authority Key Identifier')
    expect(text).toContain('No Revoked Certificates.')
    const { certificate } = await authorities.handset.issue(requestFor())
    expect((await checkedBy(empty, certificate)).ok).toBe(true)
    const full = await authorities.handset.signRevocationList({ ...frame, entries: [{ serial: '80ff', revokedAt }] })
    expect(await readBack(full)).toMatch(/Serial Number: 80FF\n\s+Revocation Date: Oct {2}1 08:00:00 2026 GMT/)
  })

  test('of 10,000 handsets is verified by OpenSSL and read back whole', async () => {
    const { certificate, serial } = await authorities.handset.issue(requestFor())
    const many = Array.from({ length: 9_999 }, () => ({ serial: randomBytes(16).toString('hex'), revokedAt }))
    const entries = [...many, { serial, revokedAt }]
    const list = await authorities.handset.signRevocationList({ ...frame, entries })
    const file = await fileIn(folder, 'many.crl', list)
    const dump = await openssl('crl', '-inform', 'DER', '-noout', '-text', '-CAfile', caFile, '-in', file)
    expect(dump.text).toContain('verify OK')
    expect(dump.text.match(/Serial Number:/g)).toHaveLength(10_000)
    expect(dump.text).not.toContain('Serial Number: -')
    const read = readRevocationList(await readFile(file), authorities.handset.certificate)
    expect(read).toMatchObject({ signatureValid: true, number: 41 })
    if (!read.signatureValid) throw new Error(read.problem)
    expect([...read.serials].sort()).toEqual(entries.map((entry) => canonicalSerial(entry.serial)).sort())
    expect((await checkedBy(list, certificate)).text).toContain('certificate revoked')
  }, 30_000)

  test('follows what is revoked from list to list: added, withdrawn, dated anew, and each serial once', async () => {
    const sign = (entries: { serial: string; revokedAt: string }[]) =>
      authorities.handset.signRevocationList({ ...frame, entries })
    await sign([{ serial: 'aa', revokedAt }])
    await sign([
      { serial: 'aa', revokedAt },
      { serial: '00BB', revokedAt },
    ])
    const list = await sign([
      { serial: 'bb', revokedAt: '2051-01-01T00:00:00Z' },
      { serial: 'BB', revokedAt },
      { serial: '1', revokedAt },
    ])
    const text = await readBack(list)
    expect(text.match(/Serial Number: \w+/g)).toEqual(['Serial Number: BB', 'Serial Number: 01'])
    expect(text).toContain('Jan  1 00:00:00 2051 GMT')
  })

  test('holds exactly what is revoked, whatever came and went before it', async () => {
    const { signRevocationList } = (await openTestAuthorities(folder)).handset
    const serial = fc.integer({ min: 1, max: 12 }).map((value) => value.toString(16).padStart(2, '0'))
    const date = fc.constantFrom(revokedAt, '2026-10-02T00:00:00.000Z')
    const revoked = fc.array(fc.record({ serial, revokedAt: date }), { maxLength: 14 })
    await fc.assert(
      fc.asyncProperty(fc.array(revoked, { maxLength: 6 }), async (lists) => {
        for (const entries of lists) {
          const list = await signRevocationList({ ...frame, entries })
          const untouched = await (await openTestAuthorities(folder)).handset.signRevocationList({ ...frame, entries })
          expect(list.length).toBe(untouched.length)
          const read = readRevocationList(list, authorities.handset.certificate)
          expect(read.signatureValid && [...read.serials].sort()).toEqual(
            [...new Set(entries.map((e) => e.serial))].sort(),
          )
        }
      }),
      { numRuns: 25 },
    )
  }, 30_000)

  test('keeps any serial up to 20 bytes positive, as OpenSSL prints it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 20 }), async (bytes) => {
        const serial = Buffer.from(bytes).toString('hex')
        const list = await authorities.handset.signRevocationList({ ...frame, entries: [{ serial, revokedAt }] })
        const read = readRevocationList(list, authorities.handset.certificate)
        expect(read.signatureValid && [...read.serials]).toEqual([canonicalSerial(serial)])
      }),
      { numRuns: 50 },
    )
    const list = await authorities.handset.signRevocationList({
      ...frame,
      entries: [{ serial: 'ff'.repeat(20), revokedAt }],
    })
    const text = await readBack(list)
    expect(text).toContain(`Serial Number: ${'FF'.repeat(20)}`)
  })

  test('with a serial or date that cannot be listed is not signed', async () => {
    for (const entry of [
      { serial: '', revokedAt },
      { serial: 'xyz', revokedAt },
      { serial: 'aa', revokedAt: 'once' },
    ]) {
      const list = authorities.handset.signRevocationList({ ...frame, entries: [entry] })
      await expect(list).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    const backwards = authorities.handset.signRevocationList({ ...frame, nextUpdate: frame.thisUpdate, entries: [] })
    await expect(backwards).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('reading a published list', () => {
  test('takes DER and PEM alike, and times to the second', async () => {
    const list = await authorities.handset.signRevocationList({ ...frame, entries: [{ serial: '0a1b', revokedAt }] })
    const fromDer = readRevocationList(list, authorities.handset.certificate)
    expect(readRevocationList(Buffer.from(revocationListPem(list)), authorities.handset.certificate)).toEqual(fromDer)
    expect(fromDer).toEqual({
      signatureValid: true,
      number: 41,
      thisUpdate: new Date(Math.floor(frame.thisUpdate.getTime() / 1000) * 1000),
      nextUpdate: new Date(Math.floor(frame.nextUpdate.getTime() / 1000) * 1000),
      serials: new Set(['0a1b']),
    })
  })

  test('believes nothing that another CA signed, nor a certificate in place of a list', async () => {
    await using other = await scratchFolder()
    const stranger = await openTestAuthorities(other.path)
    const list = await stranger.handset.signRevocationList({ ...frame, entries: [] })
    expect(readRevocationList(list, authorities.handset.certificate).signatureValid).toBe(false)
    const certificate = Buffer.from(authorities.handset.certificate.split('\n').slice(1, -2).join(''), 'base64')
    expect(readRevocationList(certificate, authorities.handset.certificate).signatureValid).toBe(false)
    expect(readRevocationList(Buffer.alloc(0), authorities.handset.certificate).signatureValid).toBe(false)
    expect(readRevocationList(Buffer.alloc(33 * 1024 * 1024), authorities.handset.certificate).signatureValid).toBe(
      false,
    )
  }, 30_000)

  test('notices every changed, missing or added byte, and never fails over one', async () => {
    const list = await authorities.handset.signRevocationList({ ...frame, entries: [{ serial: '0a1b', revokedAt }] })
    const authority = authorities.handset.certificate
    for (let at = 0; at < list.length; at++) {
      const changed = Buffer.from(list)
      changed[at] = changed[at]! ^ 0x01
      expect(readRevocationList(changed, authority).signatureValid).toBe(false)
      expect(readRevocationList(list.subarray(0, at), authority).signatureValid).toBe(false)
    }
    expect(readRevocationList(Buffer.concat([list, Buffer.of(0)]), authority).signatureValid).toBe(false)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(readRevocationList(Buffer.from(bytes), authority).signatureValid).toBe(false)
      }),
    )
  })
})
