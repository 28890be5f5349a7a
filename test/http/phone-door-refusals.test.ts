import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { enrolmentToken } from '../../src/domain/invite.ts'
import { ada, owner } from './doors.ts'
import { ask, rawExchange } from './http-client.ts'
import { invitedAda } from './invited-ada.ts'

const at = invitedAda()
const { get } = at

describe('the one 404', () => {
  const request = (line: string, more = ''): Promise<string> =>
    rawExchange(at.doors.phonePort, `${line} HTTP/1.1\r\nHost: phones.example.com\r\nConnection: close\r\n${more}\r\n`)
  const masked = (answer: string): string => answer.replace(/^Date: .*$/m, 'Date: -')

  test('unknown, wrong, disabled, malformed, badly encoded, another method, another path: byte for byte the same', async () => {
    const { employee: leaver } = await at.doors.application.onboard({ ...ada, extension: '1404' }, owner)
    const gone = at.doors.application.inviteTokenOf(leaver.id)
    const goneDoor = enrolmentToken(gone, leaver.handsets[0]!.id)
    await at.doors.application.offboard(leaver.id, null, owner)
    const unknown = randomBytes(32).toString('base64url')

    const lines = [
      `GET /join/${unknown}`,
      `GET /join/${gone}`,
      `GET /join/${gone}/office.conf`,
      `GET /join/${at.invite}/other.conf`,
      `GET /join/${at.invite}/other.pem`,
      `GET /join/${at.invite}/`,
      `GET /join/${at.invite}/office.conf/`,
      `GET /join/${at.invite}//office.conf`,
      `GET /p/${at.door}///linphone.xml`,
      `GET /join/${at.invite}/../${at.invite}`,
      `GET /join/${at.invite.slice(1)}`,
      `GET /join/%zz`,
      `GET /join/${at.invite}/%2e%2e%2fetc`,
      `GET /join/${encodeURIComponent(`${at.invite}\0`)}`,
      `GET /JOIN/${at.invite}`,
      `GET /join`,
      `GET /p/${unknown}/linphone.xml`,
      `GET /p/${goneDoor}/linphone.xml`,
      `GET /p/${at.door}/other.xml`,
      `GET /p/${at.door}/`,
      `GET /p/${at.door}`,
      `GET /p/${at.door}/.htaccess`,
      `GET /p//linphone.xml`,
      `GET /p/${'x'.repeat(8_000)}/linphone.xml`,
      `POST /p/${at.door}/linphone.xml`,
      `POST /k/${unknown}`,
      `GET /k/${at.doors.application.gatewayToken}`,
      `POST /k/${at.doors.application.gatewayToken}/key`,
      `POST /k/`,
      `GET /join/${unknown}/status`,
      `POST /join/${unknown}/01939d2c-0000-7000-8000-000000000001/key`,
      `GET /join/${at.invite}/01939d2c-0000-7000-8000-000000000001/key`,
      `POST /join/${at.invite}/01939d2c-0000-7000-8000-000000000001/key`,
      `GET /join-assets/0000000000000000/join.js`,
      `PUT /join/${at.invite}`,
      `DELETE /crl/handsets.crl`,
      `OPTIONS *`,
      `PROPFIND /`,
      `GET /`,
      `GET /favicon.ico`,
      `GET /crl/`,
      `GET /crl/handsets.crl/`,
      `GET http://phones.example.com/join/${at.invite}`,
      `GET /api/v1/employees`,
      `GET /healthz`,
    ]
    const first = masked(await request(lines[0]!))
    expect(first).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/)
    expect(first).not.toMatch(/etag|express|powered/i)
    for (const line of lines) expect([line, masked(await request(line))]).toEqual([line, first])
    expect(masked(await request(`POST /join/${at.invite}`, 'Content-Length: 0\r\n'))).toBe(first)
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
        at.invite,
        at.door,
        `${at.invite}%00`,
        `${at.door}.`,
      ),
      fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.~%!$&()*+,;=:@') }),
    )
    const served = new Set([
      `/join/${at.invite}`,
      `/join/${at.invite}/office.conf`,
      `/p/${at.door}/linphone.xml`,
      '/crl/handsets.crl',
      `/join/${at.invite}/status`,
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
    const api = at.doors.application.tokenFor('owner')
    for (const path of [
      `/join/${at.invite}`,
      `/join/${at.invite}/office.conf`,
      `/p/${at.door}/linphone.xml?k=${at.door}`,
      `/JOIN/${at.invite}`,
      `/%6aoin/${at.invite}`,
      `//p/${at.door}/x`,
      `/join//${at.invite}`,
      `http://h/p/${at.door}/x`,
      `/x.${at.door}`,
    ]) {
      await get(path)
    }
    await ask(at.doors.consolePort, {
      path: `/api/v1/employees/${at.invite}?token=${api}`,
      headers: { authorization: `Bearer ${api}` },
    })
    await ask(at.doors.consolePort, {
      method: 'POST',
      path: '/api/v1/employees',
      headers: { authorization: `Bearer ${api}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...ada, extension: '1500' }),
    })
    await ask(at.doors.consolePort, {
      path: '/api/v1/employees/ada%40example.com',
      headers: { authorization: `Bearer ${api}` },
    })
    const logged = at.doors.logged()
    expect(logged).toContain('"path":"/api/v1/employees/[who]"')
    expect(logged).not.toMatch(/ada(@|%40)example/)
    expect(logged).toContain('"path":"/join/[token]"')
    expect(logged).toContain('"path":"/p/[token]/linphone.xml"')
    for (const secret of [at.invite, at.door, api]) expect(logged).not.toContain(secret)
    expect(logged).not.toContain('?')
  })
})
