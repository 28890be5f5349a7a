import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { mayDo, roles } from '../../src/domain/token.ts'
import { consoleRoutes } from '../../src/http/console.ts'
import type { Route } from '../../src/http/route.ts'
import { ada, type Doors, openDoors, owner } from './doors.ts'
import { ask, bearer, jsonBody } from './http-client.ts'

let doors: Doors
let routes: readonly Route[]
beforeAll(async () => {
  doors = await openDoors()
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  routes = consoleRoutes(doors.application, { log, door: 'network', version: '0' })
})
afterAll(async () => doors?.[Symbol.asyncDispose]())

const nobody = '01939d2c-0000-7000-8000-999999999999'

/** A request that gets past the caller's check and then no further than NOT_FOUND or INVALID_INPUT. */
function harmless({ method, path, contract }: Route) {
  const asks = typeof contract.body === 'object' ? contract.body : {}
  const kind = contract.body === 'csv' ? 'csv' : 'form' in asks ? 'form' : 'upload' in asks ? 'upload' : 'json'
  const body =
    contract.body === undefined
      ? undefined
      : { csv: 'bad\nrow', form: 'nonsense=1', upload: '--x--\r\n', json: '{"nonsense":1}' }[kind]
  const type = {
    csv: 'text/csv',
    form: 'application/x-www-form-urlencoded',
    upload: 'multipart/form-data; boundary=x',
    json: 'application/json',
  }[kind]
  return {
    method: method.toUpperCase(),
    path: path.replace(/:[a-z]+/gi, nobody),
    ...(body === undefined ? {} : { body, headers: { 'content-type': type } }),
  }
}

// An event stream does not end by itself; its caller is checked in event-stream.test.ts.
const walked = (): readonly Route[] => routes.filter(({ path }) => path !== '/api/v1/events')

