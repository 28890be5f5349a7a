import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { openFreeswitch } from '../../src/pbx/freeswitch/freeswitch.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { awkwardNames } from '../contracts/pbx-accounts.ts'
import { type DirectoryAddress, parseUser, postForm } from '../fakes/fake-xml-curl.ts'
import { type FreeswitchWorld, freeswitchWorld } from '../fakes/freeswitch-world.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'

let world: FreeswitchWorld
let door: DirectoryAddress

beforeEach(async () => {
  world = await freeswitchWorld()
  door = world.fake.directory!
  await world.driver.applyAccounts([account], limit())
})

afterEach(async () => {
  await world.stop()
})

const limit = () => AbortSignal.timeout(20_000)

const account: PbxAccount = {
  extension: '1001',
  displayName: 'Ana Gómez',
  credentials: [{ id: 'c-1', generation: 1, username: '1001-a', secret: new Secret('a secret of a phone') }],
  maxContacts: 1,
  policy: null,
  adopted: false,
}

/** A REGISTER of 1001, as sofia_reg.c asks. */
const login = {
  section: 'directory',
  tag_name: 'domain',
  key_name: 'name',
  key_value: 'pbx.example.com',
  key: 'id',
  user: '1001-a',
  action: 'sip_auth',
  sip_auth_username: '1001-a',
  sip_auth_method: 'REGISTER',
  sip_to_user: '1001',
  sip_from_user: '1001',
}

const ask = (changes: Readonly<Record<string, string | undefined>> = {}) => {
  const form = Object.entries({ ...login, ...changes }).filter((one): one is [string, string] => one[1] !== undefined)
  return postForm(door, Object.fromEntries(form))
}

