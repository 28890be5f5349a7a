/** Chromium as the tests start it, and what is asked of a page whatever it shows. */
import { mkdir, writeFile } from 'node:fs/promises'
import axe from 'axe-core'
import jsQR from 'jsqr'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
import { PNG } from 'pngjs'

/** @param executablePath another way to start it, such as inside a network namespace */
export async function startChromium(executablePath = '/usr/bin/chromium'): Promise<Browser> {
  const quiet = [
    'disable-quic',
    'no-first-run',
    'disable-background-networking',
    'disable-component-update',
    'disable-sync',
  ]
  const args = ['no-sandbox', 'disable-gpu', ...quiet].map((flag) => `--${flag}`)
  return chromium.launch({ executablePath, headless: true, args })
}

/** Kept only when somebody wants to look: SCREENSHOTS names the folder. */
export async function keep(name: string, what: Page | Buffer): Promise<void> {
  const folder = process.env.SCREENSHOTS
  if (folder === undefined) return
  await mkdir(folder, { recursive: true })
  await writeFile(`${folder}/${name}.png`, Buffer.isBuffer(what) ? what : await what.screenshot({ fullPage: true }))
}

/** What a camera reads from a picture of a code. */
export function decoded(image: Buffer): string | undefined {
  const { data, width, height } = PNG.sync.read(image)
  return jsQR.default(new Uint8ClampedArray(data), width, height)?.data
}

export async function scanned(code: Locator): Promise<string | undefined> {
  return decoded(await code.screenshot())
}

/** With the Tab key alone, as somebody without a mouse would. */
export async function tabTo(page: Page, selector: string): Promise<void> {
  for (let press = 0; press < 150; press++) {
    if (await page.evaluate(`document.activeElement?.matches(${JSON.stringify(selector)})`)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`the Tab key does not reach ${selector} at ${page.url()}`)
}

/** What axe finds, and whether the page runs over its edge. */
export async function faultsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source)
  const findings = await page.evaluate<string[]>(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 160)).slice(0, 3).join(' | ')))`,
  )
  const over = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  return over === 0 ? findings : [...findings, `${over} pixels wider than its window`]
}

/** Findings that keep somebody out; axe runs past the page's own policy. */
export async function barriers(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page)
  await session.send('Runtime.evaluate', { expression: axe.source })
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) => JSON.stringify(violations.filter(({ impact }) => impact !== 'minor').map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 120)).join(' | '))))`,
    awaitPromise: true,
  })
  await session.detach()
  return JSON.parse(result.value) as string[]
}
