import { chmod, lstat, mkdtemp, rename, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { AppError } from '../errors.ts'
import { listening } from './listening.ts'

/** sun_path in unix(7) has 108 bytes with the closing zero. */
const longestPath = 107

/**
 * Binds a server to a Unix socket that only its owner can open. It is born in a folder of mode 0700, made 0600 there, and
 * then moved into its place: there is no moment in which somebody else could connect, whatever the umask.
 * An old socket is replaced only when nobody answers on it. The returned function removes ours, and never another's.
 * @throws STORE_IN_USE when a server answers there, CONFIG_INVALID when the path is too long or is not a socket
 */
export async function bindPrivately(server: Server, path: string): Promise<() => Promise<void>> {
  const nursery = await mkdtemp(join(dirname(path), '.s-'))
  try {
    const birthplace = join(nursery, 's')
    if (Buffer.byteLength(birthplace) > longestPath) throw tooLong(path)
    await refuseOccupied(path)
    await listening(server, { path: birthplace })
    await chmod(birthplace, 0o600)
    await rename(birthplace, path)
  } finally {
    await rm(nursery, { recursive: true, force: true })
  }
  const mine = await lstat(path)
  return async () => {
    const now = await lstat(path).catch(() => undefined) // gone already is as good as removed
    if (now?.ino === mine.ino && now.dev === mine.dev) await rm(path, { force: true })
  }
}

async function refuseOccupied(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined) return
  if (!found.isSocket()) {
    throw new AppError('CONFIG_INVALID', `${path} exists and is not a socket`, { hint: 'move it away' })
  }
  if (await somebodyAnswers(path)) {
    throw new AppError('STORE_IN_USE', `another Ringfence answers on ${path}`, {
      hint: 'stop it first, or give this one another data folder',
    })
  }
}

/** Only a refused connection proves that nobody is there; a full queue or a missing right does not. */
function somebodyAnswers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    )
  })
}

function tooLong(path: string): AppError {
  return new AppError('CONFIG_INVALID', `the path ${path} is too long for a socket`, {
    hint: 'choose a data folder with a shorter path',
  })
}
