import { Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { AppError } from '../errors.ts'

/** The HTTP interface of a PBX: one origin, whose certificate is checked, with a limit on time and size. */
export interface PbxHttpAddress {
  /** `https://pbx.example.com:8089`; `http://` for loopback only. */
  readonly origin: string
  /** PEM; without it the system's authorities. */
  readonly ca?: string
  /** For each answer, default 10 000 ms. */
  readonly timeoutMs?: number
}

export interface PbxHttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** With a slash in front; every part that is not constant is percent-encoded by the caller. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface PbxHttpAnswer {
  readonly status: number
  readonly body: string
}

export type PbxHttp = (request: PbxHttpRequest, signal: AbortSignal) => Promise<PbxHttpAnswer>

const longestAnswer = 16 * 1024 * 1024

/**
 * @returns a caller that keeps a few connections open. It throws PBX_UNREACHABLE for everything that is no whole answer;
 * redirects are answers like others, never followed.
 * @throws AppError CONFIG_INVALID for an address that would carry a password in the clear.
 */
export function pbxHttp({ origin, ca, timeoutMs = 10_000 }: PbxHttpAddress): PbxHttp {
  const { protocol, hostname, host, port } = new URL(origin)
  const isTls = protocol === 'https:'
  const bare = hostname.replace(/^\[|\]$/g, '')
  if (!isTls && !/^(localhost|127\.[0-9.]+|::1)$/.test(bare)) {
    throw new AppError('CONFIG_INVALID', `the interface of the PBX at ${host} would be spoken to without TLS`, {
      hint: 'use https; http is for the machine itself only',
    })
  }
  const agent = isTls
    ? new TlsAgent({ keepAlive: true, maxSockets: 4, ...(ca === undefined ? {} : { ca }) })
    : new PlainAgent({ keepAlive: true, maxSockets: 4 })
  return ({ method, path, headers = {}, body }, signal) =>
    new Promise((resolve, reject) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      const fail = (cause?: NodeJS.ErrnoException) => {
        if (signal.aborted) reject(unreachable('the request to the PBX was given up'))
        else if (limit.aborted) reject(unreachable(`the PBX at ${host} did not answer in time`))
        else
          reject(unreachable(`the interface of the PBX at ${host} is not reachable (${cause?.code ?? 'broken off'})`))
      }
      const options = {
        host: bare,
        port: port || (isTls ? 443 : 80),
        method,
        path,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
        agent,
        signal: limit,
      }
      const call = (isTls ? tlsRequest : plainRequest)(options, (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => {
          text += chunk
          if (text.length > longestAnswer) answer.destroy(new Error('the answer does not end'))
        })
        answer.on('error', fail)
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }))
      })
      call.on('error', fail)
      call.end(body)
    })
}

function unreachable(message: string): AppError {
  return new AppError('PBX_UNREACHABLE', message, {
    hint: 'check that the PBX runs, that its web interface is enabled, and that address, port and certificate are the configured ones',
    retryable: true,
  })
}
