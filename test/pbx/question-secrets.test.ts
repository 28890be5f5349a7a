import { afterEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { ariObjects } from '../../src/pbx/asterisk/ari-objects.ts'
import { freepbxApi } from '../../src/pbx/freepbx/freepbx-api.ts'
import { threeCxApi } from '../../src/pbx/three-cx/three-cx-api.ts'
import { yeastarApi } from '../../src/pbx/yeastar/yeastar-api.ts'
import { type FakeHttps, startFakeHttps } from '../fakes/fake-https.ts'

let pbx: FakeHttps | null = null
afterEach(async () => {
  await pbx?.stop()
  pbx = null
})

const [awkward, key, token] = ['s3cr/et"of\\1001-abcdef', 'the key of the client', 'aTokenOfOneHour']
const signal = AbortSignal.timeout(10_000)

/** A PBX that lets Ringfence in, and repeats all it was asked when it says no. */
async function repeating(no: (words: string) => object) {
  pbx = await startFakeHttps(({ path, body, headers, query }) => {
    if (/token/.test(path)) {
      const lifetime = { expires_in: 3600, access_token_expire_time: 1800 }
      return { status: 200, body: { errcode: 0, access_token: token, ...lifetime } }
    }
    return {
      status: path.startsWith('/openapi') || path.endsWith('/gql') ? 200 : 400,
      body: no(`no: ${headers.authorization} ${query} ${body}`),
    }
  })
  return { origin: pbx.url, ca: pbx.ca, clientId: '900', clientSecret: new Secret(key) }
}

const fields = (secret: Secret) => ({ AuthID: '1001', AuthPassword: secret, reg_password: secret })

describe('a PBX that repeats what it was asked when it refuses does not bring the secret into the error', () => {
  const asked: [string, () => Promise<unknown>, string][] = [
    [
      '3CX',
      async () => {
        const access = await repeating((message) => ({ error: { message } }))
        return threeCxApi(access).changeUser('7', fields(new Secret(awkward)), signal)
      },
      awkward,
    ],
    [
      'Yeastar',
      async () => {
        const access = await repeating((errmsg) => ({ errcode: 40002, errmsg }))
        return yeastarApi(access).update('7', fields(new Secret(awkward)), signal)
      },
      awkward,
    ],
    [
      'FreePBX',
      async () => {
        const { origin, ca, ...client } = await repeating((message) => ({ errors: [{ message }] }))
        const api = freepbxApi({ ...client, web: { origin, ca } })
        const variables = { input: { extPassword: new Secret(awkward) } }
        return api.ask({ field: 'updateExtension', query: 'mutation', variables }, null as never, signal)
      },
      awkward,
    ],
    [
      "Asterisk's REST interface, of the digest with which one can log in as well",
      async () => {
        const { origin, ca } = await repeating((message) => ({ message }))
        const objects = ariObjects({ origin, ca, username: 'ringfence', secret: new Secret(key) })
        const digest = 'a'.repeat(16) + 'b'.repeat(16)
        const id = '1001-c-1-g1'
        return objects.put({ type: 'auth', id, fields: [['password_digest', `MD5:${digest}`]] }, signal)
      },
      'a'.repeat(16) + 'b'.repeat(16),
    ],
  ]
  test.each(asked)('%s', async (_, ask, secret) => {
    const error = (await ask().catch((caught: unknown) => caught)) as Error & { hint?: string }
    expect(error).toMatchObject({ code: 'PBX_REFUSED', message: expect.stringContaining('[secret]') })
    // The question arrived with the secret itself.
    const bodies = pbx!.asked.map(({ body }) => body)
    expect(bodies.some((body) => body.includes(JSON.stringify(secret).slice(1, -1)))).toBe(true)
    const shown = [error.message, error.hint, JSON.stringify(error)].join(' ')
    for (const part of [secret, secret.slice(0, 12), key, token]) expect(shown).not.toContain(part)
  })
})
