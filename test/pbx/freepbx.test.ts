import { describe, expect, test } from 'vitest'
import { freepbxAbilities } from '../../src/pbx/freepbx/freepbx.ts'
import { account, freepbxOfEachTest, limit, shut } from './freepbx-bench.ts'

const pbx = freepbxOfEachTest()
const { apply, login, register } = pbx

describe('changing a password on FreePBX, which deletes the extension and makes it anew', () => {
  test('what FreePBX lost of the user is put back', async () => {
    await apply(account('1001'))
    const { user } = pbx.fake.database.get('1001')!
    Object.assign(user, {
      ringtimer: 25,
      outboundCid: '"Sales" <4930555>',
      voicemail: 'default',
      busyDestination: 'ext-group,600,1',
    })
    Object.assign(user, { callwaiting: 'disabled', recording_priority: 20, name: 'Changed by hand; $(x)' })
    const before = structuredClone(user)
    await apply(account('1001', 2))
    expect(pbx.fake.database.get('1001')!.user).toEqual(before)
    expect(pbx.fake.asked.get('updateCoreUser')).toBe(1)
    expect(await login('1001')).toMatchObject([{ generation: 2 }])
  })

  test('what cannot be put back is named, once, and the password is in force all the same', async () => {
    await apply(account('1001'))
    Object.assign(pbx.fake.database.get('1001')!.endpoint, { MediaEncryption: 'sdes', Context: 'home-office' })
    pbx.fake.apply()
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
    pbx.fake.database.get('1001')!.user.ringtimer = 25
    pbx.fake.faults.keepsUser = true
    await expect(apply(account('1001', 2))).rejects.toMatchObject({
      message: expect.stringContaining('1001: ringtimer'),
    })
  })

  test('nothing is written and nothing reloaded when all is as it should be', async () => {
    await apply(account('1001'))
    const changes = () => ['addExtension', 'updateExtension', 'doreload'].map((name) => pbx.fake.asked.get(name))
    const before = changes()
    await apply(account('1001'))
    expect(changes()).toEqual(before)
  })

  test('no other extension changes, 100 beside 1001', async () => {
    pbx.fake.addByHand('100')
    pbx.fake.addByHand('10011', { endpoint: { Context: 'special' }, userManager: true })
    const others = () =>
      ['100', '10011'].map((one) => JSON.stringify(pbx.fake.database.get(one)) + pbx.fake.asterisk.look(one))
    const before = others()
    await apply(account('1001'))
    await apply(account('1001', 2))
    await apply(shut('1001'))
    expect(others()).toEqual(before)
  })

  test('an extension whose calls are not encrypted is named: the phones of Ringfence would be refused', async () => {
    await apply(account('1001'), account('1002'))
    pbx.fake.database.get('1002')!.endpoint.MediaEncryption = 'sdes'
    pbx.fake.apply()
    expect((await pbx.driver.describe(limit())).problems).toMatchObject([
      {
        message: expect.stringMatching(/^calls of extension 1001 are not encrypted/),
        hint: expect.stringContaining('SRTP'),
      },
    ])
  })

  test('nobody is made a login to the pages of FreePBX, which would be mailed to them', async () => {
    await apply(account('1001'))
    await apply(account('1001', 2))
    expect(pbx.fake.database.get('1001')!.userManager).toBe(false)
    expect(pbx.fake.received()).not.toContain('"umEnable":true')
  })
})

describe('FreePBX that says one thing and does another', () => {
  test.each([
    ['keepsOld', 'keeps the old password'],
    ['reloadKeepsOld', 'Asterisk has not changed extension 1001'],
    ['reloadFails', 'could not apply its configuration: exit 1'],
  ] as const)('%s: the old password is in force, and it is an error', async (fault, words) => {
    await apply(account('1001'))
    pbx.fake.faults[fault] = true
    await expect(apply(account('1001', 2))).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: expect.stringContaining(words),
      hint: expect.stringMatching(/\w/),
    })
    expect(register('1001', '1001-generation-1-secret')).toBe(200)
    expect(await login('1001')).toMatchObject([{ id: 'c-1001', generation: 1 }])
    pbx.fake.faults[fault] = false
    await apply(account('1001', 2))
    expect(await login('1001')).toMatchObject([{ generation: 2 }])
  })

  test('a leaver whose extension is only said to be deleted still has it, and the next try deletes it', async () => {
    await apply(account('1001'))
    pbx.fake.faults.keepsOld = true
    await expect(apply(shut('1001'))).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    expect(await login('1001')).toMatchObject([{ generation: 1 }])
    pbx.fake.faults.keepsOld = false
    await apply(shut('1001'))
    expect(await login('1001')).toEqual([])
    expect(pbx.fake.database.has('1001')).toBe(false)
  })

  test('a leaver on an extension that was taken over is not closed while Asterisk still knows the old password', async () => {
    pbx.fake.addByHand('1001')
    await apply(account('1001', 1, { adopted: true }))
    pbx.fake.faults.reloadKeepsOld = true
    await expect(apply(shut('1001'))).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    expect(await login('1001')).toMatchObject([{ id: 'c-1001', generation: 1 }])
    pbx.fake.faults.reloadKeepsOld = false
    await apply(shut('1001'))
    expect(await login('1001')).toEqual([])
  })

  test('one whose extension FreePBX refuses keeps no leaver in', async () => {
    await apply(account('1001'))
    pbx.fake.addByHand('1002')
    await expect(apply(account('1002'), shut('1001'))).rejects.toMatchObject({
      message: expect.stringContaining('1002'),
    })
    expect(register('1001', '1001-generation-1-secret')).toBe(401)
  })

  test('a list that is shorter than FreePBX itself counts is no list', async () => {
    await apply(account('1001'))
    pbx.fake.addByHand('1002')
    pbx.fake.faults.listsHalf = true
    await expect(apply(account('1003'))).rejects.toMatchObject({ code: 'PBX_REFUSED', retryable: true })
    expect([...pbx.fake.database.keys()].sort()).toEqual(['1001', '1002'])
  })

  test('"Apply Config" without an end is waited for until the caller gives up', async () => {
    await apply(account('1001'))
    pbx.fake.faults.reloadNeverEnds = true
    const soon = () => AbortSignal.timeout(300)
    const patient = pbx.fake.asked.get('doreload')!
    for (let round = 0; round < 3; round++)
      await expect(pbx.driver.applyAccounts([account('1001', 2)], soon())).rejects.toMatchObject({
        code: 'PBX_UNREACHABLE',
      })
    // One that still runs is waited for: no second one is started beside it.
    expect(pbx.fake.asked.get('doreload')).toBe(patient + 1)
    pbx.fake.faults.reloadNeverEnds = false
    await apply(account('1001', 2))
    expect(await login('1001')).toMatchObject([{ generation: 2 }])
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
