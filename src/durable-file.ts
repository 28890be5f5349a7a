import { randomUUID } from 'node:crypto'
import { link, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Replaces a file so that after a crash or power cut there is either the old content or the new, never half of it:
 * temp file beside it, fsync, rename, fsync of the folder. `mode` holds from the first byte on.
 */
export async function writeDurably(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = await writeBeside(path, content, mode)
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

/** Makes a folder that only its owner may look into. One that is there keeps its mode: it may be shared on purpose. */
export async function privateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
}

/** Content that is on the disk under a name of its own in the same folder. */
async function writeBeside(path: string, content: string | Uint8Array, mode: number): Promise<string> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`)
  const file = await open(temporary, 'wx', mode)
  try {
    await file.writeFile(content)
    // The umask may have taken bits away that a reader such as the PBX needs.
    await file.chmod(mode)
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
