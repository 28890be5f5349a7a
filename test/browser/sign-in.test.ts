import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TOTP, URI } from 'otpauth'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { firstOwnerLink } from '../../src/journeys/set-up.ts'
import { goodPassword, makeAdministrator, tokenOf } from '../journeys/console-people.ts'
import { type ConsoleWorld, freePort, openConsoleWorld } from '../journeys/console-world.ts'
import { mia } from '../journeys/world.ts'
import { describeLive } from '../setup/requirements.ts'
import { faultsOf, keep, scanned, startChromium, tabTo } from './chromium.ts'
import { type IdentityProvider, startIdentityProvider } from './identity-provider.ts'

let browser: Browser
let console_: ConsoleWorld
let provider: IdentityProvider
let folder: string | undefined

const client = { id: 'ringfence', secret: 'a secret between the two' }

/** A browser of its own, with a virtual authenticator that holds passkeys and always finds its owner. */
async function person(
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<{ page: Page; context: BrowserContext }> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  if (options.javaScriptEnabled === false) return { page, context }
  const session = await context.newCDPSession(page)
  await session.send('WebAuthn.enable')
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return { page, context }
}

const path = (page: Page) => new URL(page.url()).pathname

const hasFocus = (page: Page, selector: string) =>
  page.evaluate(`document.querySelector(${JSON.stringify(selector)}) === document.activeElement`) as Promise<boolean>

async function look(page: Page, name: string): Promise<void> {
  expect([name, await faultsOf(page)]).toEqual([name, []])
  // 320 is what 1280 are at 400 %; also where somebody has zoomed in to 200 % on a phone in landscape.
  for (const width of [320, 640, 1280]) {
    await page.setViewportSize({ width, height: 720 })
    expect(
      await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth'),
      `${name} is wider than a screen of ${width}`,
    ).toBe(true)
  }
  if (process.env.SCREENSHOTS === undefined) return
  for (const [width, height] of [
    [1280, 900],
    [390, 844],
  ] as const) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height })
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await keep(`${name}-${width}-${colorScheme}`, page)
    }
  }
  await page.setViewportSize({ width: 1280, height: 720 })
  await page.emulateMedia({ colorScheme: 'light' })
}

