/** A small office with everything that the pages about handsets have to show, behind the real console. */

import pino from 'pino'
import { type Browser, type BrowserContext, chromium } from 'playwright-core'
import type { Role } from '../../src/domain/token.ts'
import { consoleApp } from '../../src/http/console.ts'
import { startConsole } from '../../src/http/listeners.ts'
import { qrLevel, svg } from '../../src/phones/qr.ts'
import { handsetOf, mia, onboarded, openWorld, person, steadyUrl, type World } from '../journeys/world.ts'

export interface Office extends AsyncDisposable {
  readonly world: World
  readonly origin: string
  readonly desk: string
  readonly mobile: string
  readonly gone: string
  readonly browser: Browser
  /** A browser in which somebody of this role is signed in. */
  window(role: Role, options?: Parameters<Browser['newContext']>[0]): Promise<BrowserContext>
}

export const hostile = '<img src=x onerror=alert(1)>"\'{{7*7}}'

export async function openOffice(): Promise<Office> {
  const world = await openWorld()
  const log = pino({ level: 'silent' })
  const drawQr = (text: string, content: 'tunnel' | 'address', title: string) =>
    svg(text, qrLevel(content, text), title)
  const listener = await startConsole(consoleApp(world.app, { log, version: '0.4.0', door: 'network', drawQr }), {
    host: '127.0.0.1',
    port: 0,
  })
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  const { employee } = await onboarded(
    world,
    person('Ada Byron', '1001', 'linphone-mobile', 'yealink-t54w=805ec0aabbcc'),
  )
  await onboarded(world, { ...person('Eve', '1002', 'yealink-t46u=805ec0aabbdd'), name: hostile })
  const bo = await onboarded(world, person('Bo Vine', '1003', 'linphone-desktop'))
  const [mobile, desk] = ['linphone-mobile', 'yealink-t54w'].map((model) => handsetOf(employee, model).id)
  const gone = handsetOf(bo.employee, 'linphone-desktop').id
  await world.app.setPhoneSetting({ layer: 'site', scope: 'default', name: 'language' }, 'de', { dryRun: false }, mia)
  await world.app.setPhoneSetting({ layer: 'handset', scope: desk!, name: 'language' }, 'fr', { dryRun: false }, mia)
  const url = await steadyUrl(world, desk!)
  const ask = (fileName: string, userAgent: string) =>
    world.app.serveFile({
      token: url.split('/').at(-2)!,
      fileName,
      remoteAddress: '198.51.100.7',
      userAgent,
      ifNoneMatch: null,
      method: 'GET',
    })
  await ask('805ec0aabbcc.cfg', 'Yealink SIP-T46U 108.86.0.20 80:5e:c0:aa:bb:cd')
  await ask('nothing.cfg', hostile)
  await world.fetch(`https://phones.example.com/p/${'x'.repeat(43)}/`, 'y000.cfg')
  await world.door.flush()
  await world.app.setPhoneSetting(
    { layer: 'handset', scope: desk!, name: 'label' },
    hostile.slice(0, 30),
    { dryRun: false },
    mia,
  )
  await world.app.handsets.takeBack(gone, hostile, mia)
  await world.loop.idle()
  await world.shakeHands(...employee.tunnels.map(({ publicKey }) => publicKey!))
  return {
    world,
    origin: `http://127.0.0.1:${listener.address!.port}`,
    desk: desk!,
    mobile: mobile!,
    gone,
    browser,
    async window(role, options = {}) {
      const { token } = await world.app.createToken(role, role, { name: 'owner', role: 'owner', via: 'system' })
      return browser.newContext({ ...options, extraHTTPHeaders: { authorization: `Bearer ${token.reveal()}` } })
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      await listener.stop(0)
      await world[Symbol.asyncDispose]()
    },
  }
}
