import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CertificateSubject } from '../../src/domain/access.ts'
import { certificateAccess } from '../../src/pki/certificate-access.ts'
import type { Authorities } from '../../src/pki/certificate-authority.ts'
import type { RevokedEntry } from '../../src/pki/pki-port.ts'
import { openPublication, publishedFiles } from '../../src/pki/publication.ts'
import { readRevocationList } from '../../src/pki/revocation-list.ts'
import { fileIn, openssl, openTestAuthorities, requestFor, scratchFolder } from './pki-fixture.ts'

const day = 86_400_000
const start = Date.now()
const revokedAt = '2026-10-01T08:00:00.000Z'
const signal = new AbortController().signal
const leaverSerial = '5f000000000000000000000000000001'

let scratch: Awaited<ReturnType<typeof scratchFolder>>
let authorities: Authorities
let folder: string
let run = 0
/** Time is a value: days since the test began. */
let days = 0
let entries: RevokedEntry[] = []
let counter = 0

const system = { now: () => new Date(start + days * day) }

beforeAll(async () => {
  scratch = await scratchFolder()
  authorities = await openTestAuthorities(join(scratch.path, 'ca'))
}, 60_000)
afterAll(() => scratch[Symbol.asyncDispose]())
beforeEach(async () => {
  folder = join(scratch.path, `published-${++run}`)
  days = 0
  entries = []
  counter = 0
})

function publication(overrides: Partial<Parameters<typeof openPublication>[0]> = {}) {
  return openPublication({
    folder,
    authority: authorities.handset,
    system,
    revoked: async () => entries,
    nextNumber: async () => ++counter,
    ...overrides,
  })
}

async function published(): Promise<{ number: number; serials: string[] }> {
  const list = readRevocationList(await readFile(join(folder, publishedFiles.der)), authorities.handset.certificate)
  if (!list.signatureValid) throw new Error(list.problem)
  return { number: list.number, serials: [...list.serials] }
}

describe('publishing the revocation list', () => {
  test('writes the same list as DER and as PEM, readable for the PBX, and OpenSSL obeys it', async () => {
    const leaver = await authorities.handset.issue(requestFor())
    entries = [{ serial: leaver.serial, revokedAt }]
    const out = await publication()
    expect(await out.publish()).toMatchObject({ number: 1 })
    const dump = await openssl(
      'crl',
      '-in',
      join(folder, publishedFiles.pem),
      '-outform',
      'DER',
      '-out',
      join(folder, 'x'),
    )
    expect(dump.ok).toBe(true)
    expect(await readFile(join(folder, 'x'))).toEqual(await readFile(join(folder, publishedFiles.der)))
    const leaf = await fileIn(folder, 'leaf.pem', leaver.certificate)
    const ca = join(scratch.path, 'ca', 'handset-ca.pem')
    const args = ['verify', '-crl_check', '-CAfile', ca, '-CRLfile', join(folder, publishedFiles.pem), leaf]
    expect((await openssl(...args)).text).toContain('certificate revoked')
  })

  test('survives a PBX clock that is 9 minutes behind, and lasts a month', async () => {
    const { certificate } = await authorities.handset.issue(requestFor())
    await (await publication()).publish()
    const leaf = await fileIn(folder, 'leaf.pem', certificate)
    const ca = join(scratch.path, 'ca', 'handset-ca.pem')
    const at = async (shiftMs: number) => {
      const seconds = String(Math.floor((start + shiftMs) / 1000))
      const crl = join(folder, publishedFiles.pem)
      return openssl('verify', '-crl_check', '-attime', seconds, '-CAfile', ca, '-CRLfile', crl, leaf)
    }
    expect((await at(-9 * 60_000)).ok).toBe(true)
    expect((await at(-11 * 60_000)).text).toContain('CRL is not yet valid')
    expect((await at(29 * day)).ok).toBe(true)
    expect((await at(31 * day)).text).toContain('CRL has expired')
  })

  test('lets requests that come meanwhile share one list, and none of them misses its serial', async () => {
    let lists = 0
    const slow = await publication({
      revoked: async () => {
        lists += 1
        const seen = [...entries]
        await new Promise((resolve) => setImmediate(resolve))
        return seen
      },
    })
    const wishes = Array.from({ length: 50 }, async (_, index) => {
      const serial = `aa${index.toString(16).padStart(2, '0')}`
      if (index > 25) await new Promise((resolve) => setImmediate(resolve))
      entries.push({ serial, revokedAt })
      await slow.publish()
      expect((await published()).serials).toContain(serial)
    })
    await Promise.all(wishes)
    expect(lists).toBeLessThan(10)
    expect((await published()).serials).toHaveLength(50)
  })

  test('that failed keeps the old list whole, tells its caller and works again afterwards', async () => {
    let fault: Error | undefined
    const out = await publication({
      revoked: async () => {
        if (fault) throw fault
        return entries
      },
    })
    await out.publish()
    fault = new Error('database is gone')
    const both = await Promise.allSettled([out.publish(), out.publish()])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect((await published()).number).toBe(1)
    fault = undefined
    expect((await out.publish()).number).toBeGreaterThan(1)
  })

  test('is due a day after the last list, also after a restart, and at once when there is none', async () => {
    const first = await publication()
    expect(first.ageMs()).toBeNull()
    expect(first.dueAt().getTime()).toBeLessThan(start)
    await first.publish()
    days = 3
    const restarted = await publication()
    expect(Math.abs(restarted.ageMs()! - 3 * day)).toBeLessThan(1000)
    expect(Math.abs(restarted.dueAt().getTime() - (start + day))).toBeLessThan(1000)
  })

  test('never goes back in number, even when the database is an old copy', async () => {
    counter = 40
    await (await publication()).publish()
    counter = 7
    const restored = await publication()
    expect((await restored.publish()).number).toBe(42)
    expect((await restored.publish()).number).toBe(43)
  })
})

