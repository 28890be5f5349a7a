import { createHash } from 'node:crypto'
import { readFile, truncate } from 'node:fs/promises'
import { z } from 'zod'
import type { Tombstone } from '../domain/tombstone.ts'
import { appendDurably, writeDurably } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import { closedSubject } from './closed-subjects.ts'

/**
 * What was shut, outside the database: a file beside it that only ever grows, so that an older copy of the database
 * cannot re-open a door. One JSON line for each tombstone, chained to the line before by a hash. It holds ids, keys,
 * serials and addresses; no name, no secret.
 */
export interface LeaverJournal {
  /**
   * Returns when all of them are on the disk. A tombstone (id and generation) that is already there is not written again.
   * Calls queue. Throws JOURNAL_UNREADABLE when the file cannot be written; the next call tries again.
   */
  append(tombstones: readonly Tombstone[]): Promise<void>
  /** Of these, the ones that the journal does not have. */
  lacking(tombstones: readonly Tombstone[]): readonly Tombstone[]
  /** The whole file again, checked: for each subject the tombstone with the highest generation. */
  newest(): Promise<readonly Tombstone[]>
}

/**
 * Checks the file, or makes it. A last line that a crash cut short is cut off (its tombstone is still in the database).
 * @throws AppError JOURNAL_UNREADABLE when anything else is wrong with it
 */
export async function openJournal(path: string): Promise<LeaverJournal> {
  const before = await read(path)
  // Made durably, folder included: appending alone would not keep the new name over a power cut.
  if (before === undefined) await writeDurably(path, '')
  let { entries, hash, size, torn } = parse(before ?? Buffer.alloc(0), path)
  if (torn) await truncate(path, size)
  const known = new Set(entries.map(({ tombstone }) => key(tombstone)))
  let written = entries.length
  // The tombstones themselves need not stay in memory.
  entries = []
  let broken = false
  let queue = Promise.resolve()

  const lacking = (tombstones: readonly Tombstone[]) => tombstones.filter((tombstone) => !known.has(key(tombstone)))

  async function write(tombstones: readonly Tombstone[]): Promise<void> {
    const fresh = [...new Map(lacking(tombstones).map((tombstone) => [key(tombstone), tombstone])).values()]
    if (fresh.length === 0) return
    try {
      // What a failed write may have left half done must not run together with the next line.
      if (broken) await truncate(path, size)
      broken = true
      let last = hash
      const lines = fresh.map((tombstone, index) => {
        const line = lineOf(written + index + 1, last, withoutPerson(tombstone))
        last = line.hash
        return line.text
      })
      const text = lines.join('\n')
      await appendDurably(path, text)
      hash = last
      size += Buffer.byteLength(text) + 1
      written += fresh.length
      for (const tombstone of fresh) known.add(key(tombstone))
      broken = false
    } catch (error) {
      if (error instanceof AppError) throw error
      throw new AppError('JOURNAL_UNREADABLE', 'the leaver journal could not be written', {
        hint: `check that the disk is not full and that ${path} belongs to the user that runs Ringfence`,
        retryable: true,
        cause: error,
      })
    }
  }

  return {
    lacking,
    append(tombstones) {
      const turn = queue.then(() => write(tombstones))
      // The caller gets the error; the next in the queue must not.
      queue = turn.catch(() => undefined)
      return turn
    },
    newest: () => readJournal(path),
  }
}

/** For each subject the tombstone with the highest generation; a file that is not there is an empty journal. */
export async function readJournal(path: string): Promise<readonly Tombstone[]> {
  const newest = new Map<string, Tombstone>()
  for (const { tombstone } of parse((await read(path)) ?? Buffer.alloc(0), path).entries) {
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

function parse(bytes: Buffer, path: string): Contents {
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

function lineOf(number: number, previousHash: string, tombstone: Tombstone): { text: string; hash: string } {
  const { id, kind, subjectId, employeeId, closedAt, generation, subject } = tombstone
  const content = {
    number,
    previousHash,
    tombstone: { id, kind, subjectId, employeeId, closedAt, generation, subject },
  }
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex')
  return { text: JSON.stringify({ ...content, hash }), hash }
}

/** Nothing of the person goes into a file that is never changed; what cannot be read back must not go in either. */
function withoutPerson(tombstone: Tombstone): Tombstone {
  return { ...tombstone, subject: JSON.stringify(closedSubject(tombstone)) }
}

function key({ id, generation }: Tombstone): string {
  return `${id}@${generation}`
}

async function read(path: string): Promise<Buffer | undefined> {
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
