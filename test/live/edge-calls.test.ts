import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { blockedPolicy, type CallPolicy, type DialPlan } from '../../src/domain/call-policy.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { type EdgeHandset, type EdgeWorld, edgeWorld, limit } from '../lab/edge-world.ts'
import type { SipPhone, SipPhoneOptions } from '../lab/sip-client.ts'
import { describeLive } from '../setup/requirements.ts'

/** Asterisk itself allows everything: who may dial what is the edge's alone here. */
const dialplan = `[from-internal]
exten => _2XXX,1,Dial(PJSIP/\${EXTEN},20)
 same => n,Hangup()
exten => _[0-9+*].,1,Answer()
 same => n,Wait(60)
`

const berlin: DialPlan = { ...germany, outsideLine: '0' }

describeLive(
  'call classes at the edge, with a PBX behind it that allows everything',
  ['asterisk', 'kamailio', 'openssl'],
  () => {
    let world: EdgeWorld
    let last = 0
    const phones: SipPhone[] = []

    beforeAll(async () => {
      world = await edgeWorld({ dialplan })
      world.edge.wanted.plan({ dialPlan: berlin, internal: ['3xxx', '*9'] })
      await world.edge.publish()
    }, 120_000)
    afterEach(async () => {
      await Promise.all(phones.splice(0).map((phone) => phone.close()))
      world.asterisk.cli('channel request hangup all')
    })
    afterAll(() => world?.stop())

    async function choose(extension: string, policy: Partial<CallPolicy> | null) {
      world.edge.wanted.policy(extension, policy && { ...blockedPolicy, class: 'national', ...policy })
      await world.edge.publish()
    }
    /** Somebody new, with a phone. */
    async function person(policy: Partial<CallPolicy> | null): Promise<EdgeHandset> {
      last += 1
      const handset = await world.handset(String(2000 + last), `127.0.0.${100 + last}`)
      await choose(handset.extension, policy)
      return handset
    }
    async function registered(handset: EdgeHandset, extra?: Partial<SipPhoneOptions>): Promise<SipPhone> {
      const phone = await handset.connect(extra)
      phones.push(phone)
      expect((await phone.register()).status).toBe(200)
      return phone
    }
    /** Asks within its call, until the other side ends it: 4 seconds from now. */
    async function keepsTalking(phone: SipPhone) {
      let over = false
      phone.hungUp.then(() => {
        over = true
      })
      // UPDATE, because Asterisk answers no OPTIONS within a call; not so often that it were a flood.
      await vi.waitFor(
        async () => {
          await phone.within('UPDATE')
          expect(over).toBe(true)
        },
        { timeout: 8_000, interval: 200 },
      )
    }
    async function answers(phone: SipPhone, numbers: readonly string[]) {
      const found: Record<string, number> = {}
      for (const number of numbers) found[number] = (await phone.call(number)).status
      return found
    }

    test.each([
      [
        'blocked',
        {},
        { 2001: 403, 3001: 403, '05551234': 403, '00895551234': 403, '000431234': 403, 112: 200, '0112': 200 },
      ],
      [
        'internal',
        {},
        { 3001: 200, '*9': 200, '05551234': 403, '00895551234': 403, '000431234': 403, 112: 200, '0112': 200 },
      ],
      ['local', {}, { 3001: 200, '05551234': 200, '00895551234': 403, '+43123456': 403, 112: 200, '0110': 200 }],
      [
        'national',
        {},
        { '05551234': 200, '00895551234': 200, '+49895551234': 200, '000431234': 403, '+43123456': 403, 110: 200 },
      ],
      [
        'local',
        { countries: ['43'] },
        { '05551234': 200, '00895551234': 403, '+43123456': 200, '+41123456': 403, '0112': 200 },
      ],
      ['international', {}, { 3001: 200, '05551234': 200, '000431234': 200, '+43123456': 200, '*7': 403, 112: 200 }],
    ] as const)(
      'class %s %o allows what it says, and emergency numbers with and without the outside line',
      async (name, more, expected) => {
        const phone = await registered(await person({ class: name, ...more }))
        expect(await answers(phone, Object.keys(expected))).toEqual(expected)
      },
    )

    test('whoever has no class may dial what the PBX allows', async () => {
      const phone = await registered(await person(null))
      expect(await answers(phone, ['05551234', '+43123456', '*7'])).toEqual({
        '05551234': 200,
        '+43123456': 200,
        '*7': 200,
      })
    })

    test('an extension that Ringfence knows is internal, one that it does not know is not', async () => {
      const [one, other] = [await person({ class: 'internal' }), await person(null)]
      const [caller, called] = [await registered(one), await registered(other)]
      expect((await caller.call(other.extension)).status).toBe(200)
      expect(called.calls).toHaveLength(1)
      expect((await caller.call('2999')).status).toBe(403)
    })

    test.each([
      ['a number in another spelling', '%30%35551234'],
      ['an emergency number with something behind it', '112;phone-context=x'],
      ['an emergency number with a password', '0000431234:112'],
      ['nobody', ''],
      ['letters', 'operator'],
    ])('%s is not understood, so it is refused', async (_, user) => {
      const phone = await registered(await person({ class: 'national' }))
      expect([400, 403]).toContain((await phone.call(user)).status)
    })

    test('calls per hour and day are limited, each extension for itself; the question for the password is no call', async () => {
      const limits: [Partial<CallPolicy>, number][] = [
        [{ callsPerHour: 3 }, 3],
        [{ callsPerDay: 2, callsPerHour: 5 }, 2],
      ]
      for (const [policy, allowed] of limits) {
        const phone = await registered(await person(policy))
        for (let call = 0; call < allowed; call++) {
          expect((await phone.call('05551234')).status).toBe(200)
          await phone.hangUp()
        }
        expect((await phone.call('05551234')).status).toBe(403)
        expect(await answers(phone, ['3001', '112', '0112'])).toEqual({ 3001: 200, 112: 200, '0112': 200 })
        expect((await (await registered(await person(policy))).call('05551234')).status).toBe(200)
      }
    })

    test('outside calls at once are limited, and one is free again when one ends', async () => {
      const phone = await registered(await person({ callsAtOnce: 1 }))
      expect((await phone.call('05551234')).status).toBe(200)
      expect((await phone.call('05551235')).status).toBe(403)
      await phone.hangUp()
      await vi.waitFor(async () => expect((await phone.call('05551236')).status).toBe(200), { timeout: 5_000 })
    })

    test('a call ends by itself when the minutes are used up, at the PBX too, and the next one is refused', async () => {
      const handset = await person({ minutesPerHour: 1 })
      const phone = await registered(handset)
      const hour = Math.floor(Date.now() / 3_600_000)
      // As after calls of 58 seconds in this hour.
      await world.edge.rpc.call(
        'htable.seti',
        ['ringfence_spent', `${handset.extension}:seconds:h${hour}`, 58],
        limit(),
      )
      expect((await phone.call('05551234')).status).toBe(200)
      await phone.hungUp
      await vi.waitFor(
        () => expect(world.asterisk.cli('core show channels concise')).not.toContain(handset.extension),
        {
          timeout: 5_000,
        },
      )
      await vi.waitFor(async () => expect((await phone.call('05551234')).status).toBe(403), { timeout: 5_000 })
      expect((await phone.call('0112')).status).toBe(200)
    })

    test('a call whose phone keeps talking to the PBX within it ends when its minutes are used up all the same', async () => {
      const handset = await person({ minutesPerHour: 1 })
      const phone = await registered(handset)
      const key = `${handset.extension}:seconds:h${Math.floor(Date.now() / 3_600_000)}`
      await world.edge.rpc.call('htable.seti', ['ringfence_spent', key, 56], limit())
      expect((await phone.call('05551234')).status).toBe(200)
      await keepsTalking(phone)
    })

    test('the longest time that a call may last is not put off by what is said within it', async () => {
      const handset = await person({ callsAtOnce: 3 })
      const phone = await registered(handset)
      expect((await phone.call('05551234')).status).toBe(200)
      const end = async () => {
        const calls = (await world.edge.rpc.call('dlg.list', [], limit())) as { from_uri: string; timeout: number }[]
        // The question for the password was a dialog too, which has no end to come.
        return Math.max(
          ...calls.filter(({ from_uri }) => from_uri.includes(handset.extension)).map(({ timeout }) => timeout),
        )
      }
      const before = await vi.waitFor(async () => {
        const found = await end()
        expect(found - Date.now() / 1000).toBeGreaterThan(43_000)
        return found
      })
      await vi.waitFor(
        async () => {
          expect((await phone.within('UPDATE')).status).toBe(200)
          expect(Date.now() / 1000).toBeGreaterThan(before - 43_200 + 4)
        },
        { timeout: 8_000, interval: 200 },
      )
      // Kamailio's clock may be a second off.
      expect((await end()) - before).toBeLessThanOrEqual(1)
    })

    test('minutes are reserved while a call runs, once, and come back with a call that ends', async () => {
      const handset = await person({ minutesPerHour: 10 })
      const phone = await registered(handset)
      const key = `${handset.extension}:seconds:h${Math.floor(Date.now() / 3_600_000)}`
      const spent = async () =>
        ((await world.edge.rpc.call('htable.get', ['ringfence_spent', key], limit())) as { item: { value: number } })
          .item.value
      expect((await phone.call('05551234')).status).toBe(200)
      expect(await spent()).toBe(600)
      expect((await phone.call('05551235')).status).toBe(403)
      await phone.hangUp()
      await vi.waitFor(async () => expect(await spent()).toBeLessThan(60), { timeout: 5_000 })
      expect((await phone.call('05551236')).status).toBe(200)
    })

    test('a call that the PBX never took costs nothing', async () => {
      // Over a connection that is just ending the edge waits ten seconds for the PBX.
      const phone = await registered(await person({ callsAtOnce: 1, minutesPerHour: 10 }), { timeoutMs: 15_000 })
      await world.asterisk.halt()
      try {
        expect((await phone.call('05551234')).status).toBeGreaterThanOrEqual(400)
      } finally {
        await world.asterisk.start()
      }
      await vi.waitFor(async () => expect((await phone.call('05551234')).status).toBe(200), { timeout: 15_000 })
    })

    test('a phone transfers to nobody whom it may not call, from inside of a call and from without, in whatever spelling', async () => {
      const phone = await registered(await person({ class: 'local' }))
      expect((await phone.call('3001')).status).toBe(200)
      expect((await phone.transfer('+43123456')).status).toBe(403)
      expect((await phone.call('3001')).status).toBe(200)
      expect((await phone.transfer('05551234')).status).toBe(202)
      const to = (number: string) => `Refer-To: <sip:${number}@edge.test>`
      for (const headers of [
        [to('+43123456')],
        [to('3001'), to('+43123456')],
        ['r: <sip:+43123456@edge.test>'],
        ['Refer-To: <sip:+43123456@edge.test?Replaces=none>'],
        [to('%2B43123456')],
        ['Refer-To: 3001 <tel:+43123456>'],
        ['Refer-To: <sip:edge.test>'],
        [],
      ])
        expect((await phone.refer(headers)).status, headers.join()).toBe(403)
      expect((await phone.refer([to('3001')])).status).not.toBe(403)
      expect(world.asterisk.cli('core show channels concise')).not.toContain('43123456')
    })

    test('transfers to the outside are counted, and refused to whoever has a limit that the edge could not keep', async () => {
      const counted = await registered(await person({ callsPerHour: 2 }))
      for (const status of [202, 202, 403]) {
        expect((await counted.call('3001')).status).toBe(200)
        expect((await counted.transfer('05551234')).status).toBe(status)
      }
      for (const policy of [{ callsAtOnce: 5 }, { minutesPerDay: 600 }]) {
        const phone = await registered(await person(policy))
        expect((await phone.call('3001')).status).toBe(200)
        expect((await phone.transfer('05551234')).status).toBe(403)
        expect((await phone.transfer('3002')).status).toBe(202)
      }
    })

    test('a phone sends calls on to nobody whom it may not call itself', async () => {
      const [caller, handset] = [await registered(await person(null)), await person({ class: 'local' })]
      const called = await registered(handset)
      for (const [number, reached] of [
        ['+43123456', false],
        ['00895551234', false],
        ['05551234', true],
        ['0112', true],
      ] as const) {
        called.forwardTo(number)
        expect((await caller.call(handset.extension)).status === 200).toBe(reached)
      }
    })

    test('a class that changes counts from the next call on, and the phone notices nothing', async () => {
      const handset = await person({ class: 'local' })
      const phone = await registered(handset)
      expect(await answers(phone, ['00895551234'])).toEqual({ '00895551234': 403 })
      await choose(handset.extension, { class: 'national' })
      expect(await answers(phone, ['00895551234'])).toEqual({ '00895551234': 200 })
      await choose(handset.extension, { class: 'blocked' })
      expect(await answers(phone, ['00895551234', '0112'])).toEqual({ '00895551234': 403, '0112': 200 })
      await choose(handset.extension, null)
      expect(await answers(phone, ['+43123456'])).toEqual({ '+43123456': 200 })
      expect(phone.connected).toBe(true)
    })

    test('a dial plan that changes counts at once, and both hold when Kamailio is killed and started while Ringfence is away', async () => {
      const handset = await person({ class: 'local' })
      const before = await registered(handset)
      expect(await answers(before, ['05551234', '95551234', '9999'])).toEqual({
        '05551234': 200,
        '95551234': 403,
        9999: 403,
      })
      const plan = { ...germany, outsideLine: '9', emergencyNumbers: ['112', '999'] }
      const expected = { '05551234': 403, '95551234': 200, 9999: 200, 999: 200, 3001: 403, 4001: 200, '+43123456': 403 }
      try {
        world.edge.wanted.plan({ dialPlan: plan, internal: ['4xxx'] })
        await world.edge.publish()
        expect(await answers(before, Object.keys(expected))).toEqual(expected)
        expect(before.connected).toBe(true)
        await world.edge.kamailio.halt('SIGKILL')
        await world.edge.kamailio.start()
        expect(await answers(await registered(handset), Object.keys(expected))).toEqual(expected)
        await world.edge.kamailio.restart()
        expect(await answers(await registered(handset), Object.keys(expected))).toEqual(expected)
      } finally {
        world.edge.wanted.plan({ dialPlan: berlin, internal: ['3xxx', '*9'] })
        await world.edge.publish()
      }
    })

    test('calls that were made count on when Kamailio is killed, and when it is started anew while Ringfence is away', async () => {
      const handset = await person({ callsPerHour: 2 })
      const colleague = await person({ callsPerHour: 2 })
      const before = await registered(handset)
      expect((await before.call('05551234')).status).toBe(200)
      await world.edge.publish()
      await world.edge.kamailio.halt('SIGKILL')
      await world.edge.kamailio.start()
      const phone = await registered(handset)
      expect(await answers(phone, ['05551234', '05551235'])).toEqual({ '05551234': 200, '05551235': 403 })
      await world.edge.publish()
      await world.edge.kamailio.restart()
      expect((await (await registered(handset)).call('05551234')).status).toBe(403)
      expect((await (await registered(colleague)).call('05551234')).status).toBe(200)
    })

    test('a plan that is lost keeps nobody from an emergency number, and the next look puts it back', async () => {
      const handset = await person({ class: 'blocked', callsPerHour: 1 })
      const phone = await registered(handset)
      await world.edge.rpc.call('htable.delete', ['plan', 'dial'], limit())
      expect(await answers(phone, ['112', '0112', '+43123456', '000431234567'])).toEqual({
        112: 200,
        '0112': 200,
        '+43123456': 403,
        '000431234567': 403,
      })
      await world.edge.publish()
      expect(await answers(phone, ['0113', '0112'])).toEqual({ '0113': 403, '0112': 200 })
    })

    test('without a dial plan nobody has a class', async () => {
      const handset = await person({ class: 'internal' })
      const phone = await registered(handset)
      expect((await phone.call('05551234')).status).toBe(403)
      try {
        world.edge.wanted.plan({ dialPlan: null, internal: [] })
        await world.edge.publish()
        expect((await phone.call('05551234')).status).toBe(200)
      } finally {
        world.edge.wanted.plan({ dialPlan: berlin, internal: ['3xxx', '*9'] })
        await world.edge.publish()
      }
    })
  },
)
