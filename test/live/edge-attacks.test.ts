/** Traffic to loopback only: what somebody who got hold of a phone, or of its tunnel, may try at the edge. */
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type EdgeHandset, type EdgeWorld, edgeWorld, limit } from '../lab/edge-world.ts'
import { openLine, type RawRequest, type SipLine, statusOf } from '../lab/sip-line.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('whoever attacks the edge', ['asterisk', 'kamailio', 'openssl'], () => {
  let world: EdgeWorld
  let mallory: EdgeHandset
  let victim: EdgeHandset
  const lines: SipLine[] = []

  beforeAll(async () => {
    world = await edgeWorld()
    mallory = await world.handset('3001', '127.0.0.51')
    victim = await world.handset('3002', '127.0.0.52')
  }, 120_000)
  afterAll(async () => {
    for (const each of lines) each.close()
    await world?.stop()
  })

  /** Over a connection with a handset's certificate. */
  async function line({ address, issued }: EdgeHandset, localAddress = address): Promise<SipLine> {
    const made = await openLine({
      host: world.edge.options.address,
      port: world.edge.options.mtlsPort,
      localAddress,
      certificate: { certificate: issued.certificate, key: issued.privateKey.reveal() },
      trusts: { authority: world.edge.authorities.service.certificate, name: 'edge.test' },
    })
    lines.push(made)
    return made
  }

  let calls = 0
  const request = (method: string, { from = '3001', to = '600', extra = '', agent = 'test', toTag = '' } = {}) => {
    calls += 1
    return `${method} sip:${to}@edge.test SIP/2.0
Via: SIP/2.0/TLS 127.0.0.51:5061;branch=z9hG4bKattack${calls};rport
Max-Forwards: 70
From: <sip:${from}@edge.test>;tag=a${calls}
To: <sip:${to}@edge.test>${toTag}
Call-ID: attack-${calls}
CSeq: 1 ${method}
Contact: <sip:${from}@127.0.0.51:5061;transport=tls>
User-Agent: ${agent}
${extra}Content-Length: 0

`
  }
  async function answerTo(text: string, from = mallory): Promise<number> {
    const talk = await line(from)
    talk.send(text)
    await vi.waitFor(() => expect(statusOf(talk.heard)).toBeGreaterThan(0), { timeout: 3_000 })
    return statusOf(talk.heard)
  }

  test.each(['friendly-scanner', 'sipvicious', 'sipcli/v1.8', 'VaxSIPUserAgent/3.1', 'pplsip'])(
    'a scanner that calls itself %s gets no answer, and its connection is over',
    async (agent) => {
      const talk = await line(mallory)
      talk.send(request('OPTIONS', { agent }))
      await vi.waitFor(() => expect(talk.isOpen).toBe(false))
      expect(talk.heard).toBe('')
    },
  )

  test.each([
    ['anonymous', 'anonymous'],
    ['another extension', '3002'],
    ['another extension in another spelling', '%33002'],
    ['an extension with something behind it', '3001;x=y'],
    ['SQL', "3001'--"],
    ['an expression that matches everything', '.*'],
    ['nobody', ''],
  ])('a call from %s is refused', async (_, from) => {
    expect([400, 403, 484]).toContain(await answerTo(request('INVITE', { from })))
  })

  test('a request that pretends to belong to a call gets nowhere', async () => {
    const { options } = world.edge
    const route = `Route: <sip:${options.address}:${options.mtlsPort};transport=tls;lr>\n`
    const elsewhere = `Route: <sip:127.0.0.1:9;transport=tcp;lr>\n`
    for (const extra of ['', elsewhere]) {
      const status = await answerTo(request('INVITE', { from: '3002', toTag: ';tag=none', extra }))
      expect([403, 481]).toContain(status)
    }
    const { username } = victim.account.credentials[0]!
    const authorization = `Authorization: Digest username="${username}", realm="ringfence", nonce="n", uri="sip:600@edge.test", response="r"\n`
    for (const method of ['INVITE', 'MESSAGE', 'REFER']) {
      expect(await answerTo(request(method, { toTag: ';tag=none', extra: route }))).toBe(481)
      expect(await answerTo(request(method, { from: '3002', toTag: ';tag=none', extra: route }))).toBe(403)
    }
    expect(await answerTo(request('INVITE', { toTag: ';tag=none', extra: `${route}${authorization}` }))).toBe(403)
  })

  const registration = (extension: string, more: Partial<RawRequest> = {}): RawRequest => {
    calls += 1
    const address = `<sip:${extension}@edge.test>`
    const names = { from: `${address};tag=r${calls}`, to: address, callId: `register-${calls}` }
    return { method: 'REGISTER', uri: 'sip:edge.test', ...names, extra: 'Expires: 600\n', ...more }
  }
  const loginOf = ({ account }: EdgeHandset) => {
    const { username, secret } = account.credentials[0]!
    return { username, secret: secret.reveal() }
  }
  const stored = () => world.asterisk.cli('database show registrar')

  test.each(['REGISTER', 'PUBLISH'])('a %s that pretends to belong to a call is refused', async (method) => {
    const { address, mtlsPort } = world.edge.options
    const elsewhere = '<sip:3001@127.0.0.9:5071;transport=tls>'
    const status = await (await line(mallory)).login(
      registration('3001', {
        method,
        to: '<sip:3001@edge.test>;tag=made-up',
        contact: elsewhere,
        extra: `Route: <sip:${address}:${mtlsPort};transport=tls;lr>\nExpires: 600\n`,
      }),
      loginOf(mallory),
    )
    expect(status).toBe(403)
    expect(stored()).not.toContain('127.0.0.9')
  })

  test.each([
    ['of the same kind', 'Authorization'],
    ['for a proxy', 'Proxy-Authorization'],
  ])("another extension's password behind a decoy with one's own name, %s, is worth nothing", async (_, kind) => {
    const decoy = `${kind}: Digest username="3001", realm="x", nonce="n", uri="sip:x", response="00000000000000000000000000000000"\n`
    const talk = await line(mallory)
    const status = await talk.login(
      registration('3001'),
      loginOf(victim),
      (header, digest) => `${decoy}${header}: ${digest}\n`,
    )
    expect(status).toBe(403)
  })

  /** As the PBX, by its address: an INVITE to the phone under this name, and the answer of nobody. */
  async function callFromPbx(handset: EdgeHandset, name: string, callId: string): Promise<SipLine> {
    const { options, authorities } = world.edge
    const pbx = await openLine({
      host: options.address,
      port: options.pbxPort,
      localAddress: options.pbx.address,
      trusts: { authority: authorities.service.certificate, name: 'edge.test' },
    })
    lines.push(pbx)
    const serial = BigInt(`0x${handset.issued.serial}`)
    pbx.send(`INVITE sip:${name}@edge.test SIP/2.0
Via: SIP/2.0/TLS ${options.pbx.address}:5061;branch=z9hG4bK${callId};rport
Max-Forwards: 70
Route: <sip:${serial}@${options.address}:${options.pbxPort};transport=tls;lr>
From: <sip:600@edge.test>;tag=pbx
To: <sip:${name}@edge.test>
Call-ID: ${callId}
CSeq: 1 INVITE
Contact: <sip:pbx@${options.pbx.address}:5061;transport=tls>
Content-Length: 0

`)
    return pbx
  }

  test('a phone that is called by another name speaks under it in that call, and in no other', async () => {
    const member = await world.handset('3004', '127.0.0.54')
    const talk = await line(member)
    expect(await talk.login(registration('3004'), loginOf(member))).toBe(200)
    await callFromPbx(member, 'sales', 'group-call')
    await vi.waitFor(() => expect(talk.heard).toContain('INVITE sip:'))
    const { address, mtlsPort } = world.edge.options
    const bye = (from: string, callId: string) =>
      talk.ask({
        method: 'BYE',
        uri: 'sip:pbx@edge.test',
        from: `<sip:${from}@edge.test>;tag=phone`,
        to: '<sip:600@edge.test>;tag=pbx',
        callId,
        extra: `Route: <sip:${address}:${mtlsPort};transport=tls;lr>\n`,
      })
    // What Asterisk, which knows nothing of this call, says to a BYE that reached it.
    expect(statusOf(await bye('sales', 'group-call'))).toBe(481)
    expect(statusOf(await bye('sales', 'another-call'))).toBe(403)
    expect(statusOf(await bye('3002', 'group-call'))).toBe(403)
  })

  test.each([
    ['another way', true],
    ['no way at all', false],
  ])('a phone that answers a call and names %s sends what follows nowhere else', async (_, named) => {
    let elsewhere = 0
    const server = createServer(() => {
      elsewhere += 1
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.9', resolve))
    const place = `127.0.0.9:${(server.address() as AddressInfo).port}`
    const routes = named ? [`<sip:${place};transport=tls;lr>`] : []
    const called = await line(mallory)
    expect(await called.login(registration('3001'), loginOf(mallory))).toBe(200)
    const caller = await victim.connect()
    expect((await caller.register()).status).toBe(200)
    const contact = `<sip:3001@${place};transport=tls>`
    const [call, answer] = await Promise.all([called.pickUp({ routes, contact }), caller.call('3001')])
    expect(answer.status).toBe(200)
    await vi.waitFor(() => expect(called.heard).toContain('ACK sip:'))
    expect(statusOf(await called.ask(call('BYE')))).toBe(200)
    await caller.hungUp
    expect(elsewhere).toBe(0)
    expect((await caller.register({ expires: 0 })).status).toBe(200)
    await called.login(registration('3001', { extra: 'Expires: 0\n' }), loginOf(mallory))
    await new Promise((resolve) => server.close(resolve))
  })

  test('a phone cannot write itself into the way to another phone', async () => {
    const called = await victim.connect()
    expect((await called.register()).status).toBe(200)
    const serial = BigInt(`0x${victim.issued.serial}`)
    const { options } = world.edge
    const sip = await mallory.connect({
      userAgent: `x\r\npath: <sip:${serial}@${options.address}:${options.pbxPort};transport=tls;lr>\r\np-asserted-identity: <sip:3002@edge.test>`,
    })
    expect((await sip.register()).status).toBe(200)
    // Asterisk writes to its database a moment later.
    const mine = await vi.waitFor(() => {
      const stored = world.asterisk.cli('database show registrar').split('\n')
      const found = stored.filter((entry) => entry.includes('/3001;@'))
      expect(found).toHaveLength(1)
      return found[0]!
    })
    expect(mine).toContain(String(BigInt(`0x${mallory.issued.serial}`)))
    expect(mine).not.toContain(String(serial))
  })

  test('a second contact smuggled into a registration is not stored', async () => {
    const talk = await mallory.connect({ userAgent: 'x\r\nContact: <sip:3001@203.0.113.9:5060>' })
    expect((await talk.register()).status).toBe(200)
    expect(world.asterisk.cli('pjsip show contacts')).not.toContain('203.0.113.9')
  })

  test('the side of the PBX answers to the address of the PBX alone', async () => {
    const { options, authorities } = world.edge
    const talk = await openLine({
      host: options.address,
      port: options.pbxPort,
      localAddress: '127.0.0.51',
      trusts: { authority: authorities.service.certificate, name: 'edge.test' },
    })
    lines.push(talk)
    const serial = BigInt(`0x${victim.issued.serial}`)
    const extra = `Route: <sip:${serial}@${options.address}:${options.pbxPort};transport=tls;lr>\n`
    talk.send(request('INVITE', { to: '3002', extra }))
    await vi.waitFor(() => expect(talk.isOpen).toBe(false))
    expect(talk.heard).toBe('')
  })

  test('a connection over which no phone spoke is closed after half a minute, and that of a phone stays', async () => {
    const open = async () =>
      (await world.edge.rpc.call('core.tcp_list', [], limit())) as {
        src_ip: string
        src_port: number
        lifetime: number
      }[]
    const [idle, refused, phone] = [await line(mallory), await line(mallory, '127.0.0.55'), await line(mallory)]
    refused.send(request('OPTIONS'))
    await vi.waitFor(() => expect(statusOf(refused.heard)).toBe(403))
    expect(await phone.login(registration('3001'), loginOf(mallory))).toBe(200)
    // Longer than the longest registration.
    expect((await open()).find(({ src_port }) => src_port === phone.localPort)!.lifetime).toBeGreaterThan(3_600)
    for (const one of [idle, refused]) await vi.waitFor(() => expect(one.isOpen).toBe(false), { timeout: 40_000 })
    expect(phone.isOpen).toBe(true)
  }, 60_000)

  test('noise and half messages hurt nobody', async () => {
    for (const noise of [
      '\0\x01\x02'.repeat(2_000),
      'GET / HTTP/1.1\n\n',
      'INVITE sip:x SIP/2.0\nVia: \n\n',
      'x'.repeat(70_000),
    ]) {
      const talk = await line(mallory)
      talk.send(noise)
    }
    expect(await victim.attempt()).toBe(200)
  })

  test('a flood is cut off, its address stays unheard for a while, and a phone elsewhere notices nothing', async () => {
    const flooder = await world.handset('3003', '127.0.0.53')
    const staying = await victim.connect()
    expect((await staying.register()).status).toBe(200)
    const talk = await line(flooder)
    for (let count = 0; count < 300; count++) talk.send(request('OPTIONS', { from: '3003' }))
    await vi.waitFor(() => expect(talk.isOpen).toBe(false), { timeout: 5_000 })
    expect(await flooder.attempt()).toMatch(/closed the connection|ECONNRESET/)
    expect((await staying.register()).status).toBe(200)
    expect((await staying.call('600')).status).toBe(200)
  })
})
