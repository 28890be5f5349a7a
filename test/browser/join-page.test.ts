import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { tunnelText } from '../fakes/fake-joins.ts'
import { ada, type Doors, openDoors, owner } from '../http/doors.ts'
import { describeLive } from '../setup/requirements.ts'
import { keep, scanned, startChromium } from './chromium.ts'
import { type Looking, visit } from './invitee.ts'

let browser: Browser
let doors: Doors

const open = (path: string, looking: Looking = {}) =>
  visit(browser, `http://127.0.0.1:${doors.phonePort}${path}`, looking)

/** In the page's own language: for each text its colour, and the nearest background that is not see-through. */
const inkAndPaper = `[...document.querySelectorAll('h1, h2, h3, p, li, a, code, dd, dt, strong, b, span, .kind')].map((element) => {
  let behind = element
  while (behind && getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') behind = behind.parentElement
  return {
    text: element.textContent.slice(0, 40),
    ink: getComputedStyle(element).color,
    paper: behind ? getComputedStyle(behind).backgroundColor : 'rgb(255, 255, 255)',
  }
})`

/** Relative luminance and contrast of WCAG 2.2. */
function contrast(first: string, second: string): number {
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = (colour.match(/[0-9.]+/g) ?? []).map((part) => {
      const share = Number(part) / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const [dark, light] = [luminance(first), luminance(second)].sort((a, b) => a - b)
  return (light! + 0.05) / (dark! + 0.05)
}

describeLive('the employee opens the invite', ['chromium'], () => {
  beforeAll(async () => {
    doors = await openDoors()
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await doors?.[Symbol.asyncDispose]()
  })

  test.each([
    ['phone', 'light'],
    ['phone', 'dark'],
    ['desk', 'light'],
    ['desk', 'dark'],
  ] as const)(
    'without script, on a %s in %s colours: both codes can be scanned from the screen, nothing overflows, nothing is blocked',
    async (width, scheme) => {
      doors.application.demo = ['RINGFENCE_PHONE_URL is not set']
      const { employee } = await doors.application.onboard(
        {
          ...ada,
          extension: `1${width.length}${scheme.length}1`,
          handsets: [
            { model: 'linphone-mobile' },
            { model: 'linphone-desktop' },
            { model: 'yealink-t54w', mac: '805ec0112233' },
          ],
        },
        owner,
      )
      const invite = doors.application.inviteTokenOf(employee.id)
      doors.application.joinExtras = {
        gateways: [
          {
            id: 'gateway-1',
            kind: 'plain',
            kindName: 'Any router that takes a WireGuard .conf',
            script: null,
            tunnel: {
              id: 'tunnel-1',
              fileName: 'home.conf',
              configuration: new Secret(tunnelText),
              keyOrigin: 'server',
              browserMayMakeKey: true,
            },
            phoneSubnet: '10.78.4.0/28',
            instructionsHtml:
              '<ol><li>Open the page of the box.</li><li>Import the file under <strong>WireGuard</strong>.</li></ol>',
          },
        ],
      }
      await using visitor = await open(`/join/${invite}?key=server`, { width, scheme })
      const { page, complaints } = visitor
      doors.application.joinExtras = {}
      doors.application.demo = []
      await keep(`join-${width}-${scheme}`, page)

      const codes = page.locator('.qr')
      expect(await codes.count()).toBe(4)
      expect(await scanned(codes.nth(0))).toBe(tunnelText)
      expect(await scanned(codes.nth(1))).toMatch(
        /^https:\/\/phones\.example\.com:8443\/p\/[A-Za-z0-9_-]{43}\/linphone\.xml$/,
      )
      expect((await codes.first().boundingBox())!.width).toBeGreaterThan(200)

      expect(await page.locator('a[href^="linphone-config:https://"]').count()).toBe(2)
      expect(await page.locator('a[download]').count()).toBe(5)
      // What is read out or copied is the address itself, without the gaps that are drawn.
      const dictated = (await page.locator('.dictate').textContent()) ?? ''
      expect(dictated).toMatch(/^https:\/\/phones\.example\.com:8443\/p\/[A-Za-z0-9_-]{43}\/$/)
      expect(await page.getByText('client_cert_chain=').count()).toBe(1)

      const overflow = await page
        .locator('html')
        .evaluate((root) => root.scrollWidth - root.clientWidth)
        .catch(() => -1)
      expect(overflow).toBeLessThanOrEqual(0)
      expect(complaints).toEqual([])
    },
  )

  test('the tunnel file is a plain download that can be repeated', async () => {
    const { employee } = await doors.application.onboard({ ...ada, extension: '1701' }, owner)
    await using visitor = await open(`/join/${doors.application.inviteTokenOf(employee.id)}?key=server`)
    const { page } = visitor
    for (let round = 0; round < 2; round++) {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByText('Download office.conf').click(),
      ])
      expect(download.suggestedFilename()).toBe('office.conf')
    }
  })

  test('after the key was erased the page says so and what to do, and draws no code of it', async () => {
    const { employee } = await doors.application.onboard({ ...ada, extension: '1702' }, owner)
    const handset = employee.handsets[0]!
    doors.application.joinExtras = {
      handsets: [
        {
          id: handset.id,
          modelId: 'linphone-mobile',
          modelName: 'Linphone on iOS or Android',
          kind: 'softphone',
          tunnel: {
            id: 'tunnel-1',
            fileName: 'office.conf',
            configuration: null,
            keyOrigin: 'server',
            browserMayMakeKey: false,
          },
          signIn: null,
          softphoneUrl: null,
          softphoneDeepLink: null,
          provisioningUrl: null,
          typing: null,
          certificateFiles: [],
          emergencyNote: 'Hauptstr. 5, <Hinterhaus>',
          mac: null,
          enrolled: true,
          notes: [],
        },
      ],
    }
    await using visitor = await open(`/join/${doors.application.inviteTokenOf(employee.id)}`)
    const { page } = visitor
    doors.application.joinExtras = {}
    await keep('join-erased', page)
    expect(await page.getByText('This tunnel has been handed over.').isVisible()).toBe(true)
    expect(await page.locator('.erased', { hasText: 'Ask your IT department for a new link' }).isVisible()).toBe(true)
    expect(await page.getByText('This phone has signed in').isVisible()).toBe(true)
    expect(await page.getByText('Hauptstr. 5, <Hinterhaus>').isVisible()).toBe(true)
    expect(await page.locator('.qr, a[download]').count()).toBe(0)
  })

  test.each(['light', 'dark'] as const)('in %s colours all text has the contrast of WCAG AA', async (scheme) => {
    const { employee } = await doors.application.onboard({ ...ada, extension: `18${scheme.length}` }, owner)
    doors.application.demo = ['an example']
    await using visitor = await open(`/join/${doors.application.inviteTokenOf(employee.id)}?key=server`, { scheme })
    const { page } = visitor
    doors.application.demo = []
    const colours = await page.evaluate<{ text: string; ink: string; paper: string }[]>(inkAndPaper)
    expect(colours.length).toBeGreaterThan(10)
    for (const { text, ink, paper } of colours)
      expect({ text, ok: contrast(ink, paper) >= 4.5 }).toEqual({ text, ok: true })
  })
})
