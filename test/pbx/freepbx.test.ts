import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { beginAccountBook } from '../../src/pbx/account-book.ts'
import { freepbxAbilities, freepbxDriver } from '../../src/pbx/freepbx.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { type FakeFreepbx, startFakeFreepbx } from '../fakes/fake-freepbx.ts'
import { freepbxOptions } from '../fakes/freepbx-world.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'

let fake: FakeFreepbx
let folder: string
let driver: PbxDriver

beforeEach(async () => {
  fake = await startFakeFreepbx()
  folder = await mkdtemp(join(tmpdir(), 'ringfence-freepbx-'))
  await beginAccountBook(join(folder, 'accounts.json'))
  driver = freepbxDriver(freepbxOptions(fake, folder))
})

afterEach(async () => {
  await fake.stop()
  await rm(folder, { recursive: true })
})

const limit = () => AbortSignal.timeout(20_000)
const apply = (...accounts: PbxAccount[]) => driver.applyAccounts(accounts, limit())
const login = async (extension: string) =>
  (await driver.readAccounts(limit())).accounts.find((one) => one.extension === extension)?.credentials ?? []

function account(extension: string, generation = 1, more: Partial<PbxAccount> = {}): PbxAccount {
  const secret = new Secret(`${extension}-generation-${generation}-secret`)
  const credential = { id: `c-${extension}`, generation, username: extension, secret }
  return {
    extension,
    displayName: 'Ana Gómez',
    credentials: [credential],
    maxContacts: 2,
    policy: null,
    adopted: false,
    ...more,
  }
}

const shut = (extension: string) => account(extension, 1, { credentials: [] })

const register = (extension: string, secret: string) =>
  fake.asterisk.register({ extension, username: extension, secret, address: '127.0.0.1' })

test('its DISA and the PINs of its conferences are steps while somebody leaves, and no PIN is told', async () => {
  // As its modules disa, conferences and pinsets write them.
  const step = (Context: string, Extension: string, Application: string, AppData: string) =>
    fake.asterisk.dialplan.push({ Context, Extension, Application, AppData })
  step('disa', '1', 'Authenticate', '/etc/asterisk/disa-1.conf')
  step('disa', '1', 'DISA', 'no-password,disa-dial')
  step('from-internal', '1001', 'Dial', 'PJSIP/1001')
  fake.asterisk.database.set('CONFERENCE/8000/userpin', '4711')
  fake.asterisk.database.set('CONFERENCE/8000/adminpin', '0815')
  fake.asterisk.database.set('CONFERENCE/8001/userpin', '')
  fake.asterisk.database.set('CONFERENCE/8001/options', 'o')
  const found = await driver.readSharedPins!(limit())
  expect(found.map(({ words }) => words)).toEqual([
    'DISA at 1@disa gives an outside line for a PIN, to be changed in /etc/asterisk/disa-1.conf (which FreePBX writes: change it on its pages)',
    'conference room 8000 has a PIN (in FreePBX: Applications, Conferences)',
  ])
  expect(JSON.stringify(found)).not.toMatch(/4711|0815/)
})

test('do not disturb is cleared like a forward, and stays on the longer number', async () => {
  for (const extension of ['100', '1001']) fake.asterisk.database.set(`DND/${extension}`, 'YES')
  await driver.clearLeftovers!(['100'], limit())
  expect(await driver.readLeftovers!(['100', '1001'], limit())).toEqual([
    { extension: '1001', kind: 'do-not-disturb', words: 'do not disturb is on: no call rings', clearable: true },
  ])
})

