/** Whether Kamailio may read what it is to load: it starts as root, which may read all, and loads anew as its own user. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../errors.ts'
import { KamailioRefusal } from '../kamailio/kamailio-rpc.ts'

/** Throws the refusal of `tls.reload` in words that say what to look at; any other error as it is. */
export async function reloadRefused(folder: string, error: unknown): Promise<never> {
  if (!(error instanceof KamailioRefusal)) throw error
  const shut = await keptFromGroup(folder).catch(() => [])
  throw new AppError('PBX_REFUSED', `the edge cannot load the new revocation list: ${error.words.slice(0, 200)}`, {
    hint: `its log names the file. The user that Kamailio runs as must be able to read tls.cfg beside its kamailio.cfg, and all of ${folder}${shut.length > 0 ? `; there its group cannot read ${shut.join(', ')}` : ''}: docs/edge.md, steps 1 and 3, have the commands`,
    retryable: true,
    cause: error,
  })
}

/** Paths that the group of the folder may not read; the folder itself where its group has no way in or is root's. */
async function keptFromGroup(folder: string): Promise<readonly string[]> {
  const { gid, mode } = await stat(folder)
  if (gid === 0 || (mode & 0o050) !== 0o050) return [folder]
  const paths = (await readdir(folder)).filter((name) => !name.startsWith('.')).map((name) => join(folder, name))
  const found = await Promise.all(paths.map(async (path) => ({ path, ...(await stat(path)) })))
  return found.filter((file) => file.gid !== gid || (file.mode & 0o040) === 0).map(({ path }) => path)
}
