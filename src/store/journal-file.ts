/** The journal's lines: one JSON object each, chained by hashes, whole or not there. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { withdrawalKinds } from '../domain/withdrawal.ts'
import { AppError } from '../errors.ts'
import { closedSubject } from './closed-subjects.ts'
import { isTombstone, type JournalRow } from './journal-rows.ts'

/** For each id the row with the highest generation; a file that is not there is an empty journal. */
export async function readJournal(path: string): Promise<readonly JournalRow[]> {
  const newest = new Map<string, JournalRow>()
  for (const row of parseJournal((await readJournalFile(path)) ?? Buffer.alloc(0), path).rows) {
    const known = newest.get(row.id)
    if (known === undefined || known.generation <= row.generation) newest.set(row.id, row)
  }
  return [...newest.values()]
}

const link = { number: z.int(), previousHash: z.string(), hash: z.string() }

/** A line holds one or the other; files from before there were withdrawals hold tombstones only. */
const entrySchema = z.union([
  z.strictObject({
    ...link,
    tombstone: z.strictObject({
      id: z.string(),
      kind: z.enum(['tunnel', 'certificate', 'sip-credential', 'assignment', 'phone-door', 'administrator']),
      subjectId: z.string(),
      employeeId: z.string().nullable(),
      closedAt: z.string(),
      generation: z.int(),
      subject: z.string(),
    }),
  }),
  z.strictObject({
    ...link,
    withdrawal: z.strictObject({
      id: z.string(),
      kind: z.enum(withdrawalKinds),
      subjectId: z.string(),
      employeeId: z.string().nullable(),
      at: z.string(),
      generation: z.int(),
    }),
  }),
])

interface Contents {
  readonly rows: JournalRow[]
  /** Of the last good line. */
  readonly hash: string
  /** Bytes up to the end of the last good line. */
  readonly size: number
  readonly torn: boolean
}

const genesis = '0'.repeat(64)

export function parseJournal(bytes: Buffer, path: string): Contents {
  const end = bytes.lastIndexOf(0x0a) + 1
  const rows: JournalRow[] = []
  let hash = genesis
  // Only the piece behind the last line break can be a crash's: whole lines are on the disk before their end is.
  const lines = bytes.toString('utf8', 0, end).split('\n').slice(0, -1)
  for (const [index, line] of lines.entries()) {
    const entry = entryOf(line, index + 1, hash)
    if (entry === undefined) throw damaged(path, index + 1)
    if (isTombstone(entry.row)) closedSubject(entry.row)
    rows.push(entry.row)
    hash = entry.hash
  }
  return { rows, hash, size: end, torn: end < bytes.length }
}

function entryOf(line: string, number: number, previousHash: string): { row: JournalRow; hash: string } | undefined {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    // The caller names the line.
    return undefined
  }
  const entry = entrySchema.safeParse(json)
  if (!entry.success || entry.data.number !== number || entry.data.previousHash !== previousHash) return undefined
  const row = 'tombstone' in entry.data ? entry.data.tombstone : entry.data.withdrawal
  return lineOf(number, previousHash, row).text === line ? { row, hash: entry.data.hash } : undefined
}

export function lineOf(number: number, previousHash: string, row: JournalRow): { text: string; hash: string } {
  const content = { number, previousHash, ...inOrder(row) }
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex')
  return { text: JSON.stringify({ ...content, hash }), hash }
}

/** Always the same order of names: the hash is over the text. */
function inOrder(row: JournalRow) {
  const { id, kind, subjectId, employeeId, generation } = row
  return isTombstone(row)
    ? { tombstone: { id, kind, subjectId, employeeId, closedAt: row.closedAt, generation, subject: row.subject } }
    : { withdrawal: { id, kind, subjectId, employeeId, at: row.at, generation } }
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
