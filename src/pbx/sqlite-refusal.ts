import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from '../errors.ts'

/** What SQLite's error means for the file of a PBX. https://www.sqlite.org/rescode.html; the low byte is the primary code. */
export function sqliteRefusal(errcode: number, path: string): AppError {
  const code = `SQLite ${errcode}`
  const primary = errcode & 0xff
  if (primary === 5 || primary === 6) {
    return new AppError('PBX_UNREACHABLE', `the database of the PBX is not reachable (${code})`, {
      hint: 'another program holds it (Asterisk does so until its next change, unless res_config_sqlite3.conf says `batch = 0`)',
      retryable: true,
    })
  }
  const damage = damages.get(primary)
  if (damage !== undefined) {
    return new AppError('PBX_REFUSED', `the database of the PBX, ${path}, ${damage} (${code})`, {
      hint: 'check that RINGFENCE_PBX_DATABASE names the file that the PBX reads; if it does, restore that file from a backup. Ringfence changes nothing in it',
      retryable: true,
    })
  }
  const words = meanings.get(primary)
  return new AppError('PBX_REFUSED', `the database of the PBX, ${path}, ${words ?? 'refused'} (${code})`, {
    hint: words
      ? (rightsHint(path) ?? 'check the disk, and that the user that runs Ringfence may write the file and its folder')
      : "the database's own log of this minute names the reason",
    retryable: true,
  })
}

const meanings: ReadonlyMap<number, string> = new Map([
  [8, 'may only be read'],
  [10, 'could not be read from the disk or written to it'],
  [13, 'is on a disk that is full'],
  [14, 'or a file beside it cannot be opened'],
])

const damages: ReadonlyMap<number, string> = new Map([
  [11, 'is damaged'],
  [26, 'is no SQLite database'],
])

/**
 * The first of what SQLite must write that this user may not; null: none. Whichever program opens the database first makes
 * the two files beside it, as its own user.
 */
export function rightsHint(path: string): string | null {
  for (const one of [dirname(path), path, `${path}-wal`, `${path}-shm`]) {
    const found = look(one)
    if (!found || mayWrite(one)) continue
    const { uid, gid, mode } = found
    const way =
      (mode & 0o020) === 0 ? `its group may not write it either: chmod g+w ${one}` : 'put that user into this group'
    return `${one} belongs to user ${uid} and group ${gid}, and the user that runs Ringfence (${process.getuid?.()}) may not write it: ${way}, and start Ringfence anew`
  }
  return null
}

/** Null: not there, or in a folder that this user may not search. */
function look(path: string) {
  try {
    return statSync(path)
  } catch {
    return null
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}
