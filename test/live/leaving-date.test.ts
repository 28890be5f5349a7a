import { expect, test } from 'vitest'
import type { EmployeeView } from '../../src/journeys/application.ts'
import type { LeaverFile } from '../../src/journeys/leaver-view.ts'
import { openNetwork, tunnelNeeds, uniqueName, until } from '../lab/network.ts'
import { serverProcess } from '../lab/server-process.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('a leaving date of a real server', tunnelNeeds, () => {
  test('that is killed before it and started after it does what is due and reads the tunnel back as gone', async () => {
    await using network = await openNetwork()
    const place = await network.namespace('leave')
    await using server = await serverProcess(place, uniqueName('rfl'), {
      LISTEN: '127.0.0.1:8080',
      PHONE_LISTEN: '127.0.0.1:8443',
      TIME_ZONE: 'Asia/Tokyo',
    })
    await server.start()
    const { body } = await server.api('POST', '/api/v1/employees', {
      name: 'Ada Byron',
      email: 'ada@example.com',
      extension: '1001',
      handsets: [{ model: 'linphone-mobile' }],
    })
    const { id } = body as EmployeeView
    const person = async () => (await server.api('GET', `/api/v1/employees/${id}`)).body as EmployeeView
    const tunnel = (view: EmployeeView) => view.access.find(({ system }) => system === 'tunnel')!
    await until(async () => tunnel(await person()).verdict === 'converged')

    const at = new Date(Date.now() + 3_000)
    const set = await server.api('POST', `/api/v1/employees/${id}/leaving`, {
      at: at.toISOString(),
      reason: 'contract',
    })
    expect(set.status).toBe(201)
    // In the zone that was set: the one of this machine may be any.
    const tokyo = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Tokyo' })
    const page = String((await server.api('GET', `/people/${id}`)).body)
    expect(page).toContain('Times are Asia/Tokyo.')
    expect(page).toMatch(
      new RegExp(`<time datetime="${at.toISOString()}" title="[^"]* Asia/Tokyo">${tokyo.format(at)}<`),
    )
    await server.kill()
    await until(() => Date.now() > at.getTime() + 500)

    await server.start()
    await until(async () => {
      const now = await person()
      const { wanted, verdict, evidence } = tunnel(now)
      return now.lifecycle !== 'active' && wanted === 'closed' && verdict === 'converged' && evidence !== null
    }, 20_000)
    const view = await person()
    expect(view.lifecycle).toBe('offboarding')
    expect(tunnel(view)).toMatchObject({ wanted: 'closed', evidence: { summary: expect.stringContaining('absent') } })
    const file = (await server.api('GET', `/api/v1/employees/${id}/report`)).body as LeaverFile
    expect(file).toMatchObject({ reason: 'contract' })
    expect(Date.parse(file.requestedAt)).toBeGreaterThan(at.getTime())
    expect((await server.api('GET', `/api/v1/employees/${id}/leaving`)).body).toEqual({ leaving: null })
  })
})
