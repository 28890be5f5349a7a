import { randomBytes } from 'node:crypto'
import { offer } from './media-offer.ts'
import { openTls, type SipConnectionOptions } from './sip-connection.ts'
import { challengeHeaders, type DigestLogin, digestAnswer } from './sip-digest.ts'

/**
 * A small SIP phone over TLS for tests (RFC 3261; digest of RFC 2617 with MD5, qop=auth): registers, pings, calls, and
 * tells exactly what the PBX answered. It checks the PBX's certificate only when it is told what to trust: most tests look
 * at who may speak, not at who answers.
 */
export interface SipPhone {
  /** 200, 401 after a wrong secret, 403 … The last answer to REGISTER, after at most one challenge. */
  register(options?: { readonly expires?: number }): Promise<SipAnswer>
  options(): Promise<SipAnswer>
  /** INVITE with SRTP (SDES); resolves with the final answer and acknowledges a 200. */
  call(number: string): Promise<SipAnswer>
  /** Within the call that was answered last: sends the other side to this number (RFC 3515). */
  transfer(number: string): Promise<SipAnswer>
  /** A REFER outside of any call, with these headers. */
  refer(headers: readonly string[]): Promise<SipAnswer>
  /** Asks something within the call that was answered last. */
  within(method: string): Promise<SipAnswer>
  /** Ends the call that was answered last. */
  hangUp(): Promise<SipAnswer>
  /** From now on calls to this phone are sent on to this number (302). */
  forwardTo(number: string): void
  /** Resolves when the PBX ends the call that `call` set up. */
  readonly hungUp: Promise<void>
  /** The Event header of each NOTIFY that it got and answered with 200. */
  readonly events: readonly string[]
  /** The From of each call that it got; it picks up at once. */
  readonly calls: readonly string[]
  readonly connected: boolean
  /** Resolves when its connection is gone, whoever ended it. */
  readonly ended: Promise<void>
  /** `address:port` on this side. */
  readonly localAddress: string
  close(): Promise<void>
}

export interface SipAnswer {
  readonly status: number
  readonly reason: string
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly body: string
}

export interface SipPhoneOptions extends SipConnectionOptions, DigestLogin {
  readonly extension: string
  readonly userAgent?: string
  /** What stands before its address in From, as it says it. */
  readonly claimedName?: string
  /** Called with the Event of each NOTIFY, after it was answered. */
  readonly onEvent?: (event: string) => void
}

