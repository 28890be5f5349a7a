/** A real HTTPS server on loopback that answers JSON, and falls silent, talks nonsense or breaks off as a test likes. */

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { realSystem } from '../../src/system.ts'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Told {
  readonly status: number
  readonly body: unknown
}

export interface WireFaults {
  /** Never answers. */
  hang: boolean
  /** Answers with a page of a web server. */
  garbage: boolean
  /** Breaks off in the middle of each answer. */
  half: boolean
  /** The next change is made, and its answer is lost. */
  lostAnswer: boolean
  /** What it says instead, where it is not null. */
  says: (asked: Asked) => Told | null
}

export interface FakeHttps {
  readonly url: string
  /** Its certificate, for whoever is to trust it. */
  readonly ca: string
  readonly faults: WireFaults
  /** Each request, without secrets being hidden: tests look for what must not be there. */
  readonly asked: Asked[]
  goDown(): Promise<void>
  comeBack(): Promise<void>
  stop(): Promise<void>
}

export async function startFakeHttps(answer: (asked: Asked) => Told): Promise<FakeHttps> {
  const folder = await mkdtemp(join(tmpdir(), `ringfence-https-${process.pid}-`))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  await realSystem.run('openssl', [...made, ...subject, '-keyout', key, '-out', cert], {})
  const tls = { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') }
  await rm(folder, { recursive: true })
  const faults: WireFaults = { hang: false, garbage: false, half: false, lostAnswer: false, says: () => null }
  const asked: Asked[] = []
  let server: Server
  let port = 0

  async function listen(): Promise<void> {
    server = createServer(tls, async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const url = new URL(request.url ?? '/', 'https://localhost')
      const one = {
        method: request.method ?? '',
        path: decodeURI(url.pathname),
        query: url.searchParams,
        headers: request.headers,
        body,
      }
      asked.push(one)
      if (faults.hang) return
      if (faults.garbage) return response.end('<html>It works!</html>')
      const told = faults.says(one) ?? answer(one)
      if (faults.lostAnswer && one.method !== 'GET') {
        faults.lostAnswer = false
        return request.socket.destroy()
      }
      const text = told.body === undefined ? '' : JSON.stringify(told.body)
      response.writeHead(told.status, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      })
      if (!faults.half || text === '') return response.end(text)
      response.write(text.slice(0, text.length / 2), () => request.socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  }

  async function goDown(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }

  await listen()
  return { url: `https://localhost:${port}`, ca: tls.cert, faults, asked, goDown, comeBack: listen, stop: goDown }
}
