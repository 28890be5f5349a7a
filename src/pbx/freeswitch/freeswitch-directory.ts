import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, isIPv6 } from 'node:net'
import { isLoopback } from '../../domain/address.ts'
import { AppError } from '../../errors.ts'
import { addressMatcher } from '../source-address.ts'
import { answerTo, probeDocument } from './freeswitch-document.ts'
import type { FreeswitchOptions } from './freeswitch-options.ts'
import type { FreeswitchTable } from './freeswitch-table.ts'

/**
 * Answers mod_xml_curl: at every login and every call FreeSWITCH asks here who that is. From memory, so that it costs
 * next to nothing; strangers get no answer, or one that is the same whatever was wrong.
 */
export interface FreeswitchDirectory {
  /** The port it listens on. */
  listen(): Promise<number>
  close(): Promise<void>
  /**
   * A user that exists for one question only: whoever shows `answer` has asked here, now. `forget` when done.
   */
  probe(): { readonly user: string; readonly answer: string; forget(): void }
}

// A question has some forty short fields.
const longestQuestion = 64 * 1024

/** @throws AppError CONFIG_INVALID for plain HTTP that others could listen to. */
export function freeswitchDirectory(options: FreeswitchOptions, table: FreeswitchTable): FreeswitchDirectory {
  const { host, port, username, password, from, tls } = options.directory
  if (!tls && !isLoopback(host)) {
    throw new AppError('CONFIG_INVALID', `FreeSWITCH would ask for logins at ${host} without TLS`, {
      hint: 'listen on 127.0.0.1, or set certificate and key',
    })
  }
  const isAllowed = addressMatcher(from)
  const expected = hashOf(`Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}`)
  const probes = new Map<string, string>()

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isKnown = timingSafeEqual(hashOf(request.headers.authorization ?? ''), expected)
    const body = await bodyOf(request)
    if (!isKnown || request.method !== 'POST' || body === null) return nothing(response)
    const question = new URLSearchParams(body)
    const probe = probes.get(question.get('user') ?? '')
    const isProbe = probe !== undefined && question.get('key_value') === options.realm && !question.has('action')
    const text = isProbe ? probeDocument(question.get('user')!, probe, options) : answerTo(question, table, options)
    response.writeHead(200, {
      'content-type': 'text/xml',
      'content-length': Buffer.byteLength(text),
      connection: 'close',
    })
    response.end(text)
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse) =>
    void handle(request, response).catch(() => response.destroy())
  const limits = { headersTimeout: 5_000, requestTimeout: 5_000, maxHeaderSize: 16 * 1024 }
  const server: Server = tls ? createTlsServer({ ...limits, ...tls }, onRequest) : createServer(limits, onRequest)
  server.maxConnections = 256
  server.on('clientError', (_, socket) => socket.destroy())
  // Before TLS and before a byte is read.
  server.on('connection', (socket) => {
    if (!isAllowed(plainAddress(socket.remoteAddress ?? ''))) socket.destroy()
  })

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', (cause: NodeJS.ErrnoException) =>
          reject(
            new AppError(
              'CONFIG_INVALID',
              `FreeSWITCH's questions cannot be answered at ${host}:${port} (${cause.code})`,
              {
                hint: 'choose a free port and an address of this machine',
                cause,
              },
            ),
          ),
        )
        server.listen(port, host, () => {
          // It answers as long as there is a server, and never keeps one from ending.
          server.unref()
          resolve((server.address() as AddressInfo).port)
        })
      }),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
    probe() {
      const user = `ringfence-probe-${randomBytes(8).toString('hex')}`
      const answer = randomBytes(16).toString('hex')
      probes.set(user, answer)
      return { user, answer, forget: () => probes.delete(user) }
    },
  }
}

function nothing(response: ServerResponse): void {
  response.writeHead(404, { 'content-length': 0, connection: 'close' })
  response.end()
}

/** Null when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > longestQuestion) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** An IPv4 address as a socket for both kinds shows it. */
function plainAddress(address: string): string {
  return isIPv6(address) ? address.replace(/^::ffff:(?=[0-9.]+$)/i, '') : address
}
