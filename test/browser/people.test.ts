import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mia, onboardNext } from '../journeys/world.ts'
import { describeLive } from '../setup/requirements.ts'
import { faultsOf, tabTo } from './chromium.ts'
import { type Desk, type Look, looks, openDesk } from './desk.ts'

let desk: Desk

const signedIn = (look: Look = {}) => desk.signedIn({ role: 'admin', ...look })

const somebody = (name: string) => onboardNext(desk.world, name, 'linphone-desktop')

describeLive('people in a browser', ['chromium'], () => {
  beforeAll(async () => {
    desk = await openDesk({ pbx: 'manual' })
  })
  afterAll(async () => {
    await desk?.[Symbol.asyncDispose]()
  })

  test('by keyboard alone: find a person, offboard, watch the doors shut, tick a step, see the leaver file; a second tab shows the same', async () => {
    const ada = await somebody('Ada Keyboard')
    await somebody('Bo Bystander')
    const { open, context, complaints } = await signedIn()
    const other = await open(`/people/${ada.id}`)
    await expect.poll(() => other.locator('.doors .state.open').count()).toBe(4)

    const page = await open('/people')
    await tabTo(page, '#search')
    await page.keyboard.type('ada key')
    await expect.poll(() => page.locator('table.people tbody tr').count()).toBe(1)
    expect(page.url()).toMatch(/[?]q=ada(%20|[+])key/)
    await tabTo(page, `a[href="/people/${ada.id}"]`)
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/people/${ada.id}`)
    await tabTo(page, `a.danger[href="/people/${ada.id}/offboard"]`)
    await page.keyboard.press('Enter')
    await page.waitForURL('**/offboard')
    expect(await page.getByText('Undo does not exist.').isVisible()).toBe(true)
    await tabTo(page, 'input[name=reason]')
    await page.keyboard.type('end of contract')

    // The hub takes no change: its lines must not be green, and go on by themselves once it does.
    desk.world.hub.fault = 'refuse'
    await tabTo(page, 'button.danger')
    await page.keyboard.press('Enter')
    await page.locator('#progress').waitFor()
    const sign = (system: string, on: Page = page) => on.locator(`#door-${system} > summary .state`)
    await expect.poll(() => sign('phone-door').textContent()).toBe('shut')
    expect(await sign('tunnel').getAttribute('class')).toMatch(/closing|stuck/)
    await expect.poll(() => sign('tunnel', other).getAttribute('class')).toMatch(/closing|stuck/)
    await page.evaluate('window.sameTab = true')
    desk.world.hub.fault = null
    for (const on of [page, other]) {
      await expect.poll(() => sign('tunnel', on).textContent(), { timeout: 20_000 }).toBe('shut')
      await expect.poll(() => sign('firewall', on).textContent(), { timeout: 20_000 }).toBe('shut')
    }
    await expect.poll(() => page.locator('#said').textContent()).toBe('5 doors: 4 shut, 1 waiting for you.')
    expect(await page.evaluate('window.sameTab')).toBe(true)
    // Evidence and time are one key away.
    await tabTo(page, '#door-tunnel-sign')
    await page.keyboard.press('Enter')
    const tunnel = page.locator('#door-tunnel .lines')
    expect(await tunnel.textContent()).toMatch(/peer absent from ringfence0 on re-read/)
    expect(await tunnel.textContent()).toMatch(/(ms|s) after the click/)

    await tabTo(page, 'form.tick button')
    await page.keyboard.press('Enter')
    await page.locator('#leaver-file').waitFor()
    expect(await page.locator('#leaver-file').textContent()).toContain('end of contract')
    expect(await page.locator('#leaver-file').textContent()).toContain('Complete and frozen.')
    await other.getByText('Open the leaver file').waitFor()
    expect(complaints.filter((text) => !text.includes('net::ERR'))).toEqual([])
    await context.close()
  })

  test('what somebody opened stays open while the page goes on by itself', async () => {
    const ada = await somebody('Ada Opened')
    const { open, context } = await signedIn()
    const page = await open(`/people/${ada.id}`)
    await page.locator('#door-tunnel-sign').click()
    await page.evaluate(`document.querySelector('#person').dataset.first = 'yes'`)
    await desk.world.app.acknowledge(ada.id, 'sip-account', null, mia)
    await page.locator('#door-sip-account .state.ticked').waitFor()
    expect(await page.locator('#person').getAttribute('data-first')).toBeNull()
    expect(await page.locator('#door-tunnel').getAttribute('open')).not.toBeNull()
    await context.close()
  })

  test('the first page counts anew when something happens', async () => {
    const ada = await somebody('Ada Counted')
    const { open, context } = await signedIn()
    const page = await open('/')
    const leaving = page.locator('a[href="/people?state=offboarding"] b')
    const before = Number(await leaving.textContent())
    await desk.world.app.offboard(ada.id, null, mia)
    await expect.poll(async () => Number(await leaving.textContent()), { timeout: 8_000 }).toBe(before + 1)
    await context.close()
  })

  test('without script: search, offboard and tick by plain forms', async () => {
    const ada = await somebody('Ada Plain')
    const { open, context } = await signedIn({ script: false })
    const page = await open('/people')
    await page.locator('#search').fill('ada plain')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.locator('tbody th a').click()
    await page.locator('a.danger').click()
    await page.locator('button.danger').click()
    expect(await page.locator('#said').textContent()).toBe('5 doors: 4 shut, 1 waiting for you.')
    await page.getByRole('button', { name: /^I did this/ }).click()
    expect(await page.locator('#leaver-file').isVisible()).toBe(true)
    expect((await desk.world.app.employee(ada.id)).lifecycle).toBe('offboarded')
    await context.close()
  })

  test('an auditor sees the doors and no button to move them', async () => {
    const ada = await somebody('Ada Looked-at')
    const { open, context } = await signedIn({ role: 'auditor' })
    const page = await open(`/people/${ada.id}`)
    expect(await page.locator('.doors .state').count()).toBeGreaterThan(3)
    expect(await page.locator('main button, main .danger, main input').count()).toBe(0)
    await context.close()
  })

  test('printed from a dark screen the leaver file is black on white, with a line to sign and without buttons', async () => {
    const ada = await somebody('Ada Printed')
    await desk.world.app.offboard(ada.id, 'left', mia)
    await desk.world.app.settled(ada.id, 5_000)
    const { open, context } = await signedIn({ scheme: 'dark' })
    const page = await open(`/people/${ada.id}/leaver-file`)
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    const colours = await page.evaluate<string[]>(
      `[...new Set([...document.querySelectorAll('.sheet h1, .sheet td, .sheet th, .sheet dd, .sheet .state, .sheet .notice')].map(
        (element) => getComputedStyle(element).color))]`,
    )
    for (const colour of colours) expect(['rgb(0, 0, 0)', 'rgb(51, 51, 51)']).toContain(colour)
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)')
    expect(await page.getByText('date and signature').isVisible()).toBe(true)
    expect(await page.locator('button:visible, [role=button]:visible').count()).toBe(0)
    await context.close()
  })

  test('on a phone what one came for is in sight: the evidence of a leaver file, and the way to take a handset back', async () => {
    const { id } = await somebody('Fay Phone')
    const { open, context } = await signedIn({ width: 390 })
    /** Where these end. */
    const edges = (page: Page, selector: string) =>
      page.locator(selector).evaluateAll((all) => all.map((each) => Math.ceil(each.getBoundingClientRect().right)))
    const person = await open(`/people/${id}`)
    expect(await edges(person, '#handsets ~ .scroll a[href$="/back"]')).toEqual([expect.any(Number)])
    for (const right of await edges(person, '#handsets ~ .scroll tbody :is(th, td, a)'))
      expect(right).toBeLessThanOrEqual(390)

    await desk.world.app.offboard(id, 'left', mia)
    await desk.world.app.settled(id, 5_000)
    await desk.world.app.acknowledge(id, 'sip-account', null, mia)
    for (const path of ['leaver-file', 'offboard']) {
      const file = await open(`/people/${id}/${path}`)
      const rows = file.locator('[aria-label="Doors"] tbody tr')
      expect(await rows.count()).toBe(5)
      for (const right of await edges(file, '[aria-label="Doors"] tbody :is(th, td)'))
        expect(right).toBeLessThanOrEqual(390)
      // As high as its lines: name, evidence and time, and none is empty because of text that is out of sight.
      const tunnel = rows.filter({ hasText: 'peer absent from ringfence0' })
      // The page goes on by itself: a row that is being exchanged has no box for a moment.
      await expect.poll(async () => (await tunnel.boundingBox())?.height).toBeLessThan(120)
    }
    await context.close()
  })

  test('in the dark a key to type is as bright as the words around it, and paper stays black on white', async () => {
    const { id } = await somebody('Gus Dark')
    const { open, context } = await signedIn({ scheme: 'dark', width: 390 })
    const looks = (page: Page, selector: string) =>
      page.evaluate<{ color: string; backgroundColor: string }>(
        `(({ color, backgroundColor }) => ({ color, backgroundColor }))(getComputedStyle(document.querySelector('${selector}')))`,
      )
    const key = await open('/account/authenticator')
    expect((await looks(key, '.key code')).color).toBe((await looks(key, 'h1')).color)
    const sheet = await open(`/people/${id}/steps`)
    const [black, white] = ['rgb(0, 0, 0)', 'rgb(255, 255, 255)']
    expect(await looks(sheet, '.paper code')).toEqual({ color: black, backgroundColor: white })
    await context.close()
  })

  test.each(looks)(
    'in %s colours at %i pixels no page has a finding of axe or runs over its edge',
    async (scheme, width) => {
      const ada = await somebody('Ada Axe')
      const gone = await somebody('Bo Axe')
      await desk.world.app.offboard(gone.id, 'left', mia)
      await desk.world.app.settled(gone.id, 5_000)
      const at = new Date(Date.now() + 5 * 86_400_000).toISOString()
      await desk.world.app.people.setLeaving(ada.id, { at, reason: 'end of contract' }, mia)
      const { open, context, complaints } = await signedIn({ scheme, width })
      const pages = [
        '/',
        '/people?q=axe',
        `/people/${ada.id}`,
        `/people/${ada.id}/offboard`,
        `/people/${ada.id}/leaving`,
        `/people/${ada.id}/handset`,
        `/people/${gone.id}/offboard`,
        `/people/${gone.id}/leaver-file`,
      ]
      for (const path of pages) {
        const page = await open(path)
        expect([path, await faultsOf(page)]).toEqual([path, []])
        await page.close()
      }
      expect(complaints.filter((text) => !text.includes('net::ERR'))).toEqual([])
      await context.close()
    },
  )
})
