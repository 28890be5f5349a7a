/** Traffic to loopback only: what a phone may say inside of a call, so that it lasts longer than its minutes. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { blockedPolicy, type CallPolicy } from '../../src/domain/call-policy.ts'
import { kamailioDriver } from '../../src/pbx/kamailio/kamailio.ts'
import { kamailioRpc } from '../../src/pbx/kamailio/kamailio-rpc.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { type RegistrarLab, startRegistrar } from '../lab/kamailio-registrar.ts'
import { rawCall } from '../lab/raw-call.ts'
import { digestAnswer } from '../lab/sip-digest.ts'
import { openLine, type SipLine } from '../lab/sip-line.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('whoever wants more minutes from a real Kamailio than there are', ['kamailio'], () => {
  let lab: RegistrarLab
  const open: SipLine[] = []
  const mallory = makeAccount('3001')
  const limit = () => AbortSignal.timeout(20_000)

  beforeAll(async () => {
    lab = await startRegistrar({ options: (defaults) => ({ ...defaults, dialPlan: async () => germany }) })
  })
  afterEach(() => {
    for (const each of open.splice(0)) each.close()
  })
  afterAll(async () => await lab?.stop())

  const host = () => lab.options.bindAddress
  const login = () => {
    const { username, secret } = mallory.credentials[0]!
    return { username, secret: secret.reveal() }
  }
  const rpc = () => kamailioRpc(lab.options.rpc)
  const key = () => `3001:seconds:h${Math.floor(Date.now() / 3_600_000)}`
  const spent = async () =>
    ((await rpc().call('htable.get', ['ringfence_spent', key()], limit())) as { item: { value: number } }).item.value
  /** A line of a phone that has spent so many seconds of its one minute. */
  async function line(seconds: number, limits: Partial<CallPolicy> = {}): Promise<SipLine> {
    const policy = { ...blockedPolicy, class: 'international', minutesPerHour: 1, ...limits } as const
    await kamailioDriver(lab.options).applyAccounts([{ ...mallory, policy }], limit())
    await rpc().call('htable.seti', ['ringfence_spent', key(), seconds], limit())
    const made = await openLine({ host: host(), port: lab.options.port, localAddress: '127.0.0.41' })
    open.push(made)
    return made
  }
  let calls = 0
  /** Each call to a number of its own, by which the next hop's requests are found. */
  async function calling(talk: SipLine) {
    calls += 1
    const before = lab.nextHop.requests.length
    const call = await rawCall(talk, {
      ...{ host: host(), extension: '3001', login: login() },
      number: `0044777${calls}`,
    })
    const heard = (method: string) => lab.nextHop.requests.slice(before).filter((head) => head.startsWith(`${method} `))
    return { ...call, heard }
  }

  test.each([
    ['with a number of before', { number: -1 }, 500],
    ['with a number that leaps', { number: 2_000_000_000 }, 500],
    ['as if the next hop said it', { turned: true }, 481],
  ])('a BYE %s gives no minutes back', async (_, more: { number?: number; turned?: boolean }, status) => {
    const call = await calling(await line(0))
    expect(call.status).toBe(200)
    expect(await call.say('BYE', call.cseq + (more.number ?? 1), { turned: more.turned ?? false })).toBe(status)
    expect(await spent()).toBe(60)
    expect(call.heard('BYE')).toEqual([])
    expect(await call.say('BYE', call.cseq + 2)).toBe(200)
  })

  test('a phone hangs up, whatever its BYE wants from the next hop, and once', async () => {
    const talk = await line(0)
    const call = await calling(talk)
    expect(await call.say('UPDATE', call.cseq + 1)).toBe(200)
    expect(await call.say('BYE', call.cseq + 2, { extra: 'Require: nothing\n' })).toBe(200)
    await vi.waitFor(() => expect(call.heard('BYE')).toHaveLength(1), { timeout: 3_000 })
    expect(call.heard('BYE')[0]).toMatch(new RegExp(`^CSeq: ${call.cseq + 2} BYE\\r?$`, 'm'))
    expect(call.heard('BYE')[0]).not.toContain('Require')
    await call.say('BYE', call.cseq + 3)
    await vi.waitFor(async () => expect(await spent()).toBeLessThan(20), { timeout: 3_000 })
    expect(await spent()).toBeGreaterThanOrEqual(0)
    expect(talk.heard).not.toContain('BYE sip:')
  })

  test.each([
    ['of before', 0],
    ['at the end of all numbers', 2_147_483_647],
  ])('a number in the call %s leaves the BYE at the end of its minutes as it was', async (_, number) => {
    const call = await calling(await line(57))
    expect(await call.say('UPDATE', number)).toBe(500)
    await vi.waitFor(() => expect(call.heard('BYE')).toHaveLength(1), { timeout: 8_000 })
    expect(call.heard('UPDATE')).toEqual([])
    expect(call.heard('BYE')[0]).toMatch(new RegExp(`^CSeq: ${call.cseq + 1} BYE\\r?$`, 'm'))
  })

  test('whoever has a limit on minutes takes over no call that is not counted', async () => {
    const talk = await line(0)
    const own = `<sip:3001@${host()}>`
    const uri = `sip:3001@${host()}`
    const names = { from: `${own};tag=1`, to: own, callId: randomBytes(6).toString('hex') }
    const extra = 'Replaces: a@b;to-tag=1;from-tag=2\n'
    expect(await talk.login({ method: 'INVITE', uri, ...names, extra }, login())).toBe(403)
  })

  test('of several calls in one, all asked for at once, one is made', async () => {
    const talk = await line(0, { callsAtOnce: 5 })
    const own = `<sip:3001@${host()}>`
    const id = randomBytes(6).toString('hex')
    const names = { from: `${own};tag=${id}`, to: own, callId: randomBytes(6).toString('hex') }
    const asked = await talk.ask({ method: 'INVITE', uri: `sip:004476@${host()}`, ...names })
    const challenge = /^Proxy-Authenticate: (.*)\r$/im.exec(asked)![1]!
    const numbers = ['004477', '004478', '004479']
    const invites = numbers.map((number, index) => {
      const uri = `sip:${number}@${host()}`
      return `INVITE ${uri} SIP/2.0
Via: SIP/2.0/TLS 127.0.0.1:${talk.localPort};branch=z9hG4bK${randomBytes(8).toString('hex')};rport
Max-Forwards: 70
From: ${own};tag=${id}
To: <${uri}>
Call-ID: ${id}
Proxy-Authorization: ${digestAnswer(login(), challenge, 'INVITE', uri)}
CSeq: ${index + 1} INVITE
Contact: <sip:raw@127.0.0.1:${talk.localPort};transport=tls>
Content-Length: 0

`
    })
    const before = talk.heard.length
    talk.send(invites.join(''))
    const finals = () => [...talk.heard.slice(before).matchAll(/^SIP\/2\.0 ([2-6]\d\d)/gm)].map(([, status]) => status)
    await vi.waitFor(() => expect(finals()).toEqual(expect.arrayContaining(['482', '482', '200'])), { timeout: 3_000 })
    const made = lab.nextHop.requests.filter((head) =>
      numbers.some((number) => head.startsWith(`INVITE sip:${number}@`)),
    )
    expect(made).toHaveLength(1)
  })
})