describe('who may do what', () => {
  test('every route names its caller, and only what pages load, health, the description and signing in are public', () => {
    expect(routes.length).toBeGreaterThan(20)
    const open = routes.filter(({ authority }) => authority === 'public').map(({ path }) => path)
    expect(open.map((path) => path.replace(/[0-9a-f]{12}/, '-')).sort()).toEqual([
      '/api/v1/openapi.json',
      '/assets/-/console.css',
      '/assets/-/console.js',
      '/assets/-/icon.svg',
      '/assets/-/passkey.js',
      '/healthz',
      '/setup/:token',
      '/setup/:token',
      '/setup/:token/passkey',
      '/sign-in',
      '/sign-in',
      '/sign-in/callback',
      '/sign-in/passkey',
      '/sign-in/second-factor',
      '/sign-in/second-factor',
      '/sign-in/second-factor/authenticator',
      '/sign-in/second-factor/passkey',
      '/sign-in/sso',
      '/sign-out',
    ])
  })

  test('without a token or session every route that is not public answers 401 or asks to sign in, and does nothing', async () => {
    for (const route of walked()) {
      const { status, json, headers } = await ask(doors.consolePort, harmless(route))
      if (/^\/(sign-|setup)/.test(route.path)) {
        // Ways in: a stranger is shown the page, sent to it, or refused; a session comes of none of them.
        expect([route.path, [200, 303, 400, 404, 422].includes(status)]).toEqual([route.path, true])
        expect([route.path, String(headers['set-cookie'] ?? '').match(/ringfence=[^;]/)]).toEqual([route.path, null])
      } else if (route.authority === 'public') expect([route.path, status]).toEqual([route.path, 200])
      else if (route.page) {
        expect([route.path, status]).toEqual([route.path, 303])
        expect(headers.location).toMatch(/^\/sign-in\?next=%2F/)
      } else {
        expect([route.path, status]).toEqual([route.path, 401])
        expect(json).toMatchObject({ code: 'UNAUTHORIZED', status: 401, title: 'Unauthorized', type: 'about:blank' })
      }
    }
    expect(doors.application.deeds).toEqual([])
  })

  test.each(roles)('a token of role %s reaches exactly the routes of its authority', async (role) => {
    const token = doors.application.tokenFor(role)
    for (const route of walked()) {
      const request = harmless(route)
      const { status } = await ask(doors.consolePort, { ...request, headers: { ...request.headers, ...bearer(token) } })
      const allowed = route.authority === 'public' || mayDo(role, route.authority)
      if (allowed)
        expect([route.method, route.path, [401, 403].includes(status)]).toEqual([route.method, route.path, false])
      else expect([route.method, route.path, status]).toEqual([route.method, route.path, 403])
    }
  })

  test.each(roles)('a session of role %s reaches exactly the routes of its authority', async (role) => {
    const cookie = { cookie: `ringfence=${doors.application.sessionFor(role)}` }
    for (const route of walked()) {
      const request = harmless(route)
      const { status } = await ask(doors.consolePort, { ...request, headers: { ...request.headers, ...cookie } })
      const allowed = route.authority === 'public' || mayDo(role, route.authority)
      if (allowed)
        expect([route.method, route.path, [401, 403].includes(status)]).toEqual([route.method, route.path, false])
      else expect([route.method, route.path, status]).toEqual([route.method, route.path, 403])
    }
  })

  test('a revoked, a wrong and a malformed token are refused alike', async () => {
    const live = doors.application.tokenFor('owner')
    const { items } = (await ask(doors.consolePort, { path: '/api/v1/tokens', headers: bearer(live) })).json as {
      items: { id: string }[]
    }
    await doors.application.revokeToken(items.at(-1)!.id, owner)
    const refusals = await Promise.all(
      [
        bearer(live),
        bearer('x'.repeat(43)),
        bearer('x'.repeat(5_000)),
        { authorization: 'Basic b3duZXI6' },
        bearer(''),
      ].map((headers) => ask(doors.consolePort, { path: '/api/v1/employees', headers })),
    )
    expect(new Set(refusals.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(refusals[0]).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } })
  })

  test('the user header means nothing on the network', async () => {
    const headers = { 'x-ringfence-user': 'root' }
    expect((await ask(doors.consolePort, { path: '/api/v1/employees', headers })).status).toBe(401)

    const body = JSON.stringify({ ...ada, extension: '1777' })
    const spoofed = { ...headers, ...jsonBody, ...bearer(doors.application.tokenFor('helpdesk')) }
    expect(
      (await ask(doors.consolePort, { method: 'POST', path: '/api/v1/employees', headers: spoofed, body })).status,
    ).toBe(201)
    expect(doors.application.deeds.at(-1)).toMatchObject({ actor: { name: 'helpdesk', via: 'token' } })
  })

  test('on the admin socket the caller is an owner, with the name as claimed', async () => {
    const post = (user: string, extension: string) =>
      ask(doors.socket, {
        method: 'POST',
        path: '/api/v1/employees',
        headers: { ...jsonBody, 'x-ringfence-user': user },
        body: JSON.stringify({ ...ada, extension }),
      })
    expect((await post('grace', '2001')).status).toBe(201)
    expect(doors.application.deeds.at(-1)).toMatchObject({
      actor: { name: 'grace', role: 'owner', via: 'local-socket' },
    })
    expect((await post('<b>root</b>', '2002')).status).toBe(201)
    expect(doors.application.deeds.at(-1)).toMatchObject({ actor: { name: 'unknown' } })
  })

  test('the description lists every route with its authority and nothing else', async () => {
    const { status, json } = await ask(doors.consolePort, { path: '/api/v1/openapi.json' })
    expect(status).toBe(200)
    const document = z
      .object({
        openapi: z.literal('3.1.0'),
        paths: z.record(
          z.string(),
          z.record(z.string(), z.looseObject({ operationId: z.string(), 'x-authority': z.string().optional() })),
        ),
        components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
      })
      .parse(json)
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(
        ([method, operation]) => `${method} ${path} ${operation['x-authority'] ?? 'public'}`,
      ),
    )
    expect(described.sort()).toEqual(
      routes
        .filter(({ page }) => !page)
        .map(({ method, path, authority }) => `${method} ${path.replace(/:([a-z]+)/g, '{$1}')} ${authority}`)
        .sort(),
    )
    const ids = Object.values(document.paths).flatMap((operations) =>
      Object.values(operations).map(({ operationId }) => operationId),
    )
    expect(new Set(ids).size).toBe(ids.length)
    // Every reference leads somewhere.
    for (const [, name] of JSON.stringify(json).matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      expect(Object.keys(document.components.schemas)).toContain(name)
  })
})
