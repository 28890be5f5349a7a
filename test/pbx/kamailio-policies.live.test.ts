import { expect, test, vi } from 'vitest'
import { blockedPolicy, type CallPolicy } from '../../src/domain/call-policy.ts'
import { kamailioRpc } from '../../src/pbx/kamailio/kamailio-rpc.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { sqliteSql } from '../lab/kamailio-world.ts'
import { describeLive } from '../setup/requirements.ts'
import { kamailioOfFile, limit } from './kamailio-office.ts'

describeLive('calls through a real Kamailio', ['kamailio'], () => {
  const office = kamailioOfFile()
  const { apply, accountOf, registered, reached } = office

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
      office.dialPlan = { ...germany, areaCode: '89', outsideLine: '9', emergencyNumbers: ['112', '999'] }
      // What is in force is no longer what was said; a class counts as in force only under the plan that was said.
      expect((await accountOf('3111'))!.policy).toBeNull()
      await apply(account)
      expect((await accountOf('3111'))!.policy).toBe('local')
      const dialled = ['9030777503', '9089777504', '089777505', '112', '9999', '999']
      expect(await answers(...dialled)).toEqual([403, 200, 403, 200, 200, 200])
      await office.lab.kamailio.halt('SIGKILL')
      await office.lab.kamailio.start()
      dialling = await registered(account)
      expect(await answers(...dialled)).toEqual([403, 200, 403, 200, 200, 200])
      expect((await accountOf('3111'))!.policy).toBe('local')
    } finally {
      office.dialPlan = germany
      await apply(account)
    }
  })

  test('nobody gets a class before Kamailio shows the plan, and emergency numbers pass when the plan is lost', async () => {
    const sql = sqliteSql(office.lab.options.database)
    const [known, fresh] = [makeAccount('3112'), makeAccount('3113')]
    await apply(known)
    const classed = [known, fresh].map((account) => ({
      ...account,
      policy: { ...blockedPolicy, class: 'internal' } as const,
    }))
    office.dialPlan = null
    await expect(apply(...classed)).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: /3112, 3113 has a call class/,
    })
    expect((await accountOf('3112'))!.policy).toBe('none')
    expect(await accountOf('3113')).toBeUndefined()
    // It is written, and Kamailio sees nothing of it.
    office.dialPlan = germany
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
    await office.driver.disconnect!([{ extension: '3130', addresses: null }], limit())
    expect((await (await registered(account)).call('030777301')).status).toBe(200)
  })

  test('a call ends by itself when the minutes are used up, and the next one is refused', async () => {
    const policy = { ...blockedPolicy, class: 'national', minutesPerHour: 1 } as const
    const account = { ...makeAccount('3131'), policy }
    await apply(account)
    const dialling = await registered(account)
    // As after calls of 58 seconds in this hour.
    const rpc = kamailioRpc(office.lab.options.rpc)
    const hour = Math.floor(Date.now() / 3_600_000)
    await rpc.call('htable.seti', ['ringfence_spent', `3131:seconds:h${hour}`, 58], limit())
    expect((await dialling.call('030777401')).status).toBe(200)
    await dialling.hungUp
    await vi.waitFor(async () => expect((await dialling.call('030777402')).status).toBe(403), { timeout: 5_000 })
    expect((await dialling.call('112')).status).toBe(200)
  })

  test('a call ends when its minutes are used up, or the longest time that one may last, whatever is said within it', async () => {
    const rpc = kamailioRpc(office.lab.options.rpc)
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
    const rpc = kamailioRpc(office.lab.options.rpc)
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
    await office.driver.disconnect!([{ extension: '3132', addresses: null }], limit())
    await vi.waitFor(async () => expect(await spent('3132')).toBeLessThan(60), { timeout: 5_000 })
    expect((await (await registered(alone)).call('030777503')).status).toBe(200)
    const both = await registered(two)
    expect((await both.call('030777504')).status).toBe(200)
    expect(await spent('3133')).toBe(300)
    expect((await both.call('030777505')).status).toBe(200)
    expect(await spent('3133')).toBe(600)
    expect((await both.call('030777506')).status).toBe(403)
    expect((await both.call('112')).status).toBe(200)
    await office.driver.disconnect!([{ extension: '3133', addresses: null }], limit())
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
      expect(await office.lab.nextHop.call(account.extension, office.lab.trunkPort)).toBe(may ? 302 : 480)
    }
    // Of two phones of an extension one that may not is enough, whichever answers first.
    const twins = { ...bound, maxContacts: 2 }
    await apply(twins)
    for (const numbers of [
      ['030777605', '+43777605'],
      ['+43777605', '030777605'],
    ]) {
      for (const number of numbers) (await registered(twins)).forwardTo(number)
      expect(await office.lab.nextHop.call('3140', office.lab.trunkPort)).toBe(480)
    }
    await apply(bound)
    // Who is called by a colleague sends the colleague on, who calls with a login of their own.
    const [caller, called] = [await registered(free), await registered(bound)]
    called.forwardTo('+43777604')
    expect((await caller.call('3140')).status).toBe(302)
  })
})
