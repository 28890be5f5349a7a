import { connect, type Socket } from 'node:net'
import { AppError } from '../../errors.ts'
import { type EventSocketFrame, frameReader } from './event-socket-frames.ts'
import type { EventSocketAddress } from './freeswitch-options.ts'

/**
 * A small client of FreeSWITCH's event socket, inbound mode (mod_event_socket.c): commands end with an empty line, answers
 * come in the order of the commands. It has no TLS, so it belongs on loopback or into a network of its own. One session
 * per piece of work; nothing is subscribed to.
 */
export interface EventSocketSession {
  /** What an API command printed; `-ERR` is given back as it is. */
  api(command: string): Promise<string>
  sendEvent(name: string, headers: Readonly<Record<string, string>>): Promise<void>
}

/** @throws AppError PBX_UNREACHABLE (nobody there, no answer in time, broken off), PBX_REFUSED (password, ACL). */
export async function withEventSocket<T>(
  address: EventSocketAddress,
  signal: AbortSignal,
  work: (session: EventSocketSession) => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw givenUp()
  const socket = connect({ host: address.host, port: address.port })
  const line = conversation(socket, address)
  const onAbort = () => line.fail(givenUp())
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await logIn(line, address)
    return await work({
      async api(command) {
        const { type, body } = await line.ask(oneLine(`api ${command}`))
        if (type !== 'api/response') throw garbage(`it answered an api command with ${type || 'nothing'}`)
        return body
      },
      async sendEvent(name, headers) {
        const lines = Object.entries(headers).map(([key, value]) => oneLine(`${key}: ${value}`))
        const { reply } = await line.ask([oneLine(`sendevent ${name}`), ...lines].join('\n'))
        if (!reply.startsWith('+OK')) throw refused(`FreeSWITCH refused an event: ${reply.slice(0, 200)}`)
      },
    })
  } catch (error) {
    throw signal.aborted && !(error instanceof AppError) ? givenUp() : error
  } finally {
    signal.removeEventListener('abort', onAbort)
    line.fail(unreachable('the session with FreeSWITCH is over'))
    socket.destroySoon()
  }
}

async function logIn(line: ReturnType<typeof conversation>, { password }: EventSocketAddress): Promise<void> {
  const greeting = await line.greeting
  if (greeting.type === 'text/rude-rejection')
    throw refused('FreeSWITCH does not let this machine speak to its event socket (apply-inbound-acl)')
  if (greeting.type !== 'auth/request') throw garbage(`it began with ${greeting.type || 'something else'}`)
  const { reply } = await line.ask(oneLine(`auth ${password.reveal()}`))
  if (!reply.startsWith('+OK')) throw refused('FreeSWITCH refused the password of its event socket')
}

function conversation(socket: Socket, { host, port, timeoutMs = 10_000 }: EventSocketAddress) {
  const waiting: { resolve: (frame: EventSocketFrame) => void; reject: (error: AppError) => void }[] = []
  let over: AppError | null = null
  let timer: NodeJS.Timeout | undefined
  const fail = (error: AppError) => {
    over ??= error
    clearTimeout(timer)
    for (const one of waiting.splice(0)) one.reject(over)
  }
  // One clock for all: each answer that comes winds it up again.
  const windUp = () => {
    clearTimeout(timer)
    if (waiting.length > 0)
      timer = setTimeout(() => fail(unreachable(`FreeSWITCH at ${host}:${port} did not answer in time`)), timeoutMs)
  }
  const next = () =>
    new Promise<EventSocketFrame>((resolve, reject) => {
      if (over) return reject(over)
      waiting.push({ resolve, reject })
      windUp()
    })
  const greeting = next()
  // Nobody may be waiting for it when the connection fails.
  greeting.catch(() => undefined)
  const read = frameReader((frame) => {
    // Says goodbye on its own account; whoever waits is told by the end of the connection.
    if (frame.type === 'text/disconnect-notice') return
    waiting.shift()?.resolve(frame)
    windUp()
  })
  socket.setNoDelay(true)
  socket.on('data', (chunk: Buffer) => {
    try {
      read(chunk)
    } catch {
      fail(garbage('it does not keep to the protocol'))
      socket.destroy()
    }
  })
  socket.on('error', (cause: NodeJS.ErrnoException) =>
    fail(
      unreachable(`the event socket of FreeSWITCH at ${host}:${port} is not reachable (${cause.code ?? 'unknown'})`),
    ),
  )
  socket.on('close', () => fail(unreachable('FreeSWITCH closed the connection')))
  return {
    greeting,
    fail,
    ask(text: string) {
      const answer = next()
      if (!over) socket.write(`${text}\n\n`)
      return answer
    },
  }
}

/** A line break would begin a command of the caller's choosing. */
function oneLine(text: string): string {
  if (/[\r\n\0]/.test(text)) throw new AppError('INVALID_INPUT', 'a value for FreeSWITCH holds a line break')
  return text
}

function refused(message: string): AppError {
  return new AppError('PBX_REFUSED', message, {
    hint: 'compare password and apply-inbound-acl in event_socket.conf.xml with the settings, then run `reload mod_event_socket`',
    retryable: true,
  })
}

function garbage(words: string): AppError {
  return new AppError('PBX_REFUSED', `what answers at the address of FreeSWITCH is not its event socket: ${words}`, {
    hint: 'check host and port of the event socket (event_socket.conf.xml, usually 8021)',
    retryable: true,
  })
}

function givenUp(): AppError {
  return unreachable('the request to FreeSWITCH was given up')
}

export function unreachable(message: string): AppError {
  return new AppError('PBX_UNREACHABLE', message, {
    hint: 'check that FreeSWITCH runs, that mod_event_socket is loaded, and that RINGFENCE_PBX_ESL names its address and port',
    retryable: true,
  })
}
