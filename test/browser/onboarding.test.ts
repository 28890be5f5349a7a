import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { PNG } from 'pngjs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { realSystem } from '../../src/system.ts'
import { openPostOffice, type PostOffice } from '../fakes/post-office.ts'
import { mia, onboarded, person, tokenIn } from '../journeys/world.ts'
import { describeLive } from '../setup/requirements.ts'
import { decoded, faultsOf, keep, scanned, tabTo } from './chromium.ts'
import { type Desk, type Look, openDesk } from './desk.ts'

let desk: Desk
let office: PostOffice
let folder: string

const signedIn = (look: Look = {}) => desk.signedIn({ more: { reducedMotion: 'reduce' }, ...look })

const header = 'name,email,extension,model,mac'
let next = 5_000
function rows(count: number): string {
  const lines = Array.from({ length: count }, () => {
    next += 1
    return `Person ${next},n${next}@example.com,${next},linphone-mobile,`
  })
  return [header, ...lines].join('\n')
}

async function somebody(name: string) {
  next += 1
  const input = person(
    name,
    String(next),
    'linphone-mobile',
    `yealink-t54w=805ec0${next.toString(16).padStart(6, '0')}`,
  )
  const made = await onboarded(desk.world, { ...input, email: `n${next}@example.com` })
  return { made, reference: encodeURIComponent(desk.world.app.handOver.reference(made)) }
}

/** The pages of a PDF as pictures, as a printer would put them on paper. */
async function printed(page: Page, name: string): Promise<{ readonly sizes: string; readonly images: Buffer[] }> {
  const pdf = join(folder, `${name}.pdf`)
  await page.pdf({ path: pdf, preferCSSPageSize: true })
  const { stdout } = await realSystem.run('pdfinfo', [pdf], {})
  await realSystem.run('pdftoppm', ['-r', '150', '-gray', '-png', pdf, join(folder, name)], {})
  const files = (await readdir(folder)).filter((file) => file.startsWith(`${name}-`) && file.endsWith('.png')).sort()
  const images = files.map((file) => readFileSync(join(folder, file)))
  for (const [index, image] of images.entries()) await keep(`${name}-${index + 1}`, image)
  return { sizes: stdout, images }
}

/** By another program than the one that drew it. */
async function scannedByAnother(image: Buffer): Promise<string> {
  const file = join(folder, 'scan.png')
  await writeFile(file, image)
  const { stdout } = await realSystem.run('zbarimg', ['--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', file], {})
  return stdout.trim()
}