describeLive('somebody signs in', ['chromium'], () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), `ringfence-sign-in-${process.pid}-`))
    const secretFile = join(folder, 'secret')
    await writeFile(secretFile, client.secret, { mode: 0o600 })
    const port = await freePort()
    console_ = await openConsoleWorld({
      env: {
        RINGFENCE_OIDC_ISSUER: `http://localhost:${port}`,
        RINGFENCE_OIDC_CLIENT_ID: client.id,
        RINGFENCE_OIDC_CLIENT_SECRET_FILE: secretFile,
        RINGFENCE_OIDC_ROLES: 'ringfence-admins=admin,it help=helpdesk',
        RINGFENCE_OIDC_NAME: 'Example ID',
      },
    })
    const redirectUri = `${console_.url}/sign-in/callback`
    provider = await startIdentityProvider(
      port,
      { ...client, redirectUri },
      { ada: ['x', 'ringfence-admins'], bob: ['x'] },
    )
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await console_?.[Symbol.asyncDispose]()
    await provider?.[Symbol.asyncDispose]()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  test('the set-up link makes the owner with a passkey, by keyboard; signing out and in again with it is a few keys too', async () => {
    const { page, context } = await person()
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    const token = (await firstOwnerLink(console_.world.context))!.reveal()
    // As the banner prints it: by address, where a passkey cannot be had. The page says under which name it can.
    await page.goto(`http://127.0.0.1:${console_.port}/setup/${token}`)
    expect(await page.locator('button[data-passkey]').count()).toBe(0)
    await page.getByRole('link', { name: /localhost/ }).click()
    await look(page, 'set-up-owner')
    expect(await hasFocus(page, 'input[name="name"]')).toBe(true)
    await page.keyboard.type('Olga Owner')
    await page.keyboard.press('Tab')
    await page.keyboard.type('olga@example.com')
    await tabTo(page, 'button[data-passkey]')
    await page.keyboard.press('Enter')
    await page.waitForURL(`${console_.url}/`)
    expect(await page.locator('.who').textContent()).toContain('olga@example.com')

    await tabTo(page, '.who button')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/sign-in$/)
    await look(page, 'sign-in')
    await page.goto(`${console_.url}/administrators`)
    const sent = page.waitForRequest((request) => request.method() === 'POST')
    await tabTo(page, 'button[data-passkey]')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/administrators$/)
    // Who got hold of the answer cannot use it a second time.
    const replayed = await fetch(`${console_.url}/sign-in/passkey`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: (await sent).postData(),
    })
    expect([replayed.status, replayed.headers.get('set-cookie')]).toEqual([422, null])
    await look(page, 'administrators')
    expect(complaints).toEqual([])

    await page.goto(`${console_.url}/account`)
    await look(page, 'account')
    expect(await page.getByText('this one').count()).toBe(1)
    await page.goto(`${console_.url}/administrators`)
    await page.getByLabel('Name').fill('Ivo Invited')
    await page.getByLabel('E-mail address').fill('ivo@example.com')
    await page.getByRole('button', { name: 'Make a link' }).click()
    await look(page, 'administrator-link')
    await page.goto(`${console_.url}/tokens`)
    await page.getByLabel('What will use it').fill('HR script')
    await page.getByRole('button', { name: 'Make a token' }).click()
    await look(page, 'token-made')
    await page.goto(`${console_.url}/tokens`)
    await look(page, 'tokens')
    await page.goto(`${console_.url}/administrators`)
    await page.getByRole('link', { name: 'Ivo Invited' }).click()
    await look(page, 'administrator')
    await context.close()
  })

  test('an invited admin sets a password, scans the code on the page with an authenticator app, and signs in with both', async () => {
    const { page, context } = await person({ deviceScaleFactor: 2 })
    const { link } = await console_.world.app.administrators.invite(
      { name: 'Tara', email: 'tara@example.com', role: 'admin' },
      mia,
    )
    await page.goto(link.reveal())
    await look(page, 'set-up-invited')
    await page.getByLabel('Password', { exact: true }).fill('short')
    await page.getByLabel('Password again').fill('short')
    await page.keyboard.press('Enter')
    expect(await page.getByRole('alert').textContent()).toMatch(/too weak/)
    await look(page, 'set-up-refused')
    await page.getByLabel('Password', { exact: true }).fill(goodPassword.reveal())
    await page.getByLabel('Password again').fill(goodPassword.reveal())
    await page.keyboard.press('Enter')
    await page.waitForURL(/second-factor/)
    await look(page, 'second-factor-enrol')
    const app = URI.parse((await scanned(page.locator('.qr'))) ?? '') as TOTP
    expect([app.issuer, app.label]).toEqual(['Ringfence', 'tara@example.com'])
    // Nothing else can be done before.
    await page.goto(`${console_.url}/`)
    expect(path(page)).toBe('/sign-in/second-factor')
    await page.getByLabel('The code that the app shows').fill(app.generate())
    await page.keyboard.press('Enter')
    await page.waitForURL(`${console_.url}/`)
    expect(await page.locator('.who').textContent()).toContain('tara@example.com')

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(/\/sign-in$/)
    await page.keyboard.type('tara@example.com')
    await page.keyboard.press('Tab')
    await page.keyboard.type(goodPassword.reveal())
    await page.keyboard.press('Enter')
    await page.waitForURL(/second-factor/)
    await look(page, 'second-factor-ask')
    await page.keyboard.type(app.generate())
    await page.keyboard.press('Enter')
    // Used already when it was set up.
    expect(await page.getByRole('alert').textContent()).toMatch(/used already/)
    await page.keyboard.type(app.generate({ timestamp: Date.now() + 30_000 }))
    await page.keyboard.press('Enter')
    await page.waitForURL(`${console_.url}/`)
    await context.close()
  })

  test('single sign-on with a real provider gives the role of the group, and nobody without one gets in', async () => {
    const { page, context } = await person()
    const through = async (name: string) => {
      await page.goto(`${console_.url}/sign-in?next=/account`)
      await page.getByRole('button', { name: 'Sign in with Example ID' }).click()
      await page.getByPlaceholder('Enter any login').fill(name)
      await page.getByPlaceholder('and password').fill('anything')
      await page.getByRole('button', { name: 'Sign-in' }).click()
      await page.getByRole('button', { name: 'Continue' }).click()
    }
    await through('ada')
    await page.waitForURL(/\/account$/)
    expect(await page.locator('.who').textContent()).toContain('ada@example.com')
    expect(await page.locator('.who small').textContent()).toBe('admin')
    await context.clearCookies()
    await through('bob')
    await page.getByRole('alert').waitFor()
    expect(path(page)).toBe('/sign-in/callback')
    expect((await context.cookies(console_.url)).map(({ name }) => name)).not.toContain('ringfence')
    await context.close()
  })

  test('a session that is ended elsewhere is over at the next click, in both tabs', async () => {
    const hanna = await makeAdministrator(console_.world, 'Hanna', 'helpdesk')
    const enter = async (page: Page) => {
      await page.goto(`${console_.url}/sign-in?next=/account`)
      await page.getByLabel('E-mail address').fill(hanna.email)
      await page.getByLabel('Password').fill(goodPassword.reveal())
      await page.keyboard.press('Enter')
      // The whole of it: the page before ends in `?next=/account`.
      await page.waitForURL(`${console_.url}/account`)
    }
    const [here, there] = [await person(), await person()]
    await enter(there.page)
    const tab = await there.context.newPage()
    await tab.goto(`${console_.url}/account`)
    await enter(here.page)
    const others = here.page.getByRole('button', { name: /End the session/ })
    for (const left of [2, 1]) {
      await expect.poll(() => others.count()).toBe(left)
      await others.first().click()
    }
    await expect.poll(() => others.count()).toBe(0)
    for (const page of [there.page, tab]) {
      await page.reload()
      expect(path(page)).toBe('/sign-in')
    }
    expect(await here.page.getByText('That session is ended.').count()).toBe(1)
    await here.context.close()
    await there.context.close()
  })

  test('without script a password is enough to come in, and no button is shown that does nothing', async () => {
    const { page, context } = await person({ javaScriptEnabled: false })
    const { link } = await console_.world.app.administrators.invite(
      { name: 'Nora', email: 'nora@example.com', role: 'auditor' },
      mia,
    )
    await page.goto(`${console_.url}/setup/${tokenOf(link)}`)
    expect(await page.locator('button:visible').allInnerTexts()).toEqual(['Set the password'])
    await page.getByLabel('Password', { exact: true }).fill(goodPassword.reveal())
    await page.getByLabel('Password again').fill(goodPassword.reveal())
    await page.keyboard.press('Enter')
    await page.waitForURL(`${console_.url}/`)
    expect(await page.locator('.who').textContent()).toContain('nora@example.com')
    await context.close()
  })
})
