/** What is photographed: each page of the console and of the employee's page, and what is done there before. */
import type { Page } from 'playwright-core'
import type { Office } from './office.ts'

export interface Scene {
  readonly name: string
  readonly path: string
  readonly at: 'console' | 'phone-door'
  readonly as: 'owner' | 'halfway' | 'nobody'
  readonly language?: string
  readonly userAgent?: string
  readonly before?: (page: Page) => Promise<void>
}

const iphone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'
const windows =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36'

export function scenes(office: Office): readonly Scene[] {
  const { handOver, invites } = office
  const reference = encodeURIComponent(handOver.link)
  const owner = (name: string, path: string, before?: Scene['before']): Scene => ({
    name,
    path,
    at: 'console',
    as: 'owner',
    ...(before ? { before } : {}),
  })
  const join = (name: string, token: string, userAgent: string, language: string): Scene => ({
    name,
    path: `/join/${token}`,
    at: 'phone-door',
    as: 'nobody',
    language,
    userAgent,
    // A key may be made by the page itself: there is a code after that only.
    before: async (page) => page.locator('.qr, a[download]').first().waitFor(),
  })
  return [
    owner('today', '/'),
    owner('people', '/people'),
    owner('person', `/people/${office.ada}`),
    owner('person-stuck', `/people/${office.stuck}`),
    owner('person-waiting', `/people/${office.waiting}`),
    owner('calls', `/people/${office.ada}/calls`),
    owner('offboard', `/people/${office.ada}/offboard`),
    owner('leaver-file', `/people/${office.gone}/leaver-file`),
    owner('leaving-date', `/people/${office.leavingSoon}/leaving`),
    owner('new-link', `/people/${office.ada}/hand-over`),
    owner('add-handset', `/people/${office.ada}/handset`),
    owner('handsets', '/handsets'),
    owner('handset', `/handsets/${office.desk}`),
    owner('file', `/handsets/${office.desk}/files/805ec0a1b201.cfg`),
    owner('why', `/handsets/${office.doubted}/why`),
    owner('take-back', `/handsets/${office.desk}/back`),
    owner('replace', `/handsets/${office.desk}/replace`),
    owner('ledger', '/ledger'),
    owner('hub', '/hub'),
    owner('settings', '/settings'),
    owner('pbxs', '/pbxs'),
    owner('administrators', '/administrators'),
    owner('administrator', `/administrators/${office.helpdeskId}`),
    owner('tokens', '/tokens'),
    owner('audit', '/audit'),
    owner('about', '/about', async (page) => page.locator('#doctor table').waitFor()),
    owner('guides', '/guides'),
    owner('guide', '/guides/phones-yealink'),
    owner('onboard', '/onboard', fillIn),
    owner('roster', `/onboard/roster/${office.draftId}`),
    owner('import', `/imports/${office.importId}`),
    owner('hand-over', `/people/${handOver.employeeId}/hand-over?link=${reference}`),
    owner('sheet', `/people/${handOver.employeeId}/sheet?link=${reference}&language=en`),
    owner('bench-sheet', `/handsets/${handOver.handsetId}/bench-sheet?person=${handOver.employeeId}&link=${reference}`),
    owner('mail', '/mail'),
    owner('account', '/account'),
    { name: 'sign-in', path: '/sign-in', at: 'console', as: 'nobody' },
    { name: 'second-factor', path: '/sign-in/second-factor', at: 'console', as: 'halfway' },
    { name: 'set-up', path: office.setupPath, at: 'console', as: 'nobody' },
    join('join-app', invites.app, iphone, 'en-GB'),
    join('join-app-german', invites.app, iphone, 'de-DE'),
    join('join-desk-phone', invites.desk, windows, 'en-GB'),
    join('join-desk-phone-german', invites.desk, windows, 'de-DE'),
    join('join-gateway', invites.gateway, windows, 'en-GB'),
    join('join-gateway-german', invites.gateway, windows, 'de-DE'),
    // Last: from here on this invite's tunnel has a key.
    { ...join('join-made-phone', invites.app, iphone, 'en-GB'), before: makeTunnel },
    { ...join('join-made-screen', invites.app, windows, 'en-GB'), before: makeTunnel },
  ]
}

/** The button says another thing once there was a key; either makes one. */
async function makeTunnel(page: Page): Promise<void> {
  await page.locator('[data-make]').first().click()
  await page.locator('[data-download]').first().waitFor({ state: 'attached' })
  await page.locator('[data-maker] svg').first().waitFor({ state: 'attached' })
}

async function fillIn(page: Page): Promise<void> {
  await page.locator('#name').fill('Wren Okafor')
  await page.locator('#email').fill('wren@example.com')
  await page.locator('#extension').fill('1001')
  await page.locator('#model0').fill('yealink-t54w')
  await page.locator('#mac0').pressSequentially('80:5e:c0:a1:b2:77')
  await page.locator('#extension-said').getByText('1001').waitFor()
  await page.locator('#mac0-said:empty').waitFor({ state: 'attached' })
}
