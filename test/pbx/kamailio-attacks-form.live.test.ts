/** Traffic to loopback only: bytes that the registrar and the next hop could read in two ways. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { blockedPolicy } from '../../src/domain/call-policy.ts'
import { kamailioDriver } from '../../src/pbx/kamailio/kamailio.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { type RegistrarLab, startRegistrar } from '../lab/kamailio-registrar.ts'
import { type NextHop, startNextHop } from '../lab/next-hop.ts'
import { openLine, type SipLine, statusOf } from '../lab/sip-line.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('whoever speaks to a real Kamailio in another form than SIP', ['kamailio'], () => {
  let lab: RegistrarLab
  let stranger: NextHop
  const open: SipLine[] = []
  const mallory = { ...makeAccount('3001'), policy: { ...blockedPolicy, class: 'internal' } } as const
  const victim = makeAccount('3002')

  beforeAll(async () => {
    lab = await startRegistrar({ options: (defaults) => ({ ...defaults, dialPlan: async () => germany }) })
    stranger = await startNextHop('127.0.0.9')
    await kamailioDriver(lab.options).applyAccounts([mallory, victim], AbortSignal.timeout(20_000))
  })
  afterEach(() => {
    for (const each of open.splice(0)) each.close()
  })
  afterAll(async () => {
    await stranger?.stop()
    await lab?.stop()
  })

  const host = () => lab.options.bindAddress
  const random = () => randomBytes(6).toString('hex')
  const via = (kind: string, place: string) => `Via: SIP/2.0/${kind} ${place};branch=z9hG4bK${random()}`
  async function line(): Promise<SipLine> {
    const made = await openLine({ host: host(), port: lab.options.port, localAddress: '127.0.0.1' })
    open.push(made)
    return made
  }
  async function registered({ extension, credentials }: PbxAccount): Promise<SipLine> {
    const made = await line()
    const own = `<sip:${extension}@${host()}>`
    const names = { from: `${own};tag=${random()}`, to: own, callId: random() }
    const request = { method: 'REGISTER', uri: `sip:${host()}`, ...names, extra: 'Expires: 600\n' }
    const { username, secret } = credentials[0]!
    expect(await made.login(request, { username, secret: secret.reveal() })).toBe(200)
    return made
  }
  const head = (first: string, ways: readonly string[], method: string, extra = '') =>
    [
      ...[first, ...ways, 'Max-Forwards: 70', `From: <sip:3001@${host()}>;tag=1`],
      ...[`${extra}To: <sip:3001@${host()}>`, `Call-ID: ${random()}`, `CSeq: 1 ${method}`, 'Content-Length: 0\r\n\r\n'],
    ].join('\r\n')

  test('an answer that nobody asked for goes nowhere, also from somebody without a password', async () => {
    const talk = await line()
    const ways = [via('TLS', `${host()}:${lab.options.port}`), via('UDP', `127.0.0.9:${stranger.port}`)]
    talk.sendAsIs(head('SIP/2.0 200 OK', ways, 'OPTIONS'))
    // What comes behind it is answered when it was dealt with.
    talk.sendAsIs(head(`OPTIONS sip:${host()} SIP/2.0`, [via('TLS', `127.0.0.1:${talk.localPort}`)], 'OPTIONS'))
    await vi.waitFor(() => expect(statusOf(talk.heard)).toBe(200))
    // Over the same socket of Kamailio, so behind what it might have sent there before.
    expect(await stranger.call('3001', lab.trunkPort)).toBe(403)
    expect(stranger.answers).toHaveLength(1)
  })

  const badHeads: readonly (readonly [string, string])[] = [
    ['a line that ends in CR alone', 'X-A: a\rContact: <sip:0044777@abroad>\r\n'],
    ['a line that ends in LF alone', 'X-A: a\nContact: <sip:0044777@abroad>\r\n'],
    ['a NUL', 'X-A: a\0b\r\n'],
    ['a header on two lines', 'X-A: a\r\n b\r\n'],
    ['a line without a colon', 'nothing\r\nContact: <sip:0044777@abroad>;q=1\r\n'],
    ['a name that is none', 'X A: a\r\nContact: <sip:0044777@abroad>;q=1\r\n'],
    ['a second length', 'Content-Length: 0\r\n'],
    ['a second number that is none', 'CSeq: x\r\nContact: <sip:0044777@abroad>;q=1\r\n'],
  ]

  test.each(badHeads)('a phone whose request has %s is not heard, and its connection is over', async (_, bad) => {
    const talk = await line()
    const way = via('TLS', `127.0.0.1:${talk.localPort}`)
    talk.sendAsIs(head(`REGISTER sip:${host()} SIP/2.0`, [way], 'REGISTER', bad))
    await vi.waitFor(() => expect(talk.isOpen).toBe(false), { timeout: 3_000 })
    expect(talk.heard).toBe('')
  })

  test.each(badHeads)('a phone whose answer has %s sends no call on with it', async (_, bad) => {
    const called = await registered(mallory)
    const before = lab.nextHop.answers.length
    lab.nextHop.call('3001', lab.trunkPort).catch(() => undefined)
    await called.pickUp({ status: '302 Moved', contact: '<sip:3002@evil.example>;q=0.1', extra: bad })
    await vi.waitFor(() => expect(called.isOpen).toBe(false), { timeout: 3_000 })
    expect(await lab.nextHop.call('no-extension', lab.trunkPort)).toBe(404)
    expect(lab.nextHop.answers.slice(before)).toHaveLength(1)
  })

  test('what a phone claims does not reach the next hop in lines of another kind', async () => {
    const talk = await line()
    const own = `<sip:3002@${host()}>`
    const { username, secret } = victim.credentials[0]!
    const request = {
      method: 'INVITE',
      uri: `sip:112@${host()}`,
      from: `${own};tag=${random()}`,
      to: own,
      callId: random(),
    }
    const claim = (header: string, digest: string) => `${header}: ${digest}\nX-A: a\rP-Asserted-Identity: <sip:x@y>\n`
    await expect(talk.login(request, { username, secret: secret.reveal() }, claim)).rejects.toThrow(/no final answer/)
    expect(lab.nextHop.requests.join('\n')).not.toContain('P-Asserted-Identity: <sip:x@y>')
  })
})
