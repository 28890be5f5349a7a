import { connect, type Socket } from 'node:net'
import { StringDecoder } from 'node:string_decoder'
import { AppError } from '../errors.ts'

/**
 * One kept connection to a userspace WireGuard's socket; made when first needed and again after an error.
 * The protocol (wireguard.com/xplatform): `key=value` lines, a request and an answer both end with an empty line.
 */
export interface UapiConnection {
  /**
   * Sends one request and hands over each line of its answer, `errno` excepted.
   * @throws AppError HUB_UNREACHABLE (no socket, connection lost, out of time), HUB_REFUSED (errno other than 0).
   */
  request(text: string, signal: AbortSignal, onLine?: (line: string) => void): Promise<void>
  close(): void
}

interface Exchange {
  readonly onLine: (line: string) => void
  readonly finish: (error?: AppError) => void
  errno: number | undefined
}

export function uapiConnection(socketPath: string): UapiConnection {
  let socket: Socket | undefined
  let current: Exchange | undefined
  let queue: Promise<unknown> = Promise.resolve()

  function lose(error: AppError): void {
    socket?.destroy()
    socket = undefined
    current?.finish(error)
  }

  function open(): Socket {
    const opened = connect(socketPath)
    const decoder = new StringDecoder('utf8')
    let rest = ''
    opened.on('data', (chunk) => {
      const lines = (rest + decoder.write(chunk)).split('\n')
      rest = lines.pop()!
      for (const line of lines) take(line)
    })
    const lost = (error?: Error) => {
      if (socket === opened) lose(unreachable(socketPath, error))
    }
    opened.on('error', lost)
    opened.on('close', () => lost())
    return opened
  }

  function take(line: string): void {
    if (!current) return
    if (line.startsWith('errno=')) current.errno = Number(line.slice(6))
    else if (line !== '') current.onLine(line)
    else if (current.errno === 0) current.finish()
    // After an error the rest of the request is still being read there as new commands: only a new connection is clean.
    else lose(new AppError('HUB_REFUSED', `the WireGuard interface refused the change (errno ${current.errno})`))
  }

  function exchange(text: string, signal: AbortSignal, onLine: (line: string) => void): Promise<void> {
    if (signal.aborted) return Promise.reject(outOfTime())
    return new Promise((resolve, reject) => {
      const abort = () => lose(outOfTime())
      const finish = (error?: AppError) => {
        signal.removeEventListener('abort', abort)
        current = undefined
        if (error) reject(error)
        else resolve()
      }
      signal.addEventListener('abort', abort, { once: true })
      current = { onLine, finish, errno: undefined }
      socket ??= open()
      socket.write(text)
    })
  }

  return {
    request(text, signal, onLine = () => undefined) {
      const answer = queue.then(() => exchange(text, signal, onLine))
      // The next request goes its way whatever became of this one; its caller has the error.
      queue = answer.catch(() => undefined)
      return answer
    },
    close() {
      lose(unreachable(socketPath))
    },
  }
}

function unreachable(socketPath: string, cause?: Error): AppError {
  return new AppError('HUB_UNREACHABLE', `the WireGuard process does not answer on ${socketPath}`, {
    hint: 'look whether wireguard-go is running; the hub starts it again when it is restarted itself',
    retryable: true,
    ...(cause ? { cause } : {}),
  })
}

function outOfTime(): AppError {
  return new AppError('HUB_UNREACHABLE', 'the WireGuard process did not answer in time', {
    hint: 'the machine may be overloaded; it is tried again',
    retryable: true,
  })
}
