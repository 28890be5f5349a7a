import { createSocket } from 'node:dgram'

/**
 * What stands behind a registrar in these tests: answers every INVITE with 200 and a session description, every other
 * request with 200, over UDP. Knows what it was asked.
 */
export interface NextHop {
  readonly port: number
  /** The first line and the headers of each request, newest last. */
  readonly requests: readonly string[]
  stop(): Promise<void>
}

export async function startNextHop(address: string): Promise<NextHop> {
  const socket = createSocket('udp4')
  const requests: string[] = []
  socket.on('message', (message, from) => {
    const text = message.toString('latin1')
    const head = text.split('\r\n\r\n')[0]!
    const method = head.split(' ')[0]!
    if (method.startsWith('SIP/')) return
    requests.push(head)
    if (method === 'ACK') return
    const copied = head.split('\r\n').filter((line) => /^(via|from|call-id|cseq|record-route):/i.test(line))
    const to = /^to:.*$/im.exec(head)?.[0] ?? 'To: <sip:nobody@invalid>'
    const body =
      method === 'INVITE'
        ? `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio 9 RTP/SAVP 8\r\n`
        : ''
    const answer = [
      'SIP/2.0 200 OK',
      ...copied,
      /;tag=/i.test(to) ? to : `${to};tag=hop`,
      `Contact: <sip:hop@${address}:${socket.address().port}>`,
      ...(body ? ['Content-Type: application/sdp'] : []),
      `Content-Length: ${body.length}`,
    ].join('\r\n')
    socket.send(`${answer}\r\n\r\n${body}`, from.port, from.address)
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, address, resolve)
  })
  return {
    port: socket.address().port,
    requests,
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}
