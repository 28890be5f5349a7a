import { chmod, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import type { z } from 'zod'
import { tryJson } from '../domain/json-text.ts'
import { makeFolder } from '../durable-file.ts'
import { AppError, asAppError } from '../errors.ts'
import type { Hub } from '../tunnels/hub-port.ts'
import { longestLine, type Operation, operations, requestSchema } from '../tunnels/hub-protocol.ts'
import { lineReader } from '../tunnels/line-reader.ts'
import type { HubLog } from './hub-log.ts'

export interface HubServer {
  close(): Promise<void>
}

interface HubServerOptions {
  readonly socketPath: string
  readonly socketMode: number
  readonly log: HubLog
  /** Called once its answer has been written. */
  readonly onShutdown: (takeAway: boolean) => void
}

type Parameters<Name extends Operation> = z.output<(typeof operations)[Name]>

/** @throws AppError CONFLICT when another hub answers on this socket. */
export async function refuseSecondHub(socketPath: string): Promise<void> {
  if (!(await answers(socketPath))) return
  throw new AppError('CONFLICT', `another hub answers on ${socketPath}`, {
    hint: 'stop it first, or set RINGFENCE_HUB_SOCKET',
  })
}

/** Serves a Hub on a Unix socket. Whoever may open the socket may ask; there is nothing to ask for but desired states. */
export async function serveHub(hub: Hub, options: HubServerOptions): Promise<HubServer> {
  const { socketPath, socketMode, log } = options
  const connections = new Set<Socket>()
  // Work that nobody waits for any more is stopped when the hub ends, not when a client goes: a removal is finished.
  const ending = new AbortController()
  const server = createServer((socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    // A client that went away in the middle of an answer asks again.
    socket.on('error', () => socket.destroy())
    socket.on(
      'data',
      lineReader(
        longestLine,
        (line) => void answer(line, socket),
        () => {
          log.warn({ longestLine }, 'a request was too long; its connection is closed')
          socket.destroy()
        },
      ),
    )
  })

  const deeds: { readonly [Name in Operation]: (parameters: Parameters<Name>) => Promise<unknown> } = {
    describe: () => hub.describe(ending.signal),
    listPeers: () => hub.listPeers(ending.signal),
    readPeers: ({ publicKeys }) => hub.readPeers(publicKeys, ending.signal),
    applyPeers: (change) => hub.applyPeers(change, ending.signal),
    readFirewall: () => hub.readFirewall(ending.signal),
    applyFirewall: (change) => hub.applyFirewall(change, ending.signal),
    shutdown: async () => undefined,
  }

  async function answer(line: string, socket: Socket): Promise<void> {
    const request = requestSchema.safeParse(tryJson(line))
    // Without an id there is nobody to answer.
    if (!request.success) {
      log.warn({}, 'a request was not understood; its connection is closed')
      socket.destroy()
      return
    }
    const { id, operation, parameters } = request.data
    try {
      const result = await run(operation, parameters)
      await send(socket, { id, result: result ?? null })
      if (operation === 'shutdown') options.onShutdown(operations.shutdown.parse(parameters).takeAway)
    } catch (error) {
      const { code, message, hint, retryable } = asAppError(error)
      if (code === 'INTERNAL') log.error({ err: error, operation }, 'a request failed')
      else log.warn({ code, operation }, message)
      await send(socket, { id, failure: { code, message, hint, retryable } })
    }
  }

  function run<Name extends Operation>(operation: Name, parameters: unknown): Promise<unknown> {
    const checked = operations[operation].safeParse(parameters)
    if (!checked.success) {
      // The issues name places, not values: a preshared key must not get into a message.
      const places = checked.error.issues.slice(0, 3).map(({ path }) => path.join('.'))
      throw new AppError('HUB_REFUSED', `the request ${operation} is not well formed (${places.join(', ')})`, {
        hint: 'server and hub may be of different versions: restart both',
      })
    }
    return deeds[operation](checked.data as Parameters<Name>)
  }

  await listen(server, socketPath, socketMode)
  return {
    async close() {
      ending.abort()
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of connections) socket.destroy()
      await closed
    },
  }
}

function send(socket: Socket, message: unknown): Promise<void> {
  return new Promise((resolve) => {
    // The client may be gone; what it asked for is done all the same.
    if (socket.destroyed) resolve()
    else socket.write(`${JSON.stringify(message)}\n`, () => resolve())
  })
}

async function listen(server: Server, path: string, mode: number): Promise<void> {
  await makeFolder(dirname(path), 0o700)
  await refuseSecondHub(path)
  // What a killed hub left behind.
  await rm(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // The socket must not be open to others even for the moment until its mode is set.
    const before = process.umask(0o777 & ~mode)
    try {
      server.listen(path, () => resolve())
    } finally {
      process.umask(before)
    }
  })
  await chmod(path, mode)
}

/** Only a refused connection proves that nobody is there; a full queue or a missing right does not. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const answer = (does: boolean) => {
      socket.destroy()
      resolve(does)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => answer(code !== 'ECONNREFUSED' && code !== 'ENOENT'))
  })
}
