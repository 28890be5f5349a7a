import { expect, test, vi } from 'vitest'
import type { NotifyTarget } from '../../src/pbx/pbx-driver.ts'
import { limit, type PbxHand } from './pbx-hand.ts'

/** Telling phones to fetch their files, where the PBX can. */
export function pbxTellingContract(hand: PbxHand): void {
  const { abilities, given, apply, phoneFor, makeAccount } = hand
  const telling = given(abilities.resync, 'this PBX cannot tell a phone')
  const manyTold = given(
    abilities.resync && abilities.credentialsPerExtension === 'many',
    'this PBX cannot tell a phone, or has one secret for an extension',
  )
  const tell = (...targets: NotifyTarget[]) => hand.world.driver.notify!(targets, limit())

  test('a PBX can tell phones to fetch their files exactly when it says so', () => {
    expect(hand.world.driver.notify !== undefined).toBe(abilities.resync)
  })

  telling('a phone that is told gets the very Event, and 100 is not 1001', async () => {
    const [short, long] = [makeAccount('200'), makeAccount('2001')]
    await apply(short, long)
    const [one, other] = [await phoneFor(short), await phoneFor(long)]
    expect([await one.register(), await other.register()]).toEqual([200, 200])
    const event = 'check-sync;reboot=false'
    const [answer] = await tell({ extension: '200', addresses: null, event })
    expect(answer).toMatchObject({ told: [expect.stringContaining('200@127.0.0.1')], passedOver: [] })
    await vi.waitFor(() => expect(one.events()).toEqual([event]), { timeout: 5_000 })
    // On its connection a NOTIFY would have come before this answer.
    expect(await other.register()).toBe(200)
    expect(other.events()).toEqual([])
  })

  manyTold('of several phones on one extension each gets its own Event and no other', async () => {
    const account = makeAccount('2026', 3)
    await apply(account)
    const addresses = ['127.0.0.11', '127.0.0.12', '127.0.0.13']
    const phones = [
      await phoneFor(account, 0, addresses[0]),
      await phoneFor(account, 1, addresses[1]),
      await phoneFor(account, 2, addresses[2]),
    ]
    for (const phone of phones) expect(await phone.register()).toBe(200)
    const answers = await tell(
      { extension: '2026', addresses: [`${addresses[0]}/32`], event: 'check-sync;reboot=false' },
      { extension: '2026', addresses: [addresses[1]!, '10.9.8.0/24'], event: 'resync' },
    )
    expect(answers.map(({ told }) => told)).toEqual([
      [expect.stringContaining('127.0.0.11')],
      [expect.stringContaining('127.0.0.12')],
    ])
    await vi.waitFor(
      () => expect(phones.map((phone) => phone.events())).toEqual([['check-sync;reboot=false'], ['resync'], []]),
      { timeout: 5_000 },
    )
    expect(await phones[2]!.register()).toBe(200)
    expect(phones[2]!.events()).toEqual([])
  })

  manyTold('a phone that is not registered, or from elsewhere, counts as not told', async () => {
    const account = makeAccount('2027', 2)
    await apply(account)
    const phone = await phoneFor(account, 0, '127.0.0.14')
    expect(await phone.register()).toBe(200)
    const event = 'check-sync'
    const silent = { told: [], passedOver: [] }
    expect(
      await tell(
        { extension: '2027', addresses: ['127.0.0.15'], event },
        { extension: '202', addresses: null, event },
        { extension: '2998', addresses: null, event },
        { extension: '2027', addresses: [], event },
      ),
    ).toEqual([silent, silent, silent, silent])
    expect(await phone.register()).toBe(200)
    expect(phone.events()).toEqual([])
  })

  telling('an Event that could say more than one thing is refused', async () => {
    for (const event of ['check-sync\r\nX: y', 'check-sync,Content=x', '', 'a b']) {
      await expect(tell({ extension: '2027', addresses: null, event })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      })
    }
  })
}
