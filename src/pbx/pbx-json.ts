import { Secret } from '../domain/secret.ts'
import { AppError } from '../errors.ts'
import { type PbxHttpAddress, type PbxHttpRequest, pbxHttp } from './pbx-http.ts'
import { blotted, revealedJson, secretsIn } from './question-secrets.ts'

/** Questions to the management interface of a PBX that speaks JSON. */
export interface JsonQuestion {
  readonly method: 'GET' | 'POST' | 'PATCH'
  /** With its query, already escaped. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Secrets in both stay wrapped. */
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string | Secret>>
  /** Others that it carries, in its path or headers. */
  readonly secrets?: readonly Secret[]
  /** What is asked, for people: `the list of users`. */
  readonly words: string
}

export interface JsonAnswer {
  readonly status: number
  /**
   * Null for an empty body, and for a web server's page beside a status that says enough. The secrets of the question are
   * blotted out of it.
   */
  readonly body: unknown
}

/** @throws AppError PBX_UNREACHABLE; PBX_REFUSED when an answer that should be good is no JSON. */
export type PbxJson = (question: JsonQuestion, signal: AbortSignal) => Promise<JsonAnswer>

export function pbxJson(address: PbxHttpAddress): PbxJson {
  const http = pbxHttp({ ...address, setting: 'RINGFENCE_PBX_API_URL' })
  return async (question, signal) => {
    const { status, body } = await http(requestOf(question), signal)
    return { status, body: body === '' ? null : parsed(body, status, question) }
  }
}

function requestOf({ method, path, headers, json, form }: JsonQuestion): PbxHttpRequest {
  const body = form
    ? new URLSearchParams(
        Object.entries(form).map(([name, value]) => [name, plain(value)] as [string, string]),
      ).toString()
    : json === undefined
      ? undefined
      : revealedJson(json)
  const type = form ? 'application/x-www-form-urlencoded' : 'application/json'
  return {
    method,
    path,
    body,
    headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': type }), ...headers },
  }
}

function plain(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value
}

function parsed(text: string, status: number, { words, json, form, secrets = [] }: JsonQuestion): unknown {
  const known = [...secretsIn(json), ...secretsIn(form), ...secrets]
  try {
    return JSON.parse(text, (_, value) => (typeof value === 'string' ? blotted(value, known) : value))
  } catch {
    if (status < 200 || status > 299) return null
    // The parser's error quotes the text, which may hold secrets.
    throw new AppError('PBX_REFUSED', `what the PBX answered is not JSON (${words})`, {
      hint: 'see that the address is the one of its management interface, and that no other program answers there',
      retryable: true,
    })
  }
}
