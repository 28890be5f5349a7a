import { describe, expect, test } from 'vitest'
import { handsetOf, mia, onboardNext } from '../journeys/world.ts'
import { consoleOfFile } from './console-desk.ts'
import { namesIn, tickIn } from './form-visitor.ts'

const { desk, get, post, as } = consoleOfFile(['admin', 'auditor'], () => ({ pbx: 'manual' }))

const somebody = (name: string, model?: string) => onboardNext(desk.world, name, model)

describe('the first page', () => {
  test('leads from each number to a list with as many people', async () => {
    const ada = await somebody('Ada Today')
    const bo = await somebody('Bo Today')
    await somebody('Che Today')
    await desk.world.shakeHands(...ada.tunnels.flatMap(({ publicKey }) => publicKey ?? []))
    await desk.world.app.offboard(bo.id, null, mia)
    await desk.world.app.settled(bo.id, 5_000)
    const at = new Date(Date.now() + 86_400_000 * 4).toISOString()
    await desk.world.app.people.setLeaving(ada.id, { at, reason: null }, mia)

    const { status, text } = await get('/')
    expect(status).toBe(200)
    const figures = [...text.matchAll(/href="(\/people\?[^"]+)"><b>(\d+)<\/b>/g)]
    expect(figures.length).toBe(8)
    for (const [, href, count] of figures) {
      const list = await get(href!.replaceAll('&amp;', '&'))
      expect([href, namesIn(list).length]).toEqual([href, Number(count)])
    }
    const counted = Object.fromEntries(figures.map(([, href, count]) => [href, Number(count)]))
    expect(counted['/people?tunnel=online']).toBe(1)
    expect(counted['/people?state=offboarding']).toBe(1)
    expect(counted['/people?attention=leaving-set']).toBe(1)
    expect(text).toContain('Bo Today')
    expect(text).toMatch(/data-since="2\d{3}-/)
  })

  test('names the alarms of the last day in words, each cause once with how often, and leads to the events', async () => {
    const keys = ['S', 'T', 'U'].map((letter) => letter.repeat(43).concat('='))
    for (const [n, key] of keys.entries()) await desk.world.hub.addForeignPeer(key, [`10.77.9.${n + 9}/32`])
    await desk.world.sweep()
    const page = async () => (await get('/')).text
    await expect
      .poll(page)
      .toMatch(
        /<a href="\/audit\?kind=stranger\.seen">found, and left alone: peer S{12}… on ringfence0 .* was not issued here<\/a> <strong>and 2 more like it/,
      )
    expect(await page()).not.toMatch(/[STU]{43}/)
    // In full where the event stands.
    expect((await get('/audit?kind=stranger.seen')).text).toContain(keys[0])
  })

  test('tells a flushed firewall as one cause, not door by door', async () => {
    await somebody('Ada Flushed')
    await somebody('Bo Flushed')
    await desk.world.loop.idle()
    desk.world.hub.rulesIntact = false
    await desk.world.sweep()
    const lines = async () => (await get('/')).text.match(/<li class="alarm">.*?<\/li>/g) ?? []
    await expect.poll(async () => (await lines()).filter((line) => line.includes('firewall')).length).toBe(1)
    const [line] = (await lines()).filter((one) => one.includes('firewall'))
    expect(line).toMatch(/somebody changed or removed the firewall table of ringfence0.*and \d+ more like it/)
  })
})

describe('the list of people', () => {
  test('finds by part of the name and sorts either way; what cannot be read counts as not given', async () => {
    await somebody('Zoe Listed')
    await somebody('Abe Listed', 'linphone-desktop')
    expect(namesIn(await get('/people?q=listed'))).toEqual(['Abe Listed', 'Zoe Listed'])
    expect(namesIn(await get('/people?q=listed&down=1'))).toEqual(['Zoe Listed', 'Abe Listed'])
    expect(namesIn(await get('/people?q=listed&model=linphone-desktop'))).toEqual(['Abe Listed'])
    expect(namesIn(await get('/people?q=listed&sort=nonsense&page=x&state=dead&tunnel=-4'))).toEqual([
      'Abe Listed',
      'Zoe Listed',
    ])
    const none = await get('/people?q=nobody-is-called-so')
    expect(none.text).toContain('Nobody matches')
    expect((await get('/people?q=listed&page=999')).status).toBe(200)
  })

  test('a name cannot become markup, in the list, on the person’s page, on a preview or in a search', async () => {
    const nasty = '<script>alert(1)</script><img src=x onerror=alert(1)>"\'` '
    const { id } = await somebody(nasty)
    const pages = [
      await get(`/people?q=${encodeURIComponent('<script>')}`),
      await get(`/people/${id}`),
      await get(`/people/${id}/offboard`),
      await get(`/people/${id}/leaving`),
      await post('/bulk/offboard/preview', { id }),
      await post(`/people/${id}/leaving`, { at: '"><script>', reason: '"><img src=x>' }),
    ]
    for (const { text } of pages) {
      expect(text).toContain('&lt;script&gt;')
      expect(text).not.toMatch(/<script>|<img/)
    }
  })

  test('is exported as exactly what is filtered, and no cell is a formula', async () => {
    await somebody('=cmd|calc Exported')
    await somebody('@Sum, "quoted" Exported')
    const { text, headers, status } = await get('/api/v1/employees.csv?q=exported&state=active')
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/csv; charset=utf-8')
    expect(headers['content-disposition']).toContain('people.csv')
    const lines = text.replace('\uFEFF', '').trim().split('\r\n')
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatch(/^name,email,extension,state,/)
    expect(lines.slice(1).map((line) => line.split('",')[0]!.split(',p')[0])).toEqual([
      "'=cmd|calc Exported",
      `"'@Sum, ""quoted"" Exported`,
    ])
  })

  test('a hundred and twenty people are three pages, each named once', async () => {
    const csv = [
      'name,email,extension,model,mac',
      ...Array.from({ length: 120 }, (_, n) => `Paged ${n},paged${n}@example.com,${5000 + n},linphone-mobile,`),
    ].join('\n')
    const run = await desk.world.app.importRoster(Buffer.from(csv), mia)
    await expect.poll(async () => (await desk.world.app.importRun(run.id)).finished, { timeout: 25_000 }).toBe(true)
    const pages = [1, 2, 3].map((page) => get(`/people?q=paged&sort=extension&page=${page}`))
    const names = (await Promise.all(pages)).map(namesIn)
    expect(names.map(({ length }) => length)).toEqual([50, 50, 20])
    expect(new Set(names.flat()).size).toBe(120)
    expect(names[0]!.slice(0, 2)).toEqual(['Paged 0', 'Paged 1'])
    expect((await get('/people?q=paged&page=2')).text).toMatch(/51 to 100 of 120/)
  })
})

describe('offboarding', () => {
  test('says what dies and that undo does not exist, then shows the doors with evidence, then the leaver file', async () => {
    const ada = await somebody('Ada Leaves', 'linphone-desktop')
    const asked = await get(`/people/${ada.id}/offboard`)
    expect(asked.text).toContain('Undo does not exist')
    for (const said of [
      ada.extension,
      ...ada.tunnels[0]!.addresses,
      handsetOf(ada, 'linphone-desktop').certificate!.serial,
    ])
      expect(asked.text).toContain(said)

    // Without script: the answer comes when the doors have had time to shut.
    const clicked = await post(`/people/${ada.id}/offboard`, { reason: 'end of contract' })
    expect([clicked.status, clicked.headers.location]).toEqual([303, `/people/${ada.id}/offboard`])
    const progress = await get(`/people/${ada.id}/offboard`)
    expect(progress.text).toMatch(/5 doors: 4 shut, 1 waiting for you\./)
    expect(progress.text).toMatch(/\d+ ms after the click/)
    expect(progress.text).toContain('peer absent from')

    const ticked = await post(`/people/${ada.id}/tick`, tickIn(progress.text))
    expect(ticked.status).toBe(303)
    const done = await get(`/people/${ada.id}/offboard`)
    expect(done.text).toContain('The leaver file is frozen.')
    expect(done.text).toContain('Complete and frozen.')
    const file = await get(`/people/${ada.id}/leaver-file`)
    expect(file.text).toContain('end of contract')
    expect(file.text).toMatch(/ticked by <bdi>admin-/)
  })

  test('with script the click answers at once and says where to watch', async () => {
    const ada = await somebody('Ada Quick')
    const clicked = await post(`/people/${ada.id}/offboard`, {}, as('admin'), { 'hx-request': 'true' })
    expect([clicked.status, clicked.headers['hx-redirect']]).toEqual([204, `/people/${ada.id}/offboard`])
  })

  test('a leaving date is set in the server’s time zone, shown, and cancelled', async () => {
    const ada = await somebody('Ada Dated')
    const next = new Date().getFullYear() + 1
    expect((await get(`/people/${ada.id}/leaving`)).text).toContain('in the time zone of this server')
    expect((await post(`/people/${ada.id}/leaving`, { at: `${next}-03-31T17:00`, reason: 'moves' })).status).toBe(303)
    expect((await desk.world.app.people.leaving(ada.id))!.at).toBe(new Date(next, 2, 31, 17).toISOString())
    expect((await get(`/people/${ada.id}`)).text).toContain(`31 Mar ${next}, 17:00`)
    const past = await post(`/people/${ada.id}/leaving`, { at: '2020-01-01T10:00', reason: 'keep what I typed' })
    expect(past.status).toBe(400)
    expect(past.text).toContain('keep what I typed')
    expect((await post(`/people/${ada.id}/leaving/cancel`)).status).toBe(303)
    expect(await desk.world.app.people.leaving(ada.id)).toBeNull()
  })
})

describe('a person', () => {
  test('left for a reason that only looks like a time: the pages show it as it was typed', async () => {
    const ada = await somebody('Ada Timeless')
    await post(`/people/${ada.id}/offboard`, { reason: '2026-99-99T99:99:99Z' })
    for (const path of ['/audit', `/people/${ada.id}`])
      expect(await get(path)).toMatchObject({ status: 200, text: expect.stringContaining('2026-99-99T99:99:99Z') })
  })

  test('a new link is shown once, with a code; the page itself never shows one', async () => {
    const ada = await somebody('Ada Link')
    const more = { model: 'linphone-desktop', mac: '', gateway: '', gatewayOf: '' }
    const made = await post(`/people/${ada.id}/handset`, more)
    expect(made.text).toMatch(/value="https:\/\/phones\.example\.com\/join\/[A-Za-z0-9_-]{43}"/)
    expect(made.text).toContain('<svg')
    expect((await get(`/people/${ada.id}`)).text).not.toContain('/join/')
  })

  test('a handset is added; what was typed wrong is said beside the form and the rest stays typed', async () => {
    const ada = await somebody('Ada More')
    const wrong = await post(`/people/${ada.id}/handset`, { model: 'yealink-t99', mac: '805ec0112299' })
    expect(wrong.status).toBe(400)
    expect(wrong.text).toContain('yealink-t99')
    expect(wrong.text).toContain('value="805ec0112299"')
    const added = await post(`/people/${ada.id}/handset`, {
      model: 'linphone-desktop',
      mac: '',
      gateway: '',
      gatewayOf: '',
    })
    expect(added.status).toBe(200)
    expect((await desk.world.app.employee(ada.id)).handsets).toHaveLength(2)
  })

  test('a handset is taken back after a question, and the SIP password is shown to admins and recorded', async () => {
    const ada = await somebody('Ada Back')
    const secrets = await post(`/people/${ada.id}/secrets`)
    const [secret] = await desk.world.app.showSecrets(ada.id, mia)
    expect(secrets.text).toContain(secret!.secret.reveal())
    const path = `/handsets/${ada.handsets[0]!.id}/back`
    expect((await get(path)).text).toContain('Undo does not exist')
    expect((await post(path, { why: 'back' })).status).toBe(303)
    await desk.world.loop.idle()
    const page = (await get(`/people/${ada.id}`)).text
    expect(page).toContain('taken back')
    expect(page).toMatch(/the SIP password was looked at.*admin-/)
  })

  test('an auditor sees no action and can do none, but reads everything', async () => {
    const ada = await somebody('Ada Audited')
    for (const path of ['/', '/people', `/people/${ada.id}`, `/people/${ada.id}/offboard`]) {
      const { status, text } = await get(path, as('auditor'))
      expect([path, status]).toEqual([path, 200])
      // Looking for somebody and leaving are the only forms there are.
      expect(
        text.match(/<form[^>]* method="post"[^>]*>/g)?.filter((form) => !form.includes('/sign-out')) ?? [],
      ).toEqual([])
      expect(text).not.toMatch(/type="checkbox"|class="danger"/)
    }
    expect((await post(`/people/${ada.id}/offboard`, {}, as('auditor'))).status).toBe(403)
    expect((await desk.world.app.employee(ada.id)).lifecycle).toBe('active')
  })

  test('nobody’s page says so with a link back, not with JSON', async () => {
    const { status, text } = await get('/people/nobody-at-all')
    expect(status).toBe(404)
    expect(text).toContain('<h1>Not found</h1>')
  })
})
