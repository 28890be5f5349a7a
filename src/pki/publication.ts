import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { privateFolder, writeDurably } from '../durable-file.ts'
import type { System } from '../system.ts'
import type { HandsetAuthority, RevokedEntry } from './pki-port.ts'
import { readRevocationList, revocationListPem } from './revocation-list.ts'

/** DER, what the CRL distribution point serves (RFC 5280 section 4.2.1.13), and PEM, what a PBX reads. */
export const publishedFiles = { der: 'handsets.crl', pem: 'handsets.pem' } as const

interface PublishedList {
  readonly number: number
  readonly thisUpdate: Date
  readonly nextUpdate: Date
}

export interface Publication {
  /**
   * Puts out a list that holds all that was revoked when this was called. Idempotent; requests that come while one is
   * under way share the next. When it rejects, the files hold the old list or the new one, each of them whole.
   */
  publish(): Promise<PublishedList>
  /** Milliseconds since the last list was signed; null when there is none. Worth an alarm above 3 days. */
  ageMs(): number | null
  /** Publishes although nothing was revoked, where a day went by since the last list, or there is none. */
  publishWhenDue(): Promise<void>
}

export interface PublicationOptions {
  /** Holds `publishedFiles`; made when absent. */
  readonly folder: string
  readonly authority: Pick<HandsetAuthority, 'certificate' | 'signRevocationList'>
  readonly system: Pick<System, 'now'>
  /** All that must stand in the list: revoked and not yet run out. */
  readonly revoked: () => Promise<readonly RevokedEntry[]>
  /** The next value of a counter that survives restarts. */
  readonly nextNumber: () => Promise<number>
}

const day = 86_400_000
// A PBX with a clock behind ours would refuse every phone because of a list "from the future" (OpenSSL error 11).
const backdatedBy = 10 * 60_000
// A list that ran out locks out every phone (error 12), so there is a month to mend what keeps us from signing.
const validFor = 30 * day
const publishEvery = day

/** Looks at the list that is already out, so that its age and the numbers go on after a restart. */
export async function openPublication(options: PublicationOptions): Promise<Publication> {
  const { folder, authority, system, revoked, nextNumber } = options
  await privateFolder(folder)
  let last = await publishedList(folder, authority.certificate)
  let highest = last?.number ?? 0
  let current: Promise<PublishedList> | undefined
  let next: Promise<PublishedList> | undefined

  return {
    publish,
    async publishWhenDue() {
      if (!last || signedAt(last) + publishEvery <= system.now().getTime()) await publish()
    },
    ageMs: () => (last ? Math.max(0, system.now().getTime() - signedAt(last)) : null),
  }

  function publish(): Promise<PublishedList> {
    if (next) return next
    if (!current) return start()
    // The one under way may have read the database before our caller's change: only the one after it will do.
    next = current.then(start, start)
    return next
  }

  function start(): Promise<PublishedList> {
    next = undefined
    current = signAndWrite().finally(() => {
      current = undefined
    })
    return current
  }

  async function signAndWrite(): Promise<PublishedList> {
    // An old copy of the database counts from an old number; a list must never have a lower one than the last.
    highest = Math.max(await nextNumber(), highest + 1)
    const now = system.now().getTime()
    const list = {
      number: highest,
      thisUpdate: wholeSecond(now - backdatedBy),
      nextUpdate: wholeSecond(now + validFor),
    }
    const der = await authority.signRevocationList({ ...list, entries: await revoked() })
    await writeDurably(join(folder, publishedFiles.der), der, 0o644)
    await writeDurably(join(folder, publishedFiles.pem), revocationListPem(der), 0o644)
    last = list
    return list
  }
}

async function publishedList(folder: string, authority: string): Promise<PublishedList | undefined> {
  try {
    const list = readRevocationList(await readFile(join(folder, publishedFiles.der)), authority)
    return list.signatureValid ? list : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function signedAt({ thisUpdate }: PublishedList): number {
  return thisUpdate.getTime() + backdatedBy
}

function wholeSecond(milliseconds: number): Date {
  return new Date(Math.floor(milliseconds / 1000) * 1000)
}
