import { createHash, randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { enrolmentToken } from '../../src/domain/invite.ts'
import { momentIn } from '../../src/domain/language.ts'
import type { EmployeeView } from '../../src/journeys/application.ts'
import { tunnelText } from '../fakes/fake-application.ts'
import { ada, type Doors, openDoors, owner } from './doors.ts'
import { ask, rawExchange } from './http-client.ts'

let doors: Doors
let employee: EmployeeView
let invite: string
let door: string
beforeAll(async () => {
  // Many refusals in a row are this file's business: the limiter has tests of its own.
  doors = await openDoors({ phoneDoor: { limiter: { refused: () => ({ holdMs: 0, done: () => undefined }) } } })
  employee = (
    await doors.application.onboard(
      { ...ada, handsets: [{ model: 'linphone-mobile' }, { model: 'linphone-desktop' }] },
      owner,
    )
  ).employee
  invite = doors.application.inviteTokenOf(employee.id)
  door = enrolmentToken(invite, employee.handsets[0]!.id)
})
afterAll(async () => doors?.[Symbol.asyncDispose]())

const get = (path: string, headers: Record<string, string> = {}) => ask(doors.phonePort, { path, headers })

describe('what is served', () => {
  test('the join page, the tunnel, the certificate file, a phone file and the revocation list', async () => {
    const page = await get(`/join/${invite}`)
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

    const tunnel = await get(`/join/${invite}/office.conf`)
    expect(tunnel).toMatchObject({
      status: 200,
      text: tunnelText,
      headers: { 'content-disposition': 'attachment; filename="office.conf"', 'cache-control': 'no-store' },
    })
    expect((await get(`/join/${invite}/client.pem`)).text).toBe('PEM\n')
    expect((await get(`/join/${invite}/other.conf`)).status).toBe(404)
    expect(doors.application.visits).toEqual([
      { fileName: 'page', served: true },
      { fileName: 'office.conf', served: true },
      { fileName: 'client.pem', served: true },
      { fileName: 'other.conf', served: false },
    ])
    expect(await get(`/p/${door}/linphone.xml`)).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/xml; charset=utf-8', 'cache-control': 'private, no-cache' },
    })
    expect(await get('/crl/handsets.crl')).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/pkix-crl', 'content-length': '5' },
    })
  })

  test('the page allows its own style by hash and scripts of this door, which may talk to nobody else', async () => {
    const { headers, text } = await get(`/join/${invite}`)
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
    const { text } = await get(`/join/${invite}`)
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
      (await get(`/join/${invite}${query}`, language === undefined ? {} : { 'accept-language': language })).text
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
      const { text } = await get(`/join/${invite}`, { 'user-agent': agent })
      const chosen = /device=(\w+)" aria-current="true"/.exec(text)?.[1]
      expect(chosen).toBe(device)
      for (const store of ['id1441195209', 'com.wireguard.android', 'id1451685025', 'wireguard-installer.exe'])
        expect(text).toContain(store)
    }
    const { text } = await get(`/join/${invite}?device=windows`, { 'user-agent': agents.ios })
    expect(/device=(\w+)" aria-current="true"/.exec(text)?.[1]).toBe('windows')
    expect((await get(`/join/${invite}?device="><script>`)).text).not.toContain('"><script>')
  })

  test('the private key that the server made is on no page but the one for browsers without script', async () => {
    const secret = /^PrivateKey = (.+)$/m.exec(tunnelText)![1]!
    const page = await get(`/join/${invite}`)
    expect(page.text).not.toContain(secret)
    expect(page.text).not.toContain('aria-label="QR code of the tunnel"')
    expect((await get(`/join/${invite}?key=server`)).text).toContain('aria-label="QR code of the tunnel"')
  })

  test('the page hears what was seen, in its language, and the ledger is not filled with that', async () => {
    const { application } = doors
    const before = application.visits.length
    application.joinSeen = { tunnel: 'connected', account: 'registered', help: null }
    const { status, text, headers } = await get(`/join/${invite}/status?lang=de`)
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
    const { employee: hostile } = await doors.application.onboard({ ...ada, name, extension: '1666' }, owner)
    const { text } = await get(`/join/${doors.application.inviteTokenOf(hostile.id)}`)
    expect(text).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;{{7*7}}')
    expect(text).not.toContain('<script>')
  })

  test('HEAD says what GET would, without the body, and an unchanged file is not sent again', async () => {
    for (const path of [
      `/p/${door}/linphone.xml`,
      `/p/${door}//linphone.xml`,
      `/join/${invite}/office.conf`,
      '/crl/handsets.crl',
      `/join/${invite}`,
    ]) {
      const full = await get(path)
      const head = await ask(doors.phonePort, { method: 'HEAD', path })
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
    expect((await get(`/p/${door}/linphone.xml?mac=000413000000&x`)).status).toBe(200)
  })

  test("the ledger hears the socket's address, never one that the caller made up", async () => {
    await get(`/p/${door}/linphone.xml`, { 'x-forwarded-for': '203.0.113.9', 'user-agent': 'Linphone/5' })
    expect(doors.application.doorRequests.at(-1)).toMatchObject({
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
    doors.application.failure = new Error('disk on fire')
    const { status, headers, text } = await get(`/p/${door}/linphone.xml`)
    doors.application.failure = null
    expect([status, headers['retry-after'], text]).toEqual([503, '60', ''])
  })
})

describe('the one 404', () => {
  const request = (line: string, more = ''): Promise<string> =>
    rawExchange(doors.phonePort, `${line} HTTP/1.1\r\nHost: phones.example.com\r\nConnection: close\r\n${more}\r\n`)
  const masked = (answer: string): string => answer.replace(/^Date: .*$/m, 'Date: -')

  test('unknown, wrong, disabled, malformed, badly encoded, another method, another path: byte for byte the same', async () => {
    const { employee: leaver } = await doors.application.onboard({ ...ada, extension: '1404' }, owner)
    const gone = doors.application.inviteTokenOf(leaver.id)
    const goneDoor = enrolmentToken(gone, leaver.handsets[0]!.id)
    await doors.application.offboard(leaver.id, null, owner)
    const unknown = randomBytes(32).toString('base64url')

    const lines = [
      `GET /join/${unknown}`,
      `GET /join/${gone}`,
      `GET /join/${gone}/office.conf`,
      `GET /join/${invite}/other.conf`,
      `GET /join/${invite}/other.pem`,
      `GET /join/${invite}/`,
      `GET /join/${invite}/office.conf/`,
      `GET /join/${invite}//office.conf`,
      `GET /p/${door}///linphone.xml`,
      `GET /join/${invite}/../${invite}`,
      `GET /join/${invite.slice(1)}`,
      `GET /join/%zz`,
      `GET /join/${invite}/%2e%2e%2fetc`,
      `GET /join/${encodeURIComponent(`${invite}\0`)}`,
      `GET /JOIN/${invite}`,
      `GET /join`,
      `GET /p/${unknown}/linphone.xml`,
      `GET /p/${goneDoor}/linphone.xml`,
      `GET /p/${door}/other.xml`,
      `GET /p/${door}/`,
      `GET /p/${door}`,
      `GET /p/${door}/.htaccess`,
      `GET /p//linphone.xml`,
      `GET /p/${'x'.repeat(8_000)}/linphone.xml`,
      `POST /p/${door}/linphone.xml`,
      `POST /k/${unknown}`,
      `GET /k/${doors.application.gatewayToken}`,
      `POST /k/${doors.application.gatewayToken}/key`,
      `POST /k/`,
      `GET /join/${unknown}/status`,
      `POST /join/${unknown}/01939d2c-0000-7000-8000-000000000001/key`,
      `GET /join/${invite}/01939d2c-0000-7000-8000-000000000001/key`,
      `POST /join/${invite}/01939d2c-0000-7000-8000-000000000001/key`,
      `GET /join-assets/0000000000000000/join.js`,
      `PUT /join/${invite}`,
      `DELETE /crl/handsets.crl`,
      `OPTIONS *`,
      `PROPFIND /`,
      `GET /`,
      `GET /favicon.ico`,
      `GET /crl/`,
      `GET /crl/handsets.crl/`,
      `GET http://phones.example.com/join/${invite}`,
      `GET /api/v1/employees`,
      `GET /healthz`,
    ]
    const first = masked(await request(lines[0]!))
    expect(first).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/)
    expect(first).not.toMatch(/etag|express|powered/i)
    for (const line of lines) expect([line, masked(await request(line))]).toEqual([line, first])
    expect(masked(await request(`POST /join/${invite}`, 'Content-Length: 0\r\n'))).toBe(first)
    expect(masked(await request(`GET /join/${unknown}`, 'If-None-Match: *\r\n'))).toBe(first)
    expect(masked(await request(`GET /join/${unknown}`, 'Expect: something\r\n'))).toBe(first)
    expect(masked(await request(`GET /join/${unknown}`, 'Upgrade: websocket\r\n'))).toBe(first)

    // A HEAD is the same without the body.
    const heads = await Promise.all(
      [`HEAD /join/${unknown}`, `HEAD /p/${goneDoor}/linphone.xml`, 'HEAD /'].map((line) => request(line)),
    )
    for (const head of heads) expect(`${masked(head)}Not found\n`).toBe(first)
  })
})

