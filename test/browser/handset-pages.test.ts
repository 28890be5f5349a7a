import { afterAll, beforeAll, expect, test } from 'vitest'
import { furnishOffice, type HandsetOffice } from '../journeys/handset-office.ts'
import { describeLive } from '../setup/requirements.ts'
import { faultsOf, keep, tabTo } from './chromium.ts'
import { type Desk, looks, openDesk } from './desk.ts'

let desk: Desk
let office: HandsetOffice

function everyPage(): readonly (readonly [string, string])[] {
  return [
    ['handsets', '/handsets'],
    ['handset', `/handsets/${office.desk}`],
    ['handset-gone', `/handsets/${office.gone}`],
    ['why', `/handsets/${office.hostile}/why`],
    ['why-doubted', `/handsets/${office.desk}/why`],
    ['file', `/handsets/${office.desk}/files/805ec0aabbcc.cfg`],
    ['link', `/handsets/${office.mobile}/link`],
    ['replace', `/handsets/${office.desk}/replace`],
    ['back', `/handsets/${office.mobile}/back`],
    ['ledger', '/ledger'],
    ['hub', '/hub'],
    ['audit', '/audit'],
    ['settings', '/settings'],
    ['about', '/about'],
    ['doctor', '/about/doctor'],
    ['guides', '/guides'],
    ['guide', '/guides/asterisk'],
    ['guide-yealink', '/guides/phones-yealink'],
  ]
}

describeLive('handsets in a browser', ['chromium'], () => {
  beforeAll(async () => {
    desk = await openDesk()
    office = await furnishOffice(desk.world)
  }, 60_000)
  afterAll(async () => {
    await desk?.[Symbol.asyncDispose]()
  })

  test.each(looks)(
    'in %s colours at %i pixels no page has a finding of axe or runs over its edge',
    async (scheme, width) => {
      const { open, context, complaints } = await desk.signedIn({ scheme, width })
      for (const [name, path] of everyPage()) {
        const page = await open(path)
        if (name === 'about') await page.locator('#doctor table').waitFor()
        await keep(`${name}-${scheme}-${width}`, page)
        expect.soft([path, await faultsOf(page)]).toEqual([path, []])
        expect.soft([path, await page.title()]).toEqual([path, expect.not.stringContaining('owned')])
        await page.close()
      }
      expect(complaints.filter((text) => !text.includes('net::ERR'))).toEqual([])
      await context.close()
    },
    120_000,
  )

  test('by keyboard alone: find a handset, read why it does not work, try a setting, set it, take it away again', async () => {
    const { open, context, complaints } = await desk.signedIn({ role: 'admin' })
    const page = await open('/handsets')
    await tabTo(page, '#search')
    await page.keyboard.type('ada yealink')
    await expect.poll(() => page.locator('table.people tbody tr').count()).toBe(1)
    await tabTo(page, `a[href="/handsets/${office.desk}"]`)
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/handsets/${office.desk}`)

    await tabTo(page, `a[href="/handsets/${office.desk}/why"]`)
    await page.keyboard.press('Enter')
    await page.waitForURL('**/why')
    expect(await page.locator('ol.causes h2').allTextContents()).toContain(
      'It asks for a file that its model has not: it is another model, or the address was typed wrongly',
    )
    await page.goBack()

    await tabTo(page, 'select[name=name]')
    await page.keyboard.type('timezone')
    await tabTo(page, 'textarea[name=value]')
    await page.keyboard.type('Europe/Berlin')
    await tabTo(page, 'button[value=try]')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Set timezone?' }).waitFor()
    await tabTo(page, 'button[value=set]')
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/handsets/${office.desk}#settings`)
    const row = page.locator('#settings ~ .scroll tr', { hasText: 'timezone' })
    expect(await row.textContent()).toMatch(/Europe\/Berlin\s*this handset/)
    await row.getByRole('button', { name: 'Take away timezone' }).focus()
    await page.evaluate('window.before = true')
    await page.keyboard.press('Enter')
    // The whole next page: Chromium does not end a window that is on its way.
    await page.waitForFunction('!window.before && document.readyState === "complete"')
    expect(await row.count()).toBe(0)
    expect(complaints.filter((text) => !text.includes('net::ERR'))).toEqual([])
    await context.close()
  })

  test('without script: filter the ledger, page the audit log, check the chain, see what doctor finds', async () => {
    const { open, context } = await desk.signedIn({ role: 'auditor', script: false })
    const page = await open('/ledger')
    await page.locator('select[name=outcome]').selectOption('refused')
    await page.getByRole('button', { name: 'Search' }).click()
    expect(page.url()).toContain('outcome=refused')
    expect(await page.locator('table.ledger tbody tr').count()).toBe(2)
    await page.goto(`http://127.0.0.1:${desk.port}/audit`)
    await page.getByRole('button', { name: 'Check the chain' }).click()
    expect(await page.locator('.notice.good').textContent()).toMatch(/^Whole: all \d+ events/)
    await page.goto(`http://127.0.0.1:${desk.port}/about`)
    await page.locator('#doctor a').click()
    expect(await page.locator('#doctor tbody tr').count()).toBeGreaterThan(5)
    await context.close()
  })

  test('a door that moves is seen on the page of its handset without a reload', async () => {
    const { open, context } = await desk.signedIn()
    const page = await open(`/handsets/${office.mobile}`)
    const tunnel = page.locator('#door-tunnel > summary .state')
    expect(await tunnel.textContent()).toBe('open')
    await desk.world.app.handsets.takeBack(office.mobile, null, { name: 'Mia', role: 'admin', via: 'local-socket' })
    await expect.poll(() => tunnel.textContent(), { timeout: 8_000 }).toBe('shut')
    await context.close()
  })
})
