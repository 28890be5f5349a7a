import { describe, expect, test } from 'vitest'
import { reconcile } from '../../src/access/reconcile.ts'
import { AppError } from '../../src/errors.ts'
import type { PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { anasPhone, bensPhone, phoneOf, shut, subject, systemOn, world } from './sip-world.ts'

describe('an extension that has a next holder', () => {
  test("a tombstone that still thinks it was alone does not shut the extension's next owner", async () => {
    const { fake, pass, want } = world(anasPhone)
    await pass(subject(anasPhone))
    want(bensPhone)
    await pass(subject(bensPhone))
    fake.register(phoneOf(bensPhone, '10.77.0.10'))
    const { outcomes } = await pass(shut(anasPhone, { addresses: ['10.77.0.9'] }), subject(bensPhone))
    expect(outcomes.map(({ finding }) => finding.state)).toEqual(['as-desired', 'as-desired'])
    expect(fake.counts.disconnect).toBe(0)
    expect(JSON.parse(fake.snapshot()).accounts[0].registrations).toHaveLength(1)
    // Even asked outright, the tombstone takes only what came from its own address.
    const system = systemOn(
      fake.driver,
      new Map([
        [
          '1001',
          {
            extension: '1001',
            displayName: '',
            credentials: [bensPhone],
            maxContacts: 4,
            policy: null,
            adopted: false,
          },
        ],
      ]),
    )
    await system.apply([shut(anasPhone, { addresses: ['10.77.0.9'] })], AbortSignal.timeout(5000))
    expect(JSON.parse(fake.snapshot()).accounts[0].registrations).toHaveLength(1)
  })

  test('an extension that comes back by another hand after its holder left is told, never passed over in silence', async () => {
    const { fake, pass, want } = world(anasPhone)
    await pass(subject(anasPhone))
    want()
    const leaver = shut(anasPhone, { addresses: ['10.77.0.9'] })
    expect((await pass(leaver)).outcomes[0]!.finding.state).toBe('as-desired')
    // From last night's backup, without our marks and with the leaver's password.
    fake.addForeign('1001', 'anas-secret')
    expect(fake.register(phoneOf(anasPhone, '203.0.113.7'))).toBe(200)
    const { outcomes, strangers } = await pass(leaver)
    expect(outcomes[0]!.finding).toMatchObject({
      state: 'waiting',
      problem: expect.stringContaining('extension 1001 is there, and not by Ringfence'),
      hint: expect.stringContaining('ringfence acknowledge 1001 sip-account'),
    })
    expect(strangers).toEqual([
      'a phone registered as extension 1001 from 203.0.113.7, which is none of its tunnels (fake)',
      'on the PBX, the extension of somebody who left is there again, not by Ringfence: 1001',
    ])
  })

  test('made anew by hand for the next holder, it is not cut by any sweep, and the line stays as it was ticked', async () => {
    const { fake, pass, want } = world(anasPhone)
    await pass(subject(anasPhone))
    want()
    const leaver = shut(anasPhone, { addresses: ['10.77.0.9'] })
    await pass(leaver)
    fake.addForeign('1001', 'of the reception')
    const before = (await pass(leaver)).outcomes[0]!.finding
    const reception = { extension: '1001', username: '1001', secret: 'of the reception', address: '192.0.2.5' }
    expect([fake.register(reception), fake.call(reception)]).toEqual([200, 200])
    expect((await pass(leaver)).outcomes[0]!.finding).toEqual(before)
    const [account] = JSON.parse(fake.snapshot()).accounts
    expect([account.registrations.length, account.calls.length]).toEqual([1, 1])
    // What comes from the tunnel of whoever left is cut all the same.
    expect(fake.register({ ...reception, address: '10.77.0.9' })).toBe(200)
    await pass(leaver)
    expect(JSON.parse(fake.snapshot()).accounts[0].registrations).toEqual([])
  })

  test.each(['the start', 'the PBX was away'] as const)(
    'made anew by hand before the first look since %s, it is not cut by a closing that comes first',
    async (since) => {
      const { fake, pass, want, desired, system } = world(anasPhone)
      await pass(subject(anasPhone))
      want()
      await fake.driver.applyAccounts([{ ...desired.get('1001')!, credentials: [] }], AbortSignal.timeout(1000))
      const closing = since === 'the start' ? systemOn(fake.driver, desired) : system
      if (since === 'the PBX was away') {
        fake.faults.down = true
        await pass(shut(anasPhone))
        fake.faults.down = false
      }
      fake.addForeign('1001', 'of the reception')
      const reception = { extension: '1001', username: '1001', secret: 'of the reception', address: '192.0.2.5' }
      const kept = { ...reception, address: '10.77.0.9' }
      expect([reception, kept].flatMap((phone) => [fake.call(phone)])).toEqual([200, 200])
      await closing.apply([shut(anasPhone, { addresses: ['10.77.0.9'] })], AbortSignal.timeout(5000))
      const [account] = JSON.parse(fake.snapshot()).accounts
      expect(account.calls).toMatchObject([{ address: '192.0.2.5' }])
    },
  )

  test('of an extension that nobody can look at only what comes from the closed phone is cut', async () => {
    const { fake, pass, desired } = world(anasPhone)
    await pass(subject(anasPhone))
    for (const address of ['10.77.0.9', '192.0.2.5']) fake.call(phoneOf(anasPhone, address))
    const blind = systemOn(
      { ...fake.driver, readAccounts: () => Promise.reject(new AppError('PBX_UNREACHABLE', 'no list')) },
      desired,
    )
    await blind.apply([shut(anasPhone, { addresses: ['10.77.0.9'] })], AbortSignal.timeout(5000))
    expect(JSON.parse(fake.snapshot()).accounts[0].calls).toMatchObject([{ address: '192.0.2.5' }])
  })

  test('whoever was given the closed extension by a new password on the PBX keeps their calls', async () => {
    const { fake, pass, want } = world(anasPhone)
    await pass(subject(anasPhone))
    want()
    const leaver = shut(anasPhone)
    await pass(leaver)
    fake.addForeign('1001', 'of the reception')
    fake.call({ extension: '1001', username: '1001', secret: 'of the reception', address: '192.0.2.5' })
    // As a PBX shows it that knows the object for ours and the secret for none of ours.
    const renamed = { id: 'unknown', generation: 0, digest: 'f'.repeat(32) }
    const driver: PbxDriver = {
      ...fake.driver,
      async readAccounts(signal) {
        const state = await fake.driver.readAccounts(signal)
        return { ...state, foreign: [], accounts: state.accounts.map((one) => ({ ...one, credentials: [renamed] })) }
      },
    }
    const { outcomes } = await reconcile(systemOn(driver, new Map()), [leaver], {
      actFirst: false,
      whole: true,
      signal: AbortSignal.timeout(5000),
    })
    expect(outcomes[0]!.finding.state).toBe('waiting')
    expect(JSON.parse(fake.snapshot()).accounts[0].calls).toHaveLength(1)
  })
})
