import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { makeAccount, rotate } from '../contracts/pbx-accounts.ts'
import type { Fake3cx } from '../fakes/fake-3cx.ts'
import { loginOf, refused, shut, signal, unreachable } from './booked-bench.ts'
import { type ThreeCxBench, threeCxBench } from './three-cx-bench.ts'

let bench: ThreeCxBench
let fake: Fake3cx
beforeEach(async () => {
  bench = await threeCxBench()
  fake = bench.fake
})
afterEach(() => bench[Symbol.asyncDispose]())

const apply = (...accounts: PbxAccount[]) => bench.apply(...accounts)
const read = () => bench.read()
const of = (extension: string) => bench.of(extension)

describe('closing an extension on 3CX', () => {
  test('the user is disabled, and nobody gets a mail', async () => {
    const account = makeAccount('1001')
    await apply(account)
    await apply(shut(account))
    expect(fake.user('1001')).toMatchObject({ Enabled: false, AuthID: expect.not.stringMatching(loginOf(account)[0]) })
    expect(fake.user('1001')!.mailsSent).toBeUndefined()
  })

  test('calls of 100 end, those of 1001 go on; a registration is shown until it runs out', async () => {
    const [short, long] = [makeAccount('100'), makeAccount('1001')]
    await apply(short, long)
    for (const account of [short, long]) {
      expect(fake.register(account.extension, ...loginOf(account))).toBe(200)
      expect(fake.call(account.extension, ...loginOf(account))).toBe(200)
    }
    await apply(shut(short))
    expect(await of('100')).toMatchObject({ credentials: [], registrations: [{ address: null }], calls: [{}] })
    await bench.driver.disconnect!([{ extension: '100', addresses: null }], signal())
    expect(await of('100')).toMatchObject({ credentials: [], registrations: [{}], calls: [] })
    expect(await of('1001')).toMatchObject({ credentials: [{ generation: 1 }], calls: [{}] })
    fake.user('100')!.IsRegistered = false
    expect(await of('100')).toBeUndefined()
  })

  test('of a shared extension no call is ended: 3CX does not say which phone has it', async () => {
    const account = makeAccount('1001')
    await apply(account)
    fake.call('1001', ...loginOf(account))
    await bench.driver.disconnect!([{ extension: '1001', addresses: ['10.77.0.2'] }], signal())
    expect(fake.calls.size).toBe(1)
  })

  test('a password of ours that a backup brings back is seen also while the user is disabled: it is one click away from working', async () => {
    const account = makeAccount('1001')
    await apply(account)
    await apply(shut(account))
    const [AuthID, AuthPassword] = loginOf(account)
    Object.assign(fake.user('1001')!, { AuthID, AuthPassword })
    expect(await of('1001')).toMatchObject({ credentials: [{ generation: 1, doubt: 'switched-off' }] })
    await apply(shut(account))
    expect(await of('1001')).toBeUndefined()
  })

  test('what is registered or talking on an extension of somebody else is shown', async () => {
    const account = makeAccount('1001')
    await apply(account)
    await apply(shut(account))
    fake.removeUser('1001')
    fake.addUser('1001', { AuthID: 'x', AuthPassword: 'y' })
    expect([fake.register('1001', 'x', 'y'), fake.call('1001', 'x', 'y')]).toEqual([200, 200])
    expect((await read()).foreign).toEqual(['1001'])
    expect(await of('1001')).toMatchObject({ credentials: [], registrations: [{}], calls: [{}] })
  })

  test('a backup from before an extension was taken over is no next holder’s, and no taking over sends a mail', async () => {
    fake.addUser('1001', { AuthID: 'old', AuthPassword: 'old-secret' })
    const before = { ...fake.user('1001')! }
    const account = { ...makeAccount('1001'), adopted: true }
    await apply(account)
    await apply({ ...account, credentials: [rotate(account.credentials[0]!)] })
    expect(fake.user('1001')!.mailsSent).toBeUndefined()
    await apply(shut(account))
    Object.assign(fake.user('1001')!, before)
    expect(await of('1001')).toMatchObject({ credentials: [{ id: 'before-ringfence' }] })
    await apply(shut(account))
    expect(fake.register('1001', 'old', 'old-secret')).toBe(401)
  })

  test('an e-mail address and a mobile number that are still set are named, not shown', async () => {
    fake.addUser('1001', { EmailAddress: 'ana@example.com', Mobile: '0171555' })
    const found = await bench.driver.readLeftovers!(['1001'], signal())
    expect(found.map(({ kind, clearable }) => [kind, clearable])).toEqual([
      ['mail-address', false],
      ['mobile-number', false],
    ])
    expect(JSON.stringify(found)).not.toMatch(/0171|ana@/)
  })

  test('an exception of forwarding that leads outside and a voicemail without a PIN are named, of 1001 and not of 100', async () => {
    for (const number of ['100', '1001']) fake.addUser(number)
    fake.addException('1001', { CallerId: '030*', Destination: { To: 'External', External: '0171555' } })
    fake.addException('1001', { CallerId: '031*', Destination: { To: 'Boomerang', External: '0172555' } })
    fake.addException('1001', { CallerId: '032*', Destination: { To: 'VoiceMail', External: '' } })
    fake.addException('1001', { CallerId: '033*', Destination: null })
    Object.assign(fake.user('1001')!, { VMEnabled: true, VMDisablePinAuth: true })
    expect(await bench.driver.readLeftovers!(['100'], signal())).toEqual([])
    const found = await bench.driver.readLeftovers!(['1001', '100'], signal())
    expect(found.map(({ kind }) => kind)).toEqual(['call-forward', 'call-forward', 'voicemail-pin'])
    expect(found[0]!.words).toContain('for callers 030* forwards calls to 0171555')
    expect(found[1]!.words).toContain('0172555')
  })

  test('the PIN of conferences is a step if they ask for one, and is not even asked for', async () => {
    expect(await bench.driver.readSharedPins!(signal())).toEqual([])
    fake.conference.EnablePin = true
    expect(await bench.driver.readSharedPins!(signal())).toMatchObject([{ kind: 'conference-pin' }])
    const asked = fake.https.asked.filter(({ path }) => path.endsWith('/ConferenceSettings'))
    expect(asked.map(({ query }) => query.get('$select'))).toEqual(['EnablePin', 'EnablePin'])
  })

  test('an extension that is given to somebody else of ours gets his name', async () => {
    const account = makeAccount('1001')
    await apply({ ...account, displayName: 'Ada Byron' })
    await apply(shut(account))
    await apply({ ...makeAccount('1001'), displayName: 'Bo Xu' })
    expect(fake.user('1001')).toMatchObject({ FirstName: 'Bo', LastName: 'Xu', Enabled: true })
  })

  test('an extension that an admin gave to somebody else after it was shut is told of and left alone', async () => {
    const account = makeAccount('1001')
    await apply(account)
    await apply(shut(account))
    Object.assign(fake.user('1001')!, { Enabled: true, AuthPassword: 'by-hand' })
    const before = fake.snapshot()
    expect(await of('1001')).toMatchObject({ credentials: [{ id: 'unknown', generation: 0 }] })
    await apply(shut(account))
    expect(fake.snapshot()).toBe(before)
  })
})

