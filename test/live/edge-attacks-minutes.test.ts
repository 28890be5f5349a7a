/** Traffic to loopback only: what a phone may say inside of a call, so that it lasts longer than its minutes. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { blockedPolicy, type CallPolicy } from '../../src/domain/call-policy.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { type EdgeHandset, type EdgeWorld, edgeWorld, limit } from '../lab/edge-world.ts'
import { offer } from '../lab/media-offer.ts'
import { rawCall } from '../lab/raw-call.ts'
import { digestAnswer } from '../lab/sip-digest.ts'
import { openLine, type SipLine } from '../lab/sip-line.ts'
import { describeLive } from '../setup/requirements.ts'

const dialplan = `[from-internal]
exten => _[0-9+*].,1,Answer()
 same => n,Wait(60)
`

describeLive('whoever wants more minutes from the edge than there are', ['asterisk', 'kamailio', 'openssl'], () => {
  let world: EdgeWorld
  let mallory: EdgeHandset
  const open: SipLine[] = []

  beforeAll(async () => {
    world = await edgeWorld({ dialplan })
    world.edge.wanted.plan({ dialPlan: germany, internal: [] })
    mallory = await world.handset('3001', '127.0.0.51')
  }, 120_000)
  afterEach(async () => {
    for (const each of open.splice(0)) each.close()
    world.asterisk.cli('channel request hangup all')
    await vi.waitFor(() => expect(channels()).toEqual([]), { timeout: 5_000 })
  })
  afterAll(async () => await world?.stop())

  const channels = () =>
    world.asterisk
      .cli('core show channels concise')
      .split('\n')
      .filter((each) => each.startsWith('PJSIP/3001-'))
  const login = () => {
    const { username, secret } = mallory.account.credentials[0]!
    return { username, secret: secret.reveal() }
  }
  const key = () => `3001:seconds:h${Math.floor(Date.now() / 3_600_000)}`
  const spent = async () =>
    ((await world.edge.rpc.call('htable.get', ['ringfence_spent', key()], limit())) as { item: { value: number } }).item
      .value
  /** A line of a phone that has spent so many seconds of its one minute. */
  async function line(seconds: number, limits: Partial<CallPolicy> = {}): Promise<SipLine> {
    const policy = { ...blockedPolicy, class: 'international', minutesPerHour: 1, ...limits } as const
    world.edge.wanted.policy('3001', policy)
    await world.edge.publish()
    await world.edge.rpc.call('htable.seti', ['ringfence_spent', key(), seconds], limit())
    const { options, authorities } = world.edge
    const { address, issued } = mallory
    const made = await openLine({
      ...{ host: options.address, port: options.mtlsPort, localAddress: address },
      certificate: { certificate: issued.certificate, key: issued.privateKey.reveal() },
      trusts: { authority: authorities.service.certificate, name: 'edge.test' },
    })
    open.push(made)
    return made
  }
  const calling = (talk: SipLine) =>
    rawCall(talk, { host: 'edge.test', extension: '3001', number: '0044777', login: login() })

  test.each([
    ['with a number of before', { number: -1 }, 500],
    ['as if the PBX said it', { turned: true }, 403],
  ])(
    'a BYE %s, which the PBX would refuse, gives no minutes back',
    async (_, { number = 1, turned = false }: { number?: number; turned?: boolean }, status) => {
      const call = await calling(await line(0))
      expect(call.status).toBe(200)
      expect(await call.say('BYE', call.cseq + number, { turned })).toBe(status)
      expect(await spent()).toBe(60)
      expect(channels()).toHaveLength(1)
    },
  )

  test('a phone hangs up, whatever its BYE wants from the PBX, and once: the call is over there, too', async () => {
    const talk = await line(0)
    const call = await calling(talk)
    call.tell('UPDATE', call.cseq + 1)
    expect(await call.say('BYE', call.cseq + 2, { extra: 'Require: nothing\n' })).toBe(200)
    call.tell('BYE', call.cseq + 3)
    await vi.waitFor(() => expect(channels()).toEqual([]), { timeout: 3_000 })
    await vi.waitFor(async () => expect(await spent()).toBeLessThan(20), { timeout: 3_000 })
    expect(await spent()).toBeGreaterThanOrEqual(0)
    expect(talk.heard).not.toContain('BYE sip:')
    expect((await calling(await line(0))).status).toBe(200)
  })

  test.each([
    ['of before', 0],
    ['at the end of all numbers', 2_147_483_647],
    ['that leaps', 200],
    ['that is none', Number.NaN],
  ])('a number in the call %s leaves the end of its minutes as it was', async (_, number) => {
    const call = await calling(await line(57))
    expect(call.status).toBe(200)
    if (Number.isNaN(number)) call.tell('UPDATE', number)
    else expect(await call.say('UPDATE', number)).toBe(500)
    await vi.waitFor(() => expect(channels()).toEqual([]), { timeout: 8_000 })
  })

  test.each([
    ['in another call', { callId: 'another' }],
    ["with the PBX's name of the call in capitals", { inCapitals: true }],
  ])('a number said %s leaves the end of its minutes as it was, too', async (_, more) => {
    const call = await calling(await line(57))
    expect(await call.say('UPDATE', call.cseq + 50, more)).toBe(403)
    await vi.waitFor(() => expect(channels()).toEqual([]), { timeout: 8_000 })
  })

  test('a call that begins with the last of all numbers does not begin', async () => {
    const talk = await line(0)
    const own = '<sip:3001@edge.test>'
    const names = {
      uri: 'sip:0044777@edge.test',
      to: '<sip:0044777@edge.test>',
      callId: randomBytes(6).toString('hex'),
    }
    const answer = await talk.ask({ method: 'INVITE', from: `${own};tag=1`, ...names, cseq: 2_147_483_647 })
    expect(answer).toMatch(/^SIP\/2\.0 400 CSeq Too High/)
  })

  test('of several calls in one, all asked for at once, one is made', async () => {
    const talk = await line(50, { callsAtOnce: 5 })
    const own = '<sip:3001@edge.test>'
    const id = randomBytes(6).toString('hex')
    const names = { from: `${own};tag=${id}`, to: own, callId: randomBytes(6).toString('hex') }
    const asked = await talk.ask({ method: 'REGISTER', uri: 'sip:edge.test', ...names })
    const challenge = /^WWW-Authenticate: (.*md5.*|(?!.*algorithm).*)\r$/im.exec(asked)![1]!
    const body = offer('127.0.0.51')
    const invites = ['004477', '004478', '004479'].map((number, index) => {
      const uri = `sip:${number}@edge.test`
      return `INVITE ${uri} SIP/2.0
Via: SIP/2.0/TLS 127.0.0.51:${talk.localPort};branch=z9hG4bK${randomBytes(8).toString('hex')};rport
Max-Forwards: 70
From: ${own};tag=${id}
To: <${uri}>
Call-ID: ${id}
Authorization: ${digestAnswer(login(), challenge, 'INVITE', uri)}
CSeq: ${index + 1} INVITE
Contact: <sip:raw@127.0.0.51:${talk.localPort};transport=tls>
Content-Type: application/sdp
Content-Length: ${body.length}

${body}`
    })
    const before = talk.heard.length
    talk.send(invites.join(''))
    const finals = () => [...talk.heard.slice(before).matchAll(/^SIP\/2\.0 ([2-6]\d\d)/gm)].map(([, status]) => status)
    await vi.waitFor(() => expect(finals()).toEqual(expect.arrayContaining(['482', '482', '200'])), { timeout: 3_000 })
    expect(channels()).toHaveLength(1)
    await vi.waitFor(() => expect(channels()).toEqual([]), { timeout: 8_000 })
  })
})
