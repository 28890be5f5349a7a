import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { furnishOffice, type HandsetOffice } from '../journeys/handset-office.ts'
import { finished } from '../journeys/roster-run.ts'
import { mia } from '../journeys/world.ts'
import { describeLive } from '../setup/requirements.ts'
import { faultsOf, keep } from './chromium.ts'
import { type Desk, looks, openDesk } from './desk.ts'

let desk: Desk
let office: HandsetOffice
let holder: string

/** More than one page of names. */
const roster = [
  'name,email,extension,model,mac',
  ...Array.from({ length: 130 }, (_, n) => `Many ${n},many${n}@example.com,${3000 + n},linphone-mobile,`),
].join('\n')

describeLive('previews and comfort in a browser', ['chromium'], () => {
  beforeAll(async () => {
    desk = await openDesk()
    office = await furnishOffice(desk.world)
    holder = (await desk.world.app.handsets.one(office.mobile)).employee.id
    const { id } = await desk.world.app.importRoster(Buffer.from(roster), mia)
    await finished(desk.world, id, 40_000)
  }, 90_000)
  afterAll(async () => {
    await desk?.[Symbol.asyncDispose]()
  })

  const isPreview = (page: Page) => page.waitForURL(/\/bulk\/.*\/preview$/)
  /** As somebody comes to it: a filter, all that match, the button. */
  const previews: readonly (readonly [string, string, (page: Page) => Promise<void>])[] = [
    ['offboard-all', '/people?q=many', (page) => chooseAll(page, 'Offboard …')],
    ['links-all', '/people?q=many1', (page) => chooseAll(page, 'New links …')],
    ['resync-all', '/handsets?model=linphone-mobile', (page) => page.getByRole('button', { name: /^All \d+/ }).click()],
    [
      'offboard-one',
      '/people?q=3007',
      async (page) => {
        await page.getByLabel('Many 7, 3007').check()
        await page.getByRole('button', { name: 'Offboard …' }).click()
      },
    ],
  ]
  async function chooseAll(page: Page, button: string): Promise<void> {
    await page.getByLabel(/that match/).check()
    await page.getByRole('button', { name: button }).click()
  }

  test.each(looks)(
    'in %s colours at %i pixels no preview, no page of a new link and no page that takes back has a finding of axe or runs over its edge',
    async (colorScheme, width) => {
      await using visit = await desk.signedIn({ scheme: colorScheme, width })
      const looked = async (name: string, page: Page) => {
        await keep(`${name}-${colorScheme}-${width}`, page)
        expect.soft([name, await faultsOf(page)]).toEqual([name, []])
        await page.close()
      }
      for (const [name, path, choose] of previews) {
        const page = await visit.open(path)
        await keep(`${name}-list-${colorScheme}-${width}`, page)
        await choose(page)
        await isPreview(page)
        await looked(name, page)
      }
      for (const [name, path] of [
        ['new-link', `/people/${holder}/hand-over`],
        ['lost', `/handsets/${office.mobile}/back`],
        ['doors', '/handsets?attention=open-doors'],
      ] as const)
        await looked(name, await visit.open(path))
      expect(visit.complaints).toEqual([])
    },
    120_000,
  )

  test('from names to names the same people stay meant, what was typed stays, and Enter never turns the page', async () => {
    await using visit = await desk.signedIn()
    const page = await visit.open('/people?q=many')
    await chooseAll(page, 'Offboard …')
    await isPreview(page)
    const meant = await page.locator('input[name=id]').inputValue()
    expect(meant.split(',')).toHaveLength(130)
    await page.getByLabel(/Reason/).fill('site closed')
    await page.getByRole('button', { name: 'Next names' }).click()
    await page.getByText('Names, page 2 of 2').waitFor()
    expect(await page.locator('tbody tr').count()).toBe(30)
    expect(await page.locator('input[name=id]').inputValue()).toBe(meant)
    expect(await page.getByLabel(/Reason/).inputValue()).toBe('site closed')
    // Not the words that were asked for: nothing is done, and that is said.
    await page.getByLabel(/type/).fill('offboard 1 people')
    await page.keyboard.press('Enter')
    await page.getByText('Nothing was done').waitFor()
    expect((await desk.world.app.people.page({ search: 'many', state: 'active', limit: 0 })).total).toBe(130)
  })

  test('at zoom 200 % on a screen of 1280 pixels nothing has to be moved sideways to be read', async () => {
    // Twice as large is half as wide (WCAG 2.2, 1.4.10).
    const zoomed = { viewport: { width: 640, height: 450 }, deviceScaleFactor: 2 }
    await using visit = await desk.signedIn({ more: zoomed })
    for (const [name, path] of [
      ['today', '/'],
      ['people', '/people'],
      ['person', `/people/${holder}`],
      ['handsets', '/handsets'],
      ['handset', `/handsets/${office.desk}`],
      ['onboard', '/onboard'],
    ] as const) {
      const page = await visit.open(path)
      await keep(`${name}-zoomed`, page)
      expect.soft([name, await faultsOf(page)]).toEqual([name, []])
      await page.close()
    }
  })

  test('nothing moves for whoever asked for less motion, not even a door that is closing; for others it turns', async () => {
    desk.world.hub.fault = 'hang'
    const { people } = await desk.world.app.people.page({ search: 'many 99', limit: 1 })
    await desk.world.app.offboard(people[0]!.id, null, mia)
    try {
      for (const [reducedMotion, moves] of [
        ['reduce', false],
        ['no-preference', true],
      ] as const) {
        await using visit = await desk.signedIn({ more: { reducedMotion } })
        const page = await visit.open(`/people/${people[0]!.id}/offboard`)
        await page.locator('.state.closing').first().waitFor()
        const moving = await page.evaluate<number>('document.getAnimations({ subtree: true }).length')
        expect([reducedMotion, moving > 0]).toEqual([reducedMotion, moves])
      }
    } finally {
      desk.world.hub.fault = null
    }
  })
})
