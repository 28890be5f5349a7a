import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { isLoopback, withoutBrackets } from '../domain/address.ts'
import { AppError } from '../errors.ts'
import { type Asked, notReached, unreached } from './not-reached.ts'

/** The HTTP interface of a PBX: one origin, whose certificate is checked, with a limit on time and size. */
export interface PbxHttpAddress {
  /** `https://pbx.example.com:8089`; `http://` for loopback only. */
  readonly origin: string
  /** PEM; without it the system's authorities. */
  readonly ca?: string | undefined
  /** For each answer, default 10 000 ms. */
  readonly timeoutMs?: number | undefined
  /** How many are kept open, default 4; 0: each question has a new one. */
  readonly connections?: number
  /** Who is asked, default the PBX; and what to look at where it does not answer. */
  readonly who?: Asked
  /** Which setting names `origin`, where `who` does not say it. */
  readonly setting?: 'RINGFENCE_PBX_API_URL' | 'RINGFENCE_PBX_ARI'
}

export interface PbxHttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  /** With a slash in front; every part that is not constant is percent-encoded by the caller. May hold a token. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

export interface PbxHttpAnswer {
  readonly status: number
  readonly body: string
}

export type PbxHttp = (request: PbxHttpRequest, signal: AbortSignal) => Promise<PbxHttpAnswer>

/** Above every list of a hundred thousand phones. */
const longestAnswer = 64 * 1024 * 1024

/**
 * @returns a caller. It throws PBX_UNREACHABLE for everything that is no whole answer, and names no path; redirects are
 * answers like others, never followed: a token must not travel on.
 * @throws AppError CONFIG_INVALID for an address that would carry a password in the clear.
 */
export function pbxHttp({ origin, ca, timeoutMs = 10_000, connections = 4, ...address }: PbxHttpAddress): PbxHttp {
  const { protocol, hostname, host, port } = new URL(origin)
  const isTls = protocol === 'https:'
  const bare = withoutBrackets(hostname)
  if (!isTls && !isLoopback(bare)) {
    throw new AppError('CONFIG_INVALID', `the interface of the PBX at ${host} would be spoken to without TLS`, {
      hint: 'use https; http is for the machine itself only',
    })
  }
  const who = address.who ?? {
    name: `the management interface of the PBX at ${host}`,
    hint: `check that the PBX runs, that its interface is enabled, and that this machine reaches what ${address.setting ?? 'the settings'} ${address.setting ? 'names' : 'name'}`,
  }
  const kept = { keepAlive: true, maxSockets: connections, timeout: 30_000 }
  const agent = connections === 0 ? false : isTls ? new TlsAgent(kept) : new PlainAgent(kept)
  const send = isTls ? tlsRequest : plainRequest
  const place = { host: bare, port: port || (isTls ? 443 : 80), agent, ...(ca === undefined ? {} : { ca }) }

  return async ({ method, path, headers, body }, signal) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    try {
      return await new Promise<PbxHttpAnswer>((resolve, reject) => {
        const call = send({ ...place, method, path, headers: { ...headers, ...length }, signal: limit }, (answer) =>
          read(answer).then(resolve, reject),
        )
        call.on('error', reject)
        call.end(body)
      })
    } catch (cause) {
      throw limit.aborted
        ? unreached(`${who.name} did not answer in time`, who.hint, cause)
        : notReached(who, cause as NodeJS.ErrnoException)
    }
  }
}

async function read(answer: IncomingMessage): Promise<PbxHttpAnswer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > longestAnswer) throw new Error('the answer does not end')
    chunks.push(chunk)
  }
  if (!answer.complete) throw new Error('half an answer')
  return { status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }
}

/** The PBX answered, and not with what it should have; another try may help. */
export function unreachable(message: string): AppError {
  return unreached(message, 'Ringfence tries again; if this stays, see what the log of the PBX says')
}