/** Connects. Rejects when the TLS handshake is refused; with TLS 1.3 that may show at the first request only. */
export async function connectSipPhone(options: SipPhoneOptions): Promise<SipPhone> {
  const socket = await openTls(options)
  const timeoutMs = options.timeoutMs ?? 5000
  const local = `${socket.localAddress}:${socket.localPort}`
  const domain = options.host
  const registerCallId = randomBytes(8).toString('hex')
  const waiting = new Map<string, { resolve: (answer: SipAnswer) => void; reject: (error: Error) => void }>()
  const [hungUp, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const events: string[] = []
  const calls: string[] = []
  let forwardedTo: string | null = null
  let dialog: { request: Request; to: string; target: string; route: readonly string[] } | null = null
  let sequence = 0
  let rest = ''
  let failure: Error | null = null

  const fail = (error: Error) => {
    failure ??= error
    for (const one of waiting.values()) one.reject(failure)
    waiting.clear()
  }
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the PBX closed the connection')))
  socket.on('close', () => ended.resolve())
  socket.on('data', (chunk: Buffer) => {
    rest += chunk.toString('latin1')
    for (;;) {
      rest = rest.replace(/^(\r\n)+/, '')
      const end = rest.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = rest.slice(0, end)
      const length = Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? 0)
      if (rest.length < end + 4 + length) return
      take(head, rest.slice(end + 4, end + 4 + length))
      rest = rest.slice(end + 4 + length)
    }
  })

  function take(head: string, body: string) {
    const [first, ...lines] = head.split('\r\n')
    const headers = new Map<string, string[]>()
    for (const line of lines) {
      const colon = line.indexOf(':')
      const key = line.slice(0, colon).trim().toLowerCase()
      headers.set(key, [...(headers.get(key) ?? []), line.slice(colon + 1).trim()])
    }
    const response = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(first!)
    if (!response) return answerRequest(first!.split(' ')[0]!, headers)
    const status = Number(response[1])
    const key = `${headers.get('call-id')?.[0]} ${headers.get('cseq')?.[0]}`
    if (status < 200) return
    waiting.get(key)?.resolve({ status, reason: response[2]!, headers, body })
    waiting.delete(key)
  }

  function answerRequest(method: string, headers: ReadonlyMap<string, readonly string[]>) {
    if (method === 'ACK') return
    if (method === 'INVITE' && forwardedTo !== null) return redirect(headers, forwardedTo)
    if (method === 'BYE') hungUp.resolve()
    if (method === 'INVITE') calls.push(headers.get('from')?.[0] ?? '')
    const copied = ['via', 'record-route', 'from', 'to', 'call-id', 'cseq'].flatMap((key) =>
      (headers.get(key) ?? []).map((value) => `${key}: ${key === 'to' ? tagged(value) : value}\r\n`),
    )
    const body = method === 'INVITE' ? offer(socket.localAddress ?? '127.0.0.1') : ''
    const contact = `contact: <sip:${options.extension}@${local};transport=tls>\r\ncontent-type: application/sdp\r\n`
    const agent = `user-agent: ${options.userAgent ?? 'ringfence-test'}\r\n`
    socket.write(
      `SIP/2.0 200 OK\r\n${copied.join('')}${agent}${body && contact}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    if (method !== 'NOTIFY') return
    const event = headers.get('event')?.[0] ?? ''
    events.push(event)
    options.onEvent?.(event)
  }

  function redirect(headers: ReadonlyMap<string, readonly string[]>, number: string) {
    const copied = ['via', 'from', 'call-id', 'cseq'].flatMap((key) =>
      (headers.get(key) ?? []).map((value) => `${key}: ${value}\r\n`),
    )
    const to = `to: ${headers.get('to')?.[0]};tag=${randomBytes(4).toString('hex')}\r\n`
    const contact = `contact: <sip:${number}@${domain};transport=tls>\r\n`
    socket.write(`SIP/2.0 302 Moved Temporarily\r\n${copied.join('')}${to}${contact}content-length: 0\r\n\r\n`)
  }

  interface Request {
    readonly method: string
    readonly uri: string
    readonly to: string
    readonly callId: string
    readonly fromTag: string
    readonly extra?: readonly string[]
    readonly body?: string
  }

  function send(request: Request, number: number, authorization: string | null) {
    const body = request.body ?? ''
    const text = [
      `${request.method} ${request.uri} SIP/2.0`,
      `Via: SIP/2.0/TLS ${local};branch=z9hG4bK${randomBytes(8).toString('hex')};rport`,
      'Max-Forwards: 70',
      `From: ${options.claimedName ?? ''}<sip:${options.extension}@${domain}>;tag=${request.fromTag}`,
      `To: ${request.to}`,
      `Call-ID: ${request.callId}`,
      `CSeq: ${number} ${request.method}`,
      `Contact: <sip:${options.extension}@${local};transport=tls>`,
      `User-Agent: ${options.userAgent ?? 'ringfence-test'}`,
      ...(authorization ? [authorization] : []),
      ...(request.extra ?? []),
      ...(body ? ['Content-Type: application/sdp'] : []),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ].join('\r\n')
    socket.write(`${text}\r\n\r\n${body}`)
  }

  function exchange(request: Request, authorization: string | null): Promise<{ answer: SipAnswer; number: number }> {
    const number = ++sequence
    const key = `${request.callId} ${number} ${request.method}`
    return new Promise((resolve, reject) => {
      if (failure) return reject(failure)
      const timer = setTimeout(() => {
        waiting.delete(key)
        reject(new Error(`no answer to ${request.method} in ${timeoutMs} ms`))
      }, timeoutMs)
      waiting.set(key, {
        resolve: (answer) => {
          clearTimeout(timer)
          resolve({ answer, number })
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
      send(request, number, authorization)
    })
  }

  /** RFC 3261 section 17.1.1.3: a final answer to INVITE is acknowledged, a refusal too. */
  function acknowledge(request: Request, answer: SipAnswer, number: number) {
    if (request.method !== 'INVITE') return
    const to = answer.headers.get('to')?.[0] ?? request.to
    const target =
      answer.status < 300
        ? (/<([^>]+)>/.exec(answer.headers.get('contact')?.[0] ?? '')?.[1] ?? request.uri)
        : request.uri
    // Through the proxies that asked to stay (RFC 3261 section 12.1.2).
    const route = (answer.status < 300 ? (answer.headers.get('record-route') ?? []) : [])
      .flatMap((value) => value.split(/,\s*/))
      .toReversed()
      .map((value) => `Route: ${value}`)
    send(
      { method: 'ACK', uri: target, to, callId: request.callId, fromTag: request.fromTag, extra: route },
      number,
      null,
    )
    if (answer.status < 300) dialog = { request, to, target, route }
  }

  async function challenged(request: Request): Promise<SipAnswer> {
    const first = await exchange(request, null)
    acknowledge(request, first.answer, first.number)
    // A proxy asks with 407 (RFC 3261 section 22.3), a PBX that answers itself with 401.
    const [asked, answered] = challengeHeaders.get(first.answer.status) ?? []
    const challenge = (asked ? (first.answer.headers.get(asked) ?? []) : []).find(
      (value) => /md5/i.test(value) || !/algorithm/i.test(value),
    )
    if (!challenge) return first.answer
    const authorization = `${answered}: ${digestAnswer(options, challenge, request.method, request.uri)}`
    const second = await exchange(request, authorization)
    acknowledge(request, second.answer, second.number)
    return second.answer
  }

  function inDialog(method: string, extra: readonly string[]): Promise<SipAnswer> {
    if (!dialog) throw new Error(`there is no call to ${method}`)
    const { request, to, target, route } = dialog
    const { callId, fromTag } = request
    return challenged({ method, uri: target, to, callId, fromTag, extra: [...route, ...extra] })
  }

  const address = `<sip:${options.extension}@${domain}>`
  return {
    register: ({ expires = 600 } = {}) =>
      challenged({
        method: 'REGISTER',
        uri: `sip:${domain};transport=tls`,
        to: address,
        callId: registerCallId,
        fromTag: registerCallId,
        extra: [`Expires: ${expires}`],
      }),
    options: () =>
      challenged({
        method: 'OPTIONS',
        uri: `sip:${domain};transport=tls`,
        to: address,
        callId: randomBytes(8).toString('hex'),
        fromTag: randomBytes(4).toString('hex'),
      }),
    call: (number) =>
      challenged({
        method: 'INVITE',
        uri: `sip:${number}@${domain};transport=tls`,
        to: `<sip:${number}@${domain}>`,
        callId: randomBytes(8).toString('hex'),
        fromTag: randomBytes(4).toString('hex'),
        body: offer(socket.localAddress ?? '127.0.0.1'),
      }),
    transfer: (number) => inDialog('REFER', [`Refer-To: <sip:${number}@${domain}>`]),
    refer: (extra) =>
      challenged({
        method: 'REFER',
        uri: `sip:${options.extension}@${domain};transport=tls`,
        to: address,
        callId: randomBytes(8).toString('hex'),
        fromTag: randomBytes(4).toString('hex'),
        extra,
      }),
    within: (method) => inDialog(method, []),
    hangUp: () => inDialog('BYE', []),
    forwardTo(number) {
      forwardedTo = number
    },
    hungUp: hungUp.promise,
    ended: ended.promise,
    events,
    calls,
    get connected() {
      return failure === null
    },
    localAddress: local,
    close() {
      socket.end()
      socket.destroySoon()
      return ended.promise
    },
  }
}

/** Whoever is called gives its side of the dialog a name (RFC 3261 section 8.2.6.2). */
function tagged(to: string): string {
  return /;tag=/i.test(to) ? to : `${to};tag=answered`
}
