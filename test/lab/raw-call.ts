import { randomBytes } from 'node:crypto'
import { vi } from 'vitest'
import { offer } from './media-offer.ts'
import type { DigestLogin } from './sip-digest.ts'
import { type SipLine, statusOf } from './sip-line.ts'

interface Telling {
  readonly extra?: string
  /** As if the other end said it. */
  readonly turned?: boolean
  /** Of another call. */
  readonly callId?: string
  /** The other end's name of the call as it writes it, or in capitals. */
  readonly inCapitals?: boolean
}

/** A call that a phone makes over a line, in which the test itself says the number (CSeq) of everything that follows. */
export interface RawCall {
  /** Of the INVITE. */
  readonly status: number
  readonly cseq: number
  /** The status of the answer. */
  say(method: string, cseq: number, more?: Telling): Promise<number>
  /** Without an answer to wait for. */
  tell(method: string, cseq: number): void
}

export async function rawCall(
  line: SipLine,
  { host, extension, number, login }: { host: string; extension: string; number: string; login: DigestLogin },
): Promise<RawCall> {
  const callId = randomBytes(6).toString('hex')
  const uri = `sip:${number}@${host}`
  const own = `<sip:${extension}@${host}>;tag=${callId}`
  const body = offer('127.0.0.1')
  const status = await line.login({ method: 'INVITE', uri, from: own, to: `<${uri}>`, callId, body }, login)
  const answer = line.heard.slice(line.heard.lastIndexOf(`SIP/2.0 ${status}`))
  const header = (name: string) => new RegExp(`^${name}: (.*)\r$`, 'im').exec(answer)?.[1] ?? ''
  const cseq = Number(/^CSeq: (\d+)/im.exec(answer)?.[1])
  const route = [...answer.matchAll(/^Record-Route: (.*)\r$/gim)]
    .flatMap(([, ways]) => ways!.split(/,\s*/))
    .toReversed()
    .map((way) => `Route: ${way}\n`)
  const [target, theirs] = [/<(.*)>/.exec(header('Contact'))?.[1] ?? uri, header('To')]
  const tagOf = (address: string) => /;tag=[^;]*/.exec(address)?.[0] ?? ''

  function tell(
    method: string,
    number: number,
    { extra = '', turned = false, callId: named = callId, inCapitals = false }: Telling = {},
  ): void {
    const from = turned ? `<sip:${extension}@${host}>${tagOf(theirs)}` : own
    const to = turned
      ? `<${uri}>${tagOf(own)}`
      : inCapitals
        ? theirs.replace(/;tag=.*/, (tag) => `;tag=${tag.slice(5).toUpperCase()}`)
        : theirs
    line.send(`${method} ${target} SIP/2.0
Via: SIP/2.0/TLS 127.0.0.1:${line.localPort};branch=z9hG4bK${randomBytes(8).toString('hex')};rport
Max-Forwards: 70
${route.join('')}From: ${from}
To: ${to}
Call-ID: ${named}
CSeq: ${number} ${method}
Contact: <sip:raw@127.0.0.1:${line.localPort};transport=tls>
${extra}Content-Length: 0

`)
  }
  if (status === 200) tell('ACK', cseq)
  return {
    ...{ status, cseq, tell },
    say(method, number, more) {
      const from = line.heard.length
      tell(method, number, more)
      const pattern = new RegExp(
        `^SIP/2\\.0 [2-6]\\d\\d [^\\r]*\\r\\n(?:[^\\r]+\\r\\n)*?CSeq: ${number} ${method}\\r`,
        'im',
      )
      return vi.waitFor(
        () => {
          const found = pattern.exec(line.heard.slice(from))
          if (!found) throw new Error(`no answer to ${method}`)
          return statusOf(found[0])
        },
        { timeout: 5_000, interval: 20 },
      )
    },
  }
}
