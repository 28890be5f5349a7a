import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { blockedPolicy, type CallPolicy, callClasses, policyText } from '../../src/domain/call-policy.ts'
import { kindOf, mayDial } from '../../src/domain/dialled-number.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { dialledNumbers, germany, unitedStates } from '../fixtures/dialled-numbers.ts'
import { type AsteriskLab, fileDriver, startAsterisk } from '../lab/asterisk.ts'
import { connectSipPhone, type SipPhone } from '../lab/sip-client.ts'
import { describeLive } from '../setup/requirements.ts'

/** What an admin wrote before Ringfence: internal numbers, a trunk, and features. Each answer says where the call went. */
const dialplan = `[internal]
exten => 600,1,Answer()
 same => n,Wait(60)
exten => *97,1,Answer()
 same => n,Wait(60)
[from-internal]
include => internal
exten => _1XXX,1,Dial(PJSIP/\${EXTEN},10)
exten => _[+0-9].,1,Goto(outside,\${EXTEN},1)
exten => 112,1,Goto(outside,\${EXTEN},1)
exten => 110,1,Goto(outside,\${EXTEN},1)
[outside]
exten => _[+0-9].,1,Set(DB(outside/\${FILTER(0-9+,\${EXTEN})})=\${CALLERID(num)})
 same => n,Answer()
 same => n,Wait(60)
`

