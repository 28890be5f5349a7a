/** Phones that all come back at once, each over one connection, one file after the other. */
import { Agent, get, type IncomingMessage } from 'node:http'
import { get as getByTls, Agent as TlsAgent } from 'node:https'
import type { PhoneOfBench } from './phone-server.ts'

export interface Burst {
  readonly seconds: number
  /** Of each fetch, from the request to the last byte. */
  readonly latenciesMs: readonly number[]
  readonly bytes: number
  /** By `<token>/<file>`, for the next time. */
  readonly etags: ReadonlyMap<string, string>
}

/** @throws Error when a fetch is answered with anything else than `status` */
export async function burst(
  at: { readonly port: number; readonly tls: boolean },
  phones: readonly PhoneOfBench[],
  { status, etags }: { readonly status: 200 | 304; readonly etags?: ReadonlyMap<string, string> },
): Promise<Burst> {
  const seen = new Map<string, string>()
  const latenciesMs: number[] = []
  let bytes = 0
  const startedAt = performance.now()
  await Promise.all(phones.map(fetchFiles))
  return { seconds: (performance.now() - startedAt) / 1_000, latenciesMs, bytes, etags: seen }

  async function fetchFiles({ token, files }: PhoneOfBench, index: number): Promise<void> {
    const agent = at.tls
      ? new TlsAgent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
      : new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      for (const file of files) {
        const key = `${token}/${file}`
        const etag = etags?.get(key)
        const from = performance.now()
        const answer = await fetchOne(`/p/${key}`, agent, {
          // Each from a home of its own, as the proxy before the door would say.
          'x-forwarded-for': `198.51.${100 + (index >> 8)}.${index & 255}`,
          'user-agent': 'Phone of the bench',
          ...(etag === undefined ? {} : { 'if-none-match': etag }),
        })
        latenciesMs.push(performance.now() - from)
        if (answer.status !== status) throw new Error(`${file} was answered ${answer.status}`)
        bytes += answer.bytes
        if (answer.etag !== null) seen.set(key, answer.etag)
      }
    } finally {
      agent.destroy()
    }
  }

  function fetchOne(path: string, agent: Agent | TlsAgent, headers: Record<string, string>) {
    return new Promise<{ status: number; bytes: number; etag: string | null }>((resolve, reject) => {
      const read = (response: IncomingMessage) => {
        let length = 0
        response.on('data', (chunk: Buffer) => {
          length += chunk.length
        })
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, bytes: length, etag: response.headers.etag ?? null }),
        )
      }
      const options = { host: '127.0.0.1', port: at.port, path, agent, headers }
      const request = at.tls ? getByTls({ ...options, servername: 'localhost' }, read) : get(options, read)
      request.on('error', reject)
    })
  }
}