describe('logins that FreePBX gives to the person behind an extension', () => {
  const other = async (...extensions: string[]) =>
    (await driver.readLeftovers!(extensions, limit())).filter(({ kind }) => kind === 'other-login')

  test('of one that was taken over, the login to its pages is always a step, also after a restart', async () => {
    fake.addByHand('1001')
    await apply(account('1001', 1, { adopted: true }), account('1002'))
    await apply(shut('1001'), shut('1002'))
    for (let round = 0; round < 2; round++) {
      expect(await other('1001', '1002')).toEqual([
        {
          extension: '1001',
          kind: 'other-login',
          words: expect.stringMatching(/UCP.*User Manager/),
          clearable: false,
        },
      ])
      driver = freepbxDriver(freepbxOptions(fake, folder))
    }
  })

  test('the phone in the browser is named with its endpoint, unless that number is an extension of Ringfence', async () => {
    await apply(account('1001'))
    fake.addByHand('991001')
    fake.addByHand('99100')
    fake.apply()
    expect(await other('1001')).toMatchObject([
      { extension: '1001', words: expect.stringContaining('endpoint 991001') },
    ])
    expect(await other('1002')).toEqual([])
    await apply(account('991001', 1, { adopted: true }))
    expect(await other('1001')).toEqual([])
  })
})

test('a voicemail greeting that sends callers on is a step, with where to, and of that number alone', async () => {
  const put = (key: string, value: string) => fake.asterisk.database.set(`AMPUSER/${key}`, value)
  for (const extension of ['100', '1001']) {
    put(`${extension}/vmx/unavail/state`, 'enabled')
    put(`${extension}/vmx/unavail/1/ext`, '01715550100')
    put(`${extension}/vmx/busy/state`, 'blocked')
    put(`${extension}/vmx/busy/2/ext`, '01715550999')
  }
  put('1002/vmx/temp/state', 'disabled')
  expect(await driver.readLeftovers!(['100', '1002'], limit())).toEqual([
    {
      extension: '100',
      kind: 'voicemail-dial-out',
      words: expect.stringMatching(/\(1 → 01715550100\).*VmX Locator/),
      clearable: false,
    },
  ])
})

describe('changing a password on FreePBX, which deletes the extension and makes it anew', () => {
  test('what FreePBX lost of the user is put back', async () => {
    await apply(account('1001'))
    const { user } = fake.database.get('1001')!
    Object.assign(user, {
      ringtimer: 25,
      outboundCid: '"Sales" <4930555>',
      voicemail: 'default',
      busyDestination: 'ext-group,600,1',
    })
    Object.assign(user, { callwaiting: 'disabled', recording_priority: 20, name: 'Changed by hand; $(x)' })
    const before = structuredClone(user)
    await apply(account('1001', 2))
    expect(fake.database.get('1001')!.user).toEqual(before)
    expect(fake.asked.get('updateCoreUser')).toBe(1)
    expect(await login('1001')).toMatchObject([{ generation: 2 }])
  })

  test('what cannot be put back is named, once, and the password is in force all the same', async () => {
    await apply(account('1001'))
    Object.assign(fake.database.get('1001')!.endpoint, { MediaEncryption: 'sdes', Context: 'home-office' })
    fake.apply()
    await expect(apply(account('1001', 2))).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: 'FreePBX took settings away while it changed a password: extension 1001: context, mediaencryption',
      hint: expect.stringContaining('the password is in force'),
    })
    expect(await login('1001')).toMatchObject([{ generation: 2 }])
    await apply(account('1001', 2))
  })

  test('a user whose settings do not come back is named too', async () => {
    await apply(account('1001'))
    fake.database.get('1001')!.user.ringtimer = 25
    fake.faults.keepsUser = true
    await expect(apply(account('1001', 2))).rejects.toMatchObject({
      message: expect.stringContaining('1001: ringtimer'),
    })
  })

  test('nothing is written and nothing reloaded when all is as it should be', async () => {
    await apply(account('1001'))
    const changes = () => ['addExtension', 'updateExtension', 'doreload'].map((name) => fake.asked.get(name))
    const before = changes()
    await apply(account('1001'))
    expect(changes()).toEqual(before)
  })

  test('no other extension changes, 100 beside 1001', async () => {
    fake.addByHand('100')
    fake.addByHand('10011', { endpoint: { Context: 'special' }, userManager: true })
    const others = () => ['100', '10011'].map((one) => JSON.stringify(fake.database.get(one)) + fake.asterisk.look(one))
    const before = others()
    await apply(account('1001'))
    await apply(account('1001', 2))
    await apply(shut('1001'))
    expect(others()).toEqual(before)
  })

  test('an extension whose calls are not encrypted is named: the phones of Ringfence would be refused', async () => {
    await apply(account('1001'), account('1002'))
    fake.database.get('1002')!.endpoint.MediaEncryption = 'sdes'
    fake.apply()
    expect((await driver.describe(limit())).problems).toMatchObject([
      {
        message: expect.stringMatching(/^calls of extension 1001 are not encrypted/),
        hint: expect.stringContaining('SRTP'),
      },
    ])
  })

  test('nobody is made a login to the pages of FreePBX, which would be mailed to them', async () => {
    await apply(account('1001'))
    await apply(account('1001', 2))
    expect(fake.database.get('1001')!.userManager).toBe(false)
    expect(fake.received()).not.toContain('"umEnable":true')
  })
})

