import { truncate } from 'node:fs/promises'
import { appendDurably, writeDurably } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import { closedSubject } from './closed-subjects.ts'
import { lineOf, parseJournal, readJournal, readJournalFile } from './journal-file.ts'
import { isTombstone, type JournalRow } from './journal-rows.ts'

/**
 * What was shut or withdrawn, outside the database: a file beside it that only ever grows, so that an older copy of the
 * database cannot re-open a door or revive a token, a link or a secret. One JSON line for each, chained to the line
 * before by a hash. It holds ids, keys, serials and addresses; no name, no secret.
 */
export interface LeaverJournal {
  /**
   * Returns when all of them are on the disk. A row (id and generation) that is already there is not written again.
   * Calls queue. Throws JOURNAL_UNREADABLE when the file cannot be written; the next call tries again.
   */
  append(rows: readonly JournalRow[]): Promise<void>
  /** Of these, the ones that the journal does not have. */
  lacking(rows: readonly JournalRow[]): readonly JournalRow[]
  /** The whole file again, checked: for each id the row with the highest generation. */
  newest(): Promise<readonly JournalRow[]>
}

/**
 * Checks the file, or makes it. A last line that a crash cut short is cut off (what it told is still in the database).
 * @throws AppError JOURNAL_UNREADABLE when anything else is wrong with it
 */
export async function openJournal(path: string): Promise<LeaverJournal> {
  const before = await readJournalFile(path)
  // Made durably, folder included: appending alone would not keep the new name over a power cut.
  if (before === undefined) await writeDurably(path, '')
  let { rows, hash, size, torn } = parseJournal(before ?? Buffer.alloc(0), path)
  if (torn) await truncate(path, size)
  const known = new Set(rows.map(key))
  let written = rows.length
  // The rows themselves need not stay in memory.
  rows = []
  let broken = false
  let queue = Promise.resolve()

  const lacking = (list: readonly JournalRow[]) => list.filter((row) => !known.has(key(row)))

  async function write(list: readonly JournalRow[]): Promise<void> {
    const fresh = [...new Map(lacking(list).map((row) => [key(row), row])).values()]
    if (fresh.length === 0) return
    try {
      // What a failed write may have left half done must not run together with the next line.
      if (broken) await truncate(path, size)
      broken = true
      let last = hash
      const lines = fresh.map((row, index) => {
        const line = lineOf(written + index + 1, last, withoutPerson(row))
        last = line.hash
        return line.text
      })
      const text = lines.join('\n')
      await appendDurably(path, text)
      hash = last
      size += Buffer.byteLength(text) + 1
      written += fresh.length
      for (const row of fresh) known.add(key(row))
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
    append(list) {
      const turn = queue.then(() => write(list))
      // The caller gets the error; the next in the queue must not.
      queue = turn.catch(() => undefined)
      return turn
    },
    newest: () => readJournal(path),
  }
}

/** Nothing of the person goes into a file that is never changed; what cannot be read back must not go in either. */
function withoutPerson(row: JournalRow): JournalRow {
  return isTombstone(row) ? { ...row, subject: JSON.stringify(closedSubject(row)) } : row
}

function key({ id, generation }: JournalRow): string {
  return `${id}@${generation}`
}
