import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { AppError } from '../../../errors.ts'

export interface KnockTarget {
  readonly host: string
  readonly port: number
  /** SIP domain of the question. */
  readonly domain: string
  /** Default 5 000 ms. */
  readonly timeoutMs?: number
}

/**
 * Whether a SIP-TLS port lets this certificate in: it answers a question (OPTIONS), or ends the connection without a word.
 * The handshake alone says nothing: sofia-sip compares names after it, and in TLS 1.3 the client is done before the server.
 * @throws AppError PBX_UNREACHABLE (nobody there, no answer in time), PBX_REFUSED (no SIP).
 */
export function knock(
  { host, port, domain, timeoutMs = 5_000 }: KnockTarget,
  identity: { readonly certificate: string; readonly key: string },
  signal: AbortSignal,
): Promise<'let-in' | 'refused'> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      cert: identity.certificate,
      key: identity.key,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // What the port shows of itself is for the phones to judge; nothing secret is told here.
      rejectUnauthorized: false,
    })
    let isSecure = false
    let heard = ''
    const end = (settle: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      settle()
    }
    const away = (words: string) => end(() => reject(unreachable(host, port, words)))
    const onAbort = () => away('was given up')
    const timer = setTimeout(() => away('did not answer in time'), timeoutMs)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    socket.on('secureConnect', () => {
      isSecure = true
      socket.write(question(domain))
    })
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1')
      if (heard.startsWith('SIP/2.0 ')) end(() => resolve('let-in'))
      else if (heard.length >= 8) end(() => reject(noSip(host, port)))
    })
    // An alert of the other side is an answer, also in the middle of the handshake.
    socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
      if (isSecure || /^ERR_SSL_.*ALERT/.test(code)) end(() => resolve('refused'))
      else away(`is not reachable over TLS (${code || 'unknown'})`)
    })
    socket.on('close', () => (isSecure ? end(() => resolve('refused')) : away('closed the connection')))
  })
}

function question(domain: string): string {
  const [branch, tag, call] = [0, 1, 2].map(() => randomBytes(8).toString('hex'))
  return `${[
    `OPTIONS sip:${domain} SIP/2.0`,
    `Via: SIP/2.0/TLS ringfence.invalid;branch=z9hG4bK${branch}`,
    'Max-Forwards: 1',
    `From: <sip:ringfence@${domain}>;tag=${tag}`,
    `To: <sip:${domain}>`,
    `Call-ID: ${call}@ringfence.invalid`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ].join('\r\n')}\r\n\r\n`
}

function unreachable(host: string, port: number, words: string): AppError {
  return new AppError('PBX_UNREACHABLE', `the TLS port of the sofia profile at ${host}:${port} ${words}`, {
    hint: 'check that the sofia profile runs, and that RINGFENCE_PBX_ADDRESS and RINGFENCE_PBX_PORT are where its TLS port is',
    retryable: true,
  })
}

function noSip(host: string, port: number): AppError {
  return new AppError('PBX_REFUSED', `what answers at ${host}:${port} does not speak SIP`, {
    hint: 'RINGFENCE_PBX_ADDRESS and RINGFENCE_PBX_PORT are where the TLS port of the sofia profile is',
    retryable: true,
  })
}
