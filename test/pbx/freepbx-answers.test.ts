import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { freepbxDriver } from '../../src/pbx/freepbx/freepbx.ts'
import { type FakeFreepbx, startFakeFreepbx } from '../fakes/fake-freepbx.ts'
import { saidNo } from '../fakes/fake-freepbx-faults.ts'
import { freepbxOptions } from '../fakes/freepbx-world.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'
import { account, freepbxOfEachTest, limit, shut } from './freepbx-bench.ts'

const pbx = freepbxOfEachTest()
const { apply, login } = pbx

describe('FreePBX that does not answer as it should', () => {
  test('on both of its interfaces is told with both, and on one with that one', async () => {
    await pbx.fake.asterisk.ami.door.shut()
    const said = () =>
      pbx.driver.describe(limit()).then(
        () => '',
        (error: Error) => error.message,
      )
    expect(await said()).toMatch(/^the manager interface of the PBX at [^;]+$/)
    await pbx.fake.door.shut()
    expect(await said()).toMatch(
      /^the manager interface of the PBX at .+; and its other interface: the management interface/,
    )
    await Promise.all([pbx.fake.door.open(), pbx.fake.asterisk.ami.door.open()])
    expect(await said()).toBe('')
  })

  const [refused, unreachable] = ['PBX_REFUSED', 'PBX_UNREACHABLE']
  const faults: [string, string, (fake: FakeFreepbx) => void][] = [
    [
      'a page instead of an answer',
      refused,
      ({ faults }) => Object.assign(faults, { answers: { status: 200, body: '<html>Login</html>' } }),
    ],
    [
      'a gateway error',
      refused,
      ({ faults }) => Object.assign(faults, { answers: { status: 502, body: 'bad gateway' } }),
    ],
    ['half an answer', unreachable, ({ faults }) => Object.assign(faults, { breaksOff: true })],
    [
      'JSON of something else',
      refused,
      ({ faults }) => Object.assign(faults, { answers: { status: 200, body: '{"ok":true}' } }),
    ],
  ]
  test.each(faults)('%s is an error, worth another try, and changes nothing', async (_, code, set) => {
    await apply(account('1001'))
    pbx.fake.database.get('1001')!.endpoint.MediaEncryption = 'sdes'
    pbx.fake.apply()
    const before = JSON.stringify([...pbx.fake.database])
    set(pbx.fake)
    await expect(apply(account('1001', 2))).rejects.toMatchObject({ code, retryable: true })
    await expect(apply(shut('1001'))).rejects.toMatchObject({ code })
    expect(JSON.stringify([...pbx.fake.database])).toBe(before)
    const { problems } = await pbx.driver.describe(limit())
    expect(problems).toMatchObject([
      { message: expect.stringMatching(/FreePBX|PBX/), hint: expect.stringMatching(/\w/) },
    ])
  })

  test('one that never answers ends with the patience of the caller', async () => {
    pbx.fake.faults.hangs = true
    const started = performance.now()
    await expect(pbx.driver.applyAccounts([account('1001')], AbortSignal.timeout(100))).rejects.toMatchObject({
      code: 'PBX_UNREACHABLE',
    })
    expect(performance.now() - started).toBeLessThan(1_500)
  })

  test('a login that ran out in the middle is renewed without a word', async () => {
    await apply(account('1001'))
    pbx.fake.faults.tokenDiesAfter = 2
    await apply(account('1001', 2))
    expect(await login('1001')).toMatchObject([{ generation: 2 }])
  })

  test('a login that is refused is said so, without the secret', async () => {
    pbx.fake.faults.refusesLogin = true
    const error = await apply(account('1001')).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'PBX_REFUSED', hint: expect.stringContaining('Applications') })
    expect(JSON.stringify(error) + String(error)).not.toContain(pbx.fake.clientSecret)
  })

  test('an answer that repeats the password does not carry it into the error', async () => {
    await apply(account('1001'))
    const secret = account('1001', 2).credentials[0]!.secret.reveal()
    pbx.fake.failWith('updateExtension', `Variable got invalid value "${secret}"`)
    const error = await apply(account('1001', 2)).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'PBX_REFUSED', message: expect.stringContaining('[secret]') })
    expect(JSON.stringify(error) + String(error)).not.toContain(secret)
  })

  test('a certificate that nobody vouches for is refused before anything is sent; with its authority it is good', async () => {
    const authority = makeTestAuthority('Authority of the PBX')
    const { certificate, key } = issueTestCertificate(authority, 'localhost', ['localhost'])
    const guarded = await startFakeFreepbx({ tls: { cert: certificate, key } })
    try {
      const options = freepbxOptions(guarded, dirname(pbx.options.accountsFile))
      await expect(freepbxDriver(options).applyAccounts([account('1001')], limit())).rejects.toMatchObject({
        code: 'PBX_UNREACHABLE',
        message: expect.stringMatching(/SELF_SIGNED|UNABLE_TO_VERIFY|CERT/),
      })
      expect(guarded.received()).toBe('')
      const trusting = freepbxDriver({ ...options, web: { ...options.web, ca: authority.certificate } })
      await trusting.applyAccounts([account('1001')], limit())
      expect(guarded.database.has('1001')).toBe(true)
    } finally {
      await guarded.stop()
    }
  })

  test('no password is ever part of an address', async () => {
    await apply(account('1001'))
    const lines = pbx.fake
      .received()
      .split('\n')
      .filter((line) => /^POST /.test(line))
    expect(lines.length).toBeGreaterThan(1)
    for (const line of lines) expect(line.split(' ')[1]).toMatch(/^\/admin\/api\/api\/(token|gql)$/)
  })
})

describe('FreePBX that says no to a change, in each of the ways it can', () => {
  const ways = [
    { http: 200, as: 'status' },
    { http: 200, as: 'error' },
    { http: 400, as: 'error' },
    { http: 400, as: 'status' },
    { http: 500, as: 'error' },
    { http: 500, as: 'status' },
  ] as const
  const changes = [
    { field: 'addExtension', change: () => apply(account('1002')) },
    { field: 'updateExtension', change: () => apply(account('1001', 2)) },
    { field: 'deleteExtension', change: () => apply(shut('1001')) },
    { field: 'doreload', change: () => apply(account('1001', 2)) },
  ]
  // It has no `status` of its own.
  const restore = { field: 'updateCoreUser', change: () => apply(account('1001', 2)) }
  const cases = [
    ...changes.flatMap((one) => ways.map((way) => ({ ...one, ...way }))),
    ...ways.filter(({ as }) => as === 'error').map((way) => ({ ...restore, ...way })),
  ]
  test.each(cases)('$field, $http, as $as: it is told with its words, and done at the next try', async (one) => {
    const { field, change, ...way } = one
    await apply(account('1001'))
    pbx.fake.database.get('1001')!.user.ringtimer = 25
    pbx.fake.faults.saysNo = { field, ...way }
    await expect(change()).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: `FreePBX refused ${field}: ${saidNo}`,
      retryable: true,
    })
    // In force is what was, whatever waits in its database.
    expect(await login('1001')).toMatchObject([{ generation: 1 }])
    pbx.fake.faults.saysNo = null
    await change()
    const wanted = { addExtension: [1], deleteExtension: [] }[field] ?? [2]
    const extension = field === 'addExtension' ? '1002' : '1001'
    expect((await login(extension)).map(({ generation }) => generation)).toEqual(wanted)
  })
})
