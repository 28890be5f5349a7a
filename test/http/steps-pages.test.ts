import { describe, expect, test } from 'vitest'
import { mia, offboarded, onboardNext } from '../journeys/world.ts'
import { consoleOfFile } from './console-desk.ts'
import { plain, tickIn } from './form-visitor.ts'

const { desk, get, post, as } = consoleOfFile(['admin', 'auditor'], () => ({ pbx: 'manual' }))

const somebody = (name: string) => onboardNext(desk.world, name)

describe('steps to do by hand', () => {
  test('a page that was open while a step changed ticks nothing, and shows what it says now', async () => {
    const { id } = await somebody('Eve Changes')
    const before = tickIn((await get(`/people/${id}`)).text)
    await desk.world.app.offboard(id, null, mia)
    await desk.world.app.settled(id, 5_000)
    const ticked = await post(`/people/${id}/tick`, before)
    expect(ticked.status).toBe(409)
    expect(ticked.text).toMatch(/something else by now: [\s\S]*emove/)
    expect((await desk.world.app.employee(id)).lifecycle).toBe('offboarding')
    // Without saying what was shown nothing is ticked either.
    const { shown: _, ...blind } = tickIn((await get(`/people/${id}/offboard`)).text)
    expect((await post(`/people/${id}/tick`, blind)).status).toBe(400)
    expect((await post(`/people/${id}/tick`, tickIn((await get(`/people/${id}/offboard`)).text))).status).toBe(303)
    expect((await desk.world.app.employee(id)).lifecycle).toBe('offboarded')
  })

  test('are a list and a sheet to print, and are ticked from there by who may', async () => {
    const { id } = await somebody('Eve <b>Steps</b>')
    const list = await get('/steps')
    expect(list.text).toContain(`href="/people/${id}/steps"`)
    const sheet = await get(`/people/${id}/steps`)
    expect(sheet.status).toBe(200)
    expect(sheet.text).toContain('Eve &lt;b&gt;Steps&lt;/b&gt;')
    expect(sheet.text).toMatch(/<article class="paper steps">[\s\S]*Create extension \d+[\s\S]*ringfence secret/)
    expect((await get(`/people/${id}`)).text).toContain(`/people/${id}/steps`)
    expect((await get(`/people/${id}/steps`, as('auditor'))).text).not.toContain('<form method="post" action="/people')
    expect((await post(`/people/${id}/tick`, tickIn(sheet.text))).status).toBe(303)
    expect((await get(`/people/${id}/steps`)).text).toContain('Nothing is left to do by hand')
    expect((await get('/steps')).text).not.toContain(`href="/people/${id}/steps"`)
  })

  test('are listed with what to do, since when, and which of them is late', async () => {
    const early = await somebody('Ann Early')
    await desk.world.travel(1.1)
    const late = await somebody('Bea Late')
    const { text } = await get('/steps')
    expect(text).toContain('<h1>Steps by hand</h1>')
    const rows = [...text.matchAll(/<tr><th scope="row">([\s\S]*?)<\/tr>/g)].map(([row]) => row)
    const [first, last] = [early, late].map(({ id }) => rows.find((row) => row.includes(`href="/people/${id}/steps"`))!)
    expect(rows.indexOf(first!)).toBeLessThan(rows.indexOf(last!))
    expect(plain(first!)).toContain(`On the PBX, create extension ${early.extension} or change it`)
    expect([first!.includes('late</span>'), last!.includes('late</span>')]).toEqual([true, false])
    // Both places call it the same.
    for (const path of ['/', '/pbxs']) expect((await get(path)).text).toMatch(/href="\/steps">Steps by hand</)
  })

  test('are ticked in the list too, which is shown again; whoever may not tick sees no button', async () => {
    const cy = await somebody('Cy Ticked')
    const rowOf = (text: string) =>
      text.split('<tr>').find((row) => row.includes(`href="/people/${cy.id}/steps"`)) ?? null
    expect(rowOf((await get('/steps', as('auditor'))).text)).not.toContain('<form')
    const ticked = await post(`/people/${cy.id}/tick`, tickIn(rowOf((await get('/steps')).text)!))
    expect([ticked.status, ticked.headers.location]).toEqual([303, '/steps'])
    expect(rowOf((await get('/steps')).text)).toBeNull()
    expect((await desk.world.app.employee(cy.id)).access.find(({ system }) => system === 'sip-account')).toMatchObject({
      acknowledged: { by: expect.stringContaining('admin') },
    })
  })

  test('of a leaver lead from their page to the sheet, until nothing waits any more', async () => {
    const dee = await somebody('Dee Leaves')
    await offboarded(desk.world, dee.id)
    const page = async () => (await get(`/people/${dee.id}/offboard`)).text
    expect(await page()).toContain(`<a href="/people/${dee.id}/steps">Step by step, to print</a>`)
    await desk.world.app.acknowledge(dee.id, 'sip-account', null, mia)
    expect(await page()).not.toContain(`/people/${dee.id}/steps`)
  })

  test('name on the sheet the button that shows the password, beside the command', async () => {
    const eli = await somebody('Eli Sheet')
    const sheet = plain((await get(`/people/${eli.id}/steps`)).text)
    expect(sheet).toContain(`“SIP password” on the person’s page shows, or ringfence secret ${eli.extension}`)
    expect((await get(`/people/${eli.id}`)).text).toContain('>SIP password</button>')
  })
})
