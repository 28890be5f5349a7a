/** Traffic to loopback only. What a phone that has a class may make of a call that somebody else makes for it. */
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blockedPolicy } from '../../src/domain/call-policy.ts'
import type { IssuedCertificate } from '../../src/pki/pki-port.ts'
import { type EdgeLab, startEdge } from '../lab/edge.ts'
import { openLine, type RawRequest, type SipLine, statusOf } from '../lab/sip-line.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'
import { describeLive } from '../setup/requirements.ts'

const germany = {
  ...{ countryCode: '49', outsideLine: '0', internationalPrefix: '00', nationalPrefix: '0', areaCode: '30' },
  emergencyNumbers: ['110', '112'],
}

describeLive('the edge in front of a PBX that does what it is told', ['kamailio', 'openssl'], () => {
  let edge: EdgeLab
  let pbx: Server
  let issued: IssuedCertificate
  /** The heads of the requests that the PBX got, each answered with 200. */
  const requests: string[] = []
  const open: { close(): void }[] = []
  const [pbxAddress, address] = ['127.0.0.1', '127.0.0.61']
  const place = () => `${pbxAddress}:${(pbx.address() as AddressInfo).port};transport=tls`

  beforeAll(async () => {
    const authority = makeTestAuthority('test')
    const own = issueTestCertificate(authority, 'pbx.test', [pbxAddress])
    pbx = createServer({ cert: own.certificate, key: own.key }, (socket) => {
      open.push({ close: () => void socket.destroy() })
      let rest = ''
      socket.on('error', () => undefined)
      socket.on('data', (chunk: Buffer) => {
        const heads = (rest + chunk.toString('latin1')).split('\r\n\r\n')
        rest = heads.pop()!
        for (const head of heads.filter((each) => !each.startsWith('SIP/2.0'))) {
          requests.push(head)
          const copied = head
            .split('\r\n')
            .filter((each) => /^(via|from|call-id|cseq|record-route|to):/i.test(each))
            .map((each) => (/^to:(?!.*;tag=)/i.test(each) ? `${each};tag=pbx` : each))
          if (!head.startsWith('ACK'))
            socket.write(`SIP/2.0 200 OK\r\n${copied.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`)
        }
      })
    })
    await new Promise<void>((resolve) => pbx.listen(0, pbxAddress, resolve))
    edge = await startEdge({
      ...{ address: '127.0.0.3', host: 'edge.test' },
      pbx: {
        address: pbxAddress,
        port: (pbx.address() as AddressInfo).port,
        authority: authority.certificate,
      },
    })
    issued = await edge.issue('3001')
    edge.wanted.bind(issued, '3001', [`${address}/32`])
    edge.wanted.plan({ dialPlan: germany, internal: [] })
    edge.wanted.policy('3001', { ...blockedPolicy, class: 'internal' })
    edge.wanted.policy('3002', null)
    await edge.publish()
  }, 120_000)
  afterAll(async () => {
    for (const each of open) each.close()
    await edge?.stop()
    await new Promise((resolve) => pbx.close(resolve))
  })

  async function line(port: number, localAddress: string): Promise<SipLine> {
    const made = await openLine({
      ...{ host: edge.options.address, port, localAddress },
      certificate: { certificate: issued.certificate, key: issued.privateKey.reveal() },
      trusts: { authority: edge.authorities.service.certificate, name: 'edge.test' },
    })
    open.push(made)
    return made
  }
  const request = (method: string, more: Partial<RawRequest> = {}): RawRequest => {
    const callId = randomBytes(6).toString('hex')
    const [from, to] = [`<sip:3001@edge.test>;tag=${callId}`, '<sip:3001@edge.test>']
    return { method, uri: 'sip:3001@edge.test', from, to, callId, ...more }
  }
  /** The phone, as the edge knows it after a registration. */
  async function registered(): Promise<SipLine> {
    const talk = await line(edge.options.mtlsPort, address)
    expect(statusOf(await talk.ask(request('REGISTER', { uri: 'sip:edge.test' })))).toBe(200)
    return talk
  }
  /** What the PBX says to the phone, inside a call or to begin one; the answer that it gets. */
  async function fromPbx(method: string, toTag = ''): Promise<string> {
    const { address: host, pbxPort } = edge.options
    const serial = BigInt(`0x${issued.serial}`)
    const way = `sip:${toTag ? '' : `${serial}@`}${host}:${pbxPort};transport=tls;lr`
    return (await line(pbxPort, pbxAddress)).ask(
      request(method, {
        from: '<sip:3002@edge.test>;tag=pbx',
        to: `<sip:3001@edge.test>${toTag}`,
        extra: `Route: <${way}${toTag ? `;rf=${serial}` : ''}>\n`,
      }),
    )
  }
  const contactsOf = (head: string) => [...head.matchAll(/^Contact: (.*)$/gim)].map(([, value]) => value!.trim())

  test.each([
    ['behind a backslash', '"a\\\\" <sip:0000441234567@edge.test>;x="<sip:3002@edge.test>"'],
    ['in a name', '"<sip:3002@edge.test>" <sip:0000441234567@edge.test>'],
    ['as a second one', '<sip:3002@edge.test>, <sip:0000441234567@edge.test>'],
  ])('a phone sends nobody on to a number that it hides %s', async (_, contact) => {
    const talk = await registered()
    const [answer] = await Promise.all([fromPbx('INVITE'), talk.pickUp({ status: '302 Moved', contact })])
    expect(statusOf(answer)).toBe(480)
    expect(answer).not.toContain('0000441234567')
  })

  test('where a phone may send a call on, the PBX is told the number that was judged and nothing else', async () => {
    for (const status of ['302 Moved', '305 Use Proxy'])
      for (const contact of ['<sip:3002@evil.example:5099;transport=tcp?Route=x>;q=1', 'sip:3002@evil.example']) {
        const talk = await registered()
        const [answer] = await Promise.all([fromPbx('INVITE'), talk.pickUp({ status, contact })])
        expect(statusOf(answer)).toBe(Number(status.slice(0, 3)))
        expect(contactsOf(answer)).toEqual([`<sip:3002@${place()}>`])
      }
  })

  test('a phone transfers to the number that was judged at the PBX, whatever host it names, and takes over a call as before', async () => {
    const talk = await registered()
    for (const [told, passedOn] of [
      ['<sip:3002@evil.example:5099;transport=tcp>', `<sip:3002@${place()}>`],
      ['<tel:112>', `<sip:112@${place()}>`],
      [
        '"Ada" <sip:3002@evil.example?Require=replaces&Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>',
        `<sip:3002@${place()}?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>`,
      ],
    ] as const) {
      expect(statusOf(await talk.ask(request('REFER', { extra: `Refer-To: ${told}\n` })))).toBe(200)
      expect(/^Refer-To: (.*)$/im.exec(requests.at(-1)!)![1]).toBe(passedOn)
    }
    const before = requests.length
    const hidden = 'Refer-To: "a\\\\" <sip:0000441234567@edge.test>;x="<sip:3002@edge.test>"\n'
    expect(statusOf(await talk.ask(request('REFER', { extra: hidden })))).toBeGreaterThanOrEqual(400)
    expect(requests).toHaveLength(before)
  })

  test('a call goes to the number that was judged at the PBX, whatever host the phone names', async () => {
    const talk = await registered()
    for (const [uri, passedOn] of [
      ['sip:3002@evil.example', `sip:3002@${place()}`],
      ['sip:112@evil.example:5099;maddr=127.0.0.9', `sip:112@${place()}`],
      ['tel:112', `sip:112@${place()}`],
      ['sip:3002@edge.test;maddr=127.0.0.9', `sip:3002@${place()}`],
      ['sip:3002@edge.test', 'sip:3002@edge.test'],
    ] as const) {
      expect(statusOf(await talk.ask(request('INVITE', { uri })))).toBe(200)
      expect(requests.findLast((head) => head.startsWith('INVITE'))).toContain(`INVITE ${passedOn} SIP/2.0`)
    }
  })

  test('inside of a call a phone sends nobody on', async () => {
    const talk = await registered()
    for (const number of ['0000441234567', '3002']) {
      const contact = `<sip:${number}@edge.test>`
      const [answer] = await Promise.all([
        fromPbx('INVITE', ';tag=phone'),
        talk.pickUp({ status: '302 Moved', contact }),
      ])
      expect(statusOf(answer)).toBe(480)
      expect(contactsOf(answer)).not.toContain(contact)
    }
  })

  const insideOfCall = () => {
    const { address: host, mtlsPort } = edge.options
    return `Route: <sip:${host}:${mtlsPort};transport=tls;lr>\n`
  }

  test('what pretends to belong to a call is judged by its number like a call, and so is a message', async () => {
    const talk = await registered()
    const to = '<sip:3001@edge.test>;tag=made-up'
    const extra = insideOfCall()
    const before = requests.length
    const outside = { uri: `sip:0000441234567@${place()}` }
    expect(statusOf(await talk.ask(request('INVITE', { ...outside, to, extra })))).toBe(403)
    // As if the edge were a strict router (RFC 3261 section 16.4): the last Route is where it goes.
    const strict = `Route: <sip:0000441234567@${place()}>\n`
    const uri = `sip:${edge.options.address}:${edge.options.mtlsPort};transport=tls`
    expect(statusOf(await talk.ask(request('INVITE', { uri, to, extra: strict })))).toBe(403)
    expect(statusOf(await talk.ask(request('MESSAGE', outside)))).toBe(403)
    expect(requests).toHaveLength(before)
    expect(statusOf(await talk.ask(request('INVITE', { uri: `sip:3002@${place()}`, to, extra })))).toBe(200)
    expect(statusOf(await talk.ask(request('MESSAGE', { uri: 'sip:3002@edge.test' })))).toBe(200)
  })

  test.each([
    ['it began', true],
    ['the PBX began', false],
  ])('inside of a call that %s a phone says what it likes, whatever the PBX calls itself', async (_, began) => {
    const talk = await registered()
    const inside = { uri: `sip:0000441234567@${place()}`, extra: insideOfCall() }
    if (began) {
      const invite = request('INVITE', { uri: 'sip:3002@edge.test', to: '<sip:3002@edge.test>' })
      const answer = await talk.ask(invite)
      const to = /^To: (.*)\r$/im.exec(answer)![1]!
      expect(to).toContain(';tag=')
      expect(statusOf(await talk.ask({ ...invite, ...inside, to }))).toBe(200)
      expect(statusOf(await talk.ask({ ...invite, ...inside, to: `${to}x` }))).toBe(403)
    } else {
      const [call] = await Promise.all([talk.pickUp(), fromPbx('INVITE')])
      expect(statusOf(await talk.ask({ ...call('INVITE'), ...inside }))).toBe(200)
      expect(statusOf(await talk.ask({ ...call('INVITE'), ...inside, callId: 'another' }))).toBe(403)
    }
  })
})
