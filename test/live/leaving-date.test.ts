import { expect, test } from 'vitest'
import type { EmployeeView } from '../../src/journeys/application.ts'
import type { LeaverFile } from '../../src/journeys/leaver-view.ts'
import { loneServer } from '../lab/lone-server.ts'
import { tunnelNeeds, until } from '../lab/network.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('a leaving date of a real server', tunnelNeeds, () => {
  test('that is killed before it and started after it does what is due and reads the tunnel back as gone', async () => {
    await using office = await loneServer('leave', { TIME_ZONE: 'Asia/Tokyo' })
    const { server } = office
    await server.start()
    const { id } = (await office.onboardAda()) as EmployeeView
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
