import { mkdir, rm, writeFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Role } from '../../src/domain/token.ts'
import { furnishOffice, type HandsetOffice, hostileText } from '../journeys/handset-office.ts'
import { onboarded, person } from '../journeys/world.ts'
import { consoleOfFile } from './console-desk.ts'
import { plain } from './form-visitor.ts'
import { type Answer, ask } from './http-client.ts'

const { desk, as, ...visit } = consoleOfFile(['owner', 'admin', 'helpdesk', 'auditor'])
let office: HandsetOffice
beforeAll(async () => {
  office = await furnishOffice(desk.world)
}, 60_000)
const get = (path: string, role: Role = 'owner') => visit.get(path, as(role))
const post = (path: string, fields: Readonly<Record<string, string>>, role: Role = 'owner') =>
  visit.post(path, fields, as(role))
const words = ({ text }: Answer) => plain(text)

describe('what people and phones wrote', () => {
  test('is text on every page, never markup: names, User-Agent, file names, reasons, settings', async () => {
    const pages = [
      '/handsets',
      '/handsets?q=%3Cimg%20src%3Dx%20onerror',
      `/handsets/${office.desk}`,
      `/handsets/${office.gone}`,
      `/handsets/${office.hostile}/why`,
      `/handsets/${office.desk}/files/805ec0aabbcc.cfg`,
      `/handsets/${office.hostile}/replace`,
      `/handsets/${office.hostile}/back`,
      `/handsets/${office.hostile}/link`,
      '/ledger',
      `/ledger?address=${encodeURIComponent(hostileText)}`,
      '/hub',
      '/audit',
      `/audit?who=${encodeURIComponent(hostileText)}`,
      '/settings',
      `/guides/${encodeURIComponent(hostileText)}`,
    ]
    let shown = 0
    for (const path of pages) {
      const answer = await get(path)
      expect([path, answer.text.includes('<img')]).toEqual([path, false])
      if (answer.text.includes('&lt;img src=x')) shown += 1
    }
    expect(shown).toBeGreaterThan(10)
  })

  test('a mistake in an own template is told as text, and what is in use goes on', async () => {
    const folder = `${desk.world.folder}/templates/phones/yealink`
    await mkdir(folder, { recursive: true })
    await writeFile(`${folder}/phone.cfg`, `{{ ${hostileText} | nonsense }}`)
    const answer = await post('/settings/templates', { act: 'try' })
    expect(answer.status).toBe(409)
    expect(answer.text).not.toContain('<img')
    expect(words(answer)).toMatch(/templates cannot be used.*phones\/yealink\/phone\.cfg.*What is in use goes on\./)
    await writeFile(`${folder}/phone.cfg`, 'account.1.enable = 1\n')
    const dry = words(await post('/settings/templates', { act: 'try' }))
    expect(dry).toMatch(/would change.*yealink-t54w: 1.*Yours stand in for: phones\/yealink\/phone\.cfg/)
    await rm(`${desk.world.folder}/templates`, { recursive: true })
  })

  test('a spreadsheet takes no cell of an export for a formula', async () => {
    await onboarded(desk.world, { ...person('Zed', '1088', 'linphone-mobile'), name: '=cmd|calc' })
    const { text, headers } = await get('/api/v1/handsets.csv?q=1088')
    expect(headers['content-disposition']).toBe('attachment; filename="handsets.csv"')
    expect(text.split('\r\n')[1]).toMatch(/^linphone-mobile,,'=cmd\|calc,/)
    const audit = await get('/api/v1/audit.csv?kind=handset.removed')
    expect(audit.text).toContain('stolen: <img src=x onerror=""document.title')
  })
})

describe('handsets', () => {
  test('are listed with holder, state and doors; filters and pages stand in the address', async () => {
    const all = words(await get('/handsets'))
    expect(all).toMatch(/1 to \d of \d/)
    expect(words(await get('/handsets?state=taken-back'))).toMatch(/1 to 1 of 1 .*access revoked/)
    expect(words(await get('/handsets?attention=warnings'))).toMatch(/1 to 1 of 1 .*not as handed out/)
    expect(words(await get('/handsets?tunnel=never&model=yealink-t46u'))).toMatch(/1 to 1 of 1/)
    expect(words(await get('/handsets?firmware=108.86.0.20'))).toMatch(/1 to 1 of 1 .*firmware 108\.86\.0\.20/)
    expect(words(await get('/handsets?q=80:5e:c0:aa:bb:cc'))).toMatch(/1 to 1 of 1/)
    expect((await get('/handsets?page=nonsense&state=wrong&sort=x')).status).toBe(200)
    expect(words(await get('/handsets?q=nobody'))).toContain('Nothing matches')
  })

  test('one whose door is stuck is listed as such until the door is as it should be', async () => {
    desk.world.hub.fault = 'refuse'
    await onboarded(desk.world, person('Stuck Door', '1044', 'linphone-mobile'))
    const stuck = async () => words(await get('/handsets?attention=open-doors'))
    await expect.poll(stuck).toMatch(/1 to 1 of 1 .*Stuck Door/)
    desk.world.hub.fault = null
    await expect.poll(stuck, { timeout: 15_000 }).toContain('Nothing matches')
  })

  test('one shows what it is, its settings with who wins, its files and what changed since its last fetch', async () => {
    const page = words(await get(`/handsets/${office.desk}`))
    expect(page).toMatch(/says that it is a SIP-T46U, not a SIP-T54W/)
    expect(page).toMatch(/language es this handset over model: fr over site: de/)
    expect(page).toMatch(/805ec0aabbcc\.cfg everything of this phone .* changed/)
    expect(page).toMatch(/made by Ringfence once; our copy is erased/)
    expect(page).toMatch(/In the last 24 hours .* received, .* sent/)
    const file = words(await get(`/handsets/${office.desk}/files/805ec0aabbcc.cfg`))
    expect(file).toMatch(/-account\.1\.label = 1001/)
    expect(file).toContain('masked-sip-secret-g1')
    expect((await get(`/handsets/${office.desk}/files/vendor.json`)).status).toBe(404)
    expect((await get('/handsets/nobody')).status).toBe(404)
  })

  test('one that was taken back says that its access is revoked, and nowhere that it was wiped', async () => {
    for (const path of [`/handsets/${office.gone}`, '/handsets?state=taken-back', `/handsets/${office.mobile}/back`]) {
      expect(words(await get(path))).not.toMatch(/wiped/i)
    }
    expect(words(await get(`/handsets/${office.gone}`))).toMatch(/Access revoked; tombstone not fetched yet/)
  })

  test('a setting is tried first: the page says whose files change, and nothing is written', async () => {
    const value = { name: 'timezone', value: 'Europe/Berlin', scope: '' }
    const tried = words(await post(`/handsets/${office.desk}/settings`, { ...value, act: 'try' }))
    expect(tried).toMatch(/Set timezone\?.*The files of 1 handset change/)
    expect(await desk.world.app.handsetSettings(office.desk)).toHaveLength(2)
    const set = await post(`/handsets/${office.desk}/settings`, { ...value, act: 'set' })
    expect([set.status, set.headers.location]).toEqual([303, `/handsets/${office.desk}#settings`])
    expect(await desk.world.app.handsetSettings(office.desk)).toHaveLength(3)
    await post(`/handsets/${office.desk}/settings`, { name: 'timezone', act: 'unset' })
    expect(await desk.world.app.handsetSettings(office.desk)).toHaveLength(2)
    const wrong = await post(`/handsets/${office.desk}/settings`, { ...value, value: 'Mars', act: 'try' })
    expect([wrong.status, words(wrong).includes('such as Europe/Berlin')]).toEqual([400, true])
  })

  test('resync says what came of it, and a link cannot put words into its mouth', async () => {
    const told = await post(`/handsets/${office.desk}/resync`, {}, 'helpdesk')
    expect(told.headers.location).toBe(`/handsets/${office.desk}?resync=not-registered`)
    expect(words(await get(told.headers.location as string))).toContain('It is not registered at the PBX now')
    expect(words(await get(`/handsets/${office.desk}?resync=all%20is%20well`))).not.toContain('all is well')
  })

  test('passwords are shown once, and that somebody looked is recorded', async () => {
    const shown = words(await post(`/handsets/${office.desk}/passwords`, {}))
    const [, password = ''] = /Administrator (\S+)/.exec(shown) ?? []
    expect(password.length).toBeGreaterThan(10)
    expect((await get(`/handsets/${office.desk}`)).text).not.toContain(password)
    const { events } = await desk.world.app.records.audit({ kind: 'handset.passwords-shown', limit: 5 })
    expect(events[0]).toMatchObject({ text: 'the passwords of Yealink T54W were looked at' })
  })

  test('replace keeps what was typed when it is wrong; the new link is shown once', async () => {
    const { employee } = await onboarded(desk.world, person('Cy Rho', '1077', 'yealink-t54w=805ec0aabb77'))
    const { id } = employee.handsets[0]!
    const wrong = await post(`/handsets/${id}/replace`, { mac: 'not a mac' })
    expect([wrong.status, wrong.text.includes('value="not a mac"')]).toEqual([400, true])
    const taken = await post(`/handsets/${id}/replace`, { mac: '805ec0aabbcc' })
    expect(taken.status).toBe(409)
    const done = await post(`/handsets/${id}/replace`, { mac: '80:5e:c0:aa:bb:78' })
    expect(done.text).toMatch(/value="https:\/\/phones\.example\.com\/join\//)
    expect(words(await get(`/handsets/${id}`))).toContain('Access revoked')
  })

  test('take back says what dies, and keeps the reason', async () => {
    const { employee } = await onboarded(desk.world, person('Di Sigma', '1066', 'linphone-desktop'))
    const { id } = employee.handsets[0]!
    expect(words(await get(`/handsets/${id}/back`))).toMatch(
      /Undo does not exist.*Its tunnel: the key is taken off the hub/,
    )
    const back = await post(`/handsets/${id}/back`, { why: 'lost', reason: 'in a train' }, 'admin')
    expect([back.status, back.headers.location]).toEqual([303, `/handsets/${id}`])
    expect(words(await get(`/audit?subject=${id}`))).toContain('was taken back, reason: lost: in a train')
  })
})

describe('ways from page to page', () => {
  test('the settings lead to mail', async () => {
    expect((await get('/settings')).text).toContain('href="/mail"')
  })

  test('a desk phone that is to be set up leads to its bench sheet, past what a new link means; one in use does not', async () => {
    const { employee } = await onboarded(desk.world, person('Bench Cy', '1166', 'yealink-t54w=805ec0aabf66'))
    const sheet = `/handsets/${employee.handsets[0]!.id}/bench-sheet`
    expect((await get(`/handsets/${employee.handsets[0]!.id}`)).text).toContain(`href="${sheet}"`)
    const answer = await get(sheet)
    expect([answer.status, answer.headers.location]).toEqual([303, `/people/${employee.id}/hand-over`])
    expect((await get(sheet, 'auditor')).status).toBe(403)
    expect((await get(`/handsets/${office.desk}`)).text).not.toContain('/bench-sheet')
  })
})

describe('ledger, hub and audit log', () => {
  test('the ledger shows every refusal with its real reason, filtered and from page to page', async () => {
    const ledger = words(await get('/ledger'))
    expect(ledger).toMatch(/refused no such link a stranger/)
    expect(ledger).toMatch(/refused this handset has no such file/)
    expect(words(await get('/ledger?outcome=refused&who=1001'))).toMatch(/1 line .*this handset has no such file/)
    expect(words(await get('/ledger?who=nobody@example.com'))).toContain('Nobody here is known by that')
    expect(words(await get('/ledger?since=2020-01-01&until=2020-01-02'))).toContain('Nothing matches')
    await desk.world.store.transaction((tx) =>
      tx.insert(
        'doorFetch',
        Array.from({ length: 120 }, (_, n) => ({
          id: `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`,
          at: '2020-05-05T00:00:00.000Z',
          handsetId: null,
          employeeId: null,
          remoteAddress: '192.0.2.200',
          userAgent: null,
          fileName: null,
          outcome: 'refused',
          reason: 'no such link',
          contentHash: null,
        })),
      ),
    )
    let path: string | undefined = '/ledger?address=192.0.2.200'
    let seen = 0
    for (let pages = 0; path !== undefined && pages < 5; pages++) {
      const { text } = await get(path)
      seen += text.match(/<tr><td><time/g)?.length ?? 0
      path = /href="([^"]+)" rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&')
    }
    expect(seen).toBe(120)
  })

  test('the hub tells strangers from peers, and counts since the server started', async () => {
    await desk.world.hub.addForeignPeer(`${'S'.repeat(43)}=`, ['10.77.9.9/32'])
    await desk.world.sweep()
    const hub = words(await get('/hub'))
    expect(hub).toMatch(/1 not issued by Ringfence/)
    expect(hub).toMatch(/rules intact/)
    expect(hub).toContain('Counted since the server started')
    expect(words(await get('/hub?show=strange'))).toMatch(/1 to 1 of 1.*SSSSSSSSSSSS…/)
    await desk.world.hub.removeByHand(`${'S'.repeat(43)}=`)
  })

  test('the chain is checked in words, and one event that was changed behind its back is named', async () => {
    expect(words(await post('/audit/verify', {}, 'auditor'))).toMatch(/Whole: all \d+ events/)
    const lines = (await get('/api/v1/audit.jsonl', 'auditor')).text.trim().split('\n')
    const events = lines.map((line) => JSON.parse(line) as { position: number; hash: string; previousHash: string })
    expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => events.length - index))
    for (const [index, { previousHash }] of events.entries())
      if (index + 1 < events.length) expect(previousHash).toBe(events[index + 1]!.hash)
  })

  test('the address offers what kinds there are', async () => {
    const page = await get('/audit?kind=handset')
    expect(page.text).toMatch(/<option value="handset" selected>handsets<\/option>/)
    expect(words(page)).not.toContain('was onboarded')
  })
})