describe('a phone that puts a slash of its own behind its address', () => {
  test('gets its file all the same', async () => {
    const { status, text } = await ask(doors.phonePort, { path: `/p/${door}//linphone.xml` })
    expect([status, text]).toEqual([200, (await ask(doors.phonePort, { path: `/p/${door}/linphone.xml` })).text])
  })
})

describe("a router's public key", () => {
  const key = `${'B'.repeat(42)}A=`
  const post = (token: string, body: string) =>
    rawExchange(
      doors.phonePort,
      `POST /k/${token} HTTP/1.1\r\nHost: phones.example.com\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )

  test('is taken from a form, encoded or not, and answered with nothing', async () => {
    const { application } = doors
    for (const body of [`publicKey=${key}`, `publicKey=${encodeURIComponent(key)}`, `publicKey=${key}\n`]) {
      application.gatewayKeys.length = 0
      expect(await post(application.gatewayToken, body)).toMatch(/^HTTP\/1\.1 204 No Content\r\n/)
      expect(application.gatewayKeys).toEqual([key])
    }
    const plus = `++${'B'.repeat(40)}A=`
    await post(application.gatewayToken, `publicKey=${plus}`)
    expect(application.gatewayKeys.at(-1)).toBe(plus)
  })

  test('is refused like anything else with a wrong link, and never read beyond the length of a key', async () => {
    const { application } = doors
    expect(await post(randomBytes(32).toString('base64url'), `publicKey=${key}`)).toMatch(/^HTTP\/1\.1 404 /)
    application.gatewayKeys.length = 0
    await post(application.gatewayToken, `publicKey=${key}&more=${'x'.repeat(5_000)}`)
    expect(application.gatewayKeys).toEqual([''])
  })

  test('is entered in the ledger, taken or refused', async () => {
    const { application } = doors
    application.visits.length = 0
    await post(application.gatewayToken, `publicKey=${key}`)
    await post(randomBytes(32).toString('base64url'), `publicKey=${key}`)
    expect(application.visits).toEqual([
      { fileName: 'public key', served: true },
      { fileName: 'public key', served: false },
    ])
  })

  test('of a router that hangs up half-way is none, and no failure of ours', async () => {
    const { application } = doors
    application.visits.length = 0
    application.gatewayKeys.length = 0
    const before = doors.logged().length
    const token = randomBytes(32).toString('base64url')
    const socket = connect(doors.phonePort, '127.0.0.1')
    socket.write(
      `POST /k/${token} HTTP/1.1\r\nHost: phones.example.com\r\nContent-Length: 54\r\n\r\npublicKey=${key.slice(0, 9)}`,
    )
    // The bytes must have arrived before the end does.
    await expect.poll(() => socket.bytesWritten).toBeGreaterThan(100)
    socket.resetAndDestroy()
    const since = () => doors.logged().slice(before)
    await expect.poll(since).toContain('"path":"/k/')
    await expect.poll(() => application.visits).toEqual([{ fileName: 'public key', served: false }])
    expect(application.gatewayKeys).toEqual([''])
    expect(since()).not.toContain('a reason of our own')
  })
})

describe("a browser's public key", () => {
  const key = `${'B'.repeat(42)}A=`
  const post = (token: string, tunnelId: string, body: string) =>
    rawExchange(
      doors.phonePort,
      `POST /join/${token}/${tunnelId}/key HTTP/1.1\r\nHost: phones.example.com\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )

  test('is taken for a tunnel of this invite and answered with the configuration that lacks the private one', async () => {
    const { application } = doors
    const { employee: other } = await application.onboard({ ...ada, extension: '1777' }, owner)
    const token = application.inviteTokenOf(other.id)
    const tunnelId = other.tunnels[0]!.id
    const answer = await post(token, tunnelId, `publicKey=${encodeURIComponent(key)}`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(answer).toMatch(/Cache-Control: no-store/)
    expect(answer).toContain('[Interface]\nAddress = ')
    expect(answer).not.toContain('PrivateKey')
    expect(application.browserKeys.get(tunnelId)).toBe(key)
    expect(application.visits.at(-1)).toEqual({ fileName: 'key', served: true })
    for (const [link, tunnel, body] of [
      [invite, tunnelId, `publicKey=${key}`],
      [token, tunnelId, 'publicKey=nonsense'],
      [token, tunnelId, `publicKey=${key}&more=${'x'.repeat(5_000)}`],
      [token, tunnelId.replace('0', '1'), `publicKey=${key}`],
    ] as const)
      expect(await post(link, tunnel, body)).toMatch(/^HTTP\/1\.1 404 /)
  })
})

describe('whatever is asked for', () => {
  test('no other path gets anything but the 404', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'join',
        'p',
        'crl',
        'handsets.crl',
        '..',
        '.',
        '%2e%2e',
        '',
        'linphone.xml',
        'office.conf',
        invite,
        door,
        `${invite}%00`,
        `${door}.`,
      ),
      fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.~%!$&()*+,;=:@') }),
    )
    const served = new Set([
      `/join/${invite}`,
      `/join/${invite}/office.conf`,
      `/p/${door}/linphone.xml`,
      '/crl/handsets.crl',
      `/join/${invite}/status`,
    ])
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 5 }), async (pieces) => {
        const path = `/${pieces.join('/')}`
        fc.pre(!served.has(path))
        const { status, text } = await get(path)
        expect([path, status, text]).toEqual([path, 404, 'Not found\n'])
      }),
      { numRuns: 300 },
    )
  })
})

