/** Traffic to loopback only: bytes that the edge and the PBX behind it could read in two ways. */
import { randomBytes } from 'node:crypto'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type EdgeHandset, type EdgeWorld, edgeWorld } from '../lab/edge-world.ts'
import type { SipPhone } from '../lab/sip-client.ts'
import { openLine, type SipLine, statusOf } from '../lab/sip-line.ts'
import { describeLive } from '../setup/requirements.ts'

const dialplan = `[from-internal]
exten => _3XXX,1,Dial(PJSIP/\${EXTEN},20)
exten => _[0-9+*].,1,Answer()
 same => n,Wait(20)
`

describeLive('whoever speaks to the edge in another form than SIP', ['asterisk', 'kamailio', 'openssl'], () => {
  let world: EdgeWorld
  let mallory: EdgeHandset
  let victim: EdgeHandset
  const open: (SipLine | SipPhone)[] = []

  beforeAll(async () => {
    world = await edgeWorld({ dialplan })
    mallory = await world.handset('3001', '127.0.0.51')
    victim = await world.handset('3002', '127.0.0.52')
  }, 120_000)
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()))
  })
  afterAll(async () => await world?.stop())

  const random = () => randomBytes(6).toString('hex')
  const via = (place: string) => `Via: SIP/2.0/TLS ${place};branch=z9hG4bK${random()}`
  const message = (lines: readonly string[], body = '') => `${lines.join('\r\n')}\r\n\r\n${body}`

  async function line({ address, issued }: EdgeHandset): Promise<SipLine> {
    const made = await openLine({
      ...{ host: world.edge.options.address, port: world.edge.options.mtlsPort, localAddress: address },
      certificate: { certificate: issued.certificate, key: issued.privateKey.reveal() },
      trusts: { authority: world.edge.authorities.service.certificate, name: 'edge.test' },
    })
    open.push(made)
    return made
  }
  /** Without certificate, from an address that is nobody's. */
  async function strangersLine(): Promise<SipLine> {
    const { address, port } = world.edge.options
    const made = await openLine({
      ...{ host: address, port, localAddress: '127.0.0.77' },
      trusts: { authority: world.edge.authorities.service.certificate, name: 'edge.test' },
    })
    open.push(made)
    return made
  }
  async function registered(handset: EdgeHandset): Promise<SipLine> {
    const made = await line(handset)
    const { username, secret } = handset.account.credentials[0]!
    const own = `<sip:${handset.extension}@edge.test>`
    const names = { from: `${own};tag=${random()}`, to: own, callId: random() }
    const request = { method: 'REGISTER', uri: 'sip:edge.test', ...names, extra: 'Expires: 600\n' }
    expect(await made.login(request, { username, secret: secret.reveal() })).toBe(200)
    return made
  }
  const silent = async (talk: SipLine) => {
    await vi.waitFor(() => expect(talk.isOpen).toBe(false), { timeout: 3_000 })
    expect(talk.heard).toBe('')
  }

  test('an answer that nobody asked for goes nowhere', async () => {
    let reached = 0
    const server = createServer((socket) => {
      reached += 1
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.99', resolve))
    const { address, port } = world.edge.options
    const names = ['From: <sip:a@b>;tag=1', 'To: <sip:a@b>;tag=2', `Call-ID: ${random()}`]
    const elsewhere = via(`127.0.0.99:${(server.address() as AddressInfo).port}`)
    const talk = await strangersLine()
    for (let count = 0; count < 3; count++)
      talk.sendAsIs(
        message([
          'SIP/2.0 200 OK',
          via(`${address}:${port}`),
          elsewhere,
          ...names,
          'CSeq: 1 OPTIONS',
          'Content-Length: 0',
        ]),
      )
    // What comes behind it is answered when it was dealt with.
    const asking = ['OPTIONS sip:edge.test SIP/2.0', via('127.0.0.77'), 'Max-Forwards: 70']
    talk.sendAsIs(message([...asking, ...names, 'CSeq: 2 OPTIONS', 'Content-Length: 0']))
    await vi.waitFor(() => expect(statusOf(talk.heard)).toBe(403))
    expect(await victim.attempt()).toBe(200)
    expect(reached).toBe(0)
    await new Promise((resolve) => server.close(resolve))
  })

  test('whoever has no certificate brings no request to the PBX, not in two answers either', async () => {
    // Now the edge has its connection to the PBX.
    expect(await victim.attempt()).toBe(200)
    const talk = await strangersLine()
    const { address, port, pbxPort, pbx } = world.edge.options
    const request = message([
      `INVITE sip:0044777@edge.test SIP/2.0`,
      ...[via(`${address}:${pbxPort}`), via(`127.0.0.77:${talk.localPort}`), 'Max-Forwards: 70'],
      ...['From: <sip:3001@edge.test>;tag=1', 'To: <sip:0044777@edge.test>', `Call-ID: ${random()}`, 'CSeq: 1 INVITE'],
      ...[`Contact: <sip:3001@127.0.0.77:${talk.localPort};transport=tls>`, 'Content-Length: 0'],
    ])
    const nearest = via(`${address}:${port}`)
    const rest = () => [
      ...[via(`${pbx.address}:${pbx.port}`), 'From: <sip:a@b>;tag=1', 'To: <sip:a@b>;tag=2', `Call-ID: ${random()}`],
      'CSeq: 1 OPTIONS',
    ]
    const second = message(['SIP/2.0 200 OK', nearest, ...rest(), `Content-Length: ${request.length}`], request)
    // The PBX takes the body of the first, up to the request within the second.
    const body = `${'x'.repeat(second.length - request.length - nearest.length - 5)}\n\r\n`
    const head = message(['SIP/2.0 200 OK', nearest, ...rest(), `Content-Length: ${body.length}`])
    talk.sendAsIs(head.replaceAll('\r\n', '\n') + body + second)
    await silent(talk)
  })

  const badHeads: readonly (readonly [string, string])[] = [
    ['a line that ends in CR alone', 'X-A: a\rTo: <sip:0044777@edge.test>\r\n'],
    ['a line that ends in LF alone', 'X-A: a\nTo: <sip:0044777@edge.test>\r\n'],
    ['a NUL', 'X-A: a\0b\r\n'],
    ['another control character', 'X-A: a\x0bb\r\n'],
    ['a header on two lines', 'X-A: a\r\n b\r\n'],
    ['a line without a colon', 'nothing\r\n'],
    ['a name that is none', 'X A: a\r\n'],
    ['a second length', 'Content-Length: 0\r\n'],
    ['a second length in short', 'l: 0\r\n'],
    ['a second number that is none', 'CSeq: x\r\n'],
  ]

  test.each(badHeads)('a phone whose request has %s is not heard, and its connection is over', async (_, bad) => {
    const talk = await line(mallory)
    talk.sendAsIs(
      message([
        ...[
          'REGISTER sip:edge.test SIP/2.0',
          via('127.0.0.51'),
          'Max-Forwards: 70',
          'From: <sip:3001@edge.test>;tag=1',
        ],
        ...[`${bad}To: <sip:3001@edge.test>`, `Call-ID: ${random()}`, 'CSeq: 1 REGISTER', 'Content-Length: 0'],
      ]),
    )
    await silent(talk)
  })

  test.each([
    ['no length', ''],
    ['a length that is no number', 'Content-Length: 0x\r\n'],
    ['a length without end', 'Content-Length: 0000000\r\n'],
    ['lines that all end in LF alone', 'Content-Length: 0\r\n'],
  ])('a request with %s is not heard, and no other phone waits for its end', async (what, length) => {
    const talk = await line(mallory)
    const text = `REGISTER sip:edge.test SIP/2.0\r\n${via('127.0.0.51')}\r\nMax-Forwards: 70\r\nFrom: <sip:3001@edge.test>;tag=1\r\nTo: <sip:3001@edge.test>\r\nCall-ID: ${random()}\r\nCSeq: 1 REGISTER\r\n${length}\r\n`
    talk.sendAsIs(what.includes('LF') ? text.replaceAll('\r\n', '\n') : text)
    await silent(talk)
    expect(await victim.attempt()).toBe(200)
  })

  test.each(badHeads)('a phone whose answer has %s sends no call on with it', async (_, bad) => {
    const called = await registered(mallory)
    const caller = await victim.connect()
    open.push(caller)
    const answered = caller.call('3001').catch(() => undefined)
    await called.pickUp({ status: '302 Moved', contact: '<sip:0044777@edge.test>', extra: bad })
    await vi.waitFor(() => expect(called.isOpen).toBe(false), { timeout: 3_000 })
    expect(world.asterisk.cli('core show channels concise')).not.toContain('0044777')
    await caller.close()
    await answered
  })

  test.each([
    ['short names', { from: 'f', to: 't', callId: 'i', contact: 'm', length: 'l' }, ''],
    [
      'names in capitals, blanks before the colon and none behind',
      { from: 'FROM ', to: 'TO', length: 'CONTENT-LENGTH ' },
      '',
    ],
    [
      'names and values in letters of all kinds',
      {},
      'Subject: G\xc3\xbcnther \xfc\r\nX_Odd-Name.1: a\tb\r\nSupported:\r\n',
    ],
    [
      'what desk phones add',
      {},
      'User-Agent: Yealink SIP-T46S 66.86.0.15\r\nAllow: INVITE, ACK\r\nAllow-Events: talk,hold\r\nAccept: application/sdp\r\n',
    ],
    ['a body with line ends of all kinds', {}, '', 'v=0\nm=audio\r\n\r\na: b\rc\0'],
  ])(
    'a phone that speaks SIP with %s is heard, also behind empty lines that keep its connection',
    async (_, names, extra, body = '') => {
      const {
        from = 'From',
        to = 'To',
        callId = 'Call-ID',
        contact = 'Contact',
        length = 'Content-Length',
      } = names as Record<string, string>
      const talk = await line(mallory)
      talk.sendAsIs('\r\n\r\n')
      await vi.waitFor(() => expect(talk.heard).toBe('\r\n'))
      const lines = [
        ...['REGISTER sip:edge.test SIP/2.0', via(`127.0.0.51:${talk.localPort}`), 'Max-Forwards: 70'],
        ...[
          `${from}: "G\xc3\xbcnther" <sip:3001@edge.test>;tag=1`,
          `${to}:<sip:3001@edge.test>`,
          `${callId}: ${random()}`,
        ],
        ...['CSeq: 1 REGISTER', `${contact}: <sip:3001@127.0.0.51:${talk.localPort};transport=tls>`],
      ]
      talk.sendAsIs(`\r\n${lines.join('\r\n')}\r\n${extra}${length}: ${body.length}\r\n\r\n${body}`)
      await vi.waitFor(() => expect(statusOf(talk.heard)).toBe(401), { timeout: 3_000 })
    },
  )
})
