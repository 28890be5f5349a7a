import { randomUUID } from 'node:crypto'
import { chmod, link, lstat, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from './errors.ts'

/**
 * Replaces a file so that after a crash or power cut there is either the old content or the new, never half of it:
 * temp file beside it, fsync, rename, fsync of the folder. `mode` holds from the first byte on.
 */
export async function writeDurably(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  await replace(path, await writeBeside(path, content, mode))
}

/**
 * The same, and the file belongs to the group of its folder, as a folder with the set-group-ID bit does by itself: the
 * reader's group, wherever another program reads what we write. Never given away by its name, which could lead to
 * another file by then.
 */
export async function writeForFoldersGroup(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const { gid } = await stat(dirname(path))
  await replace(path, await writeBeside(path, content, mode, gid))
}

async function replace(path: string, temporary: string): Promise<void> {
  try {
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

/**
 * Makes a file that must not be there yet, as durably as `writeDurably`. False, and nothing changed, when it is there:
 * of two processes that try at the same moment one makes it, and both can go on with what it holds.
 */
export async function createDurably(path: string, content: string | Uint8Array, mode = 0o600): Promise<boolean> {
  const temporary = await writeBeside(path, content, mode)
  try {
    // Unlike a rename, a link refuses to replace.
    await link(temporary, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(dirname(path))
  return true
}

/** Bytes that are already there are not written again. A file that is there and cannot be read is an error. */
export async function writeIfOther(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  if ((await readIfThere(path))?.equals(Buffer.from(content))) return
  await writeDurably(path, content, mode)
}

/** Null when there is no such file. */
export async function readIfThere(path: string): Promise<Buffer | null>
export async function readIfThere(path: string, encoding: 'utf8'): Promise<string | null>
export async function readIfThere(path: string, encoding?: 'utf8'): Promise<Buffer | string | null> {
  return nullIfAbsent(readFile(path, encoding ?? null))
}

/** Removes a file for good; that it was not there is fine. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path, { force: true })
  await syncFolder(dirname(path))
}

/** Adds one line and waits until it is on the disk. */
export async function appendDurably(path: string, line: string, mode = 0o600): Promise<void> {
  const file = await open(path, 'a', mode)
  try {
    await file.writeFile(`${line}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Makes a folder that only its owner may look into, or closes one of ours that is open to others.
 * @param holds names of which at least one is in the folder when Ringfence has used it before. Where they are given, an
 * open folder with other things in it is refused: as root, a slip in a setting would else shut /etc for everybody.
 * @throws AppError CONFIG_INVALID for a link, somebody else's folder, or one that is shared on purpose
 */
export async function privateFolder(path: string, holds?: readonly string[]): Promise<void> {
  const before = await nullIfAbsent(lstat(path))
  if (before === null) await makeFolder(path, 0o700)
  const found = before ?? (await lstat(path))
  if (found.isSymbolicLink()) {
    throw unfit(`${path} is a link`, 'name the folder that it leads to: whoever may change a link may swap the folder')
  }
  if (!found.isDirectory()) throw unfit(`${path} is not a folder`, 'choose another path')
  const user = process.getuid?.()
  if (user !== undefined && found.uid !== user) {
    throw unfit(
      `${path} belongs to another user (${found.uid})`,
      `give it to the user that runs Ringfence: chown ${user} ${path}`,
    )
  }
  if ((found.mode & 0o077) === 0) return
  const isUsed = holds === undefined || (await isEmptyOrHolds(path, holds))
  if ((found.mode & sticky) !== 0 || !isUsed) {
    throw unfit(
      `${path} is open to other users and holds other things than Ringfence's`,
      `choose a folder of its own; if it is one: chmod 700 ${path}`,
    )
  }
  await chmod(path, 0o700)
}

/**
 * Makes a folder and those above it; one that is there is fine. Not with mkdir's `recursive`: in a folder that is there and
 * takes none, such as /proc, Node 24 tries that for ever, and SIGTERM does not end it.
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
  if (await makeOne(path, mode)) return
  const above = dirname(path)
  if (await nullIfAbsent(stat(above)))
    throw unfit(`${path} cannot be made: ${above} takes no folder`, 'choose another path')
  await makeFolder(above, mode)
  if (!(await makeOne(path, mode)))
    throw unfit(`${path} cannot be made: ${above} goes away again`, 'choose another path')
}

/** False when what is above it is not there, or behaves so. */
async function makeOne(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode })
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return false
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return true
    throw error
  }
}

/** An error about Ringfence's own folder, or what is in it, as something that a person can mend; every other as it is. */
export function aboutDataFolder(error: unknown, folder: string): unknown {
  const { code, path } = error as NodeJS.ErrnoException
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(code ?? '') || path === undefined) return error
  const user = process.getuid?.() ?? 'ringfence'
  const isWithin = path.startsWith(`${folder}/`)
  if (!isWithin && path !== folder && !folder.startsWith(`${path}/`)) return error
  if (code === 'EROFS')
    return unfit(
      `the data folder ${folder} may only be read here`,
      `as a systemd service: ReadWritePaths=${folder} in a drop-in, see docs/deployment.md`,
    )
  if (isWithin)
    return unfit(
      `${path} cannot be used by the user that runs Ringfence (${code})`,
      `all in the data folder must be that user's. As root: chown -R ${user} ${folder}`,
    )
  return unfit(
    `the data folder ${folder} cannot be reached or made by the user that runs Ringfence (${code})`,
    `let that user (${user}) into every folder above it, or name another one in RINGFENCE_DATA; \`namei -l ${folder}\` shows them`,
  )
}

/** Writes into a folder that a setting names; what is wrong with it is told as something that a person can mend. */
export async function writingInto<T>(folder: FolderOfSetting, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    throw aboutFolder(error, folder)
  }
}