describe('who may do what', () => {
  test('an auditor reads every page and finds nothing to press', async () => {
    for (const path of ['/handsets', `/handsets/${office.desk}`, '/hub', '/ledger', '/settings', '/about', '/guides']) {
      const { status, text } = await get(path, 'auditor')
      const main = text.slice(text.indexOf('<main'))
      expect([path, status, /<form method="post"/.test(main)]).toEqual([path, 200, false])
    }
  })

  test('helpdesk resyncs and makes links, but takes nothing back, sees no password and sets nothing', async () => {
    for (const [path, fields] of [
      [`/handsets/${office.desk}/back`, { why: 'lost' }],
      [`/handsets/${office.desk}/passwords`, {}],
      [`/handsets/${office.desk}/replace`, { mac: '805ec0aabb99' }],
      [`/handsets/${office.desk}/settings`, { name: 'vlan', value: '7', act: 'set' }],
      ['/settings/phones/site', { name: 'vlan', value: '7', act: 'set' }],
      ['/settings/templates', { act: 'use' }],
    ] as const)
      expect([path, (await post(path, fields, 'helpdesk')).status]).toEqual([path, 403])
    expect((await get(`/handsets/${office.desk}/link`, 'helpdesk')).status).toBe(200)
  })
})

describe('about and guides', () => {
  test('doctor is a part for the page and a page for whoever has no script', async () => {
    expect(words(await get('/about'))).toMatch(/Apache-2\.0/)
    const headers = { cookie: as('owner'), 'hx-request': 'true' }
    const part = await ask(desk.port, { path: '/about/doctor', headers })
    expect(part.text).toMatch(/^<section class="card" id="doctor"/)
    expect(words(await get('/about/doctor'))).toMatch(/the audit chain is whole/)
  })

  test('each guide is a page, and what is none is not found', async () => {
    expect(words(await get('/guides'))).toMatch(/PBX 3CX v20 Asterisk/)
    expect((await get('/guides/phones-yealink')).text).toContain('<article class="card guide">')
    expect((await get('/guides/..%2Fpackage')).status).toBe(404)
  })
})
