import { expect } from 'vitest'
import type { NotifyTarget } from '../../src/pbx/pbx-driver.ts'
import { limit, type PbxHand, refused } from './pbx-hand.ts'

/** A PBX that is away for a while. */
export function pbxLastingContract(hand: PbxHand): void {
  const { abilities, given, cuts, read, apply, accountOf, phoneFor, makeAccount } = hand
  const readable = given(abilities.readBack, 'this PBX cannot be read')
  const tell = (...targets: NotifyTarget[]) => hand.world.driver.notify!(targets, limit())

  readable('open and shut doors survive a restart of the PBX', async () => {
    const [open, shut] = [makeAccount('2023'), makeAccount('2024')]
    await apply(open, shut)
    await apply({ ...shut, credentials: [] })
    await hand.world.goDown()
    await hand.world.comeBack()
    expect((await accountOf('2023'))!.credentials).toHaveLength(1)
    expect(await accountOf('2024')).toBeUndefined()
    expect(await (await phoneFor(shut)).register()).toEqual(refused)
    expect(await (await phoneFor(open)).register()).toBe(200)
  })

  readable('a PBX that is down is reported as unreachable and worth another try', async () => {
    const account = makeAccount('2025')
    await apply(account)
    await hand.world.goDown()
    const unreachable = { code: 'PBX_UNREACHABLE', retryable: true }
    try {
      await expect(read()).rejects.toMatchObject(unreachable)
      await expect(apply({ ...account, credentials: [] })).rejects.toMatchObject(unreachable)
      await expect(hand.world.driver.describe(limit())).rejects.toMatchObject(unreachable)
      if (cuts) {
        const target = { extension: '2025', addresses: null }
        await expect(hand.world.driver.disconnect!([target], limit())).rejects.toMatchObject(unreachable)
      }
      if (abilities.resync) {
        const target = { extension: '2025', addresses: null, event: 'check-sync' }
        await expect(tell(target)).rejects.toMatchObject(unreachable)
      }
    } finally {
      await hand.world.comeBack()
    }
    await apply({ ...account, credentials: [] })
    expect(await accountOf('2025')).toBeUndefined()
  })
}
