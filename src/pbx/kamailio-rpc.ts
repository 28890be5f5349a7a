import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import type { RpcAddress } from './kamailio-options.ts'

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

/** Far above what 10,000 registrations need; a bound for whatever else answers at that port. */
const largestAnswer = 64 * 1024 * 1024

const answerSchema = z.union([
  z.object({ jsonrpc: z.literal('2.0'), error: z.object({ code: z.number(), message: z.string() }) }),
  z.object({ jsonrpc: z.literal('2.0'), result: z.unknown() }),
])

export function kamailioRpc(address: RpcAddress): KamailioRpc {
  async function ask(method: string, parameters: readonly (string | number)[], signal: AbortSignal) {
    const body = JSON.stringify({
      jsonrpc: '2.0',
      method,
      ...(parameters.length > 0 ? { params: parameters } : {}),
      id: 1,
    })
    const { status, text } = await exchange(address, { method: 'POST', path: rpcPath, body }, signal)
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
      const { status, text } = await exchange(address, { method: 'GET', path }, signal)
      if (status !== 200) throw refusedStatus(address, status)
      return text
    },
  }
}

function exchange(
  address: RpcAddress,
  { method, path, body }: { method: string; path: string; body?: string },
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  const { host, port, secret, tls } = address
  const headers = {
    Authorization: `Bearer ${secret.reveal()}`,
    Connection: 'close',
    ...(body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
  }
  // No agent: a connection that is kept would outlive a restarted Kamailio and fail the next question.
  const options = { host, port, method, path, headers, signal, agent: false as const }
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(unreachable(address, cause, signal))
    const request = tls ? tlsRequest({ ...options, ...(tls.ca ? { ca: tls.ca } : {}) }) : plainRequest(options)
    request.on('error', fail)
    request.on('response', (response) => {
      read(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), fail)
    })
    request.end(body)
  })
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > largestAnswer) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** OpenSSL's and Node's names for a certificate that is not trusted or is another's. */
const distrust = /CERT|SELF_SIGNED|ERR_TLS|UNABLE_TO|EPROTO|ERR_SSL/

function unreachable({ host, port }: RpcAddress, cause: unknown, signal: AbortSignal): AppError {
  const code = String((cause as NodeJS.ErrnoException)?.code ?? '')
  const place = `Kamailio at ${host}:${port}`
  if (signal.aborted) {
    return new AppError('PBX_UNREACHABLE', `${place} did not answer in time`, { retryable: true, cause })
  }
  if (distrust.test(code)) {
    return new AppError('PBX_UNREACHABLE', `${place} shows a certificate that is not trusted (${code})`, {
      hint: 'set RINGFENCE_PBX_MANAGEMENT_CA_FILE to the authority that signed it; its name must be the one in RINGFENCE_PBX_RPC',
      retryable: true,
      cause,
    })
  }
  return new AppError('PBX_UNREACHABLE', `${place} does not answer${code ? ` (${code})` : ''}`, {
    hint: 'is Kamailio running, with the script that Ringfence wrote, and is RINGFENCE_PBX_RPC its address?',
    retryable: true,
    cause,
  })
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
