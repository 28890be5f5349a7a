import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { Authorities } from '../../src/pki/certificate-authority.ts'
import type { RevokedEntry } from '../../src/pki/pki-port.ts'
import { openPublication, publishedFiles } from '../../src/pki/publication.ts'
import { readRevocationList } from '../../src/pki/revocation-list.ts'
import { openTestAuthorities, scratchFolder } from './pki-fixture.ts'

export const day = 86_400_000
export const start = Date.now()
export const revokedAt = '2026-10-01T08:00:00.000Z'
export const signal = new AbortController().signal
export const leaverSerial = '5f000000000000000000000000000001'

/** What publishes the list of revoked certificates, anew for each test of a file; the authorities are those of the file. */
export function listOffice() {
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

  return {
    get folder() {
      return folder
    },
    get authorities() {
      return authorities
    },
    /** That have passed. */
    get days() {
      return days
    },
    set days(passed) {
      days = passed
    },
    /** What is revoked. */
    get entries() {
      return entries
    },
    set entries(revoked) {
      entries = revoked
    },
    /** The number of the last list. */
    get counter() {
      return counter
    },
    set counter(number) {
      counter = number
    },
    get scratch() {
      return scratch
    },
    system,
    publication,
    published,
  }
}
