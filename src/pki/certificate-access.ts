import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { AccessSystem, Evidence, Finding } from '../access/access-system.ts'
import type { CertificateSubject } from '../domain/access.ts'
import { AppError } from '../errors.ts'
import type { System } from '../system.ts'
import { canonicalSerial } from './der.ts'
import { publishedFiles } from './publication.ts'
import { derOf, readRevocationList } from './revocation-list.ts'

/** What the published files say, both forms together. */
export type RevocationSnapshot = {
  readonly readAt: Date
} & (
  | {
      readonly state: 'in-force'
      readonly number: number
      /**
       * Canonical serial and the number of the first list in which this process saw it: the evidence for a phone that
       * left long ago must not change with every new list.
       */
      readonly listedIn: ReadonlyMap<string, number>
      /** Who turns a listed certificate away, and by which list now; null where that is not known. */
      readonly enforced: readonly { readonly name: string; readonly number: number | null }[]
    }
  /** The files were read and are not a list that could shut or keep open any door. */
  | { readonly state: 'not-in-force'; readonly problem: string; readonly hint: string }
)

export interface CertificateAccessOptions {
  /** Where the published files lie. */
  readonly folder: string
  /** PEM of the Handset CA. */
  readonly authority: string
  readonly system: Pick<System, 'now'>
  /** Puts out a new list; publication's `publish`. */
  readonly publish: () => Promise<unknown>
  /** What a list cannot know, said in each evidence: `this PBX does not check revocation lists`. */
  readonly note?: (subject: CertificateSubject) => string | undefined
  /** Whatever checks handshakes against the list. Closed is what all of them know of. */
  readonly enforcers?: readonly RevocationEnforcer[]
}

export interface RevocationEnforcer {
  readonly name: string
  /** Takes the newest published list over. */
  enforce(signal: AbortSignal): Promise<void>
  /** The number of the list in force there; null when that is not known. */
  inForce(signal: AbortSignal): Promise<number | null>
}

const republished =
  'Ringfence publishes a new list by itself; if this stays, check who else writes into its data folder'

/** The published revocation list as the place where a certificate is open or shut; what is judged is what lies on the disk. */
export function certificateAccess(
  options: CertificateAccessOptions,
): AccessSystem<CertificateSubject, RevocationSnapshot> {
  const { folder, authority, system, publish, note, enforcers = [] } = options
  let seen: ReadonlyMap<string, number> = new Map()

  return {
    kind: 'certificate',
    instance: 'handset-ca',

    async read(signal) {
      const readAt = system.now()
      const files = await readBoth(folder, signal)
      if (!files) return shut('the revocation list is not published')
      if (!files.same) return shut('the two forms of the revocation list differ')
      const list = readRevocationList(files.der, authority)
      if (!list.signatureValid) return shut(`the published revocation list is not valid: ${list.problem}`)
      if (list.nextUpdate <= readAt || list.thisUpdate > readAt) {
        return shut(
          `revocation list ${list.number} is not in force now: a PBX that checks it refuses every phone`,
          'Ringfence publishes a new list by itself; if this stays, check the clock of this server',
        )
      }
      const before = seen
      seen = new Map([...list.serials].map((serial) => [serial, before.get(serial) ?? list.number]))
      const enforced = await Promise.all(
        enforcers.map(async ({ name, inForce }) => ({ name, number: await inForce(signal).catch(() => null) })),
      )
      return { readAt, state: 'in-force', number: list.number, listedIn: seen, enforced }

      function shut(problem: string, hint = republished): RevocationSnapshot {
        return { readAt, state: 'not-in-force', problem, hint }
      }
    },

    judge(subject, snapshot) {
      return subject.wanted === 'closed'
        ? judgeClosed(subject, snapshot, note?.(subject))
        : judgeOpen(subject, snapshot)
    },

    async apply(_subjects, signal) {
      signal.throwIfAborted()
      // A list is always whole, so one publication serves any number of certificates.
      await publish()
      const outcomes = await Promise.allSettled(enforcers.map(({ enforce }) => enforce(signal)))
      const failed = outcomes.find((outcome) => outcome.status === 'rejected')
      if (failed) throw failed.reason
    },

    strangers(subjects, snapshot) {
      if (snapshot.state !== 'in-force') return []
      const ours = new Set(subjects.map(({ serial }) => canonicalSerial(serial)))
      return [...snapshot.listedIn.keys()]
        .filter((serial) => !ours.has(serial))
        .map((serial) => `serial ${serial} stands in the revocation list and belongs to no certificate known here`)
    },
  }
}

