/** Somebody who is signed in to the console and sits in front of Chromium. */
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { Role } from '../../src/domain/token.ts'
import type { ConsoleWorld } from '../journeys/console-world.ts'

export interface ConsoleVisit extends AsyncDisposable {
  open(path: string): Promise<Page>
  /** What the browser complained about: blocked by the policy, failed to load. */
  readonly complaints: string[]
}

export async function visitConsole(
  browser: Browser,
  desk: ConsoleWorld,
  role: Role,
  look: BrowserContextOptions,
): Promise<ConsoleVisit> {
  const context = await browser.newContext(look)
  const [name = '', value = ''] = (await desk.signIn(role)).split('=')
  await context.addCookies([{ name, value, domain: '127.0.0.1', path: '/', httpOnly: true, sameSite: 'Strict' }])
  const complaints: string[] = []
  return {
    complaints,
    async open(path) {
      const page = await context.newPage()
      page.on('console', (message) => complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(String(error)))
      await page.goto(`http://127.0.0.1:${desk.port}${path}`)
      return page
    },
    [Symbol.asyncDispose]: () => context.close(),
  }
}

/** Everything that axe finds, whatever its weight. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source)
  return page.evaluate<string[]>(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 160)).slice(0, 3).join(' | ')))`,
  )
}

/** By how many pixels the page can be moved sideways. */
export function sideways(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
}