describe('FreePBX that says one thing and does another', () => {
  test.each([
    ['keepsOld', 'keeps the old password'],
    ['reloadKeepsOld', 'Asterisk has not changed extension 1001'],
    ['reloadFails', 'could not apply its configuration: exit 1'],
  ] as const)('%s: the old password is in force, and it is an error', async (fault, words) => {
    await apply(account('1001'))
    fake.faults[fault] = true
    await expect(apply(account('1001', 2))).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: expect.stringContaining(words),
      hint: expect.stringMatching(/\w/),
    })
    expect(register('1001', '1001-generation-1-secret')).toBe(200)
    expect(await login('1001')).toMatchObject([{ id: 'c-1001', generation: 1 }])
    fake.faults[fault] = false
    await apply(account('1001', 2))
    expect(await login('1001')).toMatchObject([{ generation: 2 }])
  })

  test('a leaver whose extension is only said to be deleted still has it, and the next try deletes it', async () => {
    await apply(account('1001'))
    fake.faults.keepsOld = true
    await expect(apply(shut('1001'))).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    expect(await login('1001')).toMatchObject([{ generation: 1 }])
    fake.faults.keepsOld = false
    await apply(shut('1001'))
    expect(await login('1001')).toEqual([])
    expect(fake.database.has('1001')).toBe(false)
  })

  test('a leaver on an extension that was taken over is not closed while Asterisk still knows the old password', async () => {
    fake.addByHand('1001')
    await apply(account('1001', 1, { adopted: true }))
    fake.faults.reloadKeepsOld = true
    await expect(apply(shut('1001'))).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    expect(await login('1001')).toMatchObject([{ id: 'c-1001', generation: 1 }])
    fake.faults.reloadKeepsOld = false
    await apply(shut('1001'))
    expect(await login('1001')).toEqual([])
  })

  test('one whose extension FreePBX refuses keeps no leaver in', async () => {
    await apply(account('1001'))
    fake.addByHand('1002')
    await expect(apply(account('1002'), shut('1001'))).rejects.toMatchObject({
      message: expect.stringContaining('1002'),
    })
    expect(register('1001', '1001-generation-1-secret')).toBe(401)
  })

  test('a list that is shorter than FreePBX itself counts is no list', async () => {
    await apply(account('1001'))
    fake.addByHand('1002')
    fake.faults.listsHalf = true
    await expect(apply(account('1003'))).rejects.toMatchObject({ code: 'PBX_REFUSED', retryable: true })
    expect([...fake.database.keys()].sort()).toEqual(['1001', '1002'])
  })

  test('"Apply Config" without an end is waited for until the caller gives up', async () => {
    await apply(account('1001'))
    fake.faults.reloadNeverEnds = true
    const soon = () => AbortSignal.timeout(300)
    const patient = fake.asked.get('doreload')!
    for (let round = 0; round < 3; round++)
      await expect(driver.applyAccounts([account('1001', 2)], soon())).rejects.toMatchObject({
        code: 'PBX_UNREACHABLE',
      })
    // One that still runs is waited for: no second one is started beside it.
    expect(fake.asked.get('doreload')).toBe(patient + 1)
    fake.faults.reloadNeverEnds = false
    await apply(account('1001', 2))
    expect(await login('1001')).toMatchObject([{ generation: 2 }])
  })
})

