import { truncate } from 'node:fs/promises'
import type { Tombstone } from '../domain/tombstone.ts'
import { appendDurably, writeDurably } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import { closedSubject } from './closed-subjects.ts'
import { lineOf, parseJournal, readJournal, readJournalFile } from './journal-file.ts'

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
  const before = await readJournalFile(path)
  // Made durably, folder included: appending alone would not keep the new name over a power cut.
  if (before === undefined) await writeDurably(path, '')
  let { entries, hash, size, torn } = parseJournal(before ?? Buffer.alloc(0), path)
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

/** Nothing of the person goes into a file that is never changed; what cannot be read back must not go in either. */
function withoutPerson(tombstone: Tombstone): Tombstone {
  return { ...tombstone, subject: JSON.stringify(closedSubject(tombstone)) }
}

function key({ id, generation }: Tombstone): string {
  return `${id}@${generation}`
}
