import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readMessages } from '../../src/http/join/messages.ts'
import { tunnelText } from '../fakes/fake-joins.ts'
import { ada, type Doors, openDoors, owner } from '../http/doors.ts'
import { describeLive } from '../setup/requirements.ts'
import { barriers, keep, scanned, startChromium } from './chromium.ts'
import { type Looking, visit } from './invitee.ts'

let browser: Browser
let doors: Doors
let next = 2_000

async function invited(...models: string[]) {
  const handsets = (models.length > 0 ? models : ['linphone-mobile']).map((model) => ({ model }))
  const { employee } = await doors.application.onboard({ ...ada, extension: String(++next), handsets }, owner)
  return { employee, path: `/join/${doors.application.inviteTokenOf(employee.id)}` }
}
const open = (path: string, looking: Looking = {}, before?: (page: Page) => Promise<unknown>) =>
  visit(browser, `http://127.0.0.1:${doors.phonePort}${path}`, { script: true, ...looking }, before)

const keyIn = (configuration: string | undefined) => /^PrivateKey = (\S{44})$/m.exec(configuration ?? '')?.[1]
const publicOf = (privateKey: string) => execFileSync('wg', ['pubkey'], { input: privateKey }).toString().trim()

async function made(page: Page): Promise<string> {
  await page
    .getByRole('button', { name: /tunnel|túnel/i })
    .first()
    .click()
  const code = page.locator('.made .qr')
  await code.first().locator('svg').waitFor()
  return (await scanned(code.first()))!
}

