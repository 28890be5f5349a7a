import type { ListenOptions, Server } from 'node:net'
import { AppError } from '../errors.ts'

/** Resolves when the server listens. @throws CONFIG_INVALID when the address is taken or not ours */
export function listening(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(inWords(error, where))
    server.once('error', failed)
    server.listen(where, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

function inWords(error: NodeJS.ErrnoException, { host, port, path }: ListenOptions): AppError {
  const place = path ?? `${host?.includes(':') ? `[${host}]` : host}:${port}`
  const reasons: Readonly<Record<string, readonly [string, string]>> = {
    EADDRINUSE: ['another program listens there already', 'stop it, or choose another port in the settings'],
    EADDRNOTAVAIL: ['this host has no such address', 'choose one of its own addresses in the settings'],
    EACCES: ['this user may not listen there', 'choose a port from 1024 up, or start with the right to bind it'],
  }
  const [why, hint] = reasons[error.code ?? ''] ?? [
    `the system says ${error.code ?? 'no'}`,
    'check the listen address in the settings',
  ]
  return new AppError('CONFIG_INVALID', `cannot listen on ${place}: ${why}`, { hint, cause: error })
}
