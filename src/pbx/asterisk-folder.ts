import { access, constants, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { removeDurably, writeDurably } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import {
  type AsteriskSettings,
  type AsteriskTransports,
  accountText,
  ownershipMark,
  transportsFile,
  transportsText,
} from './asterisk-config.ts'
import type { PbxAccount } from './pbx-driver.ts'

/** The folder of our files, one for each extension. A file without our mark is somebody else's. */

type FileState = 'absent' | 'ours' | 'foreign'

export function accountFile(folder: string, extension: string): string {
  return join(folder, `${extension}.conf`)
}

export async function fileState(path: string): Promise<FileState> {
  const text = await readText(path)
  if (text === null) return 'absent'
  return text.startsWith(ownershipMark) ? 'ours' : 'foreign'
}

/**
 * Makes the file as the account says: bytes that are already right are left alone, no credential means no file.
 * Readable by the group, since Asterisk is a user of its own; the secret itself is not in it.
 */
export async function writeAccount(folder: string, account: PbxAccount, settings: AsteriskSettings): Promise<void> {
  const path = accountFile(folder, account.extension)
  if (account.credentials.length === 0) {
    if ((await fileState(path)) === 'ours') await inFolder(folder, () => removeDurably(path))
    return
  }
  const text = accountText(account, settings)
  if ((await readText(path)) === text) return
  await inFolder(folder, () => writeDurably(path, text, 0o640))
}

/**
 * Writes the file that always exists. Do it before pjsip.conf gets its include line: Asterisk throws away the *whole*
 * pjsip.conf when an include line finds no file (seen with 22.10.1).
 */
export async function writeTransports(folder: string, transports: AsteriskTransports | null): Promise<void> {
  const path = join(folder, transportsFile)
  const text = transportsText(transports)
  if ((await readText(path)) === text) return
  await inFolder(folder, () => writeDurably(path, text, 0o640))
}

/** What keeps us from working in the folder, or null. */
export async function folderProblem(folder: string): Promise<{ message: string; hint: string } | null> {
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return null
  } catch {
    return {
      message: `the folder ${folder} is missing or cannot be written`,
      hint: `make it: install -d -m 2750 -o <user of Ringfence> -g asterisk ${folder}`,
    }
  }
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function inFolder(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    const problem = await folderProblem(folder)
    throw new AppError('PBX_REFUSED', problem?.message ?? `a file in ${folder} could not be written`, {
      hint: problem?.hint ?? 'check free space and the rights of the folder',
      retryable: true,
      cause,
    })
  }
}
