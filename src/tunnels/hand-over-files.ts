import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../durable-file.ts'

/** Where the hub's short-lived files lie: in its own data folder, where nobody else looks and the next start finds them. */
export function workFolder(dataFolder: string): string {
  return join(dataFolder, 'work')
}

/** At a start: what a killed process left behind (a preshared key may be among it) goes first. */
export async function emptyWorkFolder(dataFolder: string): Promise<void> {
  await rm(workFolder(dataFolder), { recursive: true, force: true })
  await makeFolder(workFolder(dataFolder), 0o700)
}

/**
 * Programs such as wg(8) and nft(8) take keys and rules from files, and from /dev/stdin only where that is no socket. The
 * files live as long as the call.
 * @param deed gets the paths, in the order of `contents`
 */
export async function withFiles(
  folder: string,
  contents: readonly string[],
  deed: (paths: readonly string[]) => Promise<void>,
): Promise<void> {
  const paths = contents.map(() => join(folder, randomUUID()))
  try {
    for (const [index, path] of paths.entries()) await writeFile(path, contents[index]!, { mode: 0o600, flag: 'wx' })
    await deed(paths)
  } finally {
    await Promise.all(paths.map((path) => rm(path, { force: true })))
  }
}