function judgeClosed(subject: CertificateSubject, snapshot: RevocationSnapshot, note: string | undefined): Finding {
  const serial = canonicalSerial(subject.serial)
  const listed = snapshot.state === 'in-force' ? snapshot.listedIn.get(serial) : undefined
  const enforced = snapshot.state === 'in-force' ? snapshot.enforced : []
  const behind = enforced.filter(({ number }) => listed !== undefined && (number === null || number < listed))
  if (listed !== undefined && behind.length > 0) {
    const names = behind.map(({ name }) => name).join(', ')
    return {
      state: 'differs',
      evidence: evidence(`${short(serial)} published in revocation list ${listed}, which is not in force on ${names}`, {
        serial,
        list: listed,
      }),
      problem: `${names} does not turn ${short(serial)} away yet`,
      hint: 'Ringfence tries again; `ringfence doctor` tells what is wrong with that PBX',
    }
  }
  if (listed !== undefined) {
    const refused = enforced.length > 0 ? `; in force on ${enforced.map(({ name }) => name).join(', ')}` : ''
    const clause = `${refused}${note ? `; ${note}` : ''}`
    return {
      state: 'as-desired',
      evidence: evidence(`${short(serial)} published in revocation list ${listed}${clause}`, { serial, list: listed }),
    }
  }
  if (Date.parse(subject.notAfter) <= snapshot.readAt.getTime()) {
    return {
      state: 'as-desired',
      evidence: evidence(`${short(serial)} ran out at ${subject.notAfter}`, { serial, notAfter: subject.notAfter }),
    }
  }
  if (snapshot.state === 'not-in-force') return notInForce(serial, snapshot)
  return {
    state: 'differs',
    evidence: evidence(`${short(serial)} is missing from the published revocation list`, { serial, listed: false }),
    problem: `${short(serial)} is not in the published revocation list`,
    hint: republished,
  }
}

function judgeOpen(subject: CertificateSubject, snapshot: RevocationSnapshot): Finding {
  const serial = canonicalSerial(subject.serial)
  if (snapshot.state === 'not-in-force') return notInForce(serial, snapshot)
  const listed = snapshot.listedIn.get(serial)
  if (listed === undefined) {
    const seen = evidence(`${short(serial)} is not in the published revocation list`, { serial, listed: false })
    return { state: 'as-desired', evidence: seen }
  }
  return {
    state: 'differs',
    evidence: evidence(`${short(serial)} published in revocation list ${listed}`, { serial, list: listed }),
    problem: `${short(serial)} stands in the revocation list although its handset is in service`,
    hint: 'a PBX that saw the list may keep refusing this certificate: enrol the handset again',
  }
}

function notInForce(
  serial: string,
  { problem, hint }: Extract<RevocationSnapshot, { state: 'not-in-force' }>,
): Finding {
  return { state: 'differs', evidence: evidence(problem, { serial, listed: null }), problem, hint }
}

function evidence(summary: string, facts: Evidence['facts']): Evidence {
  return { summary, facts }
}

function short(serial: string): string {
  return `serial ${serial.slice(0, 8)}…`
}

/** Both forms; undefined when one is not there. Any other trouble with a file is thrown: it says nothing of the list. */
async function readBoth(folder: string, signal: AbortSignal): Promise<{ der: Buffer; same: boolean } | undefined> {
  for (let attempt = 1; ; attempt++) {
    const [der, text] = await Promise.all([
      readIfThere(join(folder, publishedFiles.der), signal),
      readIfThere(join(folder, publishedFiles.pem), signal),
    ])
    const same = der !== undefined && text !== undefined && sameList(der, text)
    // A publication may be between its two renames just now.
    if (same || attempt === 3) return der && text ? { der, same } : undefined
    await pause(25, undefined, { signal })
  }
}

function sameList(der: Buffer, text: Buffer): boolean {
  try {
    return derOf(text).equals(der)
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

async function readIfThere(path: string, signal: AbortSignal): Promise<Buffer | undefined> {
  try {
    return await readFile(path, { signal })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (signal.aborted) throw error
    throw new AppError('INTERNAL', 'the published revocation list could not be read', {
      hint: `check the disk and the permissions of ${path}`,
      retryable: true,
      cause: error,
    })
  }
}
