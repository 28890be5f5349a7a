import type { Response } from 'express'
import { AppError } from '../errors.ts'
import type { Application } from '../journeys/application.ts'

/** Beyond this a reader is too slow: it is cut off and may come back, rather than fill our memory. */
const mostWaitingBytes = 256 * 1024
const mostReaders = 200
/** One caller must not take them all: so many windows of one person, or programs with one token. */
const mostOfOneCaller = 10

interface EventStreams {
  /**
   * Sends every change to one reader as server-sent events until it leaves, is too slow, or `stillAllowed` says no.
   * @param employeeId only what is about this person
   * @throws FORBIDDEN when there are too many readers, in all or under this name
   */
  open(
    response: Response,
    reader: { readonly name: string; readonly stillAllowed: () => Promise<boolean> },
    employeeId?: string,
  ): void
}

interface EventStreamOptions {
  /** Also how often the reader's token is looked at again. */
  readonly heartbeatMs: number
  /** Ends all streams, so that the server can stop. */
  readonly stopping: AbortSignal | undefined
}

/** WHATWG HTML section 9.2: `event`, `data`, and comment lines as heartbeat. */
export function eventStreams(application: Application, { heartbeatMs, stopping }: EventStreamOptions): EventStreams {
  const readers = new Map<() => void, string>()
  stopping?.addEventListener('abort', () => {
    for (const close of readers.keys()) close()
  })
  return {
    open(response, { name, stillAllowed }, employeeId) {
      const theirs = [...readers.values()].filter((other) => other === name).length
      if (readers.size >= mostReaders || theirs >= mostOfOneCaller || stopping?.aborted) {
        throw new AppError('FORBIDDEN', 'too many programs follow the events already', { hint: 'close one of them' })
      }
      if (response.destroyed) return // hung up meanwhile: there will be no close event to clean up after
      response.status(200).set({ 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' })
      response.flushHeaders()
      response.write(': connected\n\n')

      const send = (text: string): void => {
        if (response.writableLength > mostWaitingBytes) response.destroy()
        else response.write(text)
      }
      const { stop } = application.subscribe((event) => {
        if (employeeId !== undefined && event.employeeId !== employeeId) return
        const { kind, ...rest } = event
        send(`event: ${kind}\ndata: ${JSON.stringify(rest)}\n\n`)
      })
      const heartbeat = setInterval(() => {
        stillAllowed().then(
          (allowed) => (allowed ? send(': still here\n\n') : response.end()),
          // Not knowing is not being allowed; the reader comes back and asks anew.
          () => response.end(),
        )
      }, heartbeatMs)
      const close = (): void => void response.end()
      readers.set(close, name)
      response.once('close', () => {
        clearInterval(heartbeat)
        stop()
        readers.delete(close)
      })
    },
  }
}
