import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { momentIn } from '../../src/domain/language.ts'
import { tunnelText } from '../fakes/fake-joins.ts'
import { ada, openDoors, owner } from './doors.ts'
import { ask } from './http-client.ts'
import { invitedAda } from './invited-ada.ts'

const at = invitedAda()
const { get } = at

describe('what is served', () => {
  test('the join page, the tunnel, the certificate file, a phone file and the revocation list', async () => {
    const page = await get(`/join/${at.invite}`)
    expect(page.status).toBe(200)
    expect(page.text).toContain('Ada Example')
    expect(page.text).toContain(`until ${momentIn('en', '2026-11-29T14:00:00.000Z')}`)
    expect(page.text).toMatch(/until [A-Z][a-z]+day,? \d+ November 2026 at \d\d:\d\d [A-Z]/)
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex, nofollow',
    })

    const tunnel = await get(`/join/${at.invite}/office.conf`)
    expect(tunnel).toMatchObject({
      status: 200,
      text: tunnelText,
      headers: { 'content-disposition': 'attachment; filename="office.conf"', 'cache-control': 'no-store' },
    })
    expect((await get(`/join/${at.invite}/client.pem`)).text).toBe('PEM\n')
    expect((await get(`/join/${at.invite}/other.conf`)).status).toBe(404)
    expect(at.doors.application.visits).toEqual([
      { fileName: 'page', served: true },
      { fileName: 'office.conf', served: true },
      { fileName: 'client.pem', served: true },
      { fileName: 'other.conf', served: false },
    ])
    expect(await get(`/p/${at.door}/linphone.xml`)).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/xml; charset=utf-8', 'cache-control': 'private, no-cache' },
    })
    expect(await get('/crl/handsets.crl')).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/pkix-crl', 'content-length': '5' },
    })
  })

  test('the page allows its own style by hash and scripts of this door, which may talk to nobody else', async () => {
    const { headers, text } = await get(`/join/${at.invite}`)
    const style = /<style>([\s\S]*?)<\/style>/.exec(text)![1]!
    const hash = createHash('sha256').update(style).digest('base64')
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    expect(text.match(/<script[^>]*>/g)).toEqual([
      expect.stringMatching(/^<script type="module" src="\/join-assets\/[0-9a-f]{16}\/join\.js">$/),
    ])
    expect(text).not.toMatch(/<img| style=| on[a-z]+=/i)
  })

  test('every script of the page is there with all that it imports, names no path of this machine, and nothing beside it is served', async () => {
    const { text } = await get(`/join/${at.invite}`)
    const start = /src="([^"]+)"/.exec(text)![1]!
    const seen = new Set<string>()
    const follow = async (path: string): Promise<void> => {
      if (seen.has(path)) return
      seen.add(path)
      const file = await get(path)
      expect([path, file.status, file.headers['content-type']]).toEqual([path, 200, 'text/javascript; charset=utf-8'])
      expect(file.headers['cache-control']).toContain('immutable')
      expect(file.text).not.toMatch(/\/work\/|\/home\/|file:/)
      const imports = file.text.matchAll(
        /^(?:import|export)\b[^'"\n]*(?:\{[^}]*\})?[^'"\n]*from\s*'([^']+)'|import\('([^']+)'\)/gm,
      )
      for (const [, from, lazily] of imports) await follow(new URL((from ?? lazily)!, `http://h${path}`).pathname)
    }
    await follow(start)
    expect([...seen].map((path) => path.split('/').at(-1))).toEqual(
      expect.arrayContaining(['join.js', 'qrcode.js', 'ed25519.js', 'montgomery.js', 'sha2.js']),
    )
    for (const path of [
      start.replace('join.js', ''),
      start.replace('join.js', '../package.json'),
      start.replace(/[0-9a-f]{16}/, '0'.repeat(16)),
      '/join-assets/',
    ])
      expect((await get(path)).status).toBe(404)
  })

  test('the page speaks the language of the browser, or the one that was chosen on it', async () => {
    const say = async (query: string, language?: string) =>
      (await get(`/join/${at.invite}${query}`, language === undefined ? {} : { 'accept-language': language })).text
    expect(await say('')).toContain('<html lang="en">')
    expect(await say('', 'de-AT,de;q=0.9,en;q=0.8')).toContain('Guten Tag, <bdi>')
    expect(await say('', 'pt;q=0.9,fr;q=0.5,en;q=0.4')).toContain('<html lang="fr">')
    expect(await say('', 'pt,ja')).toContain('<html lang="en">')
    expect(await say('', 'es;q=0, de;q=0.1')).toContain('<html lang="de">')
    expect(await say('?lang=es', 'de')).toContain('Hola, <bdi>')
    expect(await say('?lang=../../x', 'de')).toContain('<html lang="de">')
  })

  test('what the page took the device for is a hint: another can be chosen, and every way is on it', async () => {
    const agents = {
      ios: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1',
      android: 'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36',
      macos: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15',
      windows: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36',
      linux: 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
    }
    for (const [device, agent] of Object.entries(agents)) {
      const { text } = await get(`/join/${at.invite}`, { 'user-agent': agent })
      const chosen = /device=(\w+)" aria-current="true"/.exec(text)?.[1]
      expect(chosen).toBe(device)
      for (const store of ['id1441195209', 'com.wireguard.android', 'id1451685025', 'wireguard-installer.exe'])
        expect(text).toContain(store)
    }
    const { text } = await get(`/join/${at.invite}?device=windows`, { 'user-agent': agents.ios })
    expect(/device=(\w+)" aria-current="true"/.exec(text)?.[1]).toBe('windows')
    expect((await get(`/join/${at.invite}?device="><script>`)).text).not.toContain('"><script>')
  })

  test('the private key that the server made is on no page but the one for browsers without script', async () => {
    const secret = /^PrivateKey = (.+)$/m.exec(tunnelText)![1]!
    const page = await get(`/join/${at.invite}`)
    expect(page.text).not.toContain(secret)
    expect(page.text).not.toContain('aria-label="QR code of the tunnel"')
    expect((await get(`/join/${at.invite}?key=server`)).text).toContain('aria-label="QR code of the tunnel"')
  })

  test('the page hears what was seen, in its language, and the ledger is not filled with that', async () => {
    const { application } = at.doors
    const before = application.visits.length
    application.joinSeen = { tunnel: 'connected', account: 'registered', help: null }
    const { status, text, headers } = await get(`/join/${at.invite}/status?lang=de`)
    application.joinSeen = { tunnel: 'silent', account: 'not-registered', help: null }
    expect([status, headers['cache-control']]).toEqual([200, 'no-store'])
    expect(text).toContain('angemeldet: Sie können telefonieren')
    expect(text).toContain('data-done="yes"')
    expect(application.visits).toHaveLength(before)
    expect((await get(`/join/${randomBytes(32).toString('base64url')}/status`)).status).toBe(404)
    expect(application.visits.at(-1)).toEqual({ fileName: 'status', served: false })
  })

  test('a name cannot become markup on the page', async () => {
    const name = `"><script>alert(1)</script>'&{{7*7}}`
    const { employee: hostile } = await at.doors.application.onboard({ ...ada, name, extension: '1666' }, owner)
    const { text } = await get(`/join/${at.doors.application.inviteTokenOf(hostile.id)}`)
    expect(text).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;{{7*7}}')
    expect(text).not.toContain('<script>')
  })

  test('HEAD says what GET would, without the body, and an unchanged file is not sent again', async () => {
    for (const path of [
      `/p/${at.door}/linphone.xml`,
      `/p/${at.door}//linphone.xml`,
      `/join/${at.invite}/office.conf`,
      '/crl/handsets.crl',
      `/join/${at.invite}`,
    ]) {
      const full = await get(path)
      const head = await ask(at.doors.phonePort, { method: 'HEAD', path })
      expect(head.text).toBe('')
      expect({ ...head.headers, date: 0 }).toEqual({ ...full.headers, date: 0 })
      const { etag } = full.headers
      if (typeof etag !== 'string') continue
      expect(etag).toMatch(/^"[^"]+"$/)
      const again = await get(path, { 'if-none-match': etag })
      expect([again.status, again.text, again.headers.etag]).toEqual([304, '', etag])
      expect((await get(path, { 'if-none-match': '"other"' })).status).toBe(200)
    }
    expect((await get('/crl/handsets.crl', { 'if-none-match': '"a", *' })).status).toBe(200)
    expect((await get('/crl/handsets.crl', { 'if-none-match': '*' })).status).toBe(304)
  })

  test('a query that a phone appends does not matter', async () => {
    expect((await get(`/p/${at.door}/linphone.xml?mac=000413000000&x`)).status).toBe(200)
  })

  test("the ledger hears the socket's address, never one that the caller made up", async () => {
    await get(`/p/${at.door}/linphone.xml`, { 'x-forwarded-for': '203.0.113.9', 'user-agent': 'Linphone/5' })
    expect(at.doors.application.doorRequests.at(-1)).toMatchObject({
      remoteAddress: '127.0.0.1',
      userAgent: 'Linphone/5',
      method: 'GET',
    })
  })

  test('behind a proxy from the list the address before it counts', async () => {
    await using behind = await openDoors({
      phoneDoor: { trustedProxies: ['127.0.0.1', '198.51.100.1', '2001:db8::1'] },
    })
    const path = `/p/${randomBytes(32).toString('base64url')}/x.cfg`
    await ask(behind.phonePort, {
      path,
      headers: { 'x-forwarded-for': '10.0.0.1, 203.0.113.9, 2001:DB8:0::1, 198.51.100.1' },
    })
    expect(behind.application.doorRequests.at(-1)).toMatchObject({ remoteAddress: '203.0.113.9' })
    await ask(behind.phonePort, { path, headers: { 'x-forwarded-for': 'rubbish' } })
    expect(behind.application.doorRequests.at(-1)).toMatchObject({ remoteAddress: '127.0.0.1' })
  })

  test('a failure of our own is no refusal: the phone keeps what it has and comes back', async () => {
    at.doors.application.failure = new Error('disk on fire')
    const { status, headers, text } = await get(`/p/${at.door}/linphone.xml`)
    at.doors.application.failure = null
    expect([status, headers['retry-after'], text]).toEqual([503, '60', ''])
  })
})

describe('a phone that puts a slash of its own behind its address', () => {
  test('gets its file all the same', async () => {
    const { status, text } = await ask(at.doors.phonePort, { path: `/p/${at.door}//linphone.xml` })
    expect([status, text]).toEqual([200, (await ask(at.doors.phonePort, { path: `/p/${at.door}/linphone.xml` })).text])
  })
})