describeLive('onboarding in a browser', ['chromium', 'pdftoppm', 'zbarimg'], () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), `ringfence-onboarding-${process.pid}-`))
    office = await openPostOffice()
    desk = await openDesk({ env: office.env })
  })
  afterAll(async () => {
    await desk?.[Symbol.asyncDispose]()
    await office?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('one person by keyboard alone: checked while typing, handed out with Enter, doors open before one’s eyes', async () => {
    const { open, context, complaints } = await signedIn()
    const page = await open('/onboard')
    // The name has the focus already.
    await page.keyboard.type('Ada Keyboard')
    await page.keyboard.press('Tab')
    await page.keyboard.type('ada@exam')
    const said = (field: string) => page.locator(`#${field}-said`).textContent()
    await expect.poll(() => said('email')).toContain('is not an e-mail address')
    await expect.poll(() => page.locator('#email').getAttribute('aria-invalid')).toBe('true')
    expect(await said('extension')).toBe('')
    await page.keyboard.type('ple.com')
    await expect.poll(() => said('email')).toBe('')
    await expect.poll(() => page.locator('#email').getAttribute('aria-invalid')).toBeNull()
    await page.keyboard.press('Tab')
    await page.keyboard.type('1001')
    await page.keyboard.press('Tab')
    await page.keyboard.type('yealink-t54w')
    await expect.poll(() => said('mac0')).toContain('needs its MAC address')
    await page.keyboard.press('Tab')
    await page.keyboard.type('80:5e:c0:aa:bb:01')
    await expect.poll(() => page.locator('#checked').textContent()).toContain('Everything fits')
    // What somebody typed stays when a row is added.
    await tabTo(page, 'button[name=more]')
    await page.keyboard.press('Enter')
    await page.locator('#model1').waitFor()
    expect(await page.locator('#mac0').inputValue()).toBe('80:5e:c0:aa:bb:01')
    await tabTo(page, '#model1')
    await page.keyboard.type('linphone-mobile')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/hand-over?link=*')
    await expect.poll(() => page.locator('.doors summary .state.open').count()).toBe(5)
    const link = await page.locator('input.copy').first().inputValue()
    expect(await scanned(page.locator('.qr'))).toBe(link)
    expect((await desk.world.app.join(tokenIn(link)))?.name).toBe('Ada Keyboard')
    // The mail goes out, and the page says so by itself.
    await desk.world.mails.run()
    await expect.poll(() => page.locator('section[aria-labelledby=mails]').textContent()).toContain('taken by')
    await page.reload()
    expect(await page.locator('input.copy').first().inputValue()).toBe(link)
    await tabTo(page, 'a[href*="/sheet?link="]')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/sheet?link=*')
    expect(complaints).toEqual([])
    await context.close()
  })

  test('a roster is pasted, mended beside its mistakes, runs over a reload, and is stopped', async () => {
    const { open, context, complaints } = await signedIn()
    const page = await open('/onboard')
    const csv = rows(1_500).split('\n')
    csv[2] = csv[2]!.replace('linphone-mobile', 'linphone-mobil')
    await page.locator('#text').fill(csv.join('\n'))
    await page.locator('#text').press('Tab')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/onboard/roster/*')
    expect(await page.locator('#draft-said').textContent()).toContain('1 row needs another look')
    expect(await page.locator('table.draft tbody tr.said').textContent()).toContain('Did you mean linphone-mobile')
    await tabTo(page, '#cell-3-3')
    await page.keyboard.press('End')
    await page.keyboard.type('e')
    await page.keyboard.press('Tab')
    await expect.poll(() => page.locator('#draft-said').textContent()).toContain('Everything fits: 1500 people')
    await tabTo(page, '#mail')
    await page.locator('#mail').selectOption('none')
    await tabTo(page, '.start button')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/imports/*')
    const bar = async () => Number(await page.locator('progress').getAttribute('value'))
    await page.reload()
    const first = await bar()
    expect(first).toBeLessThan(1_500)
    // It goes on by itself, without another reload.
    await page.evaluate('window.sameTab = true')
    await expect.poll(bar, { timeout: 15_000 }).toBeGreaterThan(first)
    expect(await page.evaluate('window.sameTab')).toBe(true)
    await tabTo(page, '#stop')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.head .state').textContent(), { timeout: 20_000 }).toBe('stopped')
    expect(await page.locator('.stages').textContent()).toContain('cancelled')
    const run = await desk.world.app.rosters.progress(page.url().split('/').at(-1)!, { offset: 0, limit: 0 })
    expect(run.counts.cancelled).toBeGreaterThan(0)
    expect(run.counts.cancelled).toBeLessThan(1_500)
    expect(complaints).toEqual([])
    await context.close()
  })

  test('a file is dropped on its zone, and is chosen where there is no script', async () => {
    const { open, context, complaints } = await signedIn()
    const page = await open('/onboard')
    const file = await page.evaluateHandle(
      `(() => { const all = new DataTransfer(); all.items.add(new File([${JSON.stringify(rows(2))}], 'roster.csv')); return all })()`,
    )
    await page.dispatchEvent('[data-drop]', 'dragover', { dataTransfer: file })
    expect(await page.locator('[data-drop]').getAttribute('class')).toContain('over')
    await page.dispatchEvent('[data-drop]', 'drop', { dataTransfer: file })
    await page.waitForURL('**/onboard/roster/*')
    expect(await page.locator('#draft-said').textContent()).toContain('Everything fits: 2 people')
    expect(complaints).toEqual([])
    await context.close()

    const plain = await signedIn({ script: false })
    const form = await plain.open('/onboard')
    await form.locator('#file').setInputFiles({ name: 'r.csv', mimeType: 'text/csv', buffer: Buffer.from(rows(3)) })
    await form.getByRole('button', { name: 'Check it' }).click()
    await form.waitForURL('**/onboard/roster/*')
    await form.locator('.start button').click()
    await form.waitForURL('**/imports/*')
    await expect
      .poll(
        async () => {
          await form.reload()
          return form.locator('.head .state').textContent()
        },
        { timeout: 15_000 },
      )
      .toBe('all brought in')
    await plain.context.close()
  })

  test.each([
    ['a4', 'A4'],
    ['letter', 'letter'],
  ])('the sheet fits one page of %s, and its code is read from the print by another program', async (paper, size) => {
    const { made, reference } = await somebody('Zoë Ångström-Müller of a rather long name')
    const { open, context } = await signedIn({ scheme: 'dark' })
    for (const language of ['de', 'en', 'fr', 'es']) {
      const page = await open(`/people/${made.employee.id}/sheet?link=${reference}&paper=${paper}&language=${language}`)
      const { sizes, images } = await printed(page, `sheet-${paper}-${language}`)
      expect(sizes).toMatch(new RegExp(`Page size:.*\\(${size}\\)`))
      expect(images).toHaveLength(1)
      expect(await scannedByAnother(images[0]!)).toBe(made.invite.url)
      // Dark colours on the screen are none of the paper's.
      const { data } = PNG.sync.read(images[0]!)
      expect(data[0]).toBe(255)
      // 30 mm of code within its quiet zone; a millimetre is 96 / 25.4 of CSS's pixels.
      const svg = page.locator('.paper .code svg')
      const modules = Number((await svg.getAttribute('viewBox'))!.split(' ')[2])
      const millimetres = ((await svg.boundingBox())!.width * 25.4) / 96
      expect((millimetres * (modules - 8)) / modules).toBeGreaterThanOrEqual(30)
      await page.close()
    }
    const bench = await open(
      `/handsets/${made.employee.handsets.find(({ mac }) => mac !== null)!.id}/bench-sheet?person=${made.employee.id}&link=${reference}&paper=${paper}`,
    )
    const url = Object.entries(made.provisioningUrls).find(([id]) => bench.url().includes(id))![1]
    expect(await bench.locator('.paper .dictate').textContent()).toBe(url)
    const { sizes, images } = await printed(bench, `bench-${paper}`)
    expect(sizes).toMatch(new RegExp(`Page size:.*\\(${size}\\)`))
    expect(images).toHaveLength(1)
    expect(await scannedByAnother(images[0]!)).toBe(url)
    await context.close()
  })

  test.each([
    ['a4', 'A4'],
    ['letter', 'letter'],
  ])('the sheets of a roster are a page of %s each, every code its own', async (paper, size) => {
    const { id } = await desk.world.app.importRoster(Buffer.from(rows(3)), mia)
    await expect.poll(async () => (await desk.world.app.importRun(id)).finished).toBe(true)
    const links = (await desk.world.app.importRun(id)).people.map(({ inviteUrl }) => inviteUrl)
    const { open, context } = await signedIn()
    const page = await open(`/imports/${id}/sheets?paper=${paper}`)
    const { sizes, images } = await printed(page, `batch-${paper}`)
    expect(sizes).toMatch(new RegExp(`Page size:.*\\(${size}\\)`))
    expect(images).toHaveLength(3)
    expect(await Promise.all(images.map(async (image) => decoded(image)))).toEqual(links)
    await context.close()
  })

  test('no page has a serious finding of axe, in light and dark, and nothing overflows at zoom 200 % or on a phone', async () => {
    const { made, reference } = await somebody('Bo Axe')
    const person_ = made.employee.id
    const handset = made.employee.handsets.find(({ mac }) => mac !== null)!.id
    const bad = `${header}\nDora,dora,7001,linphone-mobil,\nEva,eva@example.com,7002,linphone-mobile,`
    const draft = await desk.world.app.rosters.draft(Buffer.from(bad), mia)
    const good = await desk.world.app.rosters.draft(Buffer.from(rows(2)), mia)
    const run = await desk.world.app.importRoster(Buffer.from(rows(2)), mia)
    const paths = {
      onboard: '/onboard',
      'hand-over': `/people/${person_}/hand-over?link=${reference}`,
      'new-link': `/people/${person_}/hand-over`,
      sheet: `/people/${person_}/sheet?link=${reference}`,
      bench: `/handsets/${handset}/bench-sheet?person=${person_}&link=${reference}`,
      roster: `/onboard/roster/${draft.id}`,
      'roster-ready': `/onboard/roster/${good.id}`,
      import: `/imports/${run.id}`,
      sheets: `/imports/${run.id}/sheets`,
      mail: '/mail',
    }
    for (const [scheme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['light', 640],
      ['dark', 360],
    ] as const) {
      const { open, context, complaints } = await signedIn({ scheme, width })
      for (const [name, path] of Object.entries(paths)) {
        const page = await open(path)
        expect([name, scheme, width, await faultsOf(page)]).toEqual([name, scheme, width, []])
        await keep(`${name}-${width}-${scheme}`, page)
        await page.close()
      }
      expect(complaints).toEqual([])
      await context.close()
    }
  })
})
