import { connect, type Socket } from 'node:net'
import type { z } from 'zod'
import { tryJson } from '../domain/json-text.ts'
import { AppError } from '../errors.ts'
import type { Hub } from './hub-port.ts'
import { answerSchema, longestLine, type Operation, results, wireForm } from './hub-protocol.ts'
import { lineReader } from './line-reader.ts'

/** A Hub that lives in another process. */
export interface HubClient extends Hub {
  /** Asks the process to end; with `takeAway` its interface and firewall table go too. */
  shutdown(takeAway: boolean, signal: AbortSignal): Promise<void>
  close(): void
}

interface HubClientOptions {
  /** How long one request may take; default 30 s: the first fill with 10,000 peers takes some. */
  readonly timeoutMs?: number
}

interface Pending {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: AppError) => void
}

/**
 * Speaks to the hub process over its Unix socket with one kept connection, which is made again when it was lost.
 * A lost connection fails what is under way as HUB_UNREACHABLE: whether it was done is for the next look to say.
 */
export function hubClient(socketPath: string, { timeoutMs = 30_000 }: HubClientOptions = {}): HubClient {
  let socket: Socket | undefined
  let nextId = 0
  const pending = new Map<number, Pending>()

  function lose(error: AppError): void {
    socket?.destroy()
    socket = undefined
    const lost = [...pending.values()]
    pending.clear()
    for (const { reject } of lost) reject(error)
  }

  function open(): Socket {
    const opened = connect(socketPath)
    opened.on(
      'data',
      lineReader(longestLine, take, () => lose(garbled())),
    )
    const lost = (cause?: Error) => {
      if (socket === opened) lose(unreachable(socketPath, cause))
    }
    opened.on('error', lost)
    opened.on('close', () => lost())
    return opened
  }

  function take(line: string): void {
    const answer = answerSchema.safeParse(tryJson(line))
    if (!answer.success) {
      lose(garbled())
      return
    }
    const waiting = pending.get(answer.data.id)
    // Nobody waits for it any more: it came after its time limit.
    if (!waiting) return
    pending.delete(answer.data.id)
    if ('failure' in answer.data) {
      const { code, message, hint, retryable } = answer.data.failure
      waiting.reject(new AppError(code, message, { retryable, ...(hint === undefined ? {} : { hint }) }))
    } else waiting.resolve(answer.data.result)
  }

  async function ask<Schema extends z.ZodType>(
    operation: Operation,
    parameters: unknown,
    schema: Schema,
    signal: AbortSignal,
  ): Promise<z.output<Schema>> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    if (limit.aborted) throw outOfTime()
    const id = nextId++
    const line = `${JSON.stringify({ id, operation, parameters })}\n`
    if (line.length > longestLine) {
      throw new AppError('TOO_LARGE', 'a request to the hub is too large', { hint: 'split it into several' })
    }
    const abort = () => {
      pending.get(id)?.reject(outOfTime())
      pending.delete(id)
    }
    limit.addEventListener('abort', abort, { once: true })
    try {
      const result = await new Promise<unknown>((resolve, reject) => {
        pending.set(id, { resolve, reject })
        socket ??= open()
        socket.write(line)
      })
      const checked = schema.safeParse(result)
      if (!checked.success) throw garbled()
      return checked.data
    } finally {
      limit.removeEventListener('abort', abort)
    }
  }

  return {
    describe: (signal) => ask('describe', {}, results.describe, signal),
    listPeers: (signal) => ask('listPeers', {}, results.peers, signal),
    readPeers: (publicKeys, signal) => ask('readPeers', { publicKeys }, results.peers, signal),
    async applyPeers(change, signal) {
      await ask('applyPeers', wireForm(change), results.done, signal)
    },
    readFirewall: (signal) => ask('readFirewall', {}, results.firewall, signal),
    async applyFirewall(change, signal) {
      await ask('applyFirewall', change, results.done, signal)
    },
    async shutdown(takeAway, signal) {
      await ask('shutdown', { takeAway }, results.done, signal)
    },
    close: () => lose(unreachable(socketPath)),
  }
}

function unreachable(socketPath: string, cause?: Error): AppError {
  return new AppError('HUB_UNREACHABLE', `the hub does not answer on ${socketPath}`, {
    hint: 'look whether the process `ringfence hub` runs and what its log says',
    retryable: true,
    ...(cause ? { cause } : {}),
  })
}

function outOfTime(): AppError {
  return new AppError('HUB_UNREACHABLE', 'the hub did not answer in time', {
    hint: 'it is tried again; the log of `ringfence hub` tells what keeps it',
    retryable: true,
  })
}

function garbled(): AppError {
  return new AppError('HUB_UNREACHABLE', 'the hub gave an answer that is not understood', {
    hint: 'server and hub may be of different versions: restart both',
    retryable: true,
  })
}