describe('FreePBX that does not answer as it should', () => {
  test('on both of its interfaces is told with both, and on one with that one', async () => {
    await fake.asterisk.ami.door.shut()
    const said = () =>
      driver.describe(limit()).then(
        () => '',
        (error: Error) => error.message,
      )
    expect(await said()).toMatch(/^the manager interface of the PBX at [^;]+$/)
    await fake.door.shut()
    expect(await said()).toMatch(
      /^the manager interface of the PBX at .+; and its other interface: the management interface/,
    )
    await Promise.all([fake.door.open(), fake.asterisk.ami.door.open()])
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
    fake.database.get('1001')!.endpoint.MediaEncryption = 'sdes'
    fake.apply()
    const before = JSON.stringify([...fake.database])
    set(fake)
    await expect(apply(account('1001', 2))).rejects.toMatchObject({ code, retryable: true })
    await expect(apply(shut('1001'))).rejects.toMatchObject({ code })
    expect(JSON.stringify([...fake.database])).toBe(before)
    const { problems } = await driver.describe(limit())
    expect(problems).toMatchObject([
      { message: expect.stringMatching(/FreePBX|PBX/), hint: expect.stringMatching(/\w/) },
    ])
  })

  test('one that never answers ends with the patience of the caller', async () => {
    fake.faults.hangs = true
    const started = performance.now()
    await expect(driver.applyAccounts([account('1001')], AbortSignal.timeout(100))).rejects.toMatchObject({
      code: 'PBX_UNREACHABLE',
    })
    expect(performance.now() - started).toBeLessThan(1_500)
  })

  test('a login that ran out in the middle is renewed without a word', async () => {
    await apply(account('1001'))
    fake.faults.tokenDiesAfter = 2
    await apply(account('1001', 2))
    expect(await login('1001')).toMatchObject([{ generation: 2 }])
  })

  test('a login that is refused is said so, without the secret', async () => {
    fake.faults.refusesLogin = true
    const error = await apply(account('1001')).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'PBX_REFUSED', hint: expect.stringContaining('Applications') })
    expect(JSON.stringify(error) + String(error)).not.toContain(fake.clientSecret)
  })

  test('an answer that repeats the password does not carry it into the error', async () => {
    await apply(account('1001'))
    const secret = account('1001', 2).credentials[0]!.secret.reveal()
    fake.failWith('updateExtension', `Variable got invalid value "${secret}"`)
    const error = await apply(account('1001', 2)).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'PBX_REFUSED', message: expect.stringContaining('[secret]') })
    expect(JSON.stringify(error) + String(error)).not.toContain(secret)
  })

  test('a certificate that nobody vouches for is refused before anything is sent; with its authority it is good', async () => {
    const authority = makeTestAuthority('Authority of the PBX')
    const { certificate, key } = issueTestCertificate(authority, 'localhost', ['localhost'])
    const guarded = await startFakeFreepbx({ tls: { cert: certificate, key } })
    try {
      const options = freepbxOptions(guarded, folder)
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
    const lines = fake
      .received()
      .split('\n')
      .filter((line) => /^POST /.test(line))
    for (const line of lines) expect(line.split(' ')[1]).toMatch(/^\/admin\/api\/api\/(token|gql)$/)
  })
})

test('what FreePBX cannot do is said', () => {
  expect(freepbxAbilities({ realm: 'asterisk' })).toMatchObject({
    credentialsPerExtension: 'one',
    storesSecretAs: 'clear',
    certificates: 'not-checked',
    revocationLists: 'not-checked',
    callClasses: 'absent',
  })
})

