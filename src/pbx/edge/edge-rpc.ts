import { Agent, request } from 'node:https'
import type { Secret } from '../../domain/secret.ts'
import { AppError } from '../../errors.ts'

/** Kamailio's JSON-RPC over HTTPS, and the few pages of our own script beside it. */
export interface EdgeRpc {
  /**
   * @throws AppError PBX_UNREACHABLE (no answer, a doubtful one, or a certificate that is not the edge's; retryable),
   *   PBX_REFUSED (the key or the command was refused; `refusal` of `EdgeRefusal` has Kamailio's words).
   */
  call(method: string, params: readonly string[], signal: AbortSignal): Promise<unknown>
  /** A page such as `/configuration`; its text. */
  page(path: string, signal: AbortSignal): Promise<string>
}

export interface EdgeRpcOptions {
  readonly address: string
  readonly port: number
  /** PEM of the Service CA, which signed the certificate shown there. */
  readonly authority: string
  readonly key: Secret
}

/** Kamailio understood the command and said no. */
export class EdgeRefusal extends AppError {
  readonly words: string

  constructor(method: string, words: string) {
    super('PBX_REFUSED', `the edge refused ${method}: ${words.slice(0, 200)}`, {
      hint: 'the log of Kamailio on the edge says why',
      retryable: true,
    })
    this.words = words
  }
}

/** Above any table of a hundred thousand phones. */
const largestAnswer = 64 * 1024 * 1024

export function edgeRpc({ address, port, authority, key }: EdgeRpcOptions): EdgeRpc {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: authority, timeout: 30_000 })
  let number = 0

  async function post(path: string, body: string, signal: AbortSignal): Promise<string> {
    const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const sent = request(
        {
          host: address,
          port,
          path,
          agent,
          signal,
          method: 'POST',
          headers: {
            authorization: `Bearer ${key.reveal()}`,
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          },
        },
        (answer) => {
          const chunks: Buffer[] = []
          let size = 0
          answer.on('data', (chunk: Buffer) => {
            size += chunk.length
            if (size > largestAnswer) answer.destroy(new Error('the answer is too large'))
            else chunks.push(chunk)
          })
          answer.once('error', reject)
          answer.once('close', () => {
            if (!answer.complete) reject(new Error('the answer ended half-way'))
          })
          answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
        },
      )
      sent.once('error', reject)
      sent.end(body)
    }).catch((cause: unknown) => {
      throw unreachable(cause)
    })
    if (status === 200) return text
    if (status === 404 || status === 403) {
      throw new AppError('PBX_REFUSED', 'the edge refused the key', {
        hint: 'its kamailio.cfg was written with another one: write it again with `ringfence edge`, and restart it',
      })
    }
    // Kamailio answers a command that failed with 500 and the error in the body.
    if (status === 500) return text
    throw doubtful()
  }

  return {
    async call(method, params, signal) {
      const id = ++number
      const text = await post('/rpc', JSON.stringify({ jsonrpc: '2.0', method, params, id }), signal)
      const answer = parsed(text)
      if (answer?.id !== id || answer.jsonrpc !== '2.0') throw doubtful()
      if (isObject(answer.error)) throw new EdgeRefusal(method, String(answer.error.message ?? ''))
      if (!('result' in answer)) throw doubtful()
      return answer.result
    },
    page: (path, signal) => post(path, '', signal),
  }

  function unreachable(cause: unknown): AppError {
    const code = isObject(cause) && typeof cause.code === 'string' ? ` (${cause.code})` : ''
    return new AppError('PBX_UNREACHABLE', `the edge does not answer at ${address} port ${port}${code}`, {
      hint: 'is Kamailio running there, with the configuration of `ringfence edge` and the certificate of this Ringfence?',
      retryable: true,
      cause,
    })
  }
}

function doubtful(): AppError {
  return new AppError('PBX_UNREACHABLE', 'the edge answered something that is not JSON-RPC', {
    hint: 'does RINGFENCE_EDGE_RPC lead to the Kamailio of `ringfence edge`?',
    retryable: true,
  })
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
