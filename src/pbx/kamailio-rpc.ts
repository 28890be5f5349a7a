import { isIPv6 } from 'node:net'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import type { RpcAddress } from './kamailio-options.ts'
import { pbxHttp } from './pbx-http.ts'

/**
 * Questions to a running Kamailio over HTTP (modules xhttp and jsonrpcs). The module has no login of its own: the script
 * compares the hash of the secret in the Authorization header before it looks at anything else.
 *
 * @throws AppError PBX_UNREACHABLE when nobody answers in time or in full, PBX_REFUSED when the answer is no.
 */
export interface KamailioRpc {
  /** One JSON-RPC command, such as `ul.dump`. */
  call(method: string, parameters: readonly (string | number)[], signal: AbortSignal): Promise<unknown>
  /** As `call`; null where Kamailio says that there is nothing of that name (code 404 or 500 with one of `words`). */
  callUnless(
    words: RegExp,
    method: string,
    parameters: readonly (string | number)[],
    signal: AbortSignal,
  ): Promise<unknown>
  /** A path of the script's own. */
  get(path: string, signal: AbortSignal): Promise<string>
}

const rpcPath = '/ringfence/rpc'

/** The caller's patience counts; this only ends what nobody waits for. */
const patienceMs = 60_000

const answerSchema = z.union([
  z.object({ jsonrpc: z.literal('2.0'), error: z.object({ code: z.number(), message: z.string() }) }),
  z.object({ jsonrpc: z.literal('2.0'), result: z.unknown() }),
])

export function kamailioRpc(address: RpcAddress): KamailioRpc {
  const { host, port, secret, tls } = address
  const http = pbxHttp({
    origin: `${tls ? 'https' : 'http'}://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    ca: tls?.ca,
    timeoutMs: patienceMs,
    // A connection that is kept would outlive a restarted Kamailio and fail the next question.
    connections: 0,
    who: {
      name: `Kamailio at ${host}:${port}`,
      hint: 'is Kamailio running, with the script that Ringfence wrote, may its user read the folder of RINGFENCE_PBX_CONFIG_DIR (its log says so), and is RINGFENCE_PBX_RPC its address?',
    },
  })
  const headers = { authorization: `Bearer ${secret.reveal()}`, 'content-type': 'application/json' }
  async function ask(method: string, parameters: readonly (string | number)[], signal: AbortSignal) {
    const body = JSON.stringify({
      jsonrpc: '2.0',
      method,
      ...(parameters.length > 0 ? { params: parameters } : {}),
      id: 1,
    })
    const { status, body: text } = await http({ method: 'POST', path: rpcPath, headers, body }, signal)
    if (status !== 200 && status !== 500) throw refusedStatus(address, status)
    const answer = answerSchema.safeParse(parsed(text))
    if (!answer.success) throw garbage(address)
    return answer.data
  }
  return {
    async call(method, parameters, signal) {
      const answer = await ask(method, parameters, signal)
      if (!('error' in answer)) return answer.result
      throw refused(method, answer.error.message)
    },
    async callUnless(words, method, parameters, signal) {
      const answer = await ask(method, parameters, signal)
      if (!('error' in answer)) return answer.result
      if (words.test(answer.error.message)) return null
      throw refused(method, answer.error.message)
    },
    async get(path, signal) {
      const { status, body: text } = await http({ method: 'GET', path, headers }, signal)
      if (status !== 200) throw refusedStatus(address, status)
      return text
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function refusedStatus({ host, port }: RpcAddress, status: number): AppError {
  const hint =
    status === 401
      ? 'the script was written for another secret: restart Kamailio with the script that Ringfence wrote last'
      : 'something else listens there, or Kamailio runs another script than the one that Ringfence wrote'
  return new AppError('PBX_REFUSED', `Kamailio at ${host}:${port} answered ${status}`, { hint, retryable: true })
}

function garbage({ host, port }: RpcAddress): AppError {
  return new AppError('PBX_REFUSED', `what answers at ${host}:${port} is not Kamailio's JSON-RPC`, {
    hint: 'check RINGFENCE_PBX_RPC, and that Kamailio runs the script that Ringfence wrote',
    retryable: true,
  })
}

function refused(method: string, words: string): AppError {
  return new AppError('PBX_REFUSED', `Kamailio refused ${method}: ${words.slice(0, 200)}`, {
    hint: 'its log says more; it must run the script that Ringfence wrote',
    retryable: true,
  })
}
