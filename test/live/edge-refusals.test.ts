/** Traffic to loopback only. */
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decimalSerial } from '../../src/pbx/edge/edge-tables.ts'
import { type EdgeHandset, type EdgeWorld, edgeWorld, limit } from '../lab/edge-world.ts'
import type { SipPhone } from '../lab/sip-client.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'
import { describeLive } from '../setup/requirements.ts'

const [phones, talking, rounds] = [12, 4, 25] as const

interface Identity {
  readonly certificate: string
  readonly key: string
}

/**
 * The reason for the edge's one reader: OpenSSL's list of errors, which the processes of a Kamailio before 5.8 share,
 * made one refused certificate end the connections of others (kamailio issue 3695).
 */
describeLive('phones at an edge that refuses others', ['asterisk', 'kamailio', 'openssl'], () => {
  let world: EdgeWorld
  let handsets: readonly EdgeHandset[]
  beforeAll(async () => {
    world = await edgeWorld()
    handsets = await world.handsets(
      Array.from({ length: phones + 1 }, (_, at) => [`${3100 + at}`, `127.0.0.${100 + at}`]),
    )
  }, 120_000)
  afterAll(() => world?.stop())

  test('keep their connections and their calls while a hundred handshakes fail: no certificate, another authority, a revoked one, no TLS at all', async () => {
    const leaver = handsets[phones]!
    const identityOf = ({ issued }: EdgeHandset) => ({
      certificate: issued.certificate,
      key: issued.privateKey.reveal(),
    })
    const staying: SipPhone[] = []
    for (const handset of handsets.slice(0, phones)) staying.push(await handset.connect())
    for (const each of staying) expect((await each.register()).status).toBe(200)
    for (const each of staying.slice(0, talking)) expect((await each.call('600')).status).toBe(200)

    await revokeByTheListAlone(leaver)
    const foreign = issueTestCertificate(makeTestAuthority('another CA'), 'Phone 3100')
    let isOver = false
    const refreshed = Promise.all(
      staying.map(async (each) => {
        const answers = new Set<number | string>()
        while (!isOver && each.connected) answers.add(await each.register().then(({ status }) => status, String))
        return [...answers]
      }),
    )
    const words = new Set<string>()
    for (let round = 0; round < rounds; round++) {
      const said = await Promise.all([handshake(null), handshake(foreign), handshake(identityOf(leaver)), noise()])
      for (const each of said) words.add(each)
    }
    isOver = true
    expect(await refreshed).toEqual(staying.map(() => [200]))
    expect([...words].join('; ')).toMatch(/certificate required/i)
    expect([...words].join('; ')).toMatch(/unknown ca|unable to get local issuer/i)
    expect([...words].join('; ')).toMatch(/certificate revoked/i)
    expect(words).not.toContain('let in')

    expect(staying.map(({ connected }) => connected)).toEqual(staying.map(() => true))
    const channels = world.asterisk.cli('core show channels concise').match(/^PJSIP\/31\d\d-/gm) ?? []
    expect(channels).toHaveLength(talking)
    for (const each of staying.slice(0, talking)) expect((await each.hangUp()).status).toBe(200)
  })

  /** So that it is refused in the handshake, and not later by the deny table. */
  async function revokeByTheListAlone({ issued }: EdgeHandset): Promise<void> {
    const { edge } = world
    edge.wanted.revoke(issued)
    await edge.signList()
    await edge.publish()
    await edge.rpc.call('htable.delete', ['deny', decimalSerial(issued.serial)], limit())
  }

  /** How it ended; with TLS 1.3 a client learns behind its own handshake that it is refused. */
  function handshake(identity: Identity | null): Promise<string> {
    const { address: host, mtlsPort: port } = world.edge.options
    const own = identity ? { cert: identity.certificate, key: identity.key } : {}
    return new Promise((resolve) => {
      const socket = connectTls({ host, port, ...own, rejectUnauthorized: false, timeout: 5_000 })
      let words = 'closed'
      socket.on('error', (error) => {
        words = error.message
      })
      socket.on('data', () => {
        words = 'let in'
      })
      socket.on('timeout', () => socket.destroy(new Error('nothing for 5 s')))
      socket.on('close', () => resolve(words))
      socket.on('secureConnect', () => socket.write(options(host)))
    })
  }

  function noise(): Promise<string> {
    const { address: host, mtlsPort: port } = world.edge.options
    return new Promise((resolve) => {
      const socket = connectTcp({ host, port, timeout: 5_000 }, () => socket.end('GET / HTTP/1.1\r\n\r\n'))
      socket.on('error', () => undefined)
      socket.on('timeout', () => socket.destroy())
      socket.on('close', () => resolve('no TLS'))
      socket.resume()
    })
  }
})

function options(host: string): string {
  const lines = [
    `OPTIONS sip:${host} SIP/2.0`,
    'Via: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bKrefused',
    'Max-Forwards: 70',
    `From: <sip:3100@${host}>;tag=r`,
    `To: <sip:${host}>`,
    'Call-ID: refused',
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}
