import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfThere, writeDurably } from '../../durable-file.ts'
import { AppError } from '../../errors.ts'
import type { TlsPorts } from '../tls-ports.ts'
import { accountsFile, ownershipMark, transportsFile, transportsText } from './asterisk-config.ts'

/**
 * The folder that pjsip.conf includes: one file that never changes and one with all accounts, a block for each extension.
 *
 * One file and not one for each extension, because Asterisk reads the folder again for every kind of object: with 1,000
 * accounts a reload took 1,000 ms from 1,000 files and 95 ms from one (22.10.1, 2 cores).
 */

/** The text of each extension's block, by extension. */
export type AccountBlocks = ReadonlyMap<string, string>

const blockMark = '; extension '

/** @throws AppError PBX_REFUSED when the file there is not ours. */
export async function readBlocks(folder: string): Promise<AccountBlocks> {
  const text = await readIfThere(join(folder, accountsFile), 'utf8')
  const blocks = new Map<string, string>()
  if (text === null) return blocks
  if (!text.startsWith(ownershipMark)) {
    throw new AppError('PBX_REFUSED', `${join(folder, accountsFile)} was not written by Ringfence`, {
      hint: 'move it out of the folder; Ringfence overwrites nothing that it did not make',
    })
  }
  for (const part of text.split(new RegExp(`^${blockMark}`, 'm')).slice(1)) {
    const end = part.indexOf('\n')
    blocks.set(part.slice(0, end), part.slice(end + 1))
  }
  return blocks
}

/**
 * Replaces the blocks that are named and keeps every other one byte for byte; null takes a block away. Bytes that are
 * already right are not written. Readable by the group, since Asterisk is a user of its own; no secret is in it.
 * @returns what the file holds now.
 */
export async function changeBlocks(
  folder: string,
  current: AccountBlocks,
  changes: ReadonlyMap<string, string | null>,
): Promise<AccountBlocks> {
  const next = new Map(current)
  for (const [extension, text] of changes) {
    if (text === null) next.delete(extension)
    else next.set(extension, text)
  }
  if (joined(next) !== joined(current)) await writeIn(folder, accountsFile, joined(next))
  return next
}

function joined(blocks: AccountBlocks): string {
  const extensions = [...blocks.keys()].sort()
  return `${ownershipMark}\n\n${extensions.map((extension) => `${blockMark}${extension}\n${blocks.get(extension)}`).join('')}`
}

/**
 * Writes the file that always exists. Do it before pjsip.conf gets its include line: Asterisk throws away the *whole*
 * pjsip.conf when an include line finds no file (seen with 22.10.1).
 */
export async function writeTransports(folder: string, transports: TlsPorts | null): Promise<void> {
  const text = transportsText(transports)
  if ((await readIfThere(join(folder, transportsFile), 'utf8')) !== text) await writeIn(folder, transportsFile, text)
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

/** Readable by the group: Asterisk is a user of its own. */
export async function writeIn(folder: string, name: string, text: string): Promise<void> {
  try {
    await writeDurably(join(folder, name), text, 0o640)
  } catch (cause) {
    const problem = await folderProblem(folder)
    throw new AppError('PBX_REFUSED', problem?.message ?? `${join(folder, name)} could not be written`, {
      hint: problem?.hint ?? 'check free space and the rights of the folder',
      retryable: true,
      cause,
    })
  }
}
