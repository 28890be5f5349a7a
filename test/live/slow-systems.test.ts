import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mia, onboarded, openWorld, person, type World } from '../journeys/world.ts'
import { type AsteriskLab, fileDriver, startAsterisk } from '../lab/asterisk.ts'
import { type EdgeWorld, edgeWorld } from '../lab/edge-world.ts'
import { until } from '../lab/network.ts'
import { connectSipPhone } from '../lab/sip-client.ts'
import { describeLive } from '../setup/requirements.ts'

const slowMs = 30_000

describeLive('a system that answers half a minute late', ['asterisk', 'kamailio', 'openssl'], () => {
  let [asterisk, world, edge]: [AsteriskLab?, World?, EdgeWorld?] = []
  beforeAll(async () => {
    asterisk = await startAsterisk()
    world = await openWorld({
      pbx: 'manual',
      env: { RINGFENCE_PBX2: 'manual', RINGFENCE_PBX2_NAME: 'north' },
      morePbxs: { north: { driver: fileDriver(asterisk.driverOptions) } },
    })
    edge = await edgeWorld()
  }, 120_000)
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]()
    await asterisk?.stop()
    await edge?.stop()
  })

  test.concurrent('a leaver of a slow Asterisk loses everything else at once, and the account when it answers', async () => {
    const { app } = world!
    await onboarded(world!, { ...person('Ada Byron', '1001', 'linphone-mobile'), pbx: 'north' })
    const [shown] = await app.showSecrets('1001@north', mia)
    const { username, secret } = shown!
    const { address: host, port } = asterisk!
    const login = { host, port, extension: '1001', username, secret: secret.reveal() }
    const phone = await connectSipPhone(login)
    expect((await phone.register()).status).toBe(200)

    asterisk!.freeze()
    const late = pause(slowMs)
    await app.offboard('1001@north', null, mia)
    const waiting = await app.settled('ada@example.com', 1_000)
    expect(waiting.lifecycle).toBe('offboarding')
    const open = waiting.access.filter(({ verdict }) => verdict !== 'converged').map(({ system }) => system)
    expect(open.sort()).toEqual(['certificate', 'extension', 'sip-account'].filter((each) => open.includes(each)))
    expect(open).toContain('sip-account')
    await late
    asterisk!.thaw()
    const done = await app.settled('ada@example.com', 40_000)
    expect(done.access.filter(({ verdict }) => verdict !== 'converged')).toEqual([])
    expect(done.lifecycle).toBe('offboarded')
    const again = await connectSipPhone(login)
    expect((await again.register()).status).toBe(401)
    await Promise.all([phone.close(), again.close()])
  })

  test.concurrent('a phone that was taken back is refused by a slow edge as soon as it answers', async () => {
    const ada = await edge!.handset('1001', '127.0.0.41')
    const phone = await ada.connect()
    expect((await phone.register()).status).toBe(200)
    const { kamailio, keeper, wanted, publish } = edge!.edge
    kamailio.freeze()
    const late = pause(slowMs)
    wanted.revoke(ada.issued)
    await expect(publish()).rejects.toMatchObject({ code: 'PBX_UNREACHABLE', retryable: true })
    await expect(edge!.judge(ada, 'closed')).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    await late
    kamailio.thaw()
    await until(async () => {
      await keeper.publish(AbortSignal.timeout(20_000)).catch(() => undefined)
      return (await edge!.judge(ada, 'closed')).state === 'as-desired'
    }, 30_000)
    await until(() => !phone.connected)
    expect(await ada.attempt()).not.toBe(200)
  })
})
