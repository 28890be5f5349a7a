import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { authenticatorApp } from '../../src/signin/authenticator-app.ts'
import { passkeys } from '../../src/signin/passkeys.ts'

const now = new Date('2026-11-22T14:00:00Z')
const key = Buffer.alloc(32, 7)

describe('passkeys', () => {
  test('belong to the host of the console, and to none where it has an address only', () => {
    expect(passkeys({ url: 'https://ringfence.example.com', key }).host).toBe('ringfence.example.com')
    expect(passkeys({ url: 'http://localhost:8080', key }).host).toBe('localhost')
    for (const url of ['http://10.0.0.5:8080', 'https://[fd00::1]:8080']) expect(passkeys({ url, key }).host).toBeNull()
  })

  test('are asked for with the owner verified, kept on the device, and under an id that tells nothing', async () => {
    const room = passkeys({ url: 'http://localhost:8080', key })
    const who = { id: 'administrator-7', email: 'olga@example.com', name: 'Olga' }
    const options = JSON.parse(await room.creation(who, [], now))
    expect(options).toMatchObject({
      rp: { id: 'localhost' },
      user: { name: 'olga@example.com' },
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      attestation: 'none',
    })
    expect(Buffer.from(options.user.id, 'base64url').toString('latin1')).not.toMatch(/administrator|olga/)
    const { challenge } = JSON.parse(await room.request(null, now))
    expect(challenge).not.toBe(JSON.parse(await room.request(null, now)).challenge)
  })

  test.each([
    '',
    'null',
    '[]',
    '{}',
    '{"id":"x"}',
    '{"id":"x","response":{}}',
    '{"id":"x","response":{"clientDataJSON":"e30"}}',
  ])('the answer %j proves nothing and breaks nothing', async (answer) => {
    const room = passkeys({ url: 'http://localhost:8080', key })
    expect(await room.created(answer, now)).toBeNull()
  })
})

describe('the authenticator app', () => {
  // RFC 6238 appendix B, the SHA-1 rows: the last six of the eight digits there.
  test.each([
    [59, '287082'],
    [1111111109, '081804'],
    [1234567890, '005924'],
    [2000000000, '279037'],
  ])('shows at second %i what the standard says', (second, code) => {
    const app = authenticatorApp()
    const secret = new Secret('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ') // 12345678901234567890 in base32
    expect(app.stepOf(secret, code, new Date(second * 1_000))).toBe(Math.floor(second / 30))
    expect(app.stepOf(secret, code, new Date(second * 1_000 + 30_000))).toBe(Math.floor(second / 30))
    expect(app.stepOf(secret, code, new Date(second * 1_000 + 90_000))).toBeNull()
    for (const wrong of ['', '12345', 'abcdef', `${code}0`])
      expect(app.stepOf(secret, wrong, new Date(second * 1_000))).toBeNull()
  })
})
