import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPostOffice, type PostOffice } from '../fakes/post-office.ts'
import { type ConsoleWorld, openConsoleWorld } from '../journeys/console-world.ts'
import { everything, mia, onboarded, person, tokenIn } from '../journeys/world.ts'
import { ask } from './http-client.ts'

let desk: ConsoleWorld
let office: PostOffice
let helpdesk: string
beforeAll(async () => {
  office = await openPostOffice()
  desk = await openConsoleWorld({ env: office.env })
  helpdesk = await desk.signIn('helpdesk')
})
afterAll(async () => {
  await desk?.[Symbol.asyncDispose]()
  await office?.[Symbol.asyncDispose]()
})

const get = (path: string, cookie = helpdesk) => ask(desk.port, { path, headers: { cookie } })
const post = (path: string, fields: Record<string, string>, cookie = helpdesk, headers: Record<string, string> = {}) =>
  ask(desk.port, {
    method: 'POST',
    path,
    headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(fields).toString(),
  })

/** As a browser sends it (RFC 7578). */
async function upload(path: string, parts: Record<string, string | Blob>, cookie = helpdesk) {
  const form = new FormData()
  for (const [name, part] of Object.entries(parts))
    typeof part === 'string' ? form.set(name, part) : form.set(name, part, 'roster.csv')
  const encoded = new Response(form)
  return ask(desk.port, {
    method: 'POST',
    path,
    headers: { cookie, 'content-type': encoded.headers.get('content-type')! },
    body: new Uint8Array(await encoded.arrayBuffer()),
  })
}

const plain = (text: string) =>
  text
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replace(/\s+/g, ' ')

