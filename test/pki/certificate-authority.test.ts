import { createPrivateKey, X509Certificate } from 'node:crypto'
import { copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Authorities } from '../../src/pki/certificate-authority.ts'
import { subjectCommonName } from '../../src/pki/certificate-names.ts'
import { openIssuer } from '../../src/pki/issuer.ts'
import { realSystem } from '../../src/system.ts'
import { vaultWith } from '../../src/vault.ts'
import {
  commonNameOf,
  fileIn,
  handsetId,
  openssl,
  openTestAuthorities,
  requestFor,
  scratchFolder,
  sharedKey,
  testVault,
} from './pki-fixture.ts'

let scratch: Awaited<ReturnType<typeof scratchFolder>>
let folder: string
let authorities: Authorities
let caFile: string
let serviceFile: string

beforeAll(async () => {
  scratch = await scratchFolder()
  folder = scratch.path
  authorities = await openTestAuthorities(folder)
  caFile = join(folder, 'handset-ca.pem')
  serviceFile = join(folder, 'service-ca.pem')
}, 60_000)
afterAll(() => scratch[Symbol.asyncDispose]())

describe('a handset certificate', () => {
  test('is accepted by strict OpenSSL as a client', async () => {
    const leaf = await fileIn(folder, 'leaf.pem', (await authorities.handset.issue(requestFor())).certificate)
    const verdict = await openssl('verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', caFile, leaf)
    expect(verdict).toEqual({ ok: true, text: `${leaf}: OK\n` })
    const level2 = await openssl('verify', '-auth_level', '2', '-purpose', 'sslclient', '-CAfile', caFile, leaf)
    expect(level2.ok).toBe(true)
  })

  test('can never pose as the PBX: it is refused as a server and unknown to the Service CA', async () => {
    const leaf = await fileIn(folder, 'poser.pem', (await authorities.handset.issue(requestFor())).certificate)
    const asServer = await openssl('verify', '-purpose', 'sslserver', '-CAfile', caFile, leaf)
    expect(asServer.ok).toBe(false)
    expect(asServer.text).toMatch(/error 26|unsuitable certificate purpose|unsupported certificate purpose/)
    expect((await openssl('verify', '-CAfile', serviceFile, leaf)).ok).toBe(false)
  })

  test('carries the purposes, names and addresses that a PBX reads, in exact encoding', async () => {
    const { certificate } = await authorities.handset.issue(
      requestFor({ extension: '10 01@x', sipDomain: 'PBX.Bücher.example' }),
    )
    const { text } = await openssl('x509', '-noout', '-text', '-in', await fileIn(folder, 'text.pem', certificate))
    expect(text).toContain('Signature Algorithm: sha256WithRSAEncryption')
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/)
    expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature, Key Encipherment\n/)
    expect(text).toMatch(/Extended Key Usage: *\n\s+TLS Web Client Authentication\n/)
    expect(text).toContain(`URI:sip:10%2001%40x@pbx.xn--bcher-kva.example, URI:urn:uuid:${handsetId}\n`)
    expect(text).toMatch(
      /CRL Distribution Points: *\n\s+Full Name:\n\s+URI:https:\/\/phones\.example\.com\/crl\/handsets\.crl/,
    )
    const ca = new X509Certificate(authorities.handset.certificate)
    expect(text).not.toContain('DNS:')
    expect(new X509Certificate(certificate).checkIssued(ca)).toBe(true)
    const keyIds = await openssl('x509', '-noout', '-ext', 'subjectKeyIdentifier', '-in', caFile)
    const authorityId = /Identifier: *\n\s+([0-9A-F:]+)/.exec(keyIds.text)![1]!
    expect(authorityId.split(':')).toHaveLength(20)
    expect(text).toMatch(new RegExp(`Authority Key Identifier: *\\n\\s+(keyid:)?${authorityId}`))
  })

  test('belongs to the private key that comes with it', async () => {
    const issued = await authorities.handset.issue(requestFor())
    const key = createPrivateKey(issued.privateKey.reveal())
    expect(new X509Certificate(issued.certificate).checkPrivateKey(key)).toBe(true)
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(2048)
    expect(JSON.stringify(issued)).not.toContain('PRIVATE KEY')
  })

  test('begins a day back for slow clocks and never outlives its CA', async () => {
    const now = new Date('2026-11-05T12:34:56.789Z')
    const short = await authorities.handset.issue(requestFor({ now, validDays: 30 }))
    expect(short).toMatchObject({ notBefore: '2026-11-04T12:34:56.000Z', notAfter: '2026-12-05T12:34:56.000Z' })
    const ca = new X509Certificate(authorities.handset.certificate)
    const long = await authorities.handset.issue(requestFor({ validDays: 20_000 }))
    expect(long.notAfter).toBe(ca.validToDate.toISOString())
    const dead = authorities.handset.issue(requestFor({ now: new Date(ca.validToDate.getTime() + 1000) }))
    await expect(dead).rejects.toMatchObject({ code: 'CERTIFICATE_AUTHORITY_SEALED' })
  })

  test('has a serial that is never negative, whatever chance brings', async () => {
    await using other = await scratchFolder()
    for (const fill of [0x00, 0xff, 0x80]) {
      const system = { ...realSystem, randomBytes: (size: number) => Buffer.alloc(size, fill) }
      const service = await openIssuer('service', { folder: other.path, vault: testVault, system })
      const { handset } = await openTestAuthorities(folder, { system })
      const { serial, certificate } = await handset.issue(requestFor())
      expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/)
      expect(new X509Certificate(certificate).serialNumber.toLowerCase()).toBe(serial)
      const dump = await openssl('x509', '-noout', '-serial', '-in', await fileIn(folder, 'serial.pem', certificate))
      expect(dump.text.trim()).toBe(`serial=${serial.toUpperCase()}`)
      expect(service.x509.serialNumber).not.toMatch(/^[89A-F]/)
    }
  })

  test.each([
    'Zoë Müller',
    'Seán O\'Brien, "Chief" / CN=admin + O=Evil',
    'مريم الأحمد',
    '李小龙 👩‍👩‍👧 ',
    '#20', // a value that starts with # means hex in textual names
  ])('keeps the name %j letter by letter, in UTF-8', async (name) => {
    const { certificate } = await authorities.handset.issue(requestFor({ commonName: name }))
    expect(commonNameOf(certificate)).toBe(name.trim())
    const file = await fileIn(folder, 'name.pem', certificate)
    const dump = await openssl('asn1parse', '-in', file)
    expect(dump.text).toContain('UTF8STRING')
    expect(dump.text).not.toContain('PRINTABLESTRING')
    const nameOptions = 'utf8,sep_multiline,lname'
    const subject = await openssl('x509', '-noout', '-subject', '-nameopt', nameOptions, '-in', file)
    expect(subject.text).toBe(`subject=\n    commonName=${name.trim()}\n`)
  })

  test('keeps any name whole up to 64 characters, and no name spoils the structure', async () => {
    const hostile = fc.string({
      unit: fc.constantFrom(...'\0\n\r,+"\\<>;#=/', 'é', 'ß', '\u202e', '\ud800', '𝒳', 'क्षि', 'e\u0301'),
    })
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary', maxLength: 90 }), hostile), async (text) => {
        const name = `x${text}`
        const { certificate } = await authorities.handset.issue(requestFor({ commonName: name }))
        const written = commonNameOf(certificate)
        expect(written).toBe(subjectCommonName(name))
        expect([...written].length).toBeLessThanOrEqual(64)
        expect(
          name
            .toWellFormed()
            .replaceAll(/\p{Cc}/gu, '')
            .startsWith(written),
        ).toBe(true)
      }),
      { numRuns: 60 },
    )
  }, 30_000)

  test('cuts a long name between whole characters', () => {
    expect(subjectCommonName(`${'a'.repeat(63)}e\u0301`)).toBe('a'.repeat(63))
    expect(subjectCommonName(`${'a'.repeat(62)}e\u0301z`)).toBe(`${'a'.repeat(62)}e\u0301`)
    expect([...subjectCommonName('😀'.repeat(70))]).toHaveLength(64)
    expect([...subjectCommonName(`a${'\u0301'.repeat(99)}`)]).toHaveLength(64)
    expect(() => subjectCommonName(' \0 ')).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })

  test.each([
    ['a wildcard domain', { sipDomain: '*.example.com' }],
    ['a domain with a user part', { sipDomain: 'x@example.com' }],
    ['an address that is no URL', { crlUrl: 'phones/crl' }],
    ['an id that is not ours', { handsetId: 'urn:uuid:1' }],
    ['no time to live', { validDays: 0 }],
    ['a blank name', { commonName: '   ' }],
  ])('is refused for %s before a key is spent', async (_what, wrong) => {
    let taken = 0
    const { handset } = await openTestAuthorities(folder, {
      takeKey: () => {
        taken += 1
        return sharedKey()
      },
    })
    await expect(handset.issue(requestFor(wrong))).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(taken).toBe(0)
  })
})

