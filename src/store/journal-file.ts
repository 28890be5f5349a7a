/** The journal's lines: one JSON object each, chained by hashes, whole or not there. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Tombstone } from '../domain/tombstone.ts'
import { AppError } from '../errors.ts'
import { closedSubject } from './closed-subjects.ts'

/** For each subject the tombstone with the highest generation; a file that is not there is an empty journal. */
export async function readJournal(path: string): Promise<readonly Tombstone[]> {
  const newest = new Map<string, Tombstone>()
  for (const { tombstone } of parseJournal((await readJournalFile(path)) ?? Buffer.alloc(0), path).entries) {
    const known = newest.get(tombstone.id)
    if (known === undefined || known.generation <= tombstone.generation) newest.set(tombstone.id, tombstone)
  }
  return [...newest.values()]
}

const entrySchema = z.strictObject({
  number: z.int(),
  previousHash: z.string(),
  tombstone: z.strictObject({
    id: z.string(),
    kind: z.enum(['tunnel', 'certificate', 'sip-credential', 'phone-door']),
    subjectId: z.string(),
    employeeId: z.string().nullable(),
    closedAt: z.string(),
    generation: z.int(),
    subject: z.string(),
  }),
  hash: z.string(),
})

type Entry = z.infer<typeof entrySchema>

interface Contents {
  readonly entries: Entry[]
  /** Of the last good line. */
  readonly hash: string
  /** Bytes up to the end of the last good line. */
  readonly size: number
  readonly torn: boolean
}

const genesis = '0'.repeat(64)

export function parseJournal(bytes: Buffer, path: string): Contents {
  const end = bytes.lastIndexOf(0x0a) + 1
  const entries: Entry[] = []
  let hash = genesis
  // Only the piece behind the last line break can be a crash's: whole lines are on the disk before their end is.
  const lines = bytes.toString('utf8', 0, end).split('\n').slice(0, -1)
  for (const [index, line] of lines.entries()) {
    const entry = entryOf(line, index + 1, hash)
    if (entry === undefined) throw damaged(path, index + 1)
    closedSubject(entry.tombstone)
    entries.push(entry)
    hash = entry.hash
  }
  return { entries, hash, size: end, torn: end < bytes.length }
}

function entryOf(line: string, number: number, previousHash: string): Entry | undefined {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    // The caller names the line.
    return undefined
  }
  const entry = entrySchema.safeParse(json)
  if (!entry.success || entry.data.number !== number || entry.data.previousHash !== previousHash) return undefined
  return lineOf(number, previousHash, entry.data.tombstone).text === line ? entry.data : undefined
}

export function lineOf(number: number, previousHash: string, tombstone: Tombstone): { text: string; hash: string } {
  const { id, kind, subjectId, employeeId, closedAt, generation, subject } = tombstone
  const content = {
    number,
    previousHash,
    tombstone: { id, kind, subjectId, employeeId, closedAt, generation, subject },
  }
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex')
  return { text: JSON.stringify({ ...content, hash }), hash }
}

export async function readJournalFile(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new AppError('JOURNAL_UNREADABLE', 'the leaver journal cannot be read', {
      hint: `check that ${path} belongs to the user that runs Ringfence`,
      cause: error,
    })
  })
}

function damaged(path: string, line: number): AppError {
  return new AppError('JOURNAL_UNREADABLE', `the leaver journal is damaged or was changed (line ${line})`, {
    hint:
      `restore ${path} from a backup of the data folder; if there is none and the database is not an old copy, ` +
      `move the file away: the next start writes a new one from the database`,
  })
}
