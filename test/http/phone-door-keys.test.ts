import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { ada, owner } from './doors.ts'
import { rawExchange } from './http-client.ts'
import { invitedAda } from './invited-ada.ts'

const at = invitedAda()

describe("a router's public key", () => {
  const key = `${'B'.repeat(42)}A=`
  const post = (token: string, body: string) =>
    rawExchange(
      at.doors.phonePort,
      `POST /k/${token} HTTP/1.1\r\nHost: phones.example.com\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )

  test('is taken from a form, encoded or not, and answered with nothing', async () => {
    const { application } = at.doors
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
    const { application } = at.doors
    expect(await post(randomBytes(32).toString('base64url'), `publicKey=${key}`)).toMatch(/^HTTP\/1\.1 404 /)
    application.gatewayKeys.length = 0
    await post(application.gatewayToken, `publicKey=${key}&more=${'x'.repeat(5_000)}`)
    expect(application.gatewayKeys).toEqual([''])
  })

  test('is entered in the ledger, taken or refused', async () => {
    const { application } = at.doors
    application.visits.length = 0
    await post(application.gatewayToken, `publicKey=${key}`)
    await post(randomBytes(32).toString('base64url'), `publicKey=${key}`)
    expect(application.visits).toEqual([
      { fileName: 'public key', served: true },
      { fileName: 'public key', served: false },
    ])
  })

  test('of a router that hangs up half-way is none, and no failure of ours', async () => {
    const { application } = at.doors
    application.visits.length = 0
    application.gatewayKeys.length = 0
    const before = at.doors.logged().length
    const token = randomBytes(32).toString('base64url')
    const socket = connect(at.doors.phonePort, '127.0.0.1')
    socket.write(
      `POST /k/${token} HTTP/1.1\r\nHost: phones.example.com\r\nContent-Length: 54\r\n\r\npublicKey=${key.slice(0, 9)}`,
    )
    // The bytes must have arrived before the end does.
    await expect.poll(() => socket.bytesWritten).toBeGreaterThan(100)
    socket.resetAndDestroy()
    const since = () => at.doors.logged().slice(before)
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
      at.doors.phonePort,
      `POST /join/${token}/${tunnelId}/key HTTP/1.1\r\nHost: phones.example.com\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )

  test('is taken for a tunnel of this invite and answered with the configuration that lacks the private one', async () => {
    const { application } = at.doors
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
      [at.invite, tunnelId, `publicKey=${key}`],
      [token, tunnelId, 'publicKey=nonsense'],
      [token, tunnelId, `publicKey=${key}&more=${'x'.repeat(5_000)}`],
      [token, tunnelId.replace('0', '1'), `publicKey=${key}`],
    ] as const)
      expect(await post(link, tunnel, body)).toMatch(/^HTTP\/1\.1 404 /)
  })
})
