import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { publishedFiles } from '../../src/pki/publication.ts'
import { day, listOffice, revokedAt, start } from './list-office.ts'
import { fileIn, openssl, requestFor } from './pki-fixture.ts'

const office = listOffice()
const { publication, published } = office

describe('publishing the revocation list', () => {
  test('writes the same list as DER and as PEM, readable for the PBX, and OpenSSL obeys it', async () => {
    const leaver = await office.authorities.handset.issue(requestFor())
    office.entries = [{ serial: leaver.serial, revokedAt }]
    const out = await publication()
    expect(await out.publish()).toMatchObject({ number: 1 })
    const dump = await openssl(
      'crl',
      '-in',
      join(office.folder, publishedFiles.pem),
      '-outform',
      'DER',
      '-out',
      join(office.folder, 'x'),
    )
    expect(dump.ok).toBe(true)
    expect(await readFile(join(office.folder, 'x'))).toEqual(await readFile(join(office.folder, publishedFiles.der)))
    const leaf = await fileIn(office.folder, 'leaf.pem', leaver.certificate)
    const ca = join(office.scratch.path, 'ca', 'handset-ca.pem')
    const args = ['verify', '-crl_check', '-CAfile', ca, '-CRLfile', join(office.folder, publishedFiles.pem), leaf]
    expect((await openssl(...args)).text).toContain('certificate revoked')
  })

  test('survives a PBX clock that is 9 minutes behind, and lasts a month', async () => {
    const { certificate } = await office.authorities.handset.issue(requestFor())
    await (await publication()).publish()
    const leaf = await fileIn(office.folder, 'leaf.pem', certificate)
    const ca = join(office.scratch.path, 'ca', 'handset-ca.pem')
    const at = async (shiftMs: number) => {
      const seconds = String(Math.floor((start + shiftMs) / 1000))
      const crl = join(office.folder, publishedFiles.pem)
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
        const seen = [...office.entries]
        await new Promise((resolve) => setImmediate(resolve))
        return seen
      },
    })
    const wishes = Array.from({ length: 50 }, async (_, index) => {
      const serial = `aa${index.toString(16).padStart(2, '0')}`
      if (index > 25) await new Promise((resolve) => setImmediate(resolve))
      office.entries.push({ serial, revokedAt })
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
        return office.entries
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

  test('is due at once when there is none, and a day after the last list, also after a restart', async () => {
    const first = await publication()
    expect(first.ageMs()).toBeNull()
    const numbers: number[] = []
    for (const days of [0, 0.9, 1.1, 1.9, 4]) {
      office.days = days
      const restarted = await publication()
      await restarted.publishWhenDue()
      numbers.push((await published()).number)
    }
    expect(numbers).toEqual([1, 1, 2, 2, 3])
    office.days = 7
    expect(Math.abs((await publication()).ageMs()! - 3 * day)).toBeLessThan(1000)
  })

  test('never goes back in number, even when the database is an old copy', async () => {
    office.counter = 40
    await (await publication()).publish()
    office.counter = 7
    const restored = await publication()
    expect((await restored.publish()).number).toBe(42)
    expect((await restored.publish()).number).toBe(43)
  })
})
