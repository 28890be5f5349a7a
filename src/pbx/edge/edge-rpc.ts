import { isIPv6 } from 'node:net'
import type { Secret } from '../../domain/secret.ts'
import { AppError } from '../../errors.ts'
import { pbxHttp } from '../pbx-http.ts'

/** Kamailio's JSON-RPC over HTTPS, and the few pages of our own script beside it. */
export interface EdgeRpc {
  /**
   * @throws AppError PBX_UNREACHABLE (no whole answer, or a certificate that is not the edge's), PBX_REFUSED (something
   *   else answered, or the key or the command was refused: `EdgeRefusal` has Kamailio's words).
   */
  call(method: string, params: readonly (string | number)[], signal: AbortSignal): Promise<unknown>
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

/** The caller's patience counts; this only ends what nobody waits for. */
const patienceMs = 60_000

const hint =
  'is Kamailio running there, with the configuration of `ringfence edge` and the certificate of this Ringfence?'

export function edgeRpc({ address, port, authority, key }: EdgeRpcOptions): EdgeRpc {
  const http = pbxHttp({
    origin: `https://${isIPv6(address) ? `[${address}]` : address}:${port}`,
    ca: authority,
    timeoutMs: patienceMs,
    connections: 1,
    who: { name: `the edge at ${address} port ${port}`, hint, certificateHint: hint },
  })
  const headers = { authorization: `Bearer ${key.reveal()}`, 'content-type': 'application/json' }
  let number = 0

  async function post(path: string, body: string, signal: AbortSignal): Promise<string> {
    const { status, body: text } = await http({ method: 'POST', path, headers, body }, signal)
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
}

function doubtful(): AppError {
  return new AppError('PBX_REFUSED', 'the edge answered something that is not JSON-RPC', {
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
