import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CertificateSubject } from '../../src/domain/access.ts'
import { certificateAccess } from '../../src/pki/certificate-access.ts'
import { publishedFiles } from '../../src/pki/publication.ts'
import { day, leaverSerial, listOffice, revokedAt, signal, start } from './list-office.ts'
import { openTestAuthorities, scratchFolder } from './pki-fixture.ts'

const office = listOffice()
const { publication, published } = office

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
    const options = {
      folder: office.folder,
      authority: office.authorities.handset.certificate,
      system: office.system,
      publish: out.publish,
    }
    return certificateAccess(note === undefined ? options : { ...options, note: () => note })
  }

  test('says a leaver’s certificate is shut only after its serial was read from the published file', async () => {
    const access = await systemUnderTest('this PBX does not check revocation lists')
    await access.apply([], signal)
    office.entries = [{ serial: leaverSerial, revokedAt }]
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
      folder: office.folder,
      authority: office.authorities.handset.certificate,
      system: office.system,
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
    office.entries = [{ serial: leaverSerial, revokedAt }]
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
    office.entries = [{ serial: leaverSerial, revokedAt }]
    await access.apply([subject()], signal)
    const before = access.judge(subject(), await access.read(signal))
    await access.apply([subject()], signal)
    expect((await published()).number).toBe(2)
    expect(access.judge(subject(), await access.read(signal))).toEqual(before)
  })

  test('counts a certificate that ran out as shut, listed or not', async () => {
    const access = await systemUnderTest()
    await access.apply([], signal)
    office.days = 1
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
    office.entries = [{ serial: `00${leaverSerial.toUpperCase()}`, revokedAt }]
    await access.apply([], signal)
    expect(access.judge(open, await access.read(signal))).toMatchObject({ state: 'differs' })
  })

  test.each<[string, () => Promise<void>]>([
    ['is missing', () => rm(join(office.folder, publishedFiles.der))],
    ['has no PEM form', () => rm(join(office.folder, publishedFiles.pem))],
    ['was cut short', () => writeFile(join(office.folder, publishedFiles.der), Buffer.alloc(100))],
    [
      'has a PEM form of an older day',
      async () => {
        const old = await readFile(join(office.folder, publishedFiles.pem))
        await (await publication()).publish()
        await writeFile(join(office.folder, publishedFiles.pem), old)
      },
    ],
    [
      'ran out',
      async () => {
        office.days = 31
      },
    ],
    [
      'comes from the future',
      async () => {
        office.days = -1
      },
    ],
  ])('never says open or shut from a list that %s, and mends it', async (_what, spoil) => {
    const access = await systemUnderTest()
    office.entries = [{ serial: leaverSerial, revokedAt }]
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
    office.entries = [{ serial: leaverSerial, revokedAt }]
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
    await rename(join(office.folder, publishedFiles.der), join(office.folder, 'away'))
    await mkdir(join(office.folder, publishedFiles.der))
    await expect(access.read(signal)).rejects.toMatchObject({ code: 'INTERNAL', retryable: true })
  })

  test('names serials in the list that belong to no certificate known here', async () => {
    const access = await systemUnderTest()
    office.entries = [
      { serial: leaverSerial, revokedAt },
      { serial: '77', revokedAt },
    ]
    await access.apply([], signal)
    const strangers = access.strangers!([subject()], await access.read(signal))
    expect(strangers).toEqual(['serial 77 stands in the revocation list and belongs to no certificate known here'])
  })
})
