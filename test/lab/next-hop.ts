import { createSocket } from 'node:dgram'

/**
 * What stands behind a registrar in these tests: answers every INVITE with 200 and a session description, but lets 700
 * ring until it is cancelled, and every other request with 200, over UDP. Calls with 701 pass two proxies of its own, which
 * want to stay on the way. Knows what it was asked.
 */
export interface NextHop {
  readonly port: number
  /** The first line and the headers of each request, newest last. */
  readonly requests: readonly string[]
  /** The first line and the headers of each final answer, newest last. */
  readonly answers: readonly string[]
  /** A call that comes in from outside, by what the caller dialled; the final status. */
  call(number: string, to: number, dialled?: string): Promise<number>
  stop(): Promise<void>
}

export async function startNextHop(address: string): Promise<NextHop> {
  const socket = createSocket('udp4')
  const requests: string[] = []
  const answers: string[] = []
  // The one that is nearest to whoever is called from here, or calls, first.
  const proxies: string[] = []
  const ringing = new Map<string, string>()
  let calls = 0
  const finals = new Map<string, (status: number) => void>()

  socket.on('message', (message, from) => {
    const head = message.toString('latin1').split('\r\n\r\n')[0]!
    const status = Number(/^SIP\/2\.0 (\d{3})/.exec(head)?.[1] ?? 0)
    if (status >= 200) {
      answers.push(head)
      finals.get(callIdOf(head))?.(status)
    }
    if (status > 0) return
    requests.push(head)
    const method = head.split(' ')[0]!
    const send = (text: string) => socket.send(text, from.port, from.address)
    if (method === 'ACK') return
    if (method === 'INVITE' && head.startsWith('INVITE sip:700@')) {
      ringing.set(callIdOf(head), head)
      return send(answer(head, '180 Ringing'))
    }
    const waiting = ringing.get(callIdOf(head))
    send(answer(head, '200 OK', method === 'INVITE'))
    if (method === 'CANCEL' && waiting) send(answer(waiting, '487 Request Terminated'))
  })

  function answer(head: string, status: string, withMedia = false): string {
    const copied = head.split('\r\n').filter((line) => /^(via|from|call-id|cseq|record-route):/i.test(line))
    const to = /^to:.*$/im.exec(head)?.[0] ?? 'To: <sip:nobody@invalid>'
    const body = withMedia
      ? `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio 9 RTP/SAVP 8\r\n`
      : ''
    return `${[
      `SIP/2.0 ${status}`,
      ...(head.startsWith('INVITE sip:701@') ? [`Record-Route: ${proxies.toReversed().join(', ')}`] : []),
      ...copied,
      /;tag=/i.test(to) ? to : `${to};tag=hop`,
      `Contact: <sip:hop@${address}:${socket.address().port}>`,
      ...(body ? ['Content-Type: application/sdp'] : []),
      `Content-Length: ${body.length}`,
    ].join('\r\n')}\r\n\r\n${body}`
  }

  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, address, resolve)
  })
  const { port } = socket.address()
  proxies.push(`<sip:${address}:${port};lr;is=near>`, `<sip:${address}:${port};lr;is=far>`)
  return {
    port,
    requests,
    answers,
    call: (number, to, dialled = number) =>
      new Promise((resolve, reject) => {
        const callId = `from-outside-${port}-${++calls}`
        const limit = setTimeout(() => reject(new Error('no final answer in 5 s')), 5_000)
        finals.set(callId, (status) => {
          clearTimeout(limit)
          resolve(status)
        })
        const lines = [
          `INVITE sip:${number}@${address}:${to} SIP/2.0`,
          `Via: SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${callId};rport`,
          'Max-Forwards: 70',
          `Record-Route: ${proxies.join(', ')}`,
          `From: <sip:0301234@${address}>;tag=${callId}`,
          `To: <sip:${dialled}@${address}>`,
          `Call-ID: ${callId}`,
          'CSeq: 1 INVITE',
          `Contact: <sip:hop@${address}:${port}>`,
          'Content-Length: 0',
        ]
        socket.send(`${lines.join('\r\n')}\r\n\r\n`, to, '127.0.0.1')
      }),
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

function callIdOf(head: string): string {
  return /^call-id:\s*(\S+)/im.exec(head)?.[1] ?? ''
}
