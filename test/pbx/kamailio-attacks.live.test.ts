/** Traffic to loopback only: what somebody with a password of their own may try at the registrar. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { blockedPolicy } from '../../src/domain/call-policy.ts'
import { kamailioDriver } from '../../src/pbx/kamailio/kamailio.ts'
import { kamailioRpc } from '../../src/pbx/kamailio/kamailio-rpc.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { type RegistrarLab, startRegistrar } from '../lab/kamailio-registrar.ts'
import { type NextHop, startNextHop } from '../lab/next-hop.ts'
import { connectSipPhone, type SipPhone } from '../lab/sip-client.ts'
import { openLine, type RawRequest, type SipLine, statusOf } from '../lab/sip-line.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('whoever attacks a real Kamailio with a password of their own', ['kamailio'], () => {
  let lab: RegistrarLab
  let driver: PbxDriver
  let stranger: NextHop
  const open: (SipPhone | SipLine)[] = []
  const limit = () => AbortSignal.timeout(20_000)
  const mallory = { ...makeAccount('3001'), policy: { ...blockedPolicy, class: 'internal' } } as const
  const victim = { ...makeAccount('3002'), policy: { ...blockedPolicy, class: 'international' } } as const

  beforeAll(async () => {
    lab = await startRegistrar({
      options: (defaults) => ({
        ...defaults,
        dialPlan: async () => germany,
      }),
    })
    driver = kamailioDriver(lab.options)
    stranger = await startNextHop('127.0.0.9')
    await driver.applyAccounts([mallory, victim], limit())
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()))
  })
  afterAll(async () => {
    await stranger?.stop()
    await lab?.stop()
  })

  const host = () => lab.options.bindAddress
  const loginOf = (account: PbxAccount) => {
    const { username, secret } = account.credentials[0]!
    return { username, secret: secret.reveal() }
  }
  async function line(localAddress = '127.0.0.1'): Promise<SipLine> {
    const made = await openLine({ host: host(), port: lab.options.port, localAddress })
    open.push(made)
    return made
  }
  const request = (method: string, from: string, to: string, more: Partial<RawRequest> = {}): RawRequest => {
    const callId = randomBytes(6).toString('hex')
    return {
      method,
      uri: method === 'REGISTER' ? `sip:${host()}` : `sip:${to}@${host()}`,
      from: `<sip:${from}@${host()}>;tag=${callId}`,
      to: `<sip:${to}@${host()}>`,
      callId,
      ...more,
    }
  }
  const reached = (text: string) => lab.nextHop.requests.filter((head) => head.includes(text))
  const registrationsOf = async (extension: string) =>
    (await driver.readAccounts(limit())).accounts.find((account) => account.extension === extension)!.registrations

  const decoy = `Digest username="${victim.credentials[0]!.username}", realm="x", nonce="n", uri="sip:x", response="00000000000000000000000000000000"`
  test.each([
    [
      'of the same kind before the true one',
      (header: string, digest: string) => `${header}: ${decoy}\n${header}: ${digest}\n`,
    ],
    [
      'of the same kind behind the true one',
      (header: string, digest: string) => `${header}: ${digest}\n${header}: ${decoy}\n`,
    ],
    ['for a proxy', (header: string, digest: string) => `Proxy-Authorization: ${decoy}\n${header}: ${digest}\n`],
    ['for a server', (header: string, digest: string) => `Authorization: ${decoy}\n${header}: ${digest}\n`],
  ])(
    "one's own password with somebody else's name in a second header, %s, speaks for nobody else",
    async (_, credentials) => {
      const registering = request('REGISTER', '3002', '3002', { extra: 'Expires: 600\n' })
      expect(await (await line()).login(registering, loginOf(mallory), credentials)).toBe(400)
      expect(await registrationsOf('3002')).toEqual([])
      const calling = request('INVITE', '3002', '0044777001')
      expect(await (await line()).login(calling, loginOf(mallory), credentials)).toBe(400)
      expect(reached('0044777001')).toEqual([])
    },
  )

  const contactsOf = (head: string) => [...head.matchAll(/^Contact: (.*)$/gim)].map(([, value]) => value!.trim())

  /** A call to the next hop, and what is said inside of it. */
  async function calling(number: string, caller: PbxAccount = mallory) {
    const talk = await line()
    const invite = request('INVITE', caller.extension, number)
    expect(await talk.login(invite, loginOf(caller))).toBe(200)
    const answer = talk.heard.slice(talk.heard.lastIndexOf('SIP/2.0 200'))
    const to = /^To: (.*)\r$/im.exec(answer)![1]!
    const target = /^Contact: <(.*)>\r$/im.exec(answer)![1]!
    const route = [...answer.matchAll(/^Record-Route: (.*)\r$/gim)].map(([, way]) => `Route: ${way}\n`).reverse()
    const inside = (method: string, more: { uri?: string; extra?: string; route?: string } = {}): RawRequest => ({
      ...{ method, uri: more.uri ?? target, from: invite.from, to, callId: invite.callId },
      extra: `${more.route ?? route.join('')}${more.extra ?? ''}`,
    })
    return { talk, inside, route: route.join(''), target }
  }

  test('a phone whose calls are restricted sends nobody elsewhere by a transfer', async () => {
    const { talk, inside } = await calling('112')
    const referTo = (header: string) => talk.login(inside('REFER', { extra: header }), loginOf(mallory))
    for (const header of [
      `Refer-To: <sip:0044777101@${host()}>\n`,
      `r: sip:0044777101@${host()}\n`,
      `Refer-To: <sip:3002@${host()}>\nRefer-To: <sip:0044777101@${host()}>\n`,
      'Refer-To: <tel:+44777101>\n',
    ])
      expect([400, 403]).toContain(await referTo(header))
    expect(reached('777101')).toEqual([])
    expect(await referTo(`Refer-To: <sip:3002@${host()}>\n`)).toBe(200)
    expect(reached('Refer-To: <sip:3002@')).toHaveLength(1)
  })

  test('a transfer goes to the number that was judged at the next hop, whatever host the phone names, and takes over a call as before', async () => {
    const { talk, inside } = await calling('112')
    for (const [told, passedOn] of [
      ['<sip:3002@evil.example:5099>', ''],
      ['<sip:3002@evil.example?Require=replaces&Replaces=a%40b%3Bto-tag%3D1>', '?Replaces=a%40b%3Bto-tag%3D1'],
    ] as const) {
      expect(await talk.login(inside('REFER', { extra: `Refer-To: ${told}\n` }), loginOf(mallory))).toBe(200)
      const [, to] = /^Refer-To: (.*)$/im.exec(reached('Refer-To: ').at(-1)!)!
      expect(to!.trim()).toBe(`<sip:3002@${host()}:${lab.nextHop.port}${passedOn}>`)
    }
  })

  test('inside of a call a phone sends nobody on, and transfers a colleague to a number at the registrar', async () => {
    const called = await line()
    const registering = request('REGISTER', '3001', '3001', { extra: 'Expires: 600\n' })
    expect(await called.login(registering, loginOf(mallory))).toBe(200)
    const [{ talk, inside }, call] = await Promise.all([calling('3001', victim), called.pickUp()])
    const [answer] = await Promise.all([
      talk.ask(inside('INVITE')),
      called.pickUp({ status: '302 Moved', contact: '<sip:0044777110@there>' }),
    ])
    expect(statusOf(answer)).toBe(480)
    called.login(call('REFER', 'Refer-To: <sip:3002@evil.example>\n'), loginOf(mallory)).catch(() => undefined)
    await vi.waitFor(() =>
      expect(talk.heard).toMatch(new RegExp(`^Refer-To: <sip:3002@${host()}:${lab.options.port};transport=tls>`, 'm')),
    )
  })

  test('a colleague is sent nowhere by a transfer where the one who transfers may not call', async () => {
    const { username, secret } = loginOf(mallory)
    const colleague = loginOf(victim)
    const phone = async (extension: string, login: { username: string; secret: string }) => {
      const made = await connectSipPhone({ host: host(), port: lab.options.port, extension, ...login })
      open.push(made)
      expect((await made.register()).status).toBe(200)
      return made
    }
    const [calling] = [await phone('3001', { username, secret }), await phone('3002', colleague)]
    expect((await calling.call('3002')).status).toBe(200)
    expect((await calling.transfer('0044777106')).status).toBe(403)
    expect((await calling.transfer('3001')).status).toBe(200)
  })

  test('a transfer is that of the end of the call from which it comes, under whatever number it was called', async () => {
    const called = await line()
    const registering = request('REGISTER', '3001', '3001', { extra: 'Expires: 600\n' })
    expect(await called.login(registering, loginOf(mallory))).toBe(200)
    const [call] = await Promise.all([called.pickUp(), lab.nextHop.call('3001', lab.trunkPort, '030123456')])
    const refer = (number: string, account: PbxAccount) =>
      called.login(call('REFER', `Refer-To: <sip:${number}@x>\n`), loginOf(account))
    expect(await refer('0044777107', mallory)).toBe(403)
    expect(await refer('0044777107', victim)).toBe(403)
    expect(await refer('3002', mallory)).toBe(200)
    expect(reached('777107')).toEqual([])
  })

  test('a request that Kamailio cannot read to its end is not heard, whatever it could read', async () => {
    const attempt = async (end: string) => {
      const registering = request('REGISTER', '3002', '3002', {
        contact: '<sip:unread@127.0.0.9>',
        extra: 'Expires: 600\n',
      })
      const credentials = (header: string, digest: string) => `${header}: ${decoy}\n${header}: ${digest}\n${end}`
      await (await line()).login(registering, loginOf(mallory), credentials)
    }
    const ends = [
      `From: <sip:3001@${host()}>;tag=2\n`,
      `f: <sip:3001@${host()}>;tag=2\n`,
      'To: <sip:3001@x>\n',
      'no header\n',
    ]
    await Promise.all(ends.map((end) => expect(attempt(end)).rejects.toThrow(/no final answer/)))
    expect(JSON.stringify(await registrationsOf('3002'))).not.toContain('unread')
  })

  test('whoever has a limit on minutes transfers inside the house only', async () => {
    for (const [extension, limits, status] of [
      ['3005', { minutesPerDay: 5 }, 403],
      ['3006', {}, 200],
    ] as const) {
      const account = { ...makeAccount(extension), policy: { ...victim.policy, ...limits } }
      await driver.applyAccounts([account], limit())
      const { talk, inside } = await calling('030777105', account)
      const refer = (to: string) =>
        talk.login(inside('REFER', { extra: `Refer-To: <sip:${to}@x>\n` }), loginOf(account))
      expect(await refer('0044777105')).toBe(status)
      expect(await refer('3002')).toBe(200)
    }
  })

  test('a phone that answers a call with a number that it may not call is away, and nobody is sent there', async () => {
    const { username, secret } = loginOf(mallory)
    const forwarding = await connectSipPhone({
      ...{ host: host(), port: lab.options.port, extension: '3001', username, secret },
    })
    open.push(forwarding)
    expect((await forwarding.register()).status).toBe(200)
    forwarding.forwardTo('0044777102')
    expect(await lab.nextHop.call('3001', lab.trunkPort)).toBe(480)
  })

  test.each([
    ['behind a backslash', '"a\\\\" <sip:0044777109@there>;x="<sip:3002@there>"'],
    ['in a name', '"<sip:3002@there>" <sip:0044777109@there>'],
    ['as a second one', '<sip:3002@there>, <sip:0044777109@there>'],
  ])('a phone sends nobody on to a number that it hides %s', async (_, contact) => {
    const called = await line()
    expect(await called.login(request('REGISTER', '3001', '3001', { extra: 'Expires: 600\n' }), loginOf(mallory))).toBe(
      200,
    )
    const sentOn = called.pickUp({ status: '302 Moved', contact })
    expect(await lab.nextHop.call('3001', lab.trunkPort)).toBe(480)
    await sentOn
    expect(lab.nextHop.answers.at(-1)).not.toContain('777109')
  })

  test('where a phone may send a call on, the next hop is told the number that was judged and nothing else', async () => {
    for (const contact of ['<sip:3002@evil.example:5099;transport=tcp?Route=x>;q=1', 'sip:3002@evil.example']) {
      const called = await line()
      const registering = request('REGISTER', '3001', '3001', { extra: 'Expires: 600\n' })
      expect(await called.login(registering, loginOf(mallory))).toBe(200)
      const sentOn = called.pickUp({ status: '302 Moved', contact })
      expect(await lab.nextHop.call('3001', lab.trunkPort)).toBe(302)
      await sentOn
      expect(contactsOf(lab.nextHop.answers.at(-1)!)).toEqual([`<sip:3002@${host()}:${lab.nextHop.port}>`])
      called.close()
    }
  })

  test('what is said inside a call goes to its other end alone, whatever the request says', async () => {
    const { talk, inside, route, target } = await calling('112')
    const elsewhere = `sip:anybody@127.0.0.9:${stranger.port}`
    await talk.ask(inside('MESSAGE', { uri: elsewhere }))
    await talk.ask(inside('INFO', { route: `${route}Route: <${elsewhere};lr>\n` }))
    await talk.ask(inside('INVITE', { uri: `sip:0044777103@${host()}:${lab.nextHop.port}` }))
    expect(stranger.requests).toEqual([])
    expect(reached('777103')).toEqual([])
    expect(reached('127.0.0.9')).toEqual([])
    expect(reached(`MESSAGE ${target} `)).toHaveLength(1)
    expect(statusOf(await talk.ask(inside('BYE')))).toBe(200)
    expect(reached(`BYE ${target} `)).toHaveLength(1)
  })

  test('proxies of the next hop that want to stay on the way do so, whoever called', async () => {
    const proxies = /^Route: <sip:[^>]*is=near>,\s*<sip:[^>]*is=far>$/m
    const { talk, inside } = await calling('701', victim)
    expect(statusOf(await talk.ask(inside('BYE')))).toBe(200)
    const called = await line()
    const registering = request('REGISTER', '3002', '3002', { extra: 'Expires: 600\n' })
    expect(await called.login(registering, loginOf(victim))).toBe(200)
    const [call] = await Promise.all([called.pickUp(), lab.nextHop.call('3002', lab.trunkPort)])
    expect(statusOf(await called.ask(call('BYE')))).toBe(200)
    const ended = reached('is=near').filter((head) => head.startsWith('BYE '))
    expect(ended).toHaveLength(2)
    for (const head of ended) {
      expect(head).toMatch(proxies)
      expect(head).toMatch(/^BYE sip:hop@/)
    }
  })

  test('a phone that another one called ends the call, and it ends there', async () => {
    const called = await line('127.0.0.41')
    const registering = request('REGISTER', '3002', '3002', { extra: 'Expires: 600\n' })
    expect(await called.login(registering, loginOf(victim))).toBe(200)
    const { username, secret } = loginOf(mallory)
    const calling = await connectSipPhone({
      ...{ host: host(), port: lab.options.port, extension: '3001', username, secret },
    })
    open.push(calling)
    const [call, answer] = await Promise.all([called.pickUp(), calling.call('3002')])
    expect(answer.status).toBe(200)
    expect(statusOf(await called.ask(call('BYE')))).toBe(200)
    await calling.hungUp
  })

  test('a call that begins takes no way of its own to the next hop', async () => {
    const invite = request('INVITE', '3001', '112', {
      uri: 'sip:112@gateway.example;transport=tls',
      extra: 'Route: <sip:other-gateway.example;lr>\nHistory-Info: <sip:3002@pbx.test>;index=1\n',
    })
    expect(await (await line()).login(invite, loginOf(mallory))).toBe(200)
    const [head] = reached(invite.callId)
    expect(head).toContain(`INVITE sip:112@${host()}:${lab.nextHop.port} SIP/2.0`)
    expect(head).not.toMatch(/^(Route|History-Info):/im)
  })

  test('a connection without a login is closed after half a minute, and that of a phone stays', async () => {
    const [idle, asking, phone] = [await line(), await line(), await line()]
    expect(statusOf(await asking.ask(request('REGISTER', '3001', '3001')))).toBe(401)
    expect(await phone.login(request('REGISTER', '3001', '3001', { extra: 'Expires: 600\n' }), loginOf(mallory))).toBe(
      200,
    )
    for (const one of [idle, asking]) await vi.waitFor(() => expect(one.isOpen).toBe(false), { timeout: 40_000 })
    expect(phone.isOpen).toBe(true)
    const listed = (await kamailioRpc(lab.options.rpc).call('core.tcp_list', [], limit())) as {
      src_port: number
      lifetime: number
    }[]
    expect(listed.find(({ src_port }) => src_port === phone.localPort)!.lifetime).toBeGreaterThan(3_600)
  }, 60_000)
})