describe('what FreeSWITCH is told', () => {
  test('a login gets the digest to compare with, and nothing with which it could be let in unasked', async () => {
    const { status, body } = await ask()
    const { id, params } = parseUser(body)
    expect([status, id]).toEqual([200, '1001-a'])
    expect(params['a1-hash']).toMatch(/^[0-9a-f]{32}$/)
    expect(params['allow-empty-password']).toBe('false')
    expect(body).not.toContain('a secret of a phone')
    expect(body).not.toMatch(/cacheable|auth-acl|cidr/)
  })

  test.each([
    ['another extension in a REGISTER', { sip_to_user: '1002' }],
    ['no extension in a REGISTER', { sip_to_user: undefined }],
    ['another caller in an INVITE', { sip_auth_method: 'INVITE', sip_from_user: '1002' }],
    ['no method and another caller', { sip_auth_method: undefined, sip_from_user: '1002' }],
    ['a longer number', { sip_to_user: '10011' }],
    ['another login name than the one that signed', { sip_auth_username: '1002-b' }],
    ['the bare extension as login', { user: '1001', sip_auth_username: '1001' }],
    ['a login that nobody has', { user: 'x', sip_auth_username: 'x' }],
    ['another domain', { key_value: 'other.example' }],
    ['another section', { section: 'dialplan' }],
    ['a list of everybody', { user: undefined, action: undefined }],
    ['a login to the event socket', { user: '1001', action: 'event_socket_auth' }],
    ['a login by Verto', { user: '1001', action: 'jsonrpc-authenticate' }],
    ['an outbound login', { user: '1001', action: 'reverse-auth-lookup' }],
  ])('%s is not found', async (_, changes) => {
    const { status, body } = await ask(changes)
    expect([status, body.includes('<result status="not found"/>')]).toEqual([200, true])
    expect(body).not.toContain('a1-hash')
  })

  test.each([
    ['the extension', 'sip_to_user=1001', { sip_to_user: '1002' }],
    ['the caller', 'sip_from_user=1001', { sip_auth_method: 'INVITE', sip_from_user: '1002' }],
    ['the method', 'sip_auth_method=INVITE', { sip_to_user: '1002' }],
    ['the login name', 'user=1001-a', { user: '1002-b' }],
    ['what is asked', 'action=user_call', {}],
  ])('a realm with which a phone writes %s into the question a second time gets nothing', async (_, field, changes) => {
    // mod_xml_curl.c writes key_value as it is, and everything that is encoded behind it.
    const { key_value, ...encoded } = { ...login, ...changes }
    for (const form of [
      `key_value=${key_value}&${field}&${new URLSearchParams(encoded)}`,
      `key_value=${key_value}&${new URLSearchParams(encoded)}&${field}`,
    ]) {
      const { status, body } = await postForm(door, form)
      expect([status, body.includes('<result status="not found"/>')], form).toEqual([200, true])
    }
  })

  test('what FreeSWITCH itself says twice is still answered: the same user under several keys, headers of a phone', async () => {
    const twice = 'user=1001-a&domain=pbx.example.com&X-Note=one&X-Note=two&key=number-alias'
    const { body } = await postForm(door, `${new URLSearchParams(login)}&${twice}`)
    expect(body).toContain('a1-hash')
  })

  test('a call to an extension finds its phones, and opens nothing', async () => {
    const { body } = await ask({ user: '1001', action: 'user_call' })
    const { id, params } = parseUser(body)
    expect(id).toBe('1001')
    expect(params['dial-string']).toContain('sofia_contact(*/')
    expect(params).not.toHaveProperty('a1-hash')
    expect(params).toMatchObject({ 'sip-forbid-register': 'true', 'allow-empty-password': 'false' })
  })

  test('a voicemail box without a PIN, which would be open, is switched off', async () => {
    for (const form of [{}, { user: '1001', action: 'voicemail-lookup' }])
      expect(parseUser((await ask(form)).body).params['vm-enabled']).toBe('false')
  })

  test('no name of a person is more than a name', async () => {
    const elements = (body: string) => body.match(/<\/?[\w-]+/g)
    const plain = elements((await ask()).body)
    for (const displayName of [
      ...awkwardNames,
      '<X-PRE-PROCESS cmd="exec" data="id"/>',
      '"/><param name="a1-hash" value=""/>',
      '$${sounds_dir}',
      ']]>&amp;',
    ]) {
      await world.driver.applyAccounts([{ ...account, displayName }], limit())
      const { body } = await ask()
      // The same elements as for a plain name, and nothing that FreeSWITCH fills in or runs before it reads.
      expect(elements(body), displayName).toEqual(plain)
      expect(body, displayName).not.toMatch(/\$|\{|<X-|<!/)
      expect(parseUser(body).params['a1-hash']).toMatch(/^[0-9a-f]{32}$/)
    }
  })

  test('a login that is taken away is not found from the next question on', async () => {
    expect((await ask()).body).toContain('a1-hash')
    await world.driver.applyAccounts([{ ...account, credentials: [] }], limit())
    expect((await ask()).body).toContain('not found')
  })
})

describe('who may ask', () => {
  test('without the right login every question gets the same nothing', async () => {
    const wrong = ['freeswitch:guess', 'other:of the directory', ':', 'freeswitch:of the directory ']
    const answers = await Promise.all(
      wrong.flatMap((credentials) => [
        postForm({ ...door, credentials }, login),
        postForm({ ...door, credentials }, { ...login, user: 'nobody' }),
      ]),
    )
    for (const answer of answers) expect(answer).toEqual({ ...answers[0]!, status: 404, body: '' })
    expect(JSON.stringify(answers[0]!.headers)).not.toMatch(/freeswitch|ringfence|authenticate/i)
  })

  test('from any other address not a byte is answered', async () => {
    const guarded = await openFreeswitch({
      ...world.options,
      directory: { ...world.options.directory, from: ['192.0.2.10', '127.0.0.7/32'] },
    })
    const port = await guarded.directory.listen()
    try {
      await expect(postForm({ ...door, port }, login)).rejects.toMatchObject({
        code: expect.stringMatching(/ECONNRESET|EPIPE/),
      })
      const seen = await new Promise<string>((resolve) => {
        let text = ''
        const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.7' })
        socket.on('connect', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
        socket.on('data', (chunk) => {
          text += chunk
        })
        socket.on('close', () => resolve(text))
      })
      expect(seen).toMatch(/^HTTP\/1\.1 404 /)
    } finally {
      await guarded.directory.close()
    }
  })

  test('a question that does not end is not read to its end', async () => {
    const answer = await postForm(door, { ...login, filler: 'x'.repeat(200_000) }).catch(() => ({ status: 404 }))
    expect(answer.status).toBe(404)
    expect((await ask()).status).toBe(200)
  })

  test('beyond this machine it speaks TLS or not at all', async () => {
    const directory = { ...world.options.directory, host: '0.0.0.0' }
    await expect(openFreeswitch({ ...world.options, directory })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    const { certificate: cert, key } = issueTestCertificate(makeTestAuthority('Authority'), 'localhost', ['127.0.0.1'])
    const secured = await freeswitchWorld({ directory: { ...directory, tls: { cert, key } } })
    try {
      await secured.driver.applyAccounts([account], limit())
      const { body } = await postForm(secured.fake.directory!, login)
      expect(body).toContain('a1-hash')
    } finally {
      await secured.stop()
    }
  })

  test('a port that is taken stops the start with a word', async () => {
    const directory = { ...world.options.directory, port: door.port }
    const second = await openFreeswitch({ ...world.options, directory })
    await expect(second.directory.listen()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('EADDRINUSE'),
    })
  })
})
