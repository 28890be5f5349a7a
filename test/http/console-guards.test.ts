import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ada, type Doors, openDoors } from './doors.ts'
import { ask, bearer, jsonBody, rawExchange } from './http-client.ts'

let doors: Doors
let token: string
beforeAll(async () => {
  doors = await openDoors({ console: { hosts: ['console.example.com'] } })
  token = doors.application.tokenFor('owner')
})
afterAll(async () => doors?.[Symbol.asyncDispose]())

const post = (headers: Record<string, string>, body: string | Uint8Array, path = '/api/v1/employees') =>
  ask(doors.consolePort, { method: 'POST', path, headers: { ...bearer(token), ...headers }, body })

describe('what a browser can be made to send', () => {
  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'console.example.com@evil.example'])(
    'a request for the host %j is refused (DNS rebinding)',
    async (host) => {
      const { status } = await ask(doors.consolePort, { path: '/healthz', headers: { host } })
      expect(status).toBe(403)
    },
  )

  test('a request that names no host is refused', async () => {
    for (const head of ['GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close', 'GET /healthz HTTP/1.0']) {
      expect(await rawExchange(doors.consolePort, `${head}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403 /)
    }
  })

  test.each(['localhost:8080', '127.0.0.1', '[::1]:8080', 'Console.Example.com'])(
    'the host %s is ours',
    async (host) => {
      expect((await ask(doors.consolePort, { path: '/healthz', headers: { host } })).status).toBe(200)
    },
  )

  test.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a sibling host', { 'sec-fetch-site': 'same-site' }],
    ['a foreign origin', { origin: 'https://evil.example' }],
    ['an opaque origin', { origin: 'null' }],
  ])('a request from %s is refused, with a good token too', async (_, headers) => {
    const { status, json } = await post({ ...jsonBody, ...headers }, JSON.stringify(ada))
    expect(status).toBe(403)
    expect(json).toMatchObject({ code: 'FORBIDDEN' })
    expect(doors.application.deeds).toEqual([])
  })

  test('a link to the console that was clicked elsewhere works, a frame or a form does not', async () => {
    const click = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    const cookie = `ringfence=${doors.application.sessionFor('auditor')}`
    expect((await ask(doors.consolePort, { path: '/', headers: { ...click, cookie } })).status).toBe(200)
    expect(
      (await ask(doors.consolePort, { path: '/', headers: { ...click, 'sec-fetch-dest': 'iframe' } })).status,
    ).toBe(403)
    expect((await post({ ...jsonBody, ...click }, JSON.stringify(ada))).status).toBe(403)
  })

  test("the console's own page and programs are let through", async () => {
    const own = { origin: 'http://console.example.com', host: 'console.example.com', 'sec-fetch-site': 'same-origin' }
    expect(
      (await ask(doors.consolePort, { path: '/api/v1/models', headers: { ...own, ...bearer(token) } })).status,
    ).toBe(200)
  })

  test('pages and answers carry strict headers and are not kept', async () => {
    for (const path of ['/', '/healthz', '/api/v1/employees', '/nowhere']) {
      const { headers } = await ask(doors.consolePort, { path })
      expect(headers['content-security-policy']).toBe(
        "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;connect-src 'self';base-uri 'none';form-action 'self';frame-ancestors 'none'",
      )
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
        'x-frame-options': 'DENY',
        'x-request-id': expect.stringMatching(/^[0-9a-f]{16}$/),
      })
      expect(headers['x-powered-by']).toBeUndefined()
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  test('the page for people names the demo mode and escapes its reasons', async () => {
    doors.application.demo = ['no <b>address</b> is configured']
    const cookie = `ringfence=${doors.application.sessionFor('auditor')}`
    const { text } = await ask(doors.consolePort, { path: '/', headers: { cookie } })
    doors.application.demo = []
    expect(text).toContain('Demo mode')
    expect(text).toContain('no &lt;b&gt;address&lt;/b&gt; is configured')
    const style = /href="(\/assets\/[0-9a-f]{12}\/console\.css)"/.exec(text)![1]!
    const { headers } = await ask(doors.consolePort, { path: style })
    expect(headers).toMatchObject({
      'content-type': 'text/css; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    })
  })
})

describe('bodies', () => {
  test.each([
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'name=Ada'],
    ['plain text', { 'content-type': 'text/plain' }, JSON.stringify(ada)],
    ['no type', {}, JSON.stringify(ada)],
    ['half a JSON text', jsonBody, '{"name":'],
    ['a list', jsonBody, '[]'],
    ['a number', jsonBody, '7'],
    ['nothing', jsonBody, ''],
    ['a compressed body', { ...jsonBody, 'content-encoding': 'gzip' }, 'xxxx'],
    ['another charset', { 'content-type': 'application/json; charset=utf-16' }, '{}'],
    ['a prototype', jsonBody, JSON.stringify(ada).replace('{', '{"__proto__":{"role":"owner"},')],
    ['10 000 levels', jsonBody, `{"name":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['21 levels of objects', jsonBody, `${'{"a":'.repeat(21)}1${'}'.repeat(21)}`],
  ])('%s is refused as invalid, and nothing is done', async (_, headers, body) => {
    const answer = await post(headers as Record<string, string>, body)
    expect([answer.status, (answer.json as { code: string }).code]).toEqual([400, 'INVALID_INPUT'])
    expect(doors.application.deeds).toEqual([])
  })

  test('a deep body is refused for its depth, before anything else looks at it', async () => {
    for (const body of [`${'['.repeat(500_000)}`, `${'{"a":'.repeat(21)}1${'}'.repeat(21)}`]) {
      expect((await post(jsonBody, body)).json).toMatchObject({ detail: 'the body is nested deeper than 20 levels' })
    }
    const brackets = await post(jsonBody, JSON.stringify({ ...ada, extension: `[{"\\${'['.repeat(30)}` }))
    expect((brackets.json as { detail: string }).detail).not.toContain('nested')
    doors.application.deeds.length = 0
  })

  test('JSON above 1 MB and a roster above 10 MB are too large', async () => {
    const large = await post(jsonBody, JSON.stringify({ ...ada, name: 'x'.repeat(1024 * 1024) }))
    expect([large.status, (large.json as { code: string }).code]).toEqual([413, 'TOO_LARGE'])
    const roster = await post(
      { 'content-type': 'text/csv' },
      Buffer.alloc(10 * 1024 * 1024 + 1, 'a'),
      '/api/v1/imports',
    )
    expect([roster.status, (roster.json as { code: string }).code]).toEqual([413, 'TOO_LARGE'])
  })

  test('a roster just below 10 MB is read', async () => {
    const line = `Bo,bo@example.com,1003,linphone-mobile,${' '.repeat(1_000)}\n`
    const roster = `name,email,extension,model,mac\n${line.repeat(Math.floor((10 * 1024 * 1024 - 40) / line.length))}`
    expect((await post({ 'content-type': 'text/csv' }, roster, '/api/v1/imports')).status).toBe(202)
  })

  test("a stranger's body is not read before the refusal", async () => {
    const head = `POST /api/v1/imports HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 9999999\r\n\r\n`
    expect(await rawExchange(doors.consolePort, head)).toMatch(/^HTTP\/1\.1 401 /)
  })

  test('a broken percent-encoding and an unknown path are said in words', async () => {
    const headers = bearer(token)
    expect((await ask(doors.consolePort, { path: '/api/v1/employees/%zz', headers })).json).toMatchObject({
      code: 'INVALID_INPUT',
    })
    expect((await ask(doors.consolePort, { path: '/api/v2/employees', headers })).json).toMatchObject({
      code: 'NOT_FOUND',
      status: 404,
    })
    expect((await ask(doors.consolePort, { method: 'PUT', path: '/api/v1/models', headers })).status).toBe(404)
    expect((await ask(doors.consolePort, { path: '/api/v1/employees?lifecylce=active', headers })).json).toMatchObject({
      code: 'INVALID_INPUT',
    })
  })
})