export interface FolderOfSetting {
  readonly folder: string
  /** The setting, as a person types it. */
  readonly name: string
  /** Of the program that reads it. */
  readonly group: string
  /** That program makes files there too. */
  readonly isShared?: boolean
}

/** An error about such a folder, as something that a person can mend; every other error as it is. */
export function aboutFolder(error: unknown, { folder, name, group, isShared }: FolderOfSetting): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EROFS')
    return unfit(
      `${folder} (${name}) may only be read here`,
      `as a systemd service: ReadWritePaths=${folder} in a drop-in, see docs/deployment.md`,
    )
  if (code === 'EACCES' || code === 'EPERM' || code === 'ENOTDIR')
    return unfit(
      `${folder} (${name}) cannot be written to (${code})`,
      `make it as root and give it to the user that runs Ringfence: install -d -m ${isShared ? 2770 : 2750} -o ringfence -g ${group} ${folder}`,
    )
  return error
}

/** Set where everybody may write and nobody may remove what is another's, as in /tmp (inode(7)). */
const sticky = 0o1000

async function isEmptyOrHolds(path: string, names: readonly string[]): Promise<boolean> {
  const entries = await readdir(path)
  return entries.length === 0 || entries.some((entry) => names.includes(entry))
}

async function nullIfAbsent<T>(look: Promise<T>): Promise<T | null> {
  return look.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
}

function unfit(message: string, hint: string): AppError {
  return new AppError('CONFIG_INVALID', message, { hint })
}

/** Content that is on the disk under a name of its own in the same folder. */
async function writeBeside(path: string, content: string | Uint8Array, mode: number, gid?: number): Promise<string> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`)
  const file = await open(temporary, 'wx', mode)
  try {
    await file.writeFile(content)
    // The umask may have taken bits away that a reader such as the PBX needs.
    await file.chmod(mode)
    const made = await file.stat()
    if (gid !== undefined && made.gid !== gid) await file.chown(made.uid, gid)
    await file.sync()
    await file.close()
    return temporary
  } catch (error) {
    // The first error is the one to tell; a second close only repeats it.
    await file.close().catch(() => undefined)
    await rm(temporary, { force: true })
    throw error
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
