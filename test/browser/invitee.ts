/** Somebody with an invite in front of Chromium. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

const widths = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 900 } } as const

const userAgents = {
  ios: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
  android:
    'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36',
  macos:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
  windows:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  linux: 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
} as const

export interface Looking {
  readonly width?: keyof typeof widths
  readonly scheme?: 'light' | 'dark'
  readonly script?: boolean
  readonly language?: string
  readonly device?: keyof typeof userAgents
  readonly more?: BrowserContextOptions
}

export interface Visit extends AsyncDisposable {
  readonly page: Page
  /** What the browser complained about: blocked by the policy, failed to load. */
  readonly complaints: string[]
  /** Every request as one text: address, headers and body. */
  readonly requests: string[]
}

export async function visit(
  browser: Browser,
  url: string,
  { width = 'phone', scheme = 'light', script = false, language = 'en-GB', device, more = {} }: Looking = {},
  before: (page: Page) => Promise<unknown> = async () => undefined,
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: widths[width],
    colorScheme: scheme,
    deviceScaleFactor: 2,
    javaScriptEnabled: script,
    locale: language,
    ...(device ? { userAgent: userAgents[device] } : {}),
    ...more,
  })
  const page = await context.newPage()
  const complaints: string[] = []
  const requests: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) =>
    requests.push([request.url(), JSON.stringify(request.headers()), request.postData() ?? ''].join('\n')),
  )
  await before(page)
  await page.goto(url).catch(async (error: Error) => {
    // An interface of its network came up in this moment: whoever sits before it loads the page once more.
    if (!error.message.includes('ERR_NETWORK_CHANGED')) throw error
    await page.goto(url)
  })
  return { page, complaints, requests, [Symbol.asyncDispose]: () => context.close() }
}
