import { createHash } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'

/**
 * The least of a SIP registrar over TLS (RFC 3261 section 10.3, digest of RFC 2617 with qop=auth): it knows one digest, asks for
 * it, and keeps what each REGISTER brought.
 */
export interface Registrar {
  readonly port: number
  readonly registrations: readonly Registration[]
  close(): Promise<void>
}

export interface Registration {
  readonly from: string
  /** The digest's username; null when none was sent. */
  readonly username: string | null
  readonly accepted: boolean
  /** The common name of the client certificate; null when none was shown. */
  readonly certificateName: string | null
}

/** With `clientAuthority` (PEM) a client certificate of that authority is required. */
export async function startRegistrar(
  tls: { readonly certificate: string; readonly key: string; readonly clientAuthority?: string },
  account: { readonly realm: string; readonly ha1: string },
): Promise<Registrar> {
  const registrations: Registration[] = []
  const sockets = new Set<TLSSocket>()
  const asking = tls.clientAuthority ? { ca: tls.clientAuthority, requestCert: true, rejectUnauthorized: true } : {}
  const server = createServer({ cert: tls.certificate, key: tls.key, ...asking }, (socket) => {
    sockets.add(socket)
    const certificateName = socket.getPeerCertificate()?.subject?.CN?.toString() ?? null
    // A client that hangs up in the middle is no matter of these tests.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    let rest = ''
    socket.on('data', (chunk: Buffer) => {
      rest += chunk.toString('utf8')
      for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
        const head = rest.slice(0, end).trimStart()
        rest = rest.slice(end + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0))
        if (head === '') continue
        const { registration, answer } = answerTo(head, account)
        if (registration) registrations.push({ ...registration, certificateName })
        socket.write(answer)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    registrations,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answerTo(head: string, { realm, ha1 }: { realm: string; ha1: string }) {
  const method = head.split(' ', 1)[0]!
  if (method !== 'REGISTER') return { registration: null, answer: response('200 OK', head, []) }
  const authorization = /^authorization: *digest (.*)$/im.exec(head)?.[1]
  const part = (name: string) => new RegExp(`\\b${name}="?([^",]+)`).exec(authorization ?? '')?.[1] ?? ''
  const hash = (text: string) => createHash('md5').update(text).digest('hex')
  const expected = hash(
    [ha1, part('nonce'), part('nc'), part('cnonce'), part('qop'), hash(`REGISTER:${part('uri')}`)].join(':'),
  )
  const accepted = authorization !== undefined && part('realm') === realm && part('response') === expected
  const registration = {
    from: /^from: *(.*)$/im.exec(head)?.[1] ?? '',
    username: authorization === undefined ? null : part('username'),
    accepted,
  }
  const challenge = `WWW-Authenticate: Digest realm="${realm}", nonce="0123456789abcdef", qop="auth", algorithm=MD5`
  const contact = /^contact:.*$/im.exec(head)?.[0] ?? ''
  return {
    registration,
    answer: accepted
      ? response('200 OK', head, [contact, 'Expires: 600'])
      : response(
          authorization === undefined ? '401 Unauthorized' : '403 Forbidden',
          head,
          authorization ? [] : [challenge],
        ),
  }
}

function response(status: string, head: string, more: readonly string[]): string {
  const copied = head.split('\r\n').filter((line) => /^(via|from|to|call-id|cseq):/i.test(line))
  const tagged = copied.map((line) => (/^to:/i.test(line) && !/;tag=/.test(line) ? `${line};tag=registrar` : line))
  return [`SIP/2.0 ${status}`, ...tagged, ...more.filter((line) => line !== ''), 'Content-Length: 0', '', ''].join(
    '\r\n',
  )
}