describe('the certificate as an access system', () => {
  const subject = (overrides: Partial<CertificateSubject> = {}): CertificateSubject => ({
    kind: 'certificate',
    pbxId: 'default',
    id: 'certificate-1',
    employeeId: 'employee-1',
    wanted: 'closed',
    generation: 2,
    serial: leaverSerial,
    notAfter: new Date(start + 300 * day).toISOString(),
    revokedAt,
    ...overrides,
  })

  async function systemUnderTest(note?: string) {
    const out = await publication()
    const options = { folder, authority: authorities.handset.certificate, system, publish: out.publish }
    return certificateAccess(note === undefined ? options : { ...options, note: () => note })
  }

  test('says a leaver’s certificate is shut only after its serial was read from the published file', async () => {
    const access = await systemUnderTest('this PBX does not check revocation lists')
    await access.apply([], signal)
    entries = [{ serial: leaverSerial, revokedAt }]
    expect(access.judge(subject(), await access.read(signal))).toMatchObject({ state: 'differs' })
    await access.apply([subject()], signal)
    expect(access.judge(subject(), await access.read(signal))).toEqual({
      state: 'as-desired',
      evidence: {
        summary: 'serial 5f000000… published in revocation list 2; this PBX does not check revocation lists',
        facts: { serial: leaverSerial, list: 2 },
      },
    })
  })

  test('is shut only when a PBX that checks the list works with one that names it', async () => {
    const out = await publication()
    const pbx = { reachable: true, list: null as number | null }
    const access = certificateAccess({
      folder,
      authority: authorities.handset.certificate,
      system,
      publish: out.publish,
      enforcers: [
        {
          name: 'PBX branch',
          enforce: async () => {
            if (!pbx.reachable) throw new Error('away')
            pbx.list = (await published()).number
          },
          inForce: async () => {
            if (!pbx.reachable) throw new Error('away')
            return pbx.list
          },
        },
      ],
    })
    await access.apply([], signal)
    entries = [{ serial: leaverSerial, revokedAt }]
    await out.publish()
    const verdict = async () => access.judge(subject(), await access.read(signal))
    expect(await verdict()).toMatchObject({ state: 'differs', problem: expect.stringContaining('PBX branch') })
    pbx.reachable = false
    await expect(access.apply([subject()], signal)).rejects.toThrow('away')
    expect(await verdict()).toMatchObject({ state: 'differs' })
    pbx.reachable = true
    await access.apply([subject()], signal)
    expect(await verdict()).toMatchObject({
      state: 'as-desired',
      evidence: { summary: expect.stringMatching(/published in revocation list 2; in force on PBX branch$/) },
    })
  })

  test('gives the same evidence after the next lists', async () => {
    const access = await systemUnderTest()
    entries = [{ serial: leaverSerial, revokedAt }]
    await access.apply([subject()], signal)
    const before = access.judge(subject(), await access.read(signal))
    await access.apply([subject()], signal)
    expect((await published()).number).toBe(2)
    expect(access.judge(subject(), await access.read(signal))).toEqual(before)
  })

  test('counts a certificate that ran out as shut, listed or not', async () => {
    const access = await systemUnderTest()
    await access.apply([], signal)
    days = 1
    const old = subject({ notAfter: new Date(start).toISOString() })
    expect(access.judge(old, await access.read(signal))).toMatchObject({
      state: 'as-desired',
      evidence: { summary: expect.stringContaining('ran out at') },
    })
    expect(access.judge(subject(), await access.read(signal)).state).toBe('differs')
  })

  test('wants the certificate of a phone in service outside the list', async () => {
    const access = await systemUnderTest()
    await access.apply([], signal)
    const open = subject({ wanted: 'open', revokedAt: null })
    expect(access.judge(open, await access.read(signal)).state).toBe('as-desired')
    entries = [{ serial: `00${leaverSerial.toUpperCase()}`, revokedAt }]
    await access.apply([], signal)
    expect(access.judge(open, await access.read(signal))).toMatchObject({ state: 'differs' })
  })

  test.each<[string, () => Promise<void>]>([
    ['is missing', () => rm(join(folder, publishedFiles.der))],
    ['has no PEM form', () => rm(join(folder, publishedFiles.pem))],
    ['was cut short', () => writeFile(join(folder, publishedFiles.der), Buffer.alloc(100))],
    [
      'has a PEM form of an older day',
      async () => {
        const old = await readFile(join(folder, publishedFiles.pem))
        await (await publication()).publish()
        await writeFile(join(folder, publishedFiles.pem), old)
      },
    ],
    [
      'ran out',
      async () => {
        days = 31
      },
    ],
    [
      'comes from the future',
      async () => {
        days = -1
      },
    ],
  ])('never says open or shut from a list that %s, and mends it', async (_what, spoil) => {
    const access = await systemUnderTest()
    entries = [{ serial: leaverSerial, revokedAt }]
    await access.apply([], signal)
    await spoil()
    const spoilt = await access.read(signal)
    const open = subject({ wanted: 'open', serial: '41' })
    for (const each of [subject(), open]) {
      expect(access.judge(each, spoilt)).toMatchObject({ state: 'differs', hint: expect.any(String) })
    }
    await access.apply([subject()], signal)
    const mended = await access.read(signal)
    expect([subject(), open].map((each) => access.judge(each, mended).state)).toEqual(['as-desired', 'as-desired'])
  })

  test('does not believe a list that somebody else signed', async () => {
    await using other = await scratchFolder()
    const stranger = await openTestAuthorities(other.path)
    entries = [{ serial: leaverSerial, revokedAt }]
    await (await publication({ authority: stranger.handset })).publish()
    const access = await systemUnderTest()
    const finding = access.judge(subject(), await access.read(signal))
    expect(finding).toMatchObject({
      state: 'differs',
      problem: expect.stringContaining('not signed by the handset CA'),
    })
  }, 30_000)

  test('fails instead of calling a file that cannot be read an empty list', async () => {
    const access = await systemUnderTest()
    await access.apply([], signal)
    await rename(join(folder, publishedFiles.der), join(folder, 'away'))
    await mkdir(join(folder, publishedFiles.der))
    await expect(access.read(signal)).rejects.toMatchObject({ code: 'INTERNAL', retryable: true })
  })

  test('names serials in the list that belong to no certificate known here', async () => {
    const access = await systemUnderTest()
    entries = [
      { serial: leaverSerial, revokedAt },
      { serial: '77', revokedAt },
    ]
    await access.apply([], signal)
    const strangers = access.strangers!([subject()], await access.read(signal))
    expect(strangers).toEqual(['serial 77 stands in the revocation list and belongs to no certificate known here'])
  })
})
