import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { seedPlaces } from '../../src/main/foundations.ts'
import { mia, offboarded, onboarded, openWorld, person, type World } from './world.ts'

/** What the server is started with the next time. */
async function settings(world: World, more: Readonly<Record<string, string>>) {
  const secret = join(world.folder, 'ami-secret')
  await writeFile(secret, 'a secret')
  return readConfig({
    RINGFENCE_DATA: world.folder,
    RINGFENCE_PBX: 'asterisk',
    RINGFENCE_PBX_ADDRESS: '10.90.0.2',
    RINGFENCE_PBX_CONFIG_DIR: '/etc/asterisk/ringfence.d',
    ...(more.RINGFENCE_PBX === undefined ? { RINGFENCE_PBX_AMI_SECRET_FILE: secret } : {}),
    ...more,
  })
}

describe('another PBX in the place of one', () => {
  test('is refused while a door there is still being shut, and nothing is changed', async () => {
    await using world = await openWorld()
    await seedPlaces(world.store, await settings(world, {}))
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    world.pbx.faults.down = true
    await world.app.offboard('1001', null, mia)
    const refused = { code: 'CONFIG_INVALID', hint: expect.stringContaining('RINGFENCE_PBX2') }
    const kamailio = await settings(world, { RINGFENCE_PBX: 'kamailio' })
    const moved = await settings(world, { RINGFENCE_PBX_ADDRESS: '10.90.0.3' })
    await expect(seedPlaces(world.store, kamailio)).rejects.toMatchObject({
      ...refused,
      message:
        'PBX default was asterisk at 10.90.0.2 and would now be kamailio at 10.90.0.2, but doors of 1 of its people are still being shut',
    })
    await expect(seedPlaces(world.store, moved)).rejects.toMatchObject(refused)
    expect(await world.store.get('pbx', 'default')).toMatchObject({ driver: 'asterisk', address: '10.90.0.2' })

    // The same place with another name or port is no exchange, and by hand each door is a step.
    await seedPlaces(world.store, await settings(world, { RINGFENCE_PBX_PORT: '6061' }))
    await seedPlaces(world.store, readConfig({ RINGFENCE_DATA: world.folder }))

    world.pbx.faults.down = false
    await offboarded(world, '1001')
    await seedPlaces(world.store, moved)
    expect(await world.store.get('pbx', 'default')).toMatchObject({ address: '10.90.0.3' })
  })

  test('is taken over while nobody is leaving', async () => {
    await using world = await openWorld()
    await seedPlaces(world.store, await settings(world, {}))
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await seedPlaces(world.store, await settings(world, { RINGFENCE_PBX: 'kamailio' }))
    expect(await world.store.get('pbx', 'default')).toMatchObject({ driver: 'kamailio' })
  })

  test('is refused too while one phone of somebody who stays is being shut', async () => {
    await using world = await openWorld()
    await seedPlaces(world.store, await settings(world, {}))
    const { employee } = await onboarded(world, {
      ...person('Ada Byron', '1001', 'linphone-mobile'),
      handsets: [{ model: 'linphone-mobile' }, { model: 'linphone-desktop' }],
    })
    world.pbx.faults.down = true
    await world.app.removeHandset(employee.handsets[1]!.id, mia)
    await world.loop.idle()
    await expect(seedPlaces(world.store, await settings(world, { RINGFENCE_PBX: 'kamailio' }))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
  })
})
