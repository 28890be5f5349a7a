// `npm run screenshots`: the real application, furnished as a small office, and a picture of every page of it into
// docs/screenshots. `npm run screenshots -- today hub` takes some of them. Needs Chromium.
import { mkdir, readdir, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { startPhoneDoor } from '../../src/http/listeners.ts'
import { phoneDoorApp } from '../../src/http/phone-door.ts'
import { qrLevel, svg } from '../../src/phones/qr.ts'
import { startChromium } from '../browser/chromium.ts'
import { openPostOffice } from '../fakes/post-office.ts'
import { openConsoleWorld } from '../journeys/console-world.ts'
import type { World } from '../journeys/world.ts'
import { type Look, looks, newVisitor, takePicture, type Visitor } from './camera.ts'
import { furnish, type Office } from './office.ts'
import { busyHub, firstDay, namedPbx } from './outside.ts'
import { type Scene, scenes } from './scenes.ts'

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
const folder = process.env.SCREENSHOTS ?? join(import.meta.dirname, '../../docs/screenshots')
process.exitCode = await main(process.argv.slice(2))

async function main(chosen: readonly string[]): Promise<number> {
  await mkdir(folder, { recursive: true })
  await using office = await openPostOffice()
  const held = Promise.withResolvers<void>()
  const { pbx, signIn } = namedPbx()
  let opened: World | undefined
  await using desk = await openConsoleWorld({
    clock: { aheadMs: firstDay - Date.now() },
    env: {
      ...office.env,
      // Only told on the page of the settings: the world has a folder and a PBX of its own.
      RINGFENCE_DATA: '/var/lib/ringfence',
      RINGFENCE_PBX: 'asterisk',
      RINGFENCE_PBX_CONFIG_DIR: '/etc/asterisk/ringfence',
      RINGFENCE_PBX_AMI_SECRET_FILE: import.meta.filename,
    },
    hub: busyHub(() => opened),
    pbx,
    version,
  })
  const { world } = desk
  opened = world
  const drawQr = (text: string, content: 'tunnel' | 'address', title: string) =>
    svg(text, qrLevel(content, text), title)
  const doorApp = phoneDoorApp(world.app, { log: world.context.log, drawQr, now: world.context.system.now })
  const door = await startPhoneDoor(doorApp, { host: '127.0.0.1', port: 0 }, null)
  await using browser = await startChromium()
  try {
    const furnished = await furnish(world, signIn, held.promise)
    const studio: Studio = {
      browser,
      world,
      office: furnished,
      urls: { console: desk.url, 'phone-door': `http://127.0.0.1:${door.address!.port}` },
    }
    const all = scenes(furnished)
    const unknown = chosen.filter((name) => name !== 'offboarding' && !all.some((scene) => scene.name === name))
    if (unknown.length > 0) throw new Error(`there is no page ${unknown.join(', ')}`)
    const isWanted = (name: string) => chosen.length === 0 || chosen.includes(name)
    for (const scene of all) if (isWanted(scene.name)) await photograph(studio, scene)
    if (isWanted('offboarding')) await photographOffboarding(studio)
  } finally {
    held.resolve()
    await door.stop(0)
  }
  console.log(await summary())
  return 0
}

interface Studio {
  readonly browser: Browser
  readonly world: World
  readonly office: Office
  readonly urls: Readonly<Record<Scene['at'], string>>
}

async function photograph(studio: Studio, scene: Scene): Promise<void> {
  for (const look of looks) {
    const page = await opened(studio, scene, look)
    await takePicture(page, folder, scene.name, look)
    await page.context().close()
  }
}

/** Doors that close before one's eyes: the pages are open already, and the hub takes its time. */
async function photographOffboarding(studio: Studio): Promise<void> {
  const { world, office } = studio
  const scene: Scene = { name: 'offboarding', path: `/people/${office.next}`, at: 'console', as: 'owner' }
  const pages = await Promise.all(looks.map(async (look) => ({ look, page: await opened(studio, scene, look) })))
  world.pbx!.faults.refuse = false
  world.hub.fault = 'hang'
  try {
    await world.app.offboard(office.next, 'new job', { name: 'Olga Owner', role: 'owner', via: 'session' })
    for (const { look, page } of pages) {
      for (const door of ['certificate', 'sip-account'])
        await page.locator(`#door-${door} > summary .state.shut`).waitFor()
      await takePicture(page, folder, scene.name, look)
      await page.context().close()
    }
  } finally {
    world.hub.fault = null
  }
}

async function opened({ browser, world, office, urls }: Studio, scene: Scene, look: Look) {
  const { at, as, path, language, userAgent, before } = scene
  const value = { owner: office.ownerCookie, halfway: office.halfwayCookie, nobody: null }[as]
  const visitor: Visitor = {
    ...(value === null ? {} : { cookie: { url: urls[at], value } }),
    ...(language ? { language } : {}),
    ...(userAgent ? { userAgent } : {}),
  }
  const context = await newVisitor(browser, look, visitor, world.context.system.now())
  const page = await context.newPage()
  const answer = await page.goto(`${urls[at]}${path}`)
  if (!answer?.ok()) throw new Error(`${scene.name}: ${path} answered ${answer?.status()}`)
  await before?.(page)
  return page
}

async function summary(): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.webp'))
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  return `${names.length} pictures, ${(bytes / 1_048_576).toFixed(1)} MB, in ${folder}`
}
