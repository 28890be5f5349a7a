import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { AppError } from '../errors.ts'

/**
 * Questions to the management interface of a PBX that speaks JSON over HTTPS. The certificate is checked, redirections
 * are not followed (a token must not travel on), and an answer counts only when it came whole. Paths may hold a token, so
 * no error names one.
 */
export interface HttpsPlace {
  /** `https://pbx.example.com:5001`, without a slash at its end. */
  readonly url: string
  /** PEM; absent: the system's authorities. */
  readonly ca?: string | undefined
  /** For each answer, default 10 000 ms. */
  readonly timeoutMs?: number | undefined
}

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
  /** Null for an empty body. */
  readonly body: unknown
}

export interface HttpsJson {
  /** @throws AppError PBX_UNREACHABLE; PBX_REFUSED when the answer is no JSON. */
  ask(question: JsonQuestion, signal: AbortSignal): Promise<JsonAnswer>
}

const longestAnswer = 32 * 1024 * 1024

export function httpsJson(place: HttpsPlace): HttpsJson {
  const agent = new Agent({ keepAlive: true, maxSockets: 4, timeout: 30_000 })
  return { ask: (question, signal) => ask(place, agent, question, signal) }
}

async function ask(place: HttpsPlace, agent: Agent, question: JsonQuestion, signal: AbortSignal): Promise<JsonAnswer> {
  const limit = AbortSignal.timeout(place.timeoutMs ?? 10_000)
  try {
    const { status, text } = await exchange(place, agent, question, AbortSignal.any([signal, limit]))
    return { status, body: text === '' ? null : parsed(text, question) }
  } catch (error) {
    if (error instanceof AppError) throw error
    if (limit.aborted || signal.aborted)
      throw unreachable(`the PBX did not answer in time (${question.words})`, undefined, error)
    throw notReached(error as NodeJS.ErrnoException)
  }
}

function exchange(place: HttpsPlace, agent: Agent, question: JsonQuestion, signal: AbortSignal) {
  const { type, body } = encoded(question)
  const url = new URL(`${place.url}${question.path}`)
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const options = {
      method: question.method,
      headers: {
        accept: 'application/json',
        ...(body === null ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
        ...question.headers,
      },
      signal,
    }
    const onAnswer = (answer: IncomingMessage) => {
      const chunks: Buffer[] = []
      let length = 0
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        length += chunk.length
        if (length > longestAnswer) answer.destroy(new Error('the answer does not end'))
      })
      answer.on('error', reject)
      answer.on('end', () =>
        answer.complete
          ? resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') })
          : reject(new Error('half an answer')),
      )
    }
    const sent = request(url, { ...options, agent, ...(place.ca === undefined ? {} : { ca: place.ca }) }, onAnswer)
    sent.on('error', reject)
    sent.end(body ?? undefined)
  })
}

function encoded({ json, form }: JsonQuestion): { type: string; body: string | null } {
  if (form) return { type: 'application/x-www-form-urlencoded', body: new URLSearchParams(form).toString() }
  return { type: 'application/json', body: json === undefined ? null : JSON.stringify(json) }
}

function parsed(text: string, { words }: JsonQuestion): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's error quotes the text, which may hold secrets.
    throw new AppError('PBX_REFUSED', `what the PBX answered is not JSON (${words})`, {
      hint: 'see that the address is the one of its management interface, and that no other program answers there',
      retryable: true,
    })
  }
}

function notReached(error: NodeJS.ErrnoException): AppError {
  const code = error.code ?? error.message
  if (/CERT|SELF_SIGNED|ISSUER|ALTNAME|SIGNATURE/.test(code)) {
    return unreachable(
      `the certificate of the PBX's management interface is not trusted (${code})`,
      'if it comes from an authority of your own, name its file in RINGFENCE_PBX_MANAGEMENT_CA_FILE; else see who answers there',
      error,
    )
  }
  const hint = 'see that the PBX runs, and that this machine reaches its management interface'
  return unreachable(`the management interface of the PBX is not reachable (${code})`, hint, error)
}

export function unreachable(message: string, hint?: string, cause?: unknown): AppError {
  return new AppError('PBX_UNREACHABLE', message, { ...(hint ? { hint } : {}), retryable: true, cause })
}
