import { afterAll, beforeAll, expect, test } from 'vitest'
import { mia, offboarded, onboarded, openWorld, person, type World } from '../journeys/world.ts'
import { type AsteriskLab, fileDriver, startAsterisk } from '../lab/asterisk.ts'
import { lookAt } from '../lab/asterisk-world.ts'
import { connectSipPhone, type SipPhone } from '../lab/sip-client.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('two real Asterisks with the same extension', ['asterisk'], () => {
  let north: AsteriskLab
  let south: AsteriskLab
  let world: World
  const phones: SipPhone[] = []
  beforeAll(async () => {
    north = await startAsterisk()
    south = await startAsterisk()
    world = await openWorld({
      pbx: 'manual',
      env: {
        RINGFENCE_PBX2: 'manual',
        RINGFENCE_PBX2_NAME: 'north',
        RINGFENCE_PBX3: 'manual',
        RINGFENCE_PBX3_NAME: 'south',
      },
      morePbxs: {
        north: { driver: fileDriver(north.driverOptions) },
        south: { driver: fileDriver(south.driverOptions) },
      },
    })
  }, 120_000)
  afterAll(async () => {
    await Promise.all(phones.map((phone) => phone.close()))
    await world?.[Symbol.asyncDispose]()
    await north?.stop()
    await south?.stop()
  })

  async function register(lab: AsteriskLab, login: { extension: string; username: string; secret: string }) {
    const phone = await connectSipPhone({ host: lab.address, port: lab.port, ...login })
    phones.push(phone)
    return (await phone.register()).status
  }
  const loginOf = async (who: string) => {
    const [shown] = await world.app.showSecrets(who, mia)
    return { extension: shown!.extension, username: shown!.username, secret: shown!.secret.reveal() }
  }
  const contacts = (lab: AsteriskLab) => lab.cli('pjsip show contacts').match(/Contact: +1001\//g)?.length ?? 0

  test('a leaver of one is thrown off there, while the other’s phone stays, also when the first is down', async () => {
    await onboarded(world, { ...person('Ada Byron', '1001', 'linphone-mobile'), pbx: 'north' })
    await onboarded(world, { ...person('Bo Berg', '1001', 'linphone-mobile'), pbx: 'south' })
    const [ada, bo] = [await loginOf('1001@north'), await loginOf('1001@south')]
    expect(await register(north, ada)).toBe(200)
    expect(await register(south, bo)).toBe(200)
    expect(await register(south, ada)).toBe(401)
    expect([contacts(north), contacts(south)]).toEqual([1, 1])

    const before = lookAt(south, '1001')
    expect((await offboarded(world, '1001@north')).lifecycle).toBe('offboarded')
    expect([contacts(north), contacts(south)]).toEqual([0, 1])
    expect(await register(north, ada)).toBe(401)
    expect(lookAt(south, '1001')).toBe(before)

    // One that is away holds up nobody of the other.
    await onboarded(world, { ...person('Cy Cole', '1002', 'linphone-mobile'), pbx: 'north' })
    await north.halt()
    const left = await offboarded(world, '1001@south')
    expect(left).toMatchObject({ name: 'Bo Berg', lifecycle: 'offboarded' })
    expect(await register(south, bo)).toBe(401)
    await world.app.offboard('1002', null, mia)
    expect((await world.app.settled('cy@example.com', 1_000)).lifecycle).toBe('offboarding')
    await north.start()
    await world.sweep()
    expect((await world.app.settled('cy@example.com', 20_000)).lifecycle).toBe('offboarded')
  }, 90_000)
})