describeLive('an employee whose browser makes the tunnel', ['chromium', 'wg'], () => {
  beforeAll(async () => {
    doors = await openDoors()
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await doors?.[Symbol.asyncDispose]()
  })

  test.each([
    ['of its own', async () => undefined],
    [
      'that a library makes, where the browser knows no X25519',
      (page: Page) =>
        page.addInitScript(
          `crypto.subtle.generateKey = async () => { throw new DOMException('no', 'NotSupportedError') }`,
        ),
    ],
  ] as const)('scans a code with a key %s, whose public half is all that was sent', async (_title, before) => {
    const { employee, path } = await invited()
    await using visitor = await open(path, {}, before)
    const { page, complaints, requests } = visitor
    const configuration = await made(page)
    const privateKey = keyIn(configuration)!
    const told = doors.application.browserKeys.get(employee.tunnels[0]!.id)
    expect(told).toBe(publicOf(privateKey))
    expect(configuration).toBe(tunnelText.replace(/^PrivateKey = .*$/m, `PrivateKey = ${privateKey}`))
    // Nothing that left this browser had the private half, however it is written.
    const traces = [privateKey, encodeURIComponent(privateKey), Buffer.from(privateKey, 'base64').toString('hex')]
    const sent = requests.join('\n')
    expect(sent).toContain(encodeURIComponent(told!))
    for (const trace of [...traces, privateKey.slice(0, 20)]) expect(sent).not.toContain(trace)
    expect(doors.logged()).not.toContain(privateKey)
    // The file is the same, and bears the name that the app wants.
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('.made [data-download]').click()])
    expect(download.suggestedFilename()).toBe('office.conf')
    expect(await readFile((await download.path())!, 'utf8')).toBe(configuration)
    expect(complaints).toEqual([])
  })

  test('is told on another visit that a tunnel was made, and may make another one', async () => {
    const { employee, path } = await invited()
    await using first = await open(path)
    const one = keyIn(await made(first.page))!
    await using second = await open(path)
    expect(await second.page.getByText('A tunnel was made on this page before.').isVisible()).toBe(true)
    expect(await second.page.locator('.qr svg[aria-label="QR code of the tunnel"]').count()).toBe(0)
    await second.page.getByRole('button', { name: 'Make a new one' }).click()
    await second.page.locator('.made .qr svg').waitFor()
    // Beside the new one those words would be about another tunnel.
    expect(await second.page.getByText('A tunnel was made on this page before.').isVisible()).toBe(false)
    const two = keyIn(await scanned(second.page.locator('.made .qr')))!
    expect(two).not.toBe(one)
    expect(doors.application.browserKeys.get(employee.tunnels[0]!.id)).toBe(publicOf(two))
  })

  test('that is refused hears it, and is offered the key of the office', async () => {
    const { path } = await invited()
    await using visitor = await open(path)
    const { page } = visitor
    await page.route('**/key', (route) => route.fulfill({ status: 404, body: 'Not found\n' }))
    await page.getByRole('button', { name: 'Make my tunnel' }).click()
    await page.getByText('That did not work.').waitFor()
    await page.getByRole('link', { name: 'Have the office make the key instead' }).click()
    expect(await scanned(page.locator('.qr').first())).toBe(tunnelText)
    expect(await page.getByText("made by the office's server").isVisible()).toBe(true)
  })

  test('without script is led to the key of the office by a link', async () => {
    const { path } = await invited()
    await using visitor = await open(path, { script: false })
    const { page } = visitor
    expect(await page.getByRole('button').count()).toBe(0)
    expect(await page.locator('noscript p').first().isVisible()).toBe(true)
    await page.getByRole('link', { name: 'Have the office make the key instead' }).click()
    expect(await scanned(page.locator('.qr').first())).toBe(tunnelText)
    expect(await page.getByRole('link', { name: 'Look again' }).isVisible()).toBe(true)
  })

  test('does everything with the keyboard alone', async () => {
    const { path } = await invited()
    await using visitor = await open(path)
    const { page } = visitor
    const focused = () => page.evaluate<string>(`document.activeElement.textContent.trim()`)
    const tabTo = async (text: string) => {
      for (let presses = 0; presses < 60; presses++) {
        await page.keyboard.press('Tab')
        if ((await focused()) === text) return
      }
      throw new Error(`the keyboard does not reach ${text}`)
    }
    await tabTo('Make my tunnel')
    // Whoever goes by keyboard sees where.
    expect(await page.evaluate<string>(`getComputedStyle(document.activeElement).outlineStyle`)).toBe('solid')
    await page.keyboard.press('Enter')
    await page.locator('.made .qr svg').waitFor()
    await tabTo('Download office.conf')
    await tabTo('Open in Linphone')
    await tabTo('The tunnel stays silent')
    await page.keyboard.press('Enter')
    expect(await page.getByText('Is it switched on in the WireGuard app?').isVisible()).toBe(true)
  })

  test('sees tunnel and phone turn green by themselves, and what was opened to read stays open', async () => {
    const { application } = doors
    const { path } = await invited()
    await using visitor = await open(path)
    const { page } = visitor
    const tunnel = page.locator('#check .lines li').first()
    expect(await tunnel.textContent()).toContain('waiting for its first word')
    await page.locator('summary', { hasText: 'The app does not find the office' }).click()
    application.joinSeen = { tunnel: 'connected', account: 'not-registered', help: null }
    await page.locator('#check li.done', { hasText: 'connected' }).waitFor()
    expect(await page.getByText('nslookup pbx.example.com').isVisible()).toBe(true)
    application.joinSeen = { tunnel: 'connected', account: 'registered', help: null }
    await page.getByText('Everything works. You can close this page.').waitFor()
    await keep('join-works', page)
    application.joinSeen = { tunnel: 'silent', account: 'not-registered', help: null }
  })

  test('is told when it looks as if the home router hides the name of the office', async () => {
    const { application } = doors
    const { path } = await invited()
    application.joinSeen = { tunnel: 'connected', account: 'not-registered', help: 'name' }
    await using visitor = await open(path)
    const { page } = visitor
    application.joinSeen = { tunnel: 'silent', account: 'not-registered', help: null }
    await keep('join-rebind', page)
    expect(await page.getByText('This looks like your case.').count()).toBe(1)
    expect(await page.getByText('hides our name').isVisible()).toBe(true)
    expect(await page.getByText('DNS-Rebind-Schutz').isVisible()).toBe(true)
  })

  test.each([
    ['ios', 'linphone-mobile', 'id1441195209'],
    ['android', 'linphone-mobile', 'com.wireguard.android'],
    ['macos', 'linphone-desktop', 'id1451685025'],
    ['windows', 'linphone-desktop', 'wireguard-installer.exe'],
    ['linux', 'linphone-desktop', 'wireguard.com/install'],
  ] as const)(
    'on %s is shown the way of this device first, its app store, and all others',
    async (device, model, store) => {
      const other = model === 'linphone-mobile' ? 'linphone-desktop' : 'linphone-mobile'
      const { path } = await invited(model, other)
      const width = model === 'linphone-mobile' ? 'phone' : 'desk'
      await using visitor = await open(path, { device, width })
      const { page, complaints } = visitor
      const parts = page.locator('section[id^=part-]')
      for (const [place, first] of [
        [0, 'here'],
        [1, 'scan'],
      ] as const) {
        const part = parts.nth(place)
        await part.locator('[data-make]').click()
        await part.locator('.made .qr svg').waitFor()
        const ways = await part
          .locator('.made .choice > div')
          .evaluateAll((all) => all.map(({ className }) => className))
        // Whoever sets up a phone while reading on a computer scans; on the device itself nobody can.
        expect(ways.toSorted()).toEqual(['here', 'scan'])
        expect([place, ways[0]]).toEqual([place, first])
        expect(await scanned(part.locator('.made .qr'))).toContain('[Interface]')
      }
      await keep(`join-${device}`, page)
      const buttons = await parts
        .nth(0)
        .locator('.buttons a')
        .evaluateAll((all) => all.map((one) => one.getAttribute('href')))
      expect(buttons).toEqual([expect.stringContaining(store)])
      for (const place of [0, 1]) {
        const part = parts.nth(place)
        expect(await part.locator('.buttons a, .stores a').count()).toBe(6)
      }
      expect(complaints).toEqual([])
    },
  )

  const { languages, speaker } = readMessages()
  test.each(languages.map(({ code }) => code))('is spoken to in the language of the browser: %s', async (language) => {
    const { path } = await invited()
    await using visitor = await open(path, { language })
    const { page } = visitor
    const { text } = speaker(language)
    expect(await page.locator('html').getAttribute('lang')).toBe(language)
    expect(await page.title()).toBe(text('join.title'))
    await made(page)
    await keep(`join-${language}`, page)
    expect(await page.getByText(text('join.tunnel.made')).isVisible()).toBe(true)
    expect(await page.locator('[data-check] .state').first().textContent()).toBe(text('join.check.tunnel.silent'))
    // What is looked up again speaks the same.
    doors.application.joinSeen = { tunnel: 'connected', account: 'registered', help: null }
    await page.getByText(text('join.check.done')).waitFor()
    doors.application.joinSeen = { tunnel: 'silent', account: 'not-registered', help: null }
    // Each language is one tap away, in its own name.
    for (const { name } of languages) expect(await page.getByRole('link', { name, exact: true }).count()).toBe(1)
  })

  test.each([
    ['phone', 'light'],
    ['phone', 'dark'],
    ['desk', 'light'],
    ['desk', 'dark'],
  ] as const)('finds no barrier on a %s in %s colours, before and after', async (width, scheme) => {
    const { path } = await invited('linphone-mobile', 'linphone-desktop')
    await using visitor = await open(path, { width, scheme })
    const { page } = visitor
    await keep(`join-before-${width}-${scheme}`, page)
    expect(await barriers(page)).toEqual([])
    await made(page)
    await page.locator('.help details').evaluateAll((all) => {
      for (const one of all) (one as unknown as { open: boolean }).open = true
    })
    await keep(`join-after-${width}-${scheme}`, page)
    expect(await barriers(page)).toEqual([])
  })

  test('can enlarge everything to 200 %, and loses nothing to the side', async () => {
    const { path } = await invited('linphone-mobile', 'linphone-desktop')
    // Twice as large on a screen of 1280 is a screen of 640 (WCAG 2.2, 1.4.4); 320 is the narrowest (1.4.10).
    for (const width of [640, 320]) {
      await using visitor = await open(path, { more: { viewport: { width, height: 512 } } })
      const { page } = visitor
      await made(page)
      const over = await page.locator('html').evaluate((root) => root.scrollWidth - root.clientWidth)
      expect([width, over]).toEqual([width, 0])
      await keep(`join-narrow-${width}`, page)
    }
  })

  test('sees nothing move, whether or not the system asks for calm', async () => {
    const { path } = await invited()
    for (const reducedMotion of ['reduce', 'no-preference'] as const) {
      await using visitor = await open(path, { more: { reducedMotion } })
      const moving = await visitor.page.evaluate<number>(`document.getAnimations().length`)
      expect(moving).toBe(0)
    }
  })

  test('can print the page: black on white, codes whole, without what makes no sense on paper', async () => {
    const { path } = await invited()
    await using visitor = await open(path, { scheme: 'dark' })
    const { page } = visitor
    await made(page)
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    await keep('join-print', page)
    expect(await page.evaluate<string>(`getComputedStyle(document.body).backgroundColor`)).toBe('rgb(255, 255, 255)')
    expect(await page.evaluate<string>(`getComputedStyle(document.querySelector('.lead')).color`)).toBe('rgb(0, 0, 0)')
    expect(await page.locator('#check').isVisible()).toBe(false)
    expect(keyIn(await scanned(page.locator('.made .qr')))).toBeDefined()
    expect((await page.pdf({ format: 'A4' })).subarray(0, 5).toString()).toBe('%PDF-')
  })
})
