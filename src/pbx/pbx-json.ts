import { AppError } from '../errors.ts'
import { type PbxHttpAddress, type PbxHttpRequest, pbxHttp } from './pbx-http.ts'

/** Questions to the management interface of a PBX that speaks JSON. */
export interface JsonQuestion {
  readonly method: 'GET' | 'POST' | 'PATCH'
  /** With its query, already escaped. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string>>
  /** What is asked, for people: `the list of users`. */
  readonly words: string
}

export interface JsonAnswer {
  readonly status: number
  /** Null for an empty body, and for a web server's page beside a status that says enough. */
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
  const body = form ? new URLSearchParams(form).toString() : json === undefined ? undefined : JSON.stringify(json)
  const type = form ? 'application/x-www-form-urlencoded' : 'application/json'
  return {
    method,
    path,
    body,
    headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': type }), ...headers },
  }
}

function parsed(text: string, status: number, { words }: JsonQuestion): unknown {
  try {
    return JSON.parse(text)
  } catch {
    if (status < 200 || status > 299) return null
    // The parser's error quotes the text, which may hold secrets.
    throw new AppError('PBX_REFUSED', `what the PBX answered is not JSON (${words})`, {
      hint: 'see that the address is the one of its management interface, and that no other program answers there',
      retryable: true,
    })
  }
}
