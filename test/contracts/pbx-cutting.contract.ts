import { expect } from 'vitest'
import { limit, type PbxHand, refused } from './pbx-hand.ts'

/** Ending calls and registrations, where the PBX can. */
export function pbxCuttingContract(hand: PbxHand): void {
  const { abilities, given, cuts, apply, accountOf, phoneFor, makeAccount } = hand
  const cutting = given(cuts, 'this PBX ends neither calls nor registrations')
  const endingCalls = given(abilities.endsCalls, 'this PBX cannot end calls')
  const endingRegistrations = given(abilities.endsRegistrations, 'this PBX cannot end registrations')
  const manyCut = given(
    abilities.credentialsPerExtension === 'many' && abilities.endsCalls && abilities.endsRegistrations,
    'this PBX has one secret for an extension, or cannot end calls',
  )

  endingCalls('calls end, and a call of 100 is not a call of 1001', async () => {
    const [short, long] = [makeAccount('100'), makeAccount('1001')]
    await apply(short, long)
    const [one, other] = [await phoneFor(short), await phoneFor(long)]
    expect([await one.call(), await other.call()]).toEqual([200, 200])
    expect((await accountOf('100'))!.calls).toHaveLength(1)
    await apply({ ...short, credentials: [] })
    await hand.world.driver.disconnect!([{ extension: '100', addresses: null }], limit())
    expect((await accountOf('100'))?.calls ?? []).toEqual([])
    // Not every PBX says where a call's phone is.
    const address = expect.toBeOneOf(['127.0.0.1', null])
    expect(await accountOf('1001')).toMatchObject({ calls: [{ address }] })
  })

  endingRegistrations('registrations end, and that of 101 is not that of 1011', async () => {
    const [short, long] = [makeAccount('101'), makeAccount('1011')]
    await apply(short, long)
    const [one, other] = [await phoneFor(short), await phoneFor(long)]
    expect([await one.register(), await other.register()]).toEqual([200, 200])
    expect((await accountOf('101'))!.registrations).toHaveLength(1)
    await apply({ ...short, credentials: [] })
    await hand.world.driver.disconnect!([{ extension: '101', addresses: null }], limit())
    expect(await accountOf('101')).toBeUndefined()
    expect(await accountOf('1011')).toMatchObject({ registrations: [{ address: '127.0.0.1' }] })
  })

  manyCut('of a shared extension only the named addresses are cut', async () => {
    const account = makeAccount('2022', 2)
    await apply(account)
    const [leaver, stayer] = [await phoneFor(account, 0, '127.0.0.3'), await phoneFor(account, 1, '127.0.0.4')]
    expect([await leaver.register(), await stayer.register()]).toEqual([200, 200])
    expect([await leaver.call(), await stayer.call()]).toEqual([200, 200])
    await apply({ ...account, credentials: account.credentials.slice(1) })
    await hand.world.driver.disconnect!([{ extension: '2022', addresses: ['127.0.0.3', '10.9.8.0/24'] }], limit())
    expect(await accountOf('2022')).toMatchObject({
      registrations: [{ address: '127.0.0.4' }],
      calls: [{ address: '127.0.0.4' }],
    })
    expect(await leaver.register()).toEqual(refused)
  })

  cutting('cutting an extension that is not there is no error', async () => {
    await hand.world.driver.disconnect!([{ extension: '2999', addresses: null }], limit())
  })
}
