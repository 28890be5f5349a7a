/** A browser that takes pictures of pages, each in both colours, on a desk and on a phone. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'

export const looks = (['light', 'dark'] as const).flatMap((scheme) =>
  ([1280, 390] as const).map((width) => ({ scheme, width })),
)
export type Look = (typeof looks)[number]

/** Longer pages are cut: what comes then is more of the same. */
const mostHeight = 1_500

export interface Visitor {
  readonly cookie?: { readonly url: string; readonly value: string }
  readonly language?: string
  readonly userAgent?: string
}

export async function newVisitor(
  browser: Browser,
  { scheme, width }: Look,
  { cookie, language = 'en-GB', userAgent }: Visitor,
  now: Date,
): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: { width, height: width === 390 ? 844 : 900 },
    colorScheme: scheme,
    locale: language,
    reducedMotion: 'reduce',
    ...(userAgent === undefined ? {} : { userAgent }),
  })
  // Clocks on the page agree with those of the server.
  await context.clock.setFixedTime(now)
  if (cookie) await context.addCookies([{ name: 'ringfence', ...cookie, httpOnly: true, sameSite: 'Strict' }])
  return context
}

/** Chromium's own WebP, as strong as letters bear: the whole folder stays under 8 MB. */
export async function takePicture(page: Page, folder: string, name: string, { scheme, width }: Look): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const whole = await page.evaluate<number>('document.documentElement.scrollHeight')
  const { data } = await session.send('Page.captureScreenshot', {
    format: 'webp',
    quality: 50,
    captureBeyondViewport: true,
    clip: { x: 0, y: 0, width, height: Math.min(whole, mostHeight), scale: 1 },
  })
  await session.detach()
  const size = width === 390 ? 'phone' : 'desktop'
  await writeFile(join(folder, `${name}-${scheme}-${size}.webp`), Buffer.from(data, 'base64'))
}
