import { expect, test } from 'vitest'
import type { EmployeeView } from '../../src/journeys/application.ts'
import { loneServer } from '../lab/lone-server.ts'
import { tunnelNeeds, until } from '../lab/network.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('the alarms of a real server', tunnelNeeds, () => {
  test('say nothing of its own stop and start, and tell a firewall that somebody flushed, also after kill -9', async () => {
    await using office = await loneServer('stop')
    const { place, server } = office
    await server.start()
    const { id } = (await office.onboardAda()) as EmployeeView
    const settled = () =>
      until(async () => {
        const { access } = (await server.api('GET', `/api/v1/employees/${id}`)).body as EmployeeView
        const ours = access.filter(({ system }) => system === 'tunnel' || system === 'firewall')
        return ours.length === 2 && ours.every(({ verdict }) => verdict === 'converged') && (await admits())
      }, 20_000)
    const admits = async () => (await place.run('nft', 'list', 'ruleset')).includes('10.77.0.2')
    const drifts = async () => String((await server.api('GET', '/')).body).match(/now converged/g)?.length ?? 0
    await settled()

    for (let round = 0; round < 2; round++) {
      await server.stop()
      expect(await admits()).toBe(false)
      await server.start()
      await settled()
      expect(await drifts()).toBe(0)
    }

    await server.kill()
    await place.run('nft', 'flush', 'ruleset')
    await server.start()
    await settled()
    await until(async () => (await drifts()) === 1)
  })
})
