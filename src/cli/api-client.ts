import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import type { Problem } from '../domain/parse.ts'
import type { Secret } from '../domain/secret.ts'
import { AppError } from '../errors.ts'

/** Where the server is: its socket in the data folder, or a URL with a token. */
export type ServerAddress = { readonly socket: string } | { readonly url: URL; readonly token: Secret | null }

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below /api/v1, each part already encoded (`path` does it). */
  readonly path: string
  readonly json?: unknown
  readonly csv?: Uint8Array
  readonly waitSeconds?: number
}

export interface ApiClient {
  /** @throws ApiProblem when the server refuses; AppError SERVER_UNREACHABLE when there is none */
  send<T>(request: ApiRequest): Promise<T>
  /** A file, as it came. @throws like `send` */
  read(request: ApiRequest): Promise<string>
}

/** What the API answered instead of a result. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly code: string
  readonly hint: string | undefined
  readonly problems: readonly Problem[]
  /** The whole document, as it came. */
  readonly body: unknown

  constructor(body: ProblemBody) {
    super(body.detail)
    this.code = body.code
    this.hint = body.hint
    this.problems = body.problems ?? []
    this.body = body
  }
}

interface ProblemBody {
  readonly detail: string
  readonly code: string
  readonly hint?: string
  readonly problems?: readonly Problem[]
}

/** `RINGFENCE_DATA/admin.sock`, unless a URL is given; the token comes from the environment, never from an argument. */
export function socketOf(environment: Readonly<Record<string, string | undefined>>): string {
  return join(environment.RINGFENCE_DATA ?? './data', 'admin.sock')
}

/** A path whose parts may be anything that a person typed. */
export function path(strings: TemplateStringsArray, ...parts: readonly string[]): string {
  return strings.reduce((text, piece, index) => text + encodeURIComponent(parts[index - 1] ?? '') + piece)
}

export function apiClient(server: ServerAddress): ApiClient {
  return {
    async send<T>(request: ApiRequest): Promise<T> {
      const { status, text } = await exchange(server, request)
      const body = parsed(text)
      if (status >= 200 && status < 300 && body !== undefined) return body as T
      throw refusal(status, body)
    },
    async read(request) {
      const { status, text } = await exchange(server, request)
      if (status >= 200 && status < 300) return text
      throw refusal(status, parsed(text))
    },
  }
}

function refusal(status: number, body: unknown): Error {
  if (isProblem(body)) return new ApiProblem(body)
  return new AppError('SERVER_UNREACHABLE', `what answers there is not Ringfence (status ${status})`, {
    hint: 'check the address; a proxy may be in between',
  })
}

function exchange(
  server: ServerAddress,
  { method, path: target, json, csv, waitSeconds = 0 }: ApiRequest,
): Promise<{ status: number; text: string }> {
  const body = json === undefined ? csv : JSON.stringify(json)
  const headers = {
    accept: 'application/json',
    ...(body === undefined
      ? {}
      : { 'content-type': csv ? 'text/csv' : 'application/json', 'content-length': Buffer.byteLength(body) }),
    ...(waitSeconds > 0 ? { prefer: `wait=${Math.ceil(waitSeconds)}` } : {}),
  }
  return new Promise((resolve, reject) => {
    const answered = (response: IncomingMessage): void => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', (error) => reject(unreachable(server, error)))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
    }
    const timeout = 60_000 + waitSeconds * 1_000
    const outgoing =
      'socket' in server
        ? plainRequest(
            {
              socketPath: server.socket,
              method,
              path: `/api/v1${target}`,
              timeout,
              headers: { ...headers, host: 'localhost', 'x-ringfence-user': userName() },
            },
            answered,
          )
        : (server.url.protocol === 'https:' ? tlsRequest : plainRequest)(
            new URL(`${server.url.pathname.replace(/\/$/, '')}/api/v1${target}`, server.url),
            {
              method,
              timeout,
              headers: { ...headers, ...(server.token ? { authorization: `Bearer ${server.token.reveal()}` } : {}) },
            },
            answered,
          )
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')))
    outgoing.on('error', (error) => reject(unreachable(server, error)))
    outgoing.end(body)
  })
}

function unreachable(server: ServerAddress, error: Error & { code?: string }): AppError {
  if ('socket' in server) {
    if (error.code === 'EACCES') {
      return new AppError('FORBIDDEN', `this user may not open ${resolve(server.socket)}`, {
        hint: 'use the account that runs the server, or a token with --url and RINGFENCE_TOKEN',
        cause: error,
      })
    }
    return new AppError('SERVER_UNREACHABLE', `no server answers on ${resolve(server.socket)}`, {
      hint: 'start it with `npm start`; RINGFENCE_DATA must name the same data folder here and there',
      cause: error,
    })
  }
  const why = error.code ? ` (${error.code})` : ''
  return new AppError('SERVER_UNREACHABLE', `no server answers at ${server.url.origin}${why}`, {
    hint: 'check the address; for a private certificate set NODE_EXTRA_CA_CERTS',
    cause: error,
  })
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A user id without a name, as in a container.
    return String(process.getuid?.() ?? 'unknown')
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isProblem(body: unknown): body is ProblemBody {
  return (
    typeof body === 'object' &&
    body !== null &&
    'code' in body &&
    'detail' in body &&
    typeof body.code === 'string' &&
    typeof body.detail === 'string'
  )
}