describe('a server certificate', () => {
  const request = {
    commonName: 'pbx.example.com',
    dnsNames: ['pbx.example.com', 'bücher.example'],
    addresses: ['10.77.0.1', 'fd00::1:2', '::ffff:192.0.2.1', '::1'],
    now: new Date(),
    validDays: 397,
  }

  test('is accepted by strict OpenSSL as a server with each of its names, and as a client not at all', async () => {
    const leaf = await fileIn(folder, 'server.pem', (await authorities.service.issueServer(request)).certificate)
    const base = ['verify', '-x509_strict', '-CAfile', serviceFile]
    for (const who of [
      ['-verify_hostname', 'pbx.example.com'],
      ['-verify_hostname', 'xn--bcher-kva.example'],
      ...['10.77.0.1', 'fd00::1:2', '::ffff:192.0.2.1', '::1'].map((ip) => ['-verify_ip', ip]),
    ]) {
      expect(await openssl(...base, '-purpose', 'sslserver', ...who, leaf)).toEqual({ ok: true, text: `${leaf}: OK\n` })
    }
    expect((await openssl(...base, '-purpose', 'sslserver', '-verify_ip', '10.77.0.2', leaf)).ok).toBe(false)
    expect((await openssl(...base, '-purpose', 'sslclient', leaf)).ok).toBe(false)
  })

  test('is refused without any name or address', async () => {
    const nameless = authorities.service.issueServer({ ...request, dnsNames: [], addresses: [] })
    await expect(nameless).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('the two CAs', () => {
  test('are self-signed, for one purpose each, and can sign no further CA', async () => {
    for (const [file, purpose, usage] of [
      [caFile, 'TLS Web Client Authentication', 'Certificate Sign, CRL Sign'],
      [serviceFile, 'TLS Web Server Authentication', 'Certificate Sign'],
    ] as const) {
      const { text } = await openssl('x509', '-noout', '-text', '-in', file)
      expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0\n/)
      expect(text).toMatch(new RegExp(`Key Usage: critical\\s+${usage}\\n`))
      expect(text).toMatch(new RegExp(`Extended Key Usage: *\\n\\s+${purpose}\\n`))
      expect(text).toContain('Public-Key: (3072 bit)')
      expect((await openssl('verify', '-x509_strict', '-check_ss_sig', '-CAfile', file, file)).ok).toBe(true)
      const { validFromDate, validToDate } = new X509Certificate(await readFile(file))
      expect((validToDate.getTime() - validFromDate.getTime()) / 86_400_000 / 365.25).toBeCloseTo(10, 1)
    }
  })

  test('stay the same after a restart, and leave no key readable on the disk', async () => {
    const again = await openTestAuthorities(folder)
    expect(again.handset.certificate).toBe(authorities.handset.certificate)
    expect(again.service.certificate).toBe(authorities.service.certificate)
    for (const name of (await readdir(folder)).filter((name) => name.includes('-ca.'))) {
      expect(await readFile(join(folder, name), 'utf8')).not.toContain('PRIVATE KEY')
    }
    expect((await stat(join(folder, 'handset-ca.key'))).mode & 0o777).toBe(0o600)
  })

  test('do not open with another vault, nor with the other CA’s key file', async () => {
    const stranger = openTestAuthorities(folder, { vault: vaultWith(Buffer.alloc(32, 8)) })
    await expect(stranger).rejects.toMatchObject({ code: 'VAULT_LOCKED' })
    await using other = await scratchFolder()
    await copyFile(caFile, join(other.path, 'handset-ca.pem'))
    await copyFile(join(folder, 'service-ca.key'), join(other.path, 'handset-ca.key'))
    const swapped = openIssuer('handset', { folder: other.path, vault: testVault, system: realSystem })
    await expect(swapped).rejects.toMatchObject({ code: 'VAULT_LOCKED' })
  })

  test('are never silently replaced: a lost, foreign or damaged half stops the start with a hint', async () => {
    await using other = await scratchFolder()
    const options = { folder: other.path, vault: testVault, system: realSystem }
    const refusal = { code: 'CERTIFICATE_AUTHORITY_SEALED', hint: expect.stringContaining('backup') }
    await copyFile(caFile, join(other.path, 'handset-ca.pem'))
    await expect(openIssuer('handset', options)).rejects.toMatchObject(refusal)

    const { privateKey } = await sharedKey()
    await writeFile(join(other.path, 'handset-ca.key'), testVault.seal(privateKey, 'ca:handset'))
    await expect(openIssuer('handset', options)).rejects.toMatchObject(refusal)

    await writeFile(join(other.path, 'handset-ca.pem'), 'not a certificate')
    await expect(openIssuer('handset', options)).rejects.toMatchObject(refusal)
    expect(await readFile(join(other.path, 'handset-ca.pem'), 'utf8')).toBe('not a certificate')
  })

  test('are completed when the first start was killed between key and certificate', async () => {
    await using other = await scratchFolder()
    await copyFile(join(folder, 'handset-ca.key'), join(other.path, 'handset-ca.key'))
    const completed = await openIssuer('handset', { folder: other.path, vault: testVault, system: realSystem })
    expect(completed.x509.publicKey.equals(new X509Certificate(authorities.handset.certificate).publicKey)).toBe(true)
    await rm(join(other.path, 'handset-ca.pem'))
    const locked = openIssuer('handset', {
      folder: other.path,
      vault: vaultWith(Buffer.alloc(32, 9)),
      system: realSystem,
    })
    await expect(locked).rejects.toMatchObject({ code: 'VAULT_LOCKED' })
    expect(await readdir(other.path)).toEqual(['handset-ca.key'])
  })
})
