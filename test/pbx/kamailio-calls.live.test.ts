import { connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { blockedPolicy, type CallPolicy, type DialPlan } from '../../src/domain/call-policy.ts'
import { kamailioDriver } from '../../src/pbx/kamailio.ts'
import { kamailioRpc } from '../../src/pbx/kamailio-rpc.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { type RegistrarLab, startRegistrar } from '../lab/kamailio-registrar.ts'
import { sqliteSql } from '../lab/kamailio-world.ts'
import { type NextHop, startNextHop } from '../lab/next-hop.ts'
import { connectSipPhone, type SipPhone, type SipPhoneOptions } from '../lab/sip-client.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('calls through a real Kamailio', ['kamailio'], () => {
  let lab: RegistrarLab
  let driver: PbxDriver
  let dialPlan: DialPlan | null
  let stranger: NextHop
  const phones: SipPhone[] = []
  const limit = () => AbortSignal.timeout(20_000)

  beforeAll(async () => {
    dialPlan = germany
    lab = await startRegistrar({
      options: (defaults) => ({
        ...defaults,
        dialPlan: async () => dialPlan,
      }),
    })
    driver = kamailioDriver(lab.options)
    stranger = await startNextHop('127.0.0.9')
  })
  afterEach(async () => {
    await Promise.all(phones.splice(0).map((phone) => phone.close()))
  })
  afterAll(async () => {
    await stranger?.stop()
    await lab?.stop()
  })

  const apply = (...accounts: PbxAccount[]) => driver.applyAccounts(accounts, limit())
  const accountOf = async (extension: string) =>
    (await driver.readAccounts(limit())).accounts.find((account) => account.extension === extension)
  async function phone(
    account: PbxAccount,
    { extension = account.extension, localAddress = '127.0.0.1', ...claims }: Partial<SipPhoneOptions> = {},
  ) {
    const { username, secret } = account.credentials[0]!
    const { bindAddress: host, port } = lab.options
    const made = await connectSipPhone({
      ...{ host, port, extension, username, secret: secret.reveal(), localAddress },
      ...claims,
    })
    phones.push(made)
    return made
  }
  async function registered(account: PbxAccount, localAddress?: string): Promise<SipPhone> {
    const made = await phone(account, localAddress === undefined ? {} : { localAddress })
    expect((await made.register()).status).toBe(200)
    return made
  }
  const reached = (text: string) => lab.nextHop.requests.filter((head) => head.includes(text))

  test('two phones call each other; when one is shut its call ends on both sides and the other phone stays', async () => {
    const [ada, ben] = [makeAccount('3101'), makeAccount('3102')]
    await apply(ada, ben)
    const [leaver, stayer] = [await registered(ada, '127.0.0.21'), await registered(ben, '127.0.0.22')]
    expect((await stayer.call('3101')).status).toBe(200)
    expect(leaver.calls).toHaveLength(1)
    expect((await accountOf('3101'))!.calls).toMatchObject([{ address: '127.0.0.21' }])
    expect((await accountOf('3102'))!.calls).toMatchObject([{ address: '127.0.0.22' }])
    await apply({ ...ada, credentials: [] })
    await driver.disconnect!([{ extension: '3101', addresses: null }], limit())
    await stayer.hungUp
    expect(await accountOf('3101')).toBeUndefined()
    expect(await accountOf('3102')).toMatchObject({ registrations: [{ address: '127.0.0.22' }], calls: [] })
    expect((await stayer.register()).status).toBe(200)
  })

  test('a call that still rings is given up when its phone is shut', async () => {
    const account = makeAccount('3103')
    await apply(account)
    const leaver = await registered(account)
    const call = leaver.call('700').catch((error: Error) => error)
    await vi.waitFor(async () => expect((await accountOf('3103'))!.calls).toHaveLength(1), { timeout: 5_000 })
    await apply({ ...account, credentials: [] })
    await driver.disconnect!([{ extension: '3103', addresses: null }], limit())
    await call
    await vi.waitFor(() => expect(reached('CANCEL sip:700@')).toHaveLength(1), { timeout: 5_000 })
    expect(await accountOf('3103')).toBeUndefined()
  })

  test('a login speaks for no other extension', async () => {
    const [ada, ben] = [makeAccount('3104'), makeAccount('31040')]
    await apply(ada, ben)
    const disguised = await phone(ada, { extension: '31040' })
    expect((await disguised.register()).status).toBe(403)
    expect((await disguised.call('030777001')).status).toBe(403)
    expect((await accountOf('31040'))!.registrations).toEqual([])
    expect(reached('777001')).toEqual([])
  })

  test('who calls is said by Ringfence, number and name: a phone claims neither, not in the middle of a call and not when it answers', async () => {
    const ada = { ...makeAccount('3141'), displayName: 'Ada "O\\Byron"; Zoë <sip:100@x>' }
    const [ben, nameless] = [makeAccount('3142'), { ...makeAccount('3143'), displayName: '' }]
    await apply(ada, ben, nameless)
    const boss = (word: string) => `x\r\n${word}: "The Boss" <sip:100@pbx.test>`
    const callee = await phone(ben, { userAgent: boss('P-Asserted-Identity') })
    expect((await callee.register()).status).toBe(200)
    const shown = `"Ada 'O/Byron', Zoë (sip:100@x)"`
    const onTheWire = (text: string) => Buffer.from(text).toString('latin1')
    for (const [claimedName, header] of [
      ['"The Boss" ', 'p-asserted-identity'],
      ['The Boss ', 'Remote-Party-ID'],
      ['', 'History-Info'],
    ] as const) {
      const caller = await phone(ada, { claimedName, userAgent: boss(header) })
      expect((await caller.register()).status).toBe(200)
      const answer = await caller.call('3142')
      expect(answer.status).toBe(200)
      expect(answer.headers.get('user-agent')).toEqual(['x'])
      expect(answer.headers.has('p-asserted-identity')).toBe(false)
      expect(callee.calls.at(-1)).toMatch(onTheWire(shown))
      expect((await caller.call('030777111')).status).toBe(200)
      // Asks the next hop for something in the middle of the call.
      expect((await caller.transfer('100')).status).toBe(200)
    }
    const seen = reached('<sip:3141@')
    expect(seen.map((head) => head.split(' ')[0])).toEqual(
      expect.arrayContaining(['INVITE', 'ACK', 'REFER', 'INVITE', 'ACK', 'REFER']),
    )
    for (const head of seen) {
      expect(head).not.toMatch(/The Boss/)
      expect(/^from:\s*(.*?)\s*<sip:3141@/im.exec(head)?.[1]).toBe(onTheWire(shown))
    }
    expect(seen.find((head) => head.startsWith('INVITE'))).toMatch(
      new RegExp(`^P-Asserted-Identity: ${onTheWire(shown).replace(/[()]/g, '\\$&')} <sip:3141@`, 'm'),
    )
    const quiet = await phone(nameless, { claimedName: '"The Boss" ' })
    expect((await quiet.register()).status).toBe(200)
    expect((await quiet.call('3142')).status).toBe(200)
    expect(callee.calls.at(-1)).toMatch(/^\s*<sip:3143@/)
  })

  test('nobody calls out without a login, with a made-up dialog, or from elsewhere than the next hop', async () => {
    const account = makeAccount('3105')
    await apply(account)
    const guess = await phone({
      ...account,
      credentials: [{ ...account.credentials[0]!, username: `3105' or '1'='1` }],
    })
    expect((await guess.call('030777002')).status).toBe(407)
    expect(await rawStatus(invite('030777002', ''))).toBe(407)
    expect(await rawStatus(invite('030777002', ';tag=made-up'))).toBe(481)
    const route = `Route: <sip:${lab.options.bindAddress}:${lab.options.port};transport=tls;lr>\r\nRoute: <sip:127.0.0.1:${lab.nextHop.port};lr>\r\n`
    expect(await rawStatus(invite('030777002', ';tag=made-up', route))).toBe(481)
    expect(await stranger.call('030777002', lab.trunkPort)).toBe(403)
    expect(await stranger.call('3105', lab.trunkPort)).toBe(403)
    expect(await lab.nextHop.call('030777002', lab.trunkPort)).toBe(404)
    expect(reached('777002')).toEqual([])
  })

  test('a call from the next hop rings at the extension, and one for a phone that is away says so', async () => {
    const [ada, ben] = [makeAccount('3106'), makeAccount('3107')]
    await apply(ada, ben)
    const called = await registered(ada)
    expect(await lab.nextHop.call('3106', lab.trunkPort)).toBe(200)
    expect(called.calls).toHaveLength(1)
    expect((await accountOf('3106'))!.calls).toMatchObject([{ address: '127.0.0.1' }])
    expect(await lab.nextHop.call('3107', lab.trunkPort)).toBe(480)
    expect(await lab.nextHop.call('310', lab.trunkPort)).toBe(404)
  })

  test('what a phone may dial is what its policy says, and emergency numbers always', async () => {
    const account = makeAccount('3108')
    const policies: [CallPolicy | null, Record<string, number>][] = [
      [null, { '030777101': 200, '089777101': 200, '0043777101': 200, '112': 200 }],
      [
        { ...blockedPolicy, class: 'internal' },
        { '030777105': 403, '3109': 480, '112': 200 },
      ],
      [
        { ...blockedPolicy, class: 'local' },
        { '030777102': 200, '089777102': 403, '0043777102': 403, '112': 200 },
      ],
      [
        { ...blockedPolicy, class: 'national', countries: ['43'] },
        { '089777103': 200, '0043777103': 200, '0041777103': 403, '112': 200 },
      ],
      [blockedPolicy, { '030777104': 403, '3109': 403, '112': 200 }],
    ]
    await apply(makeAccount('3109'))
    for (const [policy, expected] of policies) {
      await apply({ ...account, policy })
      const dialling = await registered(account)
      const found: Record<string, number> = {}
      for (const dialled of Object.keys(expected)) found[dialled] = (await dialling.call(dialled)).status
      expect(found).toEqual(expected)
    }
    expect(reached('0041777103')).toEqual([])
    expect(reached('030777104')).toEqual([])
    expect(reached('INVITE sip:112@')).toHaveLength(5)
    // The number that is shown is the login's, whatever the phone claims.
    expect(reached('INVITE sip:112@')[0]).toMatch(/^P-Asserted-Identity: .*<sip:3108@/m)
  })

  test('a dial plan that changes counts from the next call on, without a restart, and survives one', async () => {
    const account = { ...makeAccount('3111'), policy: { ...blockedPolicy, class: 'local' } as const }
    await apply(account)
    let dialling = await registered(account)
    const answers = async (...numbers: string[]) => {
      const found: number[] = []
      for (const dialled of numbers) found.push((await dialling.call(dialled)).status)
      return found
    }
    expect(await answers('030777501', '089777502', '115')).toEqual([200, 403, 200])
    try {
      dialPlan = { ...germany, areaCode: '89', outsideLine: '9', emergencyNumbers: ['112', '999'] }
      // What is in force is no longer what was said; a class counts as in force only under the plan that was said.
      expect((await accountOf('3111'))!.policy).toBeNull()
      await apply(account)
      expect((await accountOf('3111'))!.policy).toBe('local')
      const dialled = ['9030777503', '9089777504', '089777505', '112', '9999', '999']
      expect(await answers(...dialled)).toEqual([403, 200, 403, 200, 200, 200])
      await lab.kamailio.halt('SIGKILL')
      await lab.kamailio.start()
      dialling = await registered(account)
      expect(await answers(...dialled)).toEqual([403, 200, 403, 200, 200, 200])
      expect((await accountOf('3111'))!.policy).toBe('local')
    } finally {
      dialPlan = germany
      await apply(account)
    }
  })

  test('nobody gets a class before Kamailio shows the plan, and emergency numbers pass when the plan is lost', async () => {
    const sql = sqliteSql(lab.options.database)
    const [known, fresh] = [makeAccount('3112'), makeAccount('3113')]
    await apply(known)
    const classed = [known, fresh].map((account) => ({
      ...account,
      policy: { ...blockedPolicy, class: 'internal' } as const,
    }))
    dialPlan = null
    await expect(apply(...classed)).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: /3112, 3113 has a call class/,
    })
    expect((await accountOf('3112'))!.policy).toBe('none')
    expect(await accountOf('3113')).toBeUndefined()
    // It is written, and Kamailio sees nothing of it.
    dialPlan = germany
    sql(
      'create trigger lost after insert on ringfence_plan begin delete from ringfence_plan; end; delete from ringfence_plan',
    )
    try {
      await expect(apply(...classed)).rejects.toThrow(/does not see the dial plan/)
      expect((await accountOf('3112'))!.policy).toBe('none')
      expect(await accountOf('3113')).toBeUndefined()
    } finally {
      sql('drop trigger lost')
    }
    await apply(...classed)
    expect((await accountOf('3112'))!.policy).toBe('internal')
    sql('delete from ringfence_plan')
    expect((await accountOf('3112'))!.policy).toBeNull()
    const dialling = await registered(known)
    for (const [dialled, status] of [
      ['112', 200],
      ['9112', 200],
      ['004312345678', 403],
      ['+4312345678', 403],
    ] as const)
      expect((await dialling.call(dialled)).status).toBe(status)
    await apply(...classed)
    expect((await dialling.call('9112')).status).toBe(403)
  })

  test('calls at once, in an hour and in a day are limited, each extension for itself, and emergency calls are not', async () => {
    const limits: [Partial<CallPolicy>, number][] = [
      [{ callsAtOnce: 2 }, 2],
      [{ callsPerHour: 3 }, 3],
      [{ callsPerDay: 1, callsPerHour: 5 }, 1],
    ]
    for (const [index, [policy, allowed]] of limits.entries()) {
      const account = {
        ...makeAccount(`312${index}`),
        policy: { ...blockedPolicy, class: 'national', ...policy } as const,
      }
      const other = { ...makeAccount(`3120${index}`), policy: account.policy }
      await apply(account, other)
      const dialling = await registered(account)
      for (let call = 0; call < allowed; call++) expect((await dialling.call('030777201')).status).toBe(200)
      expect((await dialling.call('030777202')).status).toBe(403)
      expect((await dialling.call('112')).status).toBe(200)
      expect((await (await registered(other)).call('030777203')).status).toBe(200)
    }
    expect(reached('777202')).toEqual([])
    const named = Buffer.from(`P-Asserted-Identity: "${makeAccount('3120').displayName}" <`).toString('latin1')
    for (const head of reached('INVITE sip:030777201@')) expect(head).toContain(named)
  })

  test('a call at once is free again when one ends', async () => {
    const account = { ...makeAccount('3130'), policy: { ...blockedPolicy, class: 'national', callsAtOnce: 1 } as const }
    await apply(account)
    const dialling = await registered(account)
    expect((await dialling.call('030777301')).status).toBe(200)
    expect((await dialling.call('030777301')).status).toBe(403)
    await driver.disconnect!([{ extension: '3130', addresses: null }], limit())
    expect((await (await registered(account)).call('030777301')).status).toBe(200)
  })

  test('a call ends by itself when the minutes are used up, and the next one is refused', async () => {
    const policy = { ...blockedPolicy, class: 'national', minutesPerHour: 1 } as const
    const account = { ...makeAccount('3131'), policy }
    await apply(account)
    const dialling = await registered(account)
    // As after calls of 58 seconds in this hour.
    const rpc = kamailioRpc(lab.options.rpc)
    const hour = Math.floor(Date.now() / 3_600_000)
    await rpc.call('htable.seti', ['ringfence_spent', `3131:seconds:h${hour}`, 58], limit())
    expect((await dialling.call('030777401')).status).toBe(200)
    await dialling.hungUp
    await vi.waitFor(async () => expect((await dialling.call('030777402')).status).toBe(403), { timeout: 5_000 })
    expect((await dialling.call('112')).status).toBe(200)
  })

  test('a call ends when its minutes are used up, or the longest time that one may last, whatever is said within it', async () => {
    const rpc = kamailioRpc(lab.options.rpc)
    const policy = { ...blockedPolicy, class: 'national' } as const
    const short = { ...makeAccount('3134'), policy: { ...policy, minutesPerHour: 1 } }
    const long = { ...makeAccount('3135'), policy }
    await apply(short, long)
    const key = `3134:seconds:h${Math.floor(Date.now() / 3_600_000)}`
    await rpc.call('htable.seti', ['ringfence_spent', key, 56], limit())
    const [one, other] = [await registered(short), await registered(long)]
    let over = false
    one.hungUp.then(() => {
      over = true
    })
    expect((await other.call('030777508')).status).toBe(200)
    const end = async () => {
      const calls = (await rpc.call('dlg.list', [], limit())) as { from_uri: string; timeout: number }[]
      return calls.find(({ from_uri }) => from_uri.includes('3135'))!.timeout
    }
    const before = await end()
    expect(before - Date.now() / 1000).toBeGreaterThan(43_000)
    expect((await one.call('030777507')).status).toBe(200)
    const began = Date.now()
    while (!over && Date.now() - began < 8_000) {
      await one.within('OPTIONS')
      expect((await other.within('OPTIONS')).status).toBe(200)
    }
    expect(over).toBe(true)
    // Kamailio's clock may be a second off.
    expect((await end()) - before).toBeLessThanOrEqual(1)
  })

  test('minutes are reserved while a call runs, shared out among those that may run at once, and what was not used comes back', async () => {
    const rpc = kamailioRpc(lab.options.rpc)
    const spent = async (extension: string) => {
      const key = `${extension}:seconds:h${Math.floor(Date.now() / 3_600_000)}`
      const { item } = (await rpc.call('htable.get', ['ringfence_spent', key], limit())) as { item: { value: number } }
      return item.value
    }
    const policy = { ...blockedPolicy, class: 'national', minutesPerHour: 10 } as const
    const [alone, two] = [
      { ...makeAccount('3132'), policy },
      { ...makeAccount('3133'), policy: { ...policy, callsAtOnce: 2 } as const },
    ]
    await apply(alone, two)
    const one = await registered(alone)
    expect((await one.call('030777501')).status).toBe(200)
    expect(await spent('3132')).toBe(600)
    expect((await one.call('030777502')).status).toBe(403)
    await driver.disconnect!([{ extension: '3132', addresses: null }], limit())
    await vi.waitFor(async () => expect(await spent('3132')).toBeLessThan(60), { timeout: 5_000 })
    expect((await (await registered(alone)).call('030777503')).status).toBe(200)
    const both = await registered(two)
    expect((await both.call('030777504')).status).toBe(200)
    expect(await spent('3133')).toBe(300)
    expect((await both.call('030777505')).status).toBe(200)
    expect(await spent('3133')).toBe(600)
    expect((await both.call('030777506')).status).toBe(403)
    expect((await both.call('112')).status).toBe(200)
    await driver.disconnect!([{ extension: '3133', addresses: null }], limit())
    await vi.waitFor(async () => expect(await spent('3133')).toBeLessThan(60), { timeout: 5_000 })
  })

  test('a phone lets the next hop call nobody for it whom it may not call itself: not by a transfer, and not by sending a call on', async () => {
    const policy = { ...blockedPolicy, class: 'local' } as const
    const [bound, limited, free] = [
      { ...makeAccount('3140'), policy, maxContacts: 1 },
      { ...makeAccount('3141'), policy: { ...policy, minutesPerDay: 100 }, maxContacts: 1 },
      { ...makeAccount('3142'), maxContacts: 1 },
    ]
    await apply(bound, limited, free)
    const referred = () =>
      reached('REFER sip:hop@').flatMap((head) => /^refer-to: <sip:([^@]*)/im.exec(head)?.[1] ?? [])
    for (const [account, number, may] of [
      [bound, '+43777601', false],
      [bound, '089777601', false],
      [bound, '030777601', true],
      [bound, '3142', true],
      [limited, '030777602', false],
      [limited, '3142', true],
      [limited, '112', true],
      [free, '+43777603', true],
    ] as const) {
      const made = await registered(account)
      expect((await made.call('030777600')).status).toBe(200)
      const before = referred().length
      expect((await made.transfer(number)).status).toBe(may ? 200 : 403)
      expect(referred().slice(before)).toEqual(may ? [number] : [])
      await made.hangUp()
      made.forwardTo(number)
      expect(await lab.nextHop.call(account.extension, lab.trunkPort)).toBe(may ? 302 : 480)
    }
    // Of two phones of an extension one that may not is enough, whichever answers first.
    const twins = { ...bound, maxContacts: 2 }
    await apply(twins)
    for (const numbers of [
      ['030777605', '+43777605'],
      ['+43777605', '030777605'],
    ]) {
      for (const number of numbers) (await registered(twins)).forwardTo(number)
      expect(await lab.nextHop.call('3140', lab.trunkPort)).toBe(480)
    }
    await apply(bound)
    // Who is called by a colleague sends the colleague on, who calls with a login of their own.
    const [caller, called] = [await registered(free), await registered(bound)]
    called.forwardTo('+43777604')
    expect((await caller.call('3140')).status).toBe(302)
  })

  test('a phone too many takes the place of the one that registered first', async () => {
    const account = { ...makeAccount('3110'), maxContacts: 2 }
    await apply(account)
    for (const address of ['127.0.0.31', '127.0.0.32', '127.0.0.33']) await registered(account, address)
    const { registrations } = (await accountOf('3110'))!
    expect(registrations.map(({ address }) => address).sort()).toEqual(['127.0.0.32', '127.0.0.33'])
  })

  function invite(number: string, tag: string, extra = ''): string {
    const id = Math.random().toString(36).slice(2)
    return `INVITE sip:${number}@127.0.0.1:${lab.nextHop.port} SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK${id};rport\r\nMax-Forwards: 70\r\nFrom: <sip:3105@127.0.0.1>;tag=${id}\r\nTo: <sip:${number}@127.0.0.1>${tag}\r\nCall-ID: ${id}\r\nCSeq: 1 INVITE\r\nContact: <sip:3105@127.0.0.1:9;transport=tls>\r\n${extra}Content-Length: 0\r\n\r\n`
  }

  /** The first final answer to what was sent as it stands. */
  function rawStatus(text: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: lab.options.port, rejectUnauthorized: false }, () => {
        socket.write(text)
      })
      let received = ''
      socket.setTimeout(5_000, () => socket.destroy(new Error('no answer')))
      socket.on('error', reject)
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1')
        const status = Number(/^SIP\/2\.0 ([2-6][0-9]{2})/m.exec(received)?.[1] ?? 0)
        if (status === 0) return
        socket.destroy()
        resolve(status)
      })
    })
  }
})
