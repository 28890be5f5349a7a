/** Somebody at the console: the whole application, and Chromium signed in to it. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import type { Role } from '../../src/domain/token.ts'
import { type ConsoleWorld, openConsoleWorld } from '../journeys/console-world.ts'
import { startChromium } from './chromium.ts'

export interface Look {
  readonly role?: Role
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
  readonly script?: boolean
  readonly more?: BrowserContextOptions
}

/** By day and by night, at a desk and in a hand. */
export const looks = [
  ['light', 1280],
  ['dark', 1280],
  ['light', 390],
  ['dark', 390],
] as const

export interface SignedIn extends AsyncDisposable {
  readonly context: BrowserContext
  readonly open: (path: string) => Promise<Page>
  /** What the browser complained about: blocked by the policy, failed to load. */
  readonly complaints: string[]
}

export interface Desk extends ConsoleWorld {
  signedIn(look?: Look): Promise<SignedIn>
}

export async function openDesk(options: Parameters<typeof openConsoleWorld>[0] = {}): Promise<Desk> {
  const world = await openConsoleWorld(options)
  const browser = await startChromium().catch(async (error: unknown) => {
    await world[Symbol.asyncDispose]()
    throw error
  })
  return {
    ...world,
    signedIn: (look = {}) => signIn(browser, world, look),
    async [Symbol.asyncDispose]() {
      await browser.close()
      await world[Symbol.asyncDispose]()
    },
  }
}

async function signIn(
  browser: Browser,
  world: ConsoleWorld,
  { role = 'owner', scheme = 'light', width = 1280, script = true, more = {} }: Look,
): Promise<SignedIn> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: scheme,
    javaScriptEnabled: script,
    ...more,
  })
  const [name = '', value = ''] = (await world.signIn(role)).split('=')
  await context.addCookies([{ name, value, domain: '127.0.0.1', path: '/', httpOnly: true, sameSite: 'Strict' }])
  const complaints: string[] = []
  return {
    context,
    complaints,
    async open(path) {
      const page = await context.newPage()
      page.on('console', (message) => complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(String(error)))
      await page.goto(`http://127.0.0.1:${world.port}${path}`)
      return page
    },
    [Symbol.asyncDispose]: () => context.close(),
  }
}
