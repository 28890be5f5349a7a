import { randomBytes } from 'node:crypto'
import { vi } from 'vitest'
import { openTls, type SipConnectionOptions } from './sip-connection.ts'
import { type DigestLogin, digestAnswer } from './sip-digest.ts'

/** A connection over which a test says what it likes, SIP or not. */
export interface SipLine {
  /** Line ends become those of SIP. */
  send(text: string): void
  /** Byte by byte, for what no phone would say. */
  sendAsIs(text: string): void
  /** Sends a request; its final answer, head and all. */
  ask(request: RawRequest): Promise<string>
  /** Asks, and asks again with what a login says to the challenge; `credentials` writes the headers. The status. */
  login(
    request: RawRequest,
    login: DigestLogin,
    credentials?: (header: string, digest: string) => string,
  ): Promise<number>
  /** Waits for a call, or for what changes one, and answers it; `extra` as it is, with its line ends. */
  pickUp(answer?: {
    readonly status?: string
    readonly routes?: readonly string[]
    readonly contact?: string
    readonly extra?: string
  }): Promise<IncomingCall>
  readonly heard: string
  readonly isOpen: boolean
  readonly localPort: number
  close(): void
}

export interface RawRequest {
  readonly method: string
  readonly uri: string
  /** Whole header values. */
  readonly from: string
  readonly to: string
  readonly callId: string
  readonly contact?: string
  /** Else the next of the line. */
  readonly cseq?: number
  /** More header lines, each with its line end. */
  readonly extra?: string
  /** A session description. */
  readonly body?: string
}

/** What a phone that was called says inside of the call, but for method and extra headers. */
export type IncomingCall = (method: string, extra?: string) => RawRequest

export async function openLine(options: SipConnectionOptions): Promise<SipLine> {
  const socket = await openTls(options)
  let heard = ''
  let isOpen = true
  let sequence = 0
  let pickedUp = 0
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1')
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isOpen = false
  })
  const sendAsIs = (text: string) => void socket.write(Buffer.from(text, 'latin1'))
  const send = (text: string) => void socket.write(text.replaceAll(/\r?\n/g, '\r\n'))

  async function ask({
    method,
    uri,
    from,
    to,
    callId,
    contact,
    cseq,
    extra = '',
    body = '',
  }: RawRequest): Promise<string> {
    sequence += 1
    const local = `${socket.localAddress}:${socket.localPort}`
    const before = heard.length
    send(`${method} ${uri} SIP/2.0
Via: SIP/2.0/TLS ${local};branch=z9hG4bK${randomBytes(8).toString('hex')};rport
Max-Forwards: 70
From: ${from}
To: ${to}
Call-ID: ${callId}
CSeq: ${cseq ?? sequence} ${method}
Contact: ${contact ?? `<sip:raw@${local};transport=tls>`}
${extra}${body && 'Content-Type: application/sdp\n'}Content-Length: ${body.length}

${body}`)
    return vi.waitFor(
      () => {
        const answer = /SIP\/2\.0 [2-6]\d\d [\s\S]*?\r\n\r\n/.exec(heard.slice(before))?.[0]
        if (answer === undefined) throw new Error(`no final answer to ${method}`)
        return answer
      },
      { timeout: 5_000, interval: 20 },
    )
  }

  return {
    send,
    sendAsIs,
    ask,
    async login(request, login, credentials = (header, digest) => `${header}: ${digest}\n`) {
      const first = await ask(request)
      const challenge = /^(WWW|Proxy)-Authenticate: (.*md5.*|(?!.*algorithm).*)\r$/im.exec(first)
      if (!challenge) return statusOf(first)
      const header = challenge[1] === 'WWW' ? 'Authorization' : 'Proxy-Authorization'
      const written = credentials(header, digestAnswer(login, challenge[2]!, request.method, request.uri))
      return statusOf(await ask({ ...request, extra: `${request.extra ?? ''}${written}` }))
    },
    async pickUp({ status = '200 OK', routes, contact, extra = '' } = {}) {
      const invite = await vi.waitFor(
        () => {
          const found = /^INVITE sip:[\s\S]*?\r\n\r\n/m.exec(heard.slice(pickedUp))
          if (!found) throw new Error('nobody calls')
          pickedUp += found.index + found[0].length
          return found[0]
        },
        { timeout: 5_000, interval: 20 },
      )
      const values = (name: string) =>
        [...invite.matchAll(new RegExp(`^${name}: (.*)\\r$`, 'gim'))].map(([, value]) => value!)
      const [from, to, callId, cseq, asked] = ['From', 'To', 'Call-ID', 'CSeq', 'Contact'].map(
        (name) => values(name)[0]!,
      )
      const here = `<sip:raw@${socket.localAddress}:${socket.localPort};transport=tls>`
      const own = /;tag=/.test(to!) ? to! : `${to};tag=raw`
      const way = values('Record-Route')
      sendAsIs(
        `${[
          `SIP/2.0 ${status}`,
          ...values('Via').map((via) => `Via: ${via}`),
          ...(routes ?? way).map((route) => `Record-Route: ${route}`),
          ...[`From: ${from}`, `To: ${own}`, `Call-ID: ${callId}`, `CSeq: ${cseq}`, `Contact: ${contact ?? here}`],
        ].join('\r\n')}\r\n${extra}Content-Length: 0\r\n\r\n`,
      )
      return (method, extra = '') => ({
        ...{ method, uri: /<(.*)>/.exec(asked!)![1]!, from: own, to: from!, callId: callId! },
        extra: `${way.map((route) => `Route: ${route}\n`).join('')}${extra}`,
      })
    },
    get heard() {
      return heard
    },
    get isOpen() {
      return isOpen
    },
    localPort: socket.localPort ?? 0,
    close: () => void socket.destroy(),
  }
}

/** The final one; NaN while there is none. */
export function statusOf(heard: string): number {
  return Number(/^SIP\/2\.0 ([2-6]\d{2})/m.exec(heard)?.[1])
}