describeLive('call classes on a real Asterisk', ['asterisk'], () => {
  let lab: AsteriskLab
  let driver: PbxDriver
  const phones: SipPhone[] = []
  const soon = () => AbortSignal.timeout(20_000)
  let next = 1000

  beforeAll(async () => {
    lab = await startAsterisk({ dialPlan: germany, internalContext: 'internal', dialplan })
    driver = fileDriver(lab.driverOptions)
  })
  afterAll(async () => {
    await Promise.all(phones.map((phone) => phone.close()))
    await lab?.stop()
  })

  function account(policy: Partial<CallPolicy> | null): PbxAccount {
    const extension = String(++next)
    const secret = new Secret(randomBytes(12).toString('hex'))
    return {
      extension,
      displayName: 'Ada',
      credentials: [{ id: `c${extension}`, generation: 1, username: `${extension}-a`, secret }],
      maxContacts: 4,
      policy: policy === null ? null : { ...blockedPolicy, ...policy },
      adopted: false,
    }
  }

  async function phoneOf({ extension, credentials }: PbxAccount): Promise<SipPhone> {
    const { username, secret } = credentials[0]!
    const phone = await connectSipPhone({
      host: lab.address,
      port: lab.port,
      extension,
      username,
      secret: secret.reveal(),
    })
    phones.push(phone)
    return phone
  }

  async function open(policy: Partial<CallPolicy> | null): Promise<{ account: PbxAccount; phone: SipPhone }> {
    const made = account(policy)
    await driver.applyAccounts([made], soon())
    return { account: made, phone: await phoneOf(made) }
  }

  const statusOf = async (phone: SipPhone, number: string) => {
    const { status } = await phone.call(number)
    if (status === 200) await phone.hangUp()
    return status
  }
  const policyInForce = async ({ extension }: PbxAccount) =>
    (await driver.readAccounts(soon())).accounts.find((one) => one.extension === extension)?.policy
  /** Whether a call to this number came to the trunk, and who made it. */
  const reached = (number: string) => /Value: (\S*)/.exec(lab.cli(`database get outside ${number}`))?.[1] ?? null
  const channels = () => lab.cli('core show channels concise').trim().split('\n').filter(Boolean)
  const quiet = () => vi.waitFor(() => expect(channels()).toEqual([]), { timeout: 10_000 })

  const colleague = '1001'
  const numbers = [
    colleague,
    '600',
    '*97',
    '5551234',
    '0305551234',
    '+49305551234',
    '0049305551234',
    '0895551234',
    '+49895551234',
    '0043123456',
    '+43123456',
    '0041123456',
    '+12125551234',
    '112',
    '110',
    '11205',
    '19995',
  ]

  describe('each class', () => {
    beforeAll(async () => {
      const { phone, account: made } = await open(null)
      expect(made.extension).toBe(colleague)
      expect((await phone.register()).status).toBe(200)
    })

    test.each([
      ...callClasses.map((name) => ({ name, policy: { class: name } as Partial<CallPolicy> })),
      { name: 'local, and Austria besides', policy: { class: 'local', countries: ['43'] } as Partial<CallPolicy> },
      { name: 'blocked, with a country', policy: { class: 'blocked', countries: ['43'] } as Partial<CallPolicy> },
    ])(
      '$name allows what it says and no more',
      async ({ policy }) => {
        const { account: made, phone } = await open(policy)
        expect(await policyInForce(made)).toBe(policyText(made.policy))
        for (const number of numbers) {
          const isInternal = [colleague, '600', '*97'].includes(number)
          const status = (await phone.call(number)).status
          if (status === 200) await phone.hangUp()
          const expected = mayDial(made.policy!, number, germany, isInternal)
          // A colleague's phone of the tests answers everything with 200, which is no answer to a call.
          if (number === colleague && expected) expect(status, number).not.toBe(403)
          else expect(status, `${number} is ${kindOf(number, germany, isInternal)}`).toBe(expected ? 200 : 403)
        }
        await quiet()
      },
      60_000,
    )
  })

  test('nobody whose class was not chosen is bound by anything, and nothing is written for them', async () => {
    const { account: made, phone } = await open(null)
    for (const number of ['0043123457', '112', '600', '0895551234']) expect(await statusOf(phone, number)).toBe(200)
    expect(await policyInForce(made)).toBe('none')
    expect(lab.cli(`pjsip show endpoint ${made.extension}`)).toMatch(/context +: from-internal/)
    expect(lab.cli('dialplan show')).not.toContain(`ringfence-${made.extension}`)
  })

  test('a class that is changed or taken away holds from the next call on', async () => {
    const { account: made, phone } = await open({ class: 'international' })
    expect(await statusOf(phone, '0043123458')).toBe(200)
    await driver.applyAccounts([{ ...made, policy: { ...blockedPolicy, class: 'national' } }], soon())
    expect(await policyInForce(made)).toBe('national')
    expect(await statusOf(phone, '0043123458')).toBe(403)
    await driver.applyAccounts([{ ...made, policy: null }], soon())
    expect(await policyInForce(made)).toBe('none')
    expect(await statusOf(phone, '0043123458')).toBe(200)
    expect(lab.cli('dialplan show')).not.toContain(`ringfence-${made.extension}`)
  })

  test('what nobody would dial is refused, however it is spelt', async () => {
    const { phone } = await open({ class: 'national' })
    for (const number of [
      '0%2C43',
      '0043%22%20%3D%20%220',
      '0%26PJSIP%2F1001',
      '0%7D%29%5D43',
      '0$%7BSHELL(id)%7D',
      '0;phone-context=x',
      '*00',
      '0%5C043123459',
      '%00',
    ])
      expect((await phone.call(number)).status, number).toBeGreaterThanOrEqual(400)
    expect(lab.cli('database show outside')).not.toContain('43123459')
    await quiet()
  })

  describe('limits', () => {
    test('a second outside call beyond calls at once is refused, an internal one and 112 are not', async () => {
      const { account: made, phone } = await open({ class: 'national', callsAtOnce: 1 })
      const second = await phoneOf(made)
      expect((await phone.call('0895550001')).status).toBe(200)
      expect((await second.call('0895550002')).status).toBe(403)
      expect(await statusOf(second, '600')).toBe(200)
      expect(await statusOf(second, '112')).toBe(200)
      expect(reached('112')).toBe(made.extension)
      await phone.hangUp()
      await quiet()
      expect(await statusOf(second, '0895550002')).toBe(200)
    })

    test('calls at once of one extension are not those of another', async () => {
      const [one, other] = [
        await open({ class: 'national', callsAtOnce: 1 }),
        await open({ class: 'national', callsAtOnce: 1 }),
      ]
      expect((await one.phone.call('0895550003')).status).toBe(200)
      expect((await other.phone.call('0895550003')).status).toBe(200)
      await Promise.all([one.phone.hangUp(), other.phone.hangUp()])
      await quiet()
    })

    test.each(['callsPerHour', 'callsPerDay'] as const)(
      'the third call beyond %s of 2 is refused, and 112 is not',
      async (limit) => {
        const { account: made, phone } = await open({ class: 'national', [limit]: 2 })
        const asked = async (by: SipPhone) => [await statusOf(by, '0895550004'), await statusOf(by, '0895550004')]
        expect(await asked(phone)).toEqual([200, 200])
        expect(await asked(phone)).toEqual([403, 403])
        expect(await statusOf(phone, '112')).toBe(200)
        expect(await statusOf(phone, '600')).toBe(200)
        // It is Asterisk's database that counts, so a restart forgets nothing.
        await lab.restart()
        const again = await phoneOf(made)
        expect(await statusOf(again, '0895550004')).toBe(403)
        expect(await statusOf(again, '112')).toBe(200)
        // In the hour (or day) after it, all is new.
        const window = limit === 'callsPerHour' ? 'hour' : 'day'
        lab.cli(`database put ringfence ${made.extension}/${window} 2020010101:2:0`)
        expect(await asked(again)).toEqual([200, 200])
        expect(await asked(again)).toEqual([403, 403])
      },
      30_000,
    )

    test('many calls that begin at the same moment never get past the limit', async () => {
      const { account: made, phone: first } = await open({ class: 'national', callsPerHour: 3 })
      const many = [first, ...(await Promise.all([1, 2, 3, 4, 5, 6, 7].map(() => phoneOf(made))))]
      const answers = await Promise.all(many.map((phone) => phone.call('0895550005')))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(3)
      expect(answers.filter(({ status }) => status === 403)).toHaveLength(5)
      await Promise.all(many.map((phone, index) => (answers[index]!.status === 200 ? phone.hangUp() : null)))
      await quiet()
    })

    test('a call ends when its minutes are used up, and the next one waits for another hour', async () => {
      const { account: made, phone } = await open({ class: 'national', minutesPerHour: 1 })
      const hour = lab.cli(`dialplan eval function STRFTIME(\${EPOCH},,%Y%m%d%H)`)
      const [, stamp] = /Result: (\d{10})/.exec(hour) ?? []
      lab.cli(`database put ringfence ${made.extension}/hour ${stamp}:4:57`)
      const began = performance.now()
      expect((await phone.call('0895550006')).status).toBe(200)
      await phone.hungUp
      expect(performance.now() - began).toBeLessThan(8_000)
      expect(performance.now() - began).toBeGreaterThan(2_000)
      await quiet()
      expect((await phone.call('0895550006')).status).toBe(403)
      expect(await statusOf(phone, '112')).toBe(200)
    })

    test('what a call did not use of its minutes comes back', async () => {
      const { account: made, phone } = await open({ class: 'national', minutesPerDay: 10 })
      expect(await statusOf(phone, '0895550007')).toBe(200)
      await quiet()
      const used = () =>
        Number(/Value: \d{8}:\d+:(\d+)/.exec(lab.cli(`database get ringfence ${made.extension}/day`))?.[1])
      await vi.waitFor(() => expect(used()).toBeLessThan(10))
      expect(await statusOf(phone, '0895550007')).toBe(200)
    })

    test('calls at one time share the minutes that are left, and use no more of them together', async () => {
      const { account: made, phone } = await open({ class: 'national', callsAtOnce: 2, minutesPerDay: 10 })
      const second = await phoneOf(made)
      expect([(await phone.call('0895550008')).status, (await second.call('0895550008')).status]).toEqual([200, 200])
      expect(lab.cli(`database get ringfence ${made.extension}/day`)).toMatch(/:2:600$/m)
      await Promise.all([phone.hangUp(), second.hangUp()])
      await quiet()
    })

    test('the next owner of an extension begins with nothing used', async () => {
      const { account: made, phone } = await open({ class: 'national', callsPerDay: 1 })
      const other = await open({ class: 'national', callsPerDay: 1 })
      for (const one of [phone, other.phone]) expect(await statusOf(one, '0895550009')).toBe(200)
      await quiet()
      await driver.applyAccounts([{ ...made, credentials: [], policy: blockedPolicy }], soon())
      expect(lab.cli('dialplan show')).not.toContain(`ringfence-${made.extension}`)
      await driver.applyAccounts([made], soon())
      expect(await statusOf(await phoneOf(made), '0895550009')).toBe(200)
      expect(await statusOf(other.phone, '0895550009')).toBe(403)
    })
  })

  describe('calls that others make in somebody’s name', () => {
    test('a phone that sends its calls on abroad is bound by its own class, whoever calls', async () => {
      const [forwarder, caller] = [await open({ class: 'national' }), await open({ class: 'international' })]
      expect((await forwarder.phone.register()).status).toBe(200)
      forwarder.phone.forwardTo('0043700001')
      expect((await caller.phone.call(forwarder.account.extension)).status).not.toBe(200)
      await quiet()
      expect(reached('0043700001')).toBe(null)
      forwarder.phone.forwardTo('0897000002')
      expect(await statusOf(caller.phone, forwarder.account.extension)).toBe(200)
      await quiet()
      expect(reached('0897000002')).toBe(caller.account.extension)
    })

    test('a phone whose class allows it may send calls abroad also for a caller who may not', async () => {
      const [forwarder, caller] = [await open({ class: 'international' }), await open({ class: 'internal' })]
      expect((await forwarder.phone.register()).status).toBe(200)
      forwarder.phone.forwardTo('0043700003')
      expect(await statusOf(caller.phone, forwarder.account.extension)).toBe(200)
      await quiet()
      expect(reached('0043700003')).toBe(caller.account.extension)
    })

    test('sending on counts as a call of whoever sends on', async () => {
      const [forwarder, caller] = [
        await open({ class: 'national', callsPerHour: 1 }),
        await open({ class: 'national' }),
      ]
      expect((await forwarder.phone.register()).status).toBe(200)
      forwarder.phone.forwardTo('0897000004')
      expect(await statusOf(caller.phone, forwarder.account.extension)).toBe(200)
      expect(await statusOf(caller.phone, forwarder.account.extension)).not.toBe(200)
      await quiet()
    })

    test('a call cannot be transferred to where the one who transfers may not call', async () => {
      const [{ phone }, callee] = [await open({ class: 'national' }), await open({ class: 'internal' })]
      expect((await callee.phone.register()).status).toBe(200)
      callee.phone.forwardTo('600')
      for (const [number, mayBe] of [
        ['0043700006', false],
        ['0897000007', true],
      ] as const) {
        expect((await phone.call(callee.account.extension)).status).toBe(200)
        expect((await phone.transfer(number)).status).toBe(202)
        if (mayBe) await vi.waitFor(() => expect(reached(number)).not.toBe(null))
        else await quiet()
        expect(reached(number) !== null).toBe(mayBe)
        if (channels().length > 0) lab.cli('channel request hangup all')
        await quiet()
      }
    })
  })

  test('where the dialplan is not included nobody moves into a context that is not there: 112 goes on working', async () => {
    const bare = await startAsterisk({ dialplan, managerWrite: 'system,reporting' })
    const blind = await startAsterisk({ dialplan, managerWrite: 'system' })
    try {
      for (const [asterisk, hint] of [
        [bare, /#include .*dialplan\.inc/],
        [blind, /docs\/asterisk\.md/],
      ] as const) {
        const its = fileDriver({ ...asterisk.driverOptions, dialPlan: async () => germany })
        const [there, fresh] = [account(null), account({ class: 'national' })]
        await its.applyAccounts([there], soon())
        const chosen = { ...there, policy: { ...blockedPolicy, class: 'national' } as const }
        await expect(its.applyAccounts([chosen, fresh], soon())).rejects.toMatchObject({
          code: 'PBX_REFUSED',
          hint: expect.stringMatching(hint),
        })
        const phone = await connectSipPhone({
          host: asterisk.address,
          port: asterisk.port,
          extension: there.extension,
          username: there.credentials[0]!.username,
          secret: there.credentials[0]!.secret.reveal(),
        })
        expect((await phone.call('112')).status).toBe(200)
        await phone.close()
        expect(asterisk.cli('pjsip show endpoints')).not.toContain(fresh.extension)
        // A secret that must go goes all the same.
        const secret = new Secret('another-one')
        const rotated = { ...chosen, credentials: [{ ...chosen.credentials[0]!, generation: 2, secret }] }
        await expect(its.applyAccounts([rotated], soon())).rejects.toMatchObject({ code: 'PBX_REFUSED' })
        expect(asterisk.cli('pjsip show auths')).toContain('-g2/')
        expect(asterisk.cli('pjsip show auths')).not.toContain('-g1/')
        const { problems } = await its.describe(soon())
        expect(problems.map(({ message }) => message).join()).toMatch(/does not read .*dialplan|may not ShowDialPlan/)
      }
    } finally {
      await bare.stop()
      await blind.stop()
    }
  }, 60_000)

  test('the doctor finds nothing to mend where everything is there, and names a module that is not', async () => {
    expect((await driver.describe(soon())).problems).toEqual([])
    lab.cli('module unload func_lock.so')
    const { problems } = await driver.describe(soon())
    expect(problems.map(({ message }) => message)).toEqual([expect.stringMatching(/^func_lock\.so is not loaded/)])
    const { phone } = await open({ class: 'national', callsPerHour: 9 })
    // Without the means to count nothing is let through, except what must be.
    expect(await statusOf(phone, '0897000008')).toBe(403)
    expect(await statusOf(phone, '112')).toBe(200)
    lab.cli('module load func_lock.so')
    expect(await statusOf(phone, '0897000008')).toBe(200)
  })

  test('a dial plan that changed is not in force before it was taken over', async () => {
    const { account: made } = await open({ class: 'national' })
    const later = fileDriver({
      ...lab.driverOptions,
      dialPlan: async () => ({ ...germany, emergencyNumbers: ['110', '112', '115'] }),
    })
    const shown = async () =>
      (await later.readAccounts(soon())).accounts.find((one) => one.extension === made.extension)
    expect((await shown())?.policy).not.toBe('national')
    await later.applyAccounts([made], soon())
    expect((await shown())?.policy).toBe('national')
    expect(lab.cli(`dialplan show ringfence-${made.extension}`)).toContain("'115'")
  })

  test('in the United States nobody reaches an operator by what only begins like a number of the town', async () => {
    const [where, plan, numbers] = dialledNumbers.find(([, one]) => one === unitedStates)!
    const there = fileDriver({ ...lab.driverOptions, dialPlan: async () => plan })
    const accounts = [account({ class: 'local' }), account({ class: 'international' })]
    await there.applyAccounts(accounts, soon())
    for (const made of accounts) {
      const phone = await phoneOf(made)
      for (const [number, what] of Object.entries(numbers)) {
        const isKnown = what !== 'unknown' && (what !== 'international 49' || made.policy!.class === 'international')
        const expected = isKnown && (what !== 'national' || made.policy!.class !== 'local') ? 200 : 403
        expect(await statusOf(phone, number), `${number} in ${where}, ${made.policy!.class}`).toBe(expected)
      }
      await quiet()
    }
  }, 60_000)
})