describe('whose extension it is', () => {
  test('an answer that came too late after the extension was made: the next try finishes it', async () => {
    fake.faults.answersLate.add('addExtension')
    await expect(apply(account('1001'))).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    fake.faults.answersLate.clear()
    await apply(account('1001'))
    expect(await login('1001')).toMatchObject([{ generation: 1 }])
  })

  test('one that somebody else made at the same moment stays theirs', async () => {
    fake.beforeAdding = () => fake.addByHand('1001')
    await expect(apply(account('1001'))).rejects.toMatchObject({ message: expect.stringContaining('already in use') })
    fake.beforeAdding = () => undefined
    const before = JSON.stringify(fake.database.get('1001'))
    await expect(apply(account('1001'))).rejects.toMatchObject({ message: expect.stringContaining('somebody else') })
    expect(JSON.stringify(fake.database.get('1001'))).toBe(before)
  })

  test('one that was deleted by hand is seen as gone, can be closed, and is made again when it should be open', async () => {
    await apply(account('1001'))
    fake.database.delete('1001')
    fake.apply()
    expect(await login('1001')).toEqual([])
    await apply(account('1001'))
    expect(await login('1001')).toMatchObject([{ generation: 1 }])
    fake.database.delete('1001')
    await apply(shut('1001'))
    expect(await login('1001')).toEqual([])
  })

  test('after it was closed, a new one of the same number is whoever made it', async () => {
    await apply(account('1001'))
    await apply(shut('1001'))
    fake.addByHand('1001')
    expect((await driver.readAccounts(limit())).foreign).toContain('1001')
    await expect(apply(account('1001'))).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    await apply(shut('1001'))
    expect(fake.database.has('1001')).toBe(true)
  })

  test('one that was taken over is shut and kept: mailbox and groups stay, nobody knows the password', async () => {
    fake.addByHand('1001', { secret: 'the-old-one' })
    await apply(account('1001', 1, { adopted: true }))
    expect(register('1001', 'the-old-one')).toBe(401)
    const { secret } = fake.database.get('1001')!
    await apply(shut('1001'))
    expect(await login('1001')).toEqual([])
    expect(fake.database.get('1001')!.secret).toMatch(/^[0-9a-f]{48}$/)
    expect(register('1001', secret)).toBe(401)
    const written = fake.asked.get('updateExtension')
    await apply(shut('1001'))
    expect(fake.asked.get('updateExtension')).toBe(written)
  })

  test('a password that somebody set on the pages of FreePBX shows as one that Ringfence does not know', async () => {
    await apply(account('1001'))
    fake.database.get('1001')!.secret = 'set-by-hand-1'
    fake.apply()
    expect(await login('1001')).toMatchObject([{ id: 'set-on-the-pbx', generation: 0 }])
    // It may be somebody else's by now: FreePBX gives an extension no identity beside its number.
    // Nor does a word that it was taken over once make it ours again.
    for (const adopted of [false, true])
      await expect(apply(account('1001', 1, { adopted }))).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    expect(fake.database.get('1001')!.secret).toBe('set-by-hand-1')
    fake.database.delete('1001')
    fake.apply()
    await apply(account('1001'))
    expect(await login('1001')).toMatchObject([{ id: 'c-1001', generation: 1 }])
  })

  test('one that somebody deleted and made anew is not deleted with the leaver who had the number', async () => {
    await apply(account('1001'))
    fake.addByHand('1001', { secret: 'of-the-reception' })
    await expect(apply(shut('1001'))).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: expect.stringContaining("somebody else's"),
    })
    expect(register('1001', 'of-the-reception')).toBe(200)
  })

  test("a leaver's extension that a backup brings back is seen as the leaver's and deleted again", async () => {
    await apply(account('1001'))
    const backup = structuredClone(fake.database.get('1001')!)
    await apply(shut('1001'))
    fake.database.set('1001', backup)
    fake.apply()
    expect(register('1001', '1001-generation-1-secret')).toBe(200)
    expect(await login('1001')).toMatchObject([{ id: 'c-1001', generation: 1 }])
    await apply(shut('1001'))
    expect(fake.database.has('1001')).toBe(false)
    expect(register('1001', '1001-generation-1-secret')).toBe(401)
  })

  test('one that was taken over and comes back from a backup, of before or after, is shut again', async () => {
    fake.addByHand('1001', { secret: 'of-the-former-holder' })
    const before = structuredClone(fake.database.get('1001')!)
    await apply(account('1001', 1, { adopted: true }))
    const after = structuredClone(fake.database.get('1001')!)
    await apply(shut('1001'))
    for (const [backup, id] of [
      [after, 'c-1001'],
      [before, 'before-ringfence'],
    ] as const) {
      fake.database.set('1001', structuredClone(backup))
      fake.apply()
      expect(await login('1001')).toMatchObject([{ id }])
      await apply(shut('1001'))
      expect(fake.database.get('1001')!.secret).toMatch(/^[0-9a-f]{48}$/)
      expect(await login('1001')).toEqual([])
    }
  })

  test('what somebody registered on an extension that is not ours is shown', async () => {
    await apply(account('1001'))
    await apply(shut('1001'))
    fake.addByHand('1001', { secret: 'of-the-reception' })
    register('1001', 'of-the-reception')
    const { accounts, foreign } = await driver.readAccounts(limit())
    expect(foreign).toEqual(['1001'])
    expect(accounts).toMatchObject([{ extension: '1001', credentials: [], registrations: [{ address: '127.0.0.1' }] }])
  })

  test('killed in the middle of making one, another that somebody made meanwhile is not taken for it', async () => {
    fake.faults.answersLate.add('addExtension')
    await expect(apply(account('1001'))).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    fake.faults.answersLate.clear()
    fake.addByHand('1001', { secret: 'of-the-reception' })
    await expect(apply(account('1001'))).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    await apply(shut('1001'))
    expect((await driver.readAccounts(limit())).foreign).toContain('1001')
    expect(fake.database.get('1001')!.secret).toBe('of-the-reception')
  })

  test('an extension that takes calls without a login is named', async () => {
    fake.addByHand('1009', { secret: '' })
    expect((await driver.readAccounts(limit())).othersWaysIn).toEqual([
      { extension: '1009', words: 'takes calls without a login' },
    ])
  })

  test('what is no PJSIP extension, or moves between users, cannot be taken over', async () => {
    fake.addByHand('1003', { tech: 'sip' })
    fake.addByHand('1004', { devicetype: 'adhoc' })
    const listed = await driver.listExisting!(limit())
    expect(listed.map(({ extension, obstacle }) => [extension, obstacle === null])).toEqual([
      ['1003', false],
      ['1004', false],
    ])
    await expect(apply(account('1003', 1, { adopted: true }))).rejects.toMatchObject({
      hint: expect.stringContaining('pjsip'),
    })
  })

  test('the list of accounts holds no password, and one that cannot be read stops everything', async () => {
    await apply(account('1001'))
    const path = join(folder, 'accounts.json')
    expect(await readFile(path, 'utf8')).not.toContain('generation-1-secret')
    await writeFile(path, '{"1001":')
    await expect(apply(shut('1001'))).rejects.toMatchObject({ code: 'INTERNAL' })
    // Lost is not empty: the leaver's extension would pass for somebody else's.
    await rm(path)
    await expect(apply(shut('1001'))).rejects.toMatchObject({
      code: 'INTERNAL',
      hint: expect.stringContaining('backup'),
    })
    await expect(driver.readAccounts(limit())).rejects.toMatchObject({ code: 'INTERNAL' })
    expect(fake.database.has('1001')).toBe(true)
  })
})
