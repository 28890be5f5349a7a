import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { localPath } from '../../src/http/session-cookie.ts'
import { firstOwnerLink } from '../../src/journeys/set-up.ts'
import {
  codeOf,
  countedPasswords,
  desk,
  goodPassword,
  makeAdministrator,
  makeOwner,
  type SignedInPerson,
} from '../journeys/console-people.ts'
import { type ConsoleWorld, openConsoleWorld } from '../journeys/console-world.ts'
import { mia, onboarded, person } from '../journeys/world.ts'
import { openDoors } from './doors.ts'
import { type Answer, ask } from './http-client.ts'

const passwords = countedPasswords()
let console_: ConsoleWorld
let owner: SignedInPerson
let hanna: SignedInPerson
beforeAll(async () => {
  console_ = await openConsoleWorld({ signIn: { passwords } })
  owner = await makeOwner(console_.world)
  hanna = await makeAdministrator(console_.world, 'Hanna', 'helpdesk')
})
afterAll(async () => console_?.[Symbol.asyncDispose]())

const get = (path: string, headers: Record<string, string> = {}) => ask(console_.port, { path, headers })
const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  ask(console_.port, {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(fields).toString(),
  })
const withCookie = (cookie: string) => ({ cookie: `ringfence=${cookie}` })
const cookiesOf = ({ headers }: Answer): string[] => [headers['set-cookie'] ?? []].flat()
const cookieOf = (answer: Answer) => /^ringfence=([A-Za-z0-9_-]{43});/.exec(cookiesOf(answer)[0] ?? '')?.[1]
const right = { email: 'hanna@example.com', password: goodPassword.reveal() }

describe('the cookie of a session', () => {
  test('is for this host, all its paths, no script, no other site, and for nobody after signing out', async () => {
    const signedIn = await post('/sign-in', right)
    expect(signedIn.status).toBe(303)
    expect(cookiesOf(signedIn)[0]).toMatch(/^ringfence=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
    const cookie = cookieOf(signedIn)!
    expect((await get('/account', withCookie(cookie))).status).toBe(200)
    const out = await post('/sign-out', {}, withCookie(cookie))
    expect(cookiesOf(out)[0]).toMatch(/^ringfence=; Path=\/; Expires=Thu, 01 Jan 1970/)
    expect((await get('/account', withCookie(cookie))).status).toBe(303)
  })

  test('that a browser brought along is never taken over (session fixation)', async () => {
    const planted = 'p'.repeat(43)
    const fresh = cookieOf(await post('/sign-in', right, withCookie(planted)))
    expect(fresh).not.toBe(planted)
    expect((await get('/account', withCookie(planted))).status).toBe(303)

    const half = cookieOf(await post('/sign-in', { ...right, email: owner.email }))!
    const code = codeOf(owner.key, new Date(Date.now() + 30_000))
    const wrong = await post('/sign-in/second-factor', { code: 'no code', next: '/tokens' }, withCookie(half))
    // The page that says so is another one: a reload of it sends no code again.
    expect([wrong.status, wrong.headers.location]).toEqual([303, '/sign-in/second-factor?wrong=code&next=%2Ftokens'])
    const told = await get(String(wrong.headers.location), withCookie(half))
    expect(told.text).toContain('This code is not right')
    expect(told.text).toContain('name="next" value="/tokens"')
    const full = cookieOf(await post('/sign-in/second-factor', { code }, withCookie(half)))!
    expect(full).not.toBe(half)
    expect((await get('/account', withCookie(half))).status).toBe(303)
    expect((await get('/account', withCookie(full))).status).toBe(200)
  })

  test('of the first step reaches nothing but the second one', async () => {
    const half = cookieOf(await post('/sign-in', { ...right, email: owner.email }))!
    for (const path of ['/', '/account', '/administrators', '/tokens'])
      expect((await get(path, withCookie(half))).headers.location).toMatch(/^\/sign-in\?next=/)
    expect((await get('/api/v1/tokens', withCookie(half))).status).toBe(401)
    expect((await get('/sign-in?next=/tokens', withCookie(half))).headers.location).toBe(
      '/sign-in/second-factor?next=%2Ftokens',
    )
    expect((await get('/sign-in/second-factor', withCookie(half))).text).toContain('Code from your authenticator app')
  })
})

describe('a console behind a proxy with TLS', () => {
  test('gives and takes cookies for TLS and this host only', async () => {
    await using doors = await openDoors({ console: { url: 'https://ringfence.example.com' } })
    const { headers } = await ask(doors.consolePort, { method: 'POST', path: '/sign-out' })
    expect(String(headers['set-cookie'])).toMatch(/^__Host-ringfence=; Path=\/; .*HttpOnly; Secure; SameSite=Strict$/)
    const cookie = doors.application.sessionFor('auditor')
    const as = (name: string) =>
      ask(doors.consolePort, { path: '/api/v1/models', headers: { cookie: `${name}=${cookie}` } })
    expect([(await as('__Host-ringfence')).status, (await as('ringfence')).status]).toEqual([200, 401])
  })
})

describe('where it goes after signing in', () => {
  test.each(['/people?page=2', '/', '/people/%C3%BC'])('%s is ours', async (next) => {
    expect((await post('/sign-in', { ...right, next })).headers.location).toBe(next)
  })

  test.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    'javascript:alert(1)',
    '/people\r\nSet-Cookie: a=b',
    'people',
    '/sign-out',
    '/./\\evil.example',
    '/.//evil.example/x',
    '/people/..//evil.example',
    '/%2e//evil.example',
    '',
  ])('%j is not, and the first page is taken instead', async (next) => {
    expect(localPath(next)).toBe('/')
    const answer = await post('/sign-in', { ...right, next })
    expect(answer.headers.location).toBe('/')
    expect(cookiesOf(answer)).toHaveLength(1)
    const page = await get(`/sign-in?next=${encodeURIComponent(next)}`)
    expect(page.text).toContain('name="next" value="/"')
  })

  test('a page that needs somebody leads to signing in and back', async () => {
    expect((await get('/administrators?x=1')).headers.location).toBe('/sign-in?next=%2Fadministrators%3Fx%3D1')
  })
})

