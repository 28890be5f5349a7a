import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newKey } from '../contracts/hub.contract.ts'
import { admitted, ben, ida, macs, scriptOf, soon } from './gateway-home.ts'
import { mia, onboarded, type World } from './world.ts'
import { worldsOfEachTest } from './worlds.ts'

const { open, ends } = worldsOfEachTest()

describe('after an older database was restored', () => {
  async function restored(world: World, since: (later: World) => Promise<void>): Promise<World> {
    await world.stop()
    const copy = join(world.folder, 'copy.db')
    await cp(join(world.folder, 'ringfence.db'), copy)
    const later = ends(await world.restart())
    await since(later)
    await later.stop()
    await cp(copy, join(world.folder, 'ringfence.db'))
    return ends(await later.restart())
  }

  test('the link of a gateway that was replaced since stays dead', async () => {
    const world = await open()
    const old = await scriptOf(world, await onboarded(world, ida(0)))
    const back = await restored(world, async (later) => void (await later.app.invite('1030', mia)))
    expect(await back.fetch(old.phones, `${macs[0]}.cfg`)).toBeNull()
    expect(await back.app.takeGatewayKey(old.keyToken, newKey())).toBe(false)
  })

  test('the link by which the key in use came takes no other one', async () => {
    const world = await open()
    const { keyToken } = await scriptOf(world, await onboarded(world, ida(0)))
    const back = await restored(world, async (later) => {
      const key = newKey()
      await later.app.takeGatewayKey(keyToken, key)
      await later.loop.idle()
      await later.shakeHands(key)
    })
    expect(await back.app.takeGatewayKey(keyToken, newKey())).toBe(false)
    const renewed = await scriptOf(back, await back.app.invite('1030', mia))
    expect(await back.app.takeGatewayKey(renewed.keyToken, newKey())).toBe(true)
  })

  test('a gateway that was handed to a leaver since, and went with them, is shut with its tunnel', async () => {
    const world = await open()
    await onboarded(world, ida(0))
    await onboarded(world, ben(1))
    const key = newKey()
    await world.app.setGatewayKey('1030', key, mia)
    await world.loop.idle()
    await world.shakeHands(key)
    const back = await restored(world, async (later) => {
      const [phone] = (await later.app.employee('1030')).handsets
      await later.app.removeHandset(phone!.id, mia)
      await later.app.offboard('1031', null, mia)
      await later.app.settled('1031', 5_000)
    })
    await back.loop.idle()
    expect(await back.store.find('gateway', { removedAt: null })).toEqual([])
    expect(await back.hub.listPeers(soon())).toEqual([])
    expect(await admitted(back)).toEqual([])
    expect((await back.app.settled('1031', 5_000)).lifecycle).toBe('offboarded')
  })
})