describe('what 3CX says and what it does', () => {
  test('a change by hand is seen: another secret, a disabled user', async () => {
    const account = makeAccount('1001')
    await apply(account)
    const [digest] = (await of('1001'))!.credentials.map((one) => one.digest)
    fake.user('1001')!.AuthPassword = 'by-hand'
    const [changed] = (await of('1001'))!.credentials.map((one) => one.digest)
    expect(changed).not.toBe(digest)
    Object.assign(fake.user('1001')!, { AuthPassword: loginOf(account)[1], Enabled: false })
    expect((await of('1001'))!.credentials).toMatchObject([{ digest, doubt: 'switched-off' }])
    await apply(account)
    expect((await of('1001'))!.credentials).toEqual([{ id: account.credentials[0]!.id, generation: 1, digest }])
  })

  test('a user that is disabled but keeps the secret of its phone is not shut', async () => {
    const account = makeAccount('1001')
    await apply(account)
    fake.faults.keepSipAuth = true
    await expect(apply(shut(account))).rejects.toMatchObject({
      message: expect.stringContaining('still has the secret'),
    })
    // Half a closing is seen as one: the password is one click away from working.
    expect(fake.user('1001')!.Enabled).toBe(false)
    expect(await of('1001')).toMatchObject({ credentials: [{ generation: 1, doubt: 'switched-off' }] })
    fake.faults.keepSipAuth = false
    await apply(shut(account))
    expect(await of('1001')).toBeUndefined()
    expect(fake.user('1001')!.AuthPassword).not.toBe(loginOf(account)[1])
  })

  test('an extension that is listed and, asked for, is not there is no closed one: the PBX cannot be read', async () => {
    const account = makeAccount('1001')
    await apply(account)
    fake.register('1001', ...loginOf(account))
    fake.faults.missing = /^GET $/
    await expect(read()).rejects.toMatchObject(unreachable)
    await expect(apply(shut(account))).rejects.toMatchObject(unreachable)
    fake.faults.missing = null
    expect((await read()).accounts).toMatchObject([{ credentials: [{ generation: 1 }], registrations: [{}] }])
    await apply(shut(account))
    expect(fake.user('1001')!.Enabled).toBe(false)
  })

  test.each([
    ['a change', /^PATCH /],
    ['new passwords', /Pbx\.Regenerate/],
  ])('%s that the PBX says it cannot find anybody for is not made', async (_, missing) => {
    fake.addUser('1001')
    const before = { ...fake.user('1001')! }
    const account = { ...makeAccount('1001'), adopted: true }
    fake.faults.missing = missing
    await expect(apply(account)).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    fake.faults.missing = null
    await apply(account)
    expect(fake.register('1001', ...loginOf(account))).toBe(200)
    expect(fake.user('1001')!.AccessPassword).not.toBe(before.AccessPassword)
  })

  test('passwords that are not shown prove nothing', async () => {
    await apply(makeAccount('1001'), makeAccount('1002'))
    const { AuthPassword } = fake.user('1001')!
    fake.user('1001')!.AuthPassword = null
    expect((await read()).accounts).toMatchObject([
      { extension: '1001', credentials: [{ generation: 1, digest: null, doubt: 'not-shown' }] },
      { extension: '1002', credentials: [{ generation: 1 }] },
    ])
    fake.user('1001')!.AuthPassword = AuthPassword
    fake.faults.hideSecrets = true
    await expect(read()).rejects.toMatchObject({ ...refused, message: expect.stringContaining('does not show') })
  })
})

test('an extension that was there before is taken over with its name, voicemail and rights', async () => {
  fake.addUser('1001', { FirstName: 'Ana', EmailAddress: 'ana@example.com', OutboundCallerID: '030' })
  const {
    AuthID: _,
    AuthPassword: __,
    AccessPassword: ___,
    DeskphonePassword: ____,
    VMPIN: _____,
    ...before
  } = fake.user('1001')!
  expect(await bench.driver.listExisting!(signal())).toEqual([
    {
      extension: '1001',
      displayName: 'Ana Else',
      email: 'ana@example.com',
      facts: { enabled: 'yes', registered: 'no' },
      obstacle: null,
    },
  ])
  const account = { ...makeAccount('1001'), adopted: true }
  await apply(account)
  expect(fake.user('1001')).toMatchObject(before)
  expect(fake.register('1001', ...loginOf(account))).toBe(200)
})