describe('what the log keeps', () => {
  test('tokens appear in no log line, however the path was written, and neither do query strings', async () => {
    const api = doors.application.tokenFor('owner')
    for (const path of [
      `/join/${invite}`,
      `/join/${invite}/office.conf`,
      `/p/${door}/linphone.xml?k=${door}`,
      `/JOIN/${invite}`,
      `/%6aoin/${invite}`,
      `//p/${door}/x`,
      `/join//${invite}`,
      `http://h/p/${door}/x`,
      `/x.${door}`,
    ]) {
      await get(path)
    }
    await ask(doors.consolePort, {
      path: `/api/v1/employees/${invite}?token=${api}`,
      headers: { authorization: `Bearer ${api}` },
    })
    await ask(doors.consolePort, {
      method: 'POST',
      path: '/api/v1/employees',
      headers: { authorization: `Bearer ${api}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...ada, extension: '1500' }),
    })
    await ask(doors.consolePort, {
      path: '/api/v1/employees/ada%40example.com',
      headers: { authorization: `Bearer ${api}` },
    })
    const logged = doors.logged()
    expect(logged).toContain('"path":"/api/v1/employees/[who]"')
    expect(logged).not.toMatch(/ada(@|%40)example/)
    expect(logged).toContain('"path":"/join/[token]"')
    expect(logged).toContain('"path":"/p/[token]/linphone.xml"')
    for (const secret of [invite, door, api]) expect(logged).not.toContain(secret)
    expect(logged).not.toContain('?')
  })
})
