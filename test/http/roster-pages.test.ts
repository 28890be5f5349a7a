import { describe, expect, test } from 'vitest'
import { mia } from '../journeys/world.ts'
import { consoleOfFile, postOfficeOfFile } from './console-desk.ts'
import { plain } from './form-visitor.ts'
import { ask } from './http-client.ts'

const office = postOfficeOfFile()
const { desk, get, post, upload, as } = consoleOfFile(['helpdesk'], () => ({ env: office.env }))

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
    ['nothing at all', {}, 'There is nothing in it'],
    ['no CSV', { text: 'name,email\n"a' }, 'cannot be read as CSV'],
    ['another encoding', { file: new Blob([Buffer.from('name;e\xe4\n', 'latin1')]) }, 'is not in UTF-8'],
  ] as const)('that is %s says so on the page', async (_what, parts, words) => {
    const { status, text } = await upload('/onboard/roster', { ...parts })
    expect(status).toBe(400)
    expect(plain(text)).toContain(words)
  })

  test('with headings that nobody knows is not a dead end: each column is told what it is', async () => {
    const text = 'Vorname und Name;E-Mail;Durchwahl;Gerät;MAC;Abteilung\nUte;ute@example.com;2050;linphone-mobile;;IT\n'
    const sent = await upload('/onboard/roster', { text })
    const path = String(sent.headers.location)
    const shown = await get(path)
    expect(plain(shown.text)).toContain('choose it in the head of the table')
    expect(shown.text).toContain('value="ute@example.com"')
    const selects = [...shown.text.matchAll(/<select name="(cell-1-\d)" aria-invalid="true"/g)].map(([, name]) => name)
    expect(selects).toEqual(['cell-1-0', 'cell-1-2', 'cell-1-3', 'cell-1-5'])
    const half = await post(path, { 'cell-1-0': 'name', 'cell-1-2': 'extension' })
    expect(half.status).toBe(303)
    expect(plain((await get(path)).text)).toContain('choose it in the head')
    await post(path, { 'cell-1-3': 'model', 'cell-1-5': '-' })
    const ready = await get(path)
    expect(plain(ready.text)).toContain('Everything fits: 1 person in 1 row')
  })

  test('of which all rows fit shows them, and its address leads to the import afterwards', async () => {
    const sent = await upload('/onboard/roster', { text: `${header}Vic,vic,2060,linphone-mobile,\n` })
    const path = String(sent.headers.location)
    expect(path).toContain('?rows=wrong')
    await post(path, { 'cell-2-1': 'vic@example.com' })
    const ready = await get(path)
    expect(plain(ready.text)).toContain('Everything fits')
    expect(ready.text).toContain('<td>vic@example.com</td>')
    const run = String((await post(path.replace('?rows=wrong', '/start'), { mail: 'none' })).headers.location)
    expect((await get(path)).headers.location).toBe(run)
    expect((await post(path.replace('?rows=wrong', '/start'), { mail: 'none' })).headers.location).toBe(run)
    await expect.poll(async () => plain((await get(run)).text), { timeout: 10_000 }).toMatch(/, finished \d/)
  })

  test('with a stray quote says once what is wrong and keeps what was pasted or chosen', async () => {
    const rows = `${header}Ada "The" Byron,ada@example.com,2070,linphone-mobile,\n`
    for (const part of [{ text: rows }, { text: '', file: new Blob([rows], { type: 'text/csv' }) }]) {
      const { text } = await upload('/onboard/roster', part)
      expect(plain(text).match(/cannot be read as CSV/g)).toHaveLength(1)
      expect(plain(text)).toContain('stands in the middle of a value')
      expect(text).toContain('Ada &quot;The&quot; Byron,ada@example.com')
    }
  })

  test('that is damaged on the way is refused with words', async () => {
    const answer = await ask(desk.port, {
      method: 'POST',
      path: '/onboard/roster',
      headers: { cookie: as('helpdesk'), 'content-type': 'multipart/form-data; boundary=x' },
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
      headers: { cookie: as('helpdesk'), 'content-type': 'multipart/form-data; boundary="x\\y"' },
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