describe('what other sites can make a browser send', () => {
  test.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a sibling host', { 'sec-fetch-site': 'same-site' }],
    ['a foreign origin', { origin: 'https://evil.example' }],
    ['an opaque origin', { origin: 'null' }],
  ])('from %s nothing is done, with a good session too', async (_, headers) => {
    for (const [path, fields] of [
      ['/sign-in', right],
      ['/sign-out', {}],
      ['/account/password', { current: goodPassword.reveal(), password: 'x', again: 'x' }],
      ['/administrators', { name: 'Eve', email: 'eve@example.com', role: 'owner' }],
      ['/tokens', { label: 'evil', role: 'owner' }],
    ] as const)
      expect((await post(path, fields, { ...withCookie(owner.cookie), ...headers })).status).toBe(403)
    expect(await console_.world.app.authenticateSession(owner.cookie)).not.toBeNull()
    expect(await console_.world.app.tokens()).toEqual([])
  })

  test('pages cannot be framed and say nothing to other sites', async () => {
    const { headers } = await get('/sign-in')
    expect(headers).toMatchObject({
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
    })
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
  })
})

describe('refusals', () => {
  test('look alike for unknown, wrong and disabled, byte for byte, and cost one hash each', async () => {
    const gone = await makeAdministrator(console_.world, 'Gina', 'auditor')
    await console_.world.app.administrators.disable(gone.email, mia)
    const answers: string[] = []
    for (const [email, password] of [
      ['nobody@example.com', 'some password'],
      ['hanna@example.com', 'some password'],
      [gone.email, goodPassword.reveal()],
    ] as const) {
      const before = passwords.count()
      const { status, text, headers } = await post('/sign-in', { email, password })
      // Each page has a challenge of its own, and the address that was typed is still in its field.
      expect(text).toContain(`value="${email}"`)
      const alike = text.replace(/data-options="[^"]*"/, '').replace(email, 'typed')
      answers.push(`${status} ${alike} ${Object.keys(headers)}`)
      expect(passwords.count() - before).toBe(1)
    }
    expect(new Set(answers).size).toBe(1)
    expect(answers[0]).toMatch(/^422 .*That is not right/s)
  })

  test('of set-up links look alike, whatever is wrong with them', async () => {
    const token = (await firstOwnerLink(console_.world.context))?.reveal()
    expect(token).toBeUndefined()
    const used = await console_.world.app.administrators.invite(
      { name: 'U', email: 'u@example.com', role: 'auditor' },
      mia,
    )
    const link = used.link.reveal().split('/').at(-1)!
    await console_.world.app.signIn.setupWithPassword(link, { name: '', email: '' }, goodPassword, desk)
    const pages = await Promise.all([link, 'x'.repeat(43), 'x', '%2e%2e'].map((each) => get(`/setup/${each}`)))
    expect(new Set(pages.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(pages[0]!.status).toBe(404)
  })

  test('say before the form why there is no passkey under this name, and where to open it instead', async () => {
    const invited = { name: 'V', email: 'v@example.com', role: 'auditor' } as const
    const { link } = await console_.world.app.administrators.invite(invited, mia)
    // Asked by address; the console is known by name.
    const { text } = await get(new URL(link.reveal()).pathname)
    const [note, form] = [text.indexOf('For a passkey open this page as'), text.indexOf('<form')]
    expect(note).toBeGreaterThan(0)
    expect(form).toBeGreaterThan(note)
  })

  test('write no password, cookie or link into the log', async () => {
    const { link } = await console_.world.app.administrators.invite(
      { name: 'L', email: 'l@example.com', role: 'auditor' },
      mia,
    )
    const token = link.reveal().split('/').at(-1)!
    expect((await get(`/setup/${token}`)).status).toBe(200)
    await post('/sign-in', { email: 'a-secret-in-the-wrong-field', password: 'another-secret-here' })
    const logged = console_.logged()
    for (const secret of [
      token,
      owner.cookie,
      'a-secret-in-the-wrong-field',
      'another-secret-here',
      goodPassword.reveal(),
    ])
      expect(logged).not.toContain(secret)
    expect(logged).toContain('/setup/[redacted]')
  })
})

describe('names on pages', () => {
  test('are text, whatever they hold', async () => {
    const name = `<img src=x onerror=alert(1)> "quoted" {{7*7}}`
    await post('/administrators', { name, email: 'xss@example.com', role: 'auditor' }, withCookie(owner.cookie))
    await post('/tokens', { label: name, role: 'auditor' }, withCookie(owner.cookie))
    const agent = { 'user-agent': '<script>alert(1)</script>' }
    const cookie = cookieOf(await post('/sign-in', right, agent))!
    for (const [path, by] of [
      ['/administrators', owner.cookie],
      ['/tokens', owner.cookie],
      ['/account', cookie],
    ] as const) {
      const { text, status } = await get(path, withCookie(by))
      expect(status).toBe(200)
      expect(text).not.toMatch(/<img src=x|<script>alert/)
      expect(text).toMatch(/&lt;(img|script)/)
    }
  })
})

describe('an owner and a helpdesk person', () => {
  test('the owner invites, gives another role, makes a link and disables; each secret is shown once', async () => {
    const by = withCookie(owner.cookie)
    const made = await post('/administrators', { name: 'Ivo', email: 'ivo@example.com', role: 'helpdesk' }, by)
    expect(made.status).toBe(201)
    const link = /http:\/\/localhost:\d+\/setup\/[A-Za-z0-9_-]{43}/.exec(made.text)?.[0]
    expect(link).toBeDefined()
    const list = await get('/administrators', by)
    expect(list.text).not.toContain(link)
    const path = /href="(\/administrators\/[0-9a-f-]{36})"><bdi>Ivo/.exec(list.text)![1]!
    expect((await post(`${path}/role`, { role: 'admin' }, by)).status).toBe(303)
    expect((await get(path, by)).text).toContain('admin: onboards, offboards')
    expect((await post(`${path}/recovery`, {}, by)).text).toContain('/setup/')
    await post(`${path}/disable`, {}, by)
    expect((await get(path, by)).text).toContain('disabled')
    const token = await post('/tokens', { label: 'HR script', role: 'auditor' }, by)
    const secret = /rf_[A-Za-z0-9_-]{43}/.exec(token.text)![0]
    expect((await get('/tokens', by)).text).not.toContain(secret)
  })

  test('helpdesk reaches its own account and none of these', async () => {
    const by = withCookie(hanna.cookie)
    expect((await get('/account', by)).status).toBe(200)
    for (const path of ['/administrators', '/tokens']) expect((await get(path, by)).status).toBe(403)
    expect((await post('/administrators', { name: 'E', email: 'e@example.com', role: 'owner' }, by)).status).toBe(403)
  })
})

describe('offboarding an administrator', () => {
  test('says before the click that their way into the console ends, and of others nothing', async () => {
    const { world } = console_
    await onboarded(world, person('Hanna Helpdesk', '1001', 'linphone-mobile'))
    await onboarded(world, person('Bob Babbage', '1002', 'linphone-mobile'))
    const page = async (who: string) =>
      (await get(`/people/${(await world.app.employee(who)).id}/offboard`, withCookie(owner.cookie))).text
    expect(await page('1001')).toContain('<strong>Console</strong>: they are helpdesk here')
    expect(await page('1002')).not.toContain('<strong>Console</strong>')
    await world.app.offboard('1001', null, mia)
    expect((await get('/account', withCookie(hanna.cookie))).status).toBe(303)
  })
})
