import { isIPv6 } from 'node:net'
import { z } from 'zod'
import { AppError } from '../../errors.ts'
import { pbxHttp } from '../pbx-http.ts'
import type { RpcAddress } from './kamailio-options.ts'

/**
 * Questions to a running Kamailio, registrar or edge, over HTTP (modules xhttp and jsonrpcs). The module has no login of its
 * own: the script compares the hash of the secret in the Authorization header before it looks at anything else.
 *
 * @throws AppError PBX_UNREACHABLE when nobody answers in time or in full, or behind another certificate; PBX_REFUSED when
 *   something else answers, or the answer is no: `KamailioRefusal` where Kamailio understood the command.
 */
export interface KamailioRpc {
  /** One JSON-RPC command, such as `ul.dump`. */
  call(method: string, parameters: readonly (string | number)[], signal: AbortSignal): Promise<unknown>
  /** As `call`; null where Kamailio refuses with such words: how it says that there is nothing of that name. */
  callUnless(
    words: RegExp,
    method: string,
    parameters: readonly (string | number)[],
    signal: AbortSignal,
  ): Promise<unknown>
  /** A page of the script's own, such as `state`. */
  get(page: string, signal: AbortSignal): Promise<string>
}

/** Who is asked, in the words of its errors. */
export interface AskedKamailio {
  readonly name: string
  /** What it must run. */
  readonly script: string
  /** The setting with its address. */
  readonly setting: string
  /** Where nobody answers. */
  readonly hint: string
  /** Where another certificate is shown; default: the file of a private authority. */
  readonly certificateHint?: string
  /** How many connections are kept. One that is kept fails the first question after a restart; without, each needs a handshake. */
  readonly connections: number
}

export class KamailioRefusal extends AppError {
  readonly words: string

  constructor({ name, script }: AskedKamailio, method: string, words: string) {
    super('PBX_REFUSED', `${name} refused ${method}: ${words.slice(0, 200)}`, {
      hint: `its log says why; it must run ${script}`,
      retryable: true,
    })
    this.words = words
  }
}

const registrar: AskedKamailio = {
  name: 'Kamailio',
  script: 'the script that Ringfence wrote',
  setting: 'RINGFENCE_PBX_RPC',
  hint: 'is Kamailio running, with the script that Ringfence wrote, may its user read the folder of RINGFENCE_PBX_CONFIG_DIR (its log says so), and is RINGFENCE_PBX_RPC its address?',
  connections: 0,
}

/** Each question may be asked again, so one that was lost costs no more than this; the caller's own patience is longer. */
const patienceMs = 10_000

const answerSchema = z.union([
  z.object({ jsonrpc: z.literal('2.0'), id: z.number(), error: z.object({ message: z.string() }) }),
  z.object({ jsonrpc: z.literal('2.0'), id: z.number(), result: z.json() }),
])

export function kamailioRpc({ host, port, secret, tls }: RpcAddress, asked: AskedKamailio = registrar): KamailioRpc {
  const place = `${isIPv6(host) ? `[${host}]` : host}:${port}`
  const http = pbxHttp({
    origin: `${tls ? 'https' : 'http'}://${place}`,
    ca: tls?.ca,
    timeoutMs: patienceMs,
    connections: asked.connections,
    who: { ...asked, name: `${asked.name} at ${place}` },
  })
  const headers = { authorization: `Bearer ${secret.reveal()}`, 'content-type': 'application/json' }
  let questions = 0

  async function say(method: 'GET' | 'POST', page: string, body: string | undefined, signal: AbortSignal) {
    const { status, body: text } = await http({ method, path: `/ringfence/${page}`, headers, body }, signal)
    if (status === 401 || status === 404) throw stranger(`${asked.name} at ${place} refused the key (${status})`)
    // With 500 Kamailio answers a command that failed.
    if (status === 200 || (status === 500 && page === 'rpc')) return text
    throw stranger(`${asked.name} at ${place} answered ${status}`)
  }

  async function ask(method: string, params: readonly (string | number)[], signal: AbortSignal) {
    const id = ++questions
    const body = JSON.stringify({ jsonrpc: '2.0', method, params, id })
    const answer = answerSchema.safeParse(parsed(await say('POST', 'rpc', body, signal)))
    if (answer.data?.id !== id) throw stranger(`what answers at ${place} does not speak Kamailio's JSON-RPC`)
    return 'error' in answer.data
      ? new KamailioRefusal(asked, method, answer.data.error.message)
      : { result: answer.data.result as unknown }
  }

  function stranger(message: string): AppError {
    return new AppError('PBX_REFUSED', message, {
      hint: `does ${asked.setting} lead to it, and was it started anew with ${asked.script}, as it was written last? The key is in there`,
      retryable: true,
    })
  }

  return {
    async call(method, parameters, signal) {
      const answer = await ask(method, parameters, signal)
      if (answer instanceof KamailioRefusal) throw answer
      return answer.result
    },
    async callUnless(words, method, parameters, signal) {
      const answer = await ask(method, parameters, signal)
      if (!(answer instanceof KamailioRefusal)) return answer.result
      if (words.test(answer.words)) return null
      throw answer
    },
    get: (page, signal) => say('GET', page, undefined, signal),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