describe('onboarding one person', () => {
  test('leads to a page with link, code, doors and provisioning address, and sends the mail that was asked for', async () => {
    const answer = await post('/onboard', {
      name: 'Ada Byron',
      email: 'ada@example.com',
      extension: '1001',
      model0: 'linphone-mobile',
      mac0: '',
      model1: 'Yealink-T54W',
      mac1: '80:5E:C0:AA:BB:01',
      mail: 'fr',
    })
    expect(answer.status).toBe(303)
    const page = await get(String(answer.headers.location))
    expect(page.status).toBe(200)
    const link = /https:\/\/phones\.example\.com\/join\/[A-Za-z0-9_-]{43}/.exec(page.text)![0]
    expect((await desk.world.app.join(tokenIn(link)))?.name).toBe('Ada Byron')
    expect(page.text).toContain('<svg')
    expect(page.text).toMatch(/https:\/\/phones\.example\.com\/p\/[A-Za-z0-9_-]{43}\//)
    expect(page.text).toContain('id="door-tunnel"')
    expect(plain(page.text)).toContain('ada@example.com Français')
    // The link is in the page, never in an address.
    expect(String(answer.headers.location)).not.toContain(tokenIn(link))
    await desk.world.mails.run()
    expect(office.received.at(-1)!.to).toEqual(['ada@example.com'])
    expect(plain((await get('/people/1001')).text)).toContain('taken by the mail server')
  })

  test('with mistakes writes nothing, keeps what was typed, and says each thing beside its field', async () => {
    const before = await everything(desk.world.store)
    const answer = await post('/onboard', {
      name: '"><script>alert(1)</script>',
      email: 'nonsense',
      extension: '1001',
      model0: 'linphone-mobil',
      model2: 'yealink-t54w',
      mac2: '805ec0aabb01',
      gatewayOf: 'nobody@example.com',
      mail: 'de',
    })
    expect(answer.status).toBe(400)
    expect(answer.text).not.toContain('<script>alert')
    expect(answer.text).toContain('value="&quot;&gt;&lt;script&gt;')
    const beside = (field: string) =>
      plain(new RegExp(`id="${field}-said"[^>]*>(.*?)</small>`, 's').exec(answer.text)?.[1] ?? '')
    expect(beside('email')).toContain('is not an e-mail address')
    expect(beside('extension')).toContain('extension 1001 is in use'.slice(1))
    expect(beside('model0')).toContain('did you mean linphone-mobile')
    expect(beside('mac2')).toContain('belongs to a handset that is in use')
    expect(beside('gatewayOf')).toContain('nobody who has a home gateway')
    expect(await everything(desk.world.store)).toBe(before)
  })

  test('while somebody types, only what was typed so far is told off, and warnings come before it is handed out', async () => {
    const before = await everything(desk.world.store)
    const half = await post('/onboard/check', { name: '', email: 'x', extension: '', model0: '', mac0: '' })
    expect(half.status).toBe(200)
    expect(half.text).not.toContain('<html')
    expect(plain(half.text)).toContain('is not an e-mail address')
    expect(plain(half.text)).not.toContain('missing')
    const whole = await post('/onboard/check', {
      name: 'Bo',
      email: 'bo@example.com',
      extension: '1002',
      model0: 'yealink-t54w',
      mac0: '001122334455',
    })
    expect(plain(whole.text)).toContain('Everything fits. Nothing is written yet.')
    expect(plain(whole.text)).toContain('does not look like a MAC address of a Yealink T54W')
    const desk2 = await post('/onboard/check', { model0: 'yealink-t54w', mac0: '' })
    expect(plain(desk2.text)).toContain('needs its MAC address')
    expect(await everything(desk.world.store)).toBe(before)
  })

  test('another handset is a row more, without script too', async () => {
    const { text, status } = await post('/onboard', { name: 'Bo', model0: 'linphone-mobile', mac0: '', more: '1' })
    expect(status).toBe(200)
    expect(text).toContain('name="model1"')
    expect(text).toContain('value="Bo"')
    expect(await desk.world.app.employees({})).toHaveLength(1)
  })

  test('a reference shows the link for an hour, to whoever may onboard, and no longer once the link was replaced', async () => {
    const made = await onboarded(desk.world, person('Cem Öz', '1003', 'linphone-mobile'))
    const path = `/people/${made.employee.id}/hand-over?link=${encodeURIComponent(desk.world.app.handOver.reference(made))}`
    expect((await get(path)).text).toContain(made.invite.url)
    expect((await get(path, await desk.signIn('auditor'))).status).toBe(403)
    expect((await ask(desk.port, { path })).status).toBe(303)
    // Somebody else's page, or another reference.
    const ada = (await desk.world.app.employee('1001')).id
    expect((await get(path.replace(made.employee.id, ada))).status).toBe(404)
    expect((await get(path.replace('link=v1', 'link=v2'))).status).toBe(404)
    const renewed = await post(`/people/${made.employee.id}/new-link`, { mail: 'none' })
    expect(renewed.status).toBe(303)
    expect((await get(path)).status).toBe(404)
    const next = String(renewed.headers.location)
    expect((await get(next)).status).toBe(200)
    await desk.world.travel(0.05)
    const late = await get(next)
    expect(late.status).toBe(404)
    expect(plain(late.text)).toContain('It is shown for an hour'.slice(3))
    expect(desk.world.log.join('')).not.toContain(tokenIn(made.invite.url))
    // And what a new one means is said before it is made.
    expect(plain((await get(`/people/${made.employee.id}/hand-over`)).text)).toContain(
      'The link before it stops working',
    )
  })
})

describe('a roster', () => {
  const header = 'name,email,extension,model,mac\n'

  test('pasted with mistakes is shown with each beside its row, mended in place, and runs', async () => {
    const rows =
      'Dora,dora,2001,linphone-mobile,\n"<img src=x onerror=alert(1)>",eva@example.com,2002,linphone-mobil,\n'
    const sent = await upload('/onboard/roster', { text: header + rows })
    expect(sent.status).toBe(303)
    const path = String(sent.headers.location)
    expect(path).toMatch(/^\/onboard\/roster\/[0-9a-f-]{36}\?rows=wrong$/)
    const shown = await get(path)
    expect(plain(shown.text)).toContain('2 rows need another look')
    expect(shown.text).not.toContain('<img src=x')
    expect(shown.text).toMatch(/id="cell-2-1"[^>]*aria-invalid="true"/)
    const early = await post(path.replace('?rows=wrong', '/start'), { mail: 'none' })
    expect(early.status).toBe(400)
    const mended = await post(path, {
      'cell-2-1': 'dora@example.com',
      'cell-3-3': 'linphone-mobile',
      'cell-3-0': 'Eva',
    })
    expect(mended.status).toBe(303)
    expect(plain((await get(path)).text)).toContain('Everything fits: 2 people in 2 rows.')
    const started = await post(path.replace('?rows=wrong', '/start'), { mail: 'de' })
    expect(started.status).toBe(303)
    const run = String(started.headers.location)
    await expect.poll(async () => plain((await get(run)).text), { timeout: 10_000 }).toContain('all brought in')
    expect((await desk.world.app.mails.ofPerson('2001'))[0]).toMatchObject({ language: 'de' })
    expect(plain((await get('/onboard')).text)).toContain('2 people')
  })

  test('as a file is read without script, also with Windows line ends and semicolons', async () => {
    const text = `\ufeff${header.replaceAll(',', ';')}Finn;finn@example.com;2003;linphone-mobile;\n`.replaceAll(
      '\n',
      '\r\n',
    )
    const sent = await upload('/onboard/roster', { text: '', file: new Blob([text], { type: 'text/csv' }) })
    expect(sent.status).toBe(303)
    expect(plain((await get(String(sent.headers.location))).text)).toContain('Everything fits: 1 person')
  })

  test.each([
    ['nothing at all', {}, 'there is nothing in it'],
    ['no CSV', { text: 'name,email\n"a' }, 'cannot be read as CSV'],
    ['another encoding', { file: new Blob([Buffer.from('name;e\xe4\n', 'latin1')]) }, 'is not in UTF-8'],
  ] as const)('that is %s says so on the page', async (_what, parts, words) => {
    const { status, text } = await upload('/onboard/roster', { ...parts })
    expect(status).toBe(400)
    expect(plain(text)).toContain(words)
  })

  test('that is damaged on the way is refused with words', async () => {
    const answer = await ask(desk.port, {
      method: 'POST',
      path: '/onboard/roster',
      headers: { cookie: helpdesk, 'content-type': 'multipart/form-data; boundary=x' },
      body: '--x\r\nbroken',
    })
    expect(answer.status).toBe(400)
    expect(plain(answer.text)).toContain('did not arrive whole')
  })

  test('shows its links to nobody without a trace', async () => {
    const run = await desk.world.app.importRoster(
      Buffer.from(
        `${header}Ida Seen,ida@example.com,7101,linphone-mobile,\nJo Seen,jo@example.com,7102,linphone-mobile,`,
      ),
      mia,
    )
    await expect.poll(async () => (await desk.world.app.importRun(run.id)).finished, { timeout: 10_000 }).toBe(true)
    const looks = async () =>
      (await desk.world.store.auditTrail({ limit: 1_000 })).filter(
        ({ kind, subjectId }) => kind === 'invite.shown' && subjectId === run.id,
      )
    expect(await looks()).toHaveLength(0)
    for (let round = 0; round < 3; round++) await get(`/api/v1/imports/${run.id}`)
    expect(await looks()).toHaveLength(1)
    await get(`/imports/${run.id}/sheets`)
    await get(`/imports/${run.id}/sheets`, await desk.signIn('owner'))
    const details = (await looks()).map(({ detail }) => JSON.parse(detail!))
    expect(details).toMatchObject([{ links: 2 }, { links: 2 }, { links: 2, actor: expect.stringContaining('owner-') }])
  })

  test('in very many parts is refused before they are taken apart', async () => {
    const answer = await ask(desk.port, {
      method: 'POST',
      path: '/onboard/roster',
      headers: { cookie: helpdesk, 'content-type': 'multipart/form-data; boundary="x\\y"' },
      body: `${'--xy\r\nContent-Disposition: form-data; name="text"\r\n\r\na\r\n'.repeat(5_000)}--xy--\r\n`,
    })
    expect(answer.status).toBe(413)
    expect(plain(answer.text)).toContain('more than 50 parts')
  })

  test('of 2,000 rows keeps every page quick and small, and the console answers while it runs', async () => {
    const rows = Array.from(
      { length: 2_000 },
      (_, i) => `Person ${i},q${i}@example.com,${400_000 + i},linphone-mobile,`,
    )
    const sent = await upload('/onboard/roster', { text: header + rows.join('\n') })
    const path = String(sent.headers.location)
    const draft = await get(path)
    expect(plain(draft.text)).toContain('Everything fits: 2000 people')
    expect(draft.text.length).toBeLessThan(200_000)
    const run = String((await post(`${path}/start`, { mail: 'none' })).headers.location)
    // Counted in people rather than in milliseconds, which say more of the machine: the run must give everybody a turn.
    const done: number[] = []
    for (let look = 0; look < 5; look++) {
      const page = await get(run)
      expect(page.status).toBe(200)
      expect(page.text.length).toBeLessThan(200_000)
      done.push(Number(/<progress[^>]* value="(\d+)"/.exec(page.text)![1]))
    }
    expect(done[0]).toBeLessThan(200)
    expect(done[4]).toBeLessThan(1_000)
    expect((await post(`${run}/cancel`, {})).status).toBe(303)
    await expect
      .poll(async () => plain((await get(run)).text), { timeout: 20_000 })
      .toContain('Stopped by The helpdesk'.slice(0, 10))
    await expect
      .poll(async () => (await desk.world.app.importRun(run.split('/').at(-1)!)).finished, { timeout: 10_000 })
      .toBe(true)
    const after = await get(run)
    expect(plain(after.text)).toMatch(/stopped .* cancelled/)
    expect((await post(`${run}/cancel`, {})).status).toBe(409)
  })
})

describe('mails', () => {
  test('can be called back or tried from the page, and the page is the one that one came from', async () => {
    const made = await desk.world.app.onboard(
      { ...person('Gül', '1010', 'linphone-mobile'), email: 'g@example.com', mail: 'de' },
      mia,
    )
    const person_ = `/people/${made.employee.id}`
    const page = await get(person_)
    const retry = /\/mails\/[0-9a-f-]{36}\/retry/.exec(page.text)![0]
    const referer = `http://127.0.0.1:${desk.port}${person_}`
    expect((await post(retry, {}, helpdesk, { referer })).headers.location).toBe(person_)
    const elsewhere = await post(retry.replace('retry', 'cancel'), {}, helpdesk, {
      referer: 'https://evil.example/people/x',
    })
    expect(elsewhere.headers.location).toBe(person_)
    expect(plain((await get(person_)).text)).toContain('not sent: cancelled')
    expect((await get(person_, await desk.signIn('auditor'))).text).not.toContain('/cancel"')
  })

  test('the test of the settings tells what the server said', async () => {
    const owner = await desk.signIn('owner')
    expect(plain((await get('/mail', owner)).text)).toContain('IT of Example')
    const good = await post('/mail/test', { address: 'me@example.com', language: 'es' }, owner)
    expect(good.status).toBe(200)
    expect(plain(good.text)).toContain('The mail server took it')
    office.refusals.push({ code: 550, words: 'relaying denied' })
    const bad = await post('/mail/test', { address: 'me@example.com' }, owner)
    expect(bad.status).toBe(502)
    expect(plain(bad.text)).toContain('relaying denied')
    expect((await post('/mail/test', { address: 'me@example.com' })).status).toBe(403)
  })
})
