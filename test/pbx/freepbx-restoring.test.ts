import { beforeEach, describe, expect, test } from 'vitest'
import { newMailbox } from '../fakes/fake-freepbx-extension.ts'
import { account, freepbxOfEachTest, shut } from './freepbx-bench.ts'

/** What stands in Asterisk's database under a FreePBX, and its mailboxes, while a password is changed. */
const pbx = freepbxOfEachTest()
const { apply, login } = pbx

const stored = () => [...pbx.fake.asterisk.database].sort(([one], [other]) => (one < other ? -1 : 1))
const put = (entries: Record<string, string>) => {
  for (const [key, value] of Object.entries(entries)) pbx.fake.asterisk.database.set(key, value)
}

beforeEach(async () => {
  pbx.fake.addByHand('100')
  pbx.fake.addByHand('10011')
  put({ 'CF/100': '01715550199', 'AMPUSER/10011/followme/ddial': 'DIRECT' })
  await apply(account('1001'))
})

describe('whoever stays keeps', () => {
  test('what FreePBX has in Asterisk alone: forwards, do not disturb, intercom, dial options, the VmX Locator', async () => {
    put({
      'CF/1001': '01715550100',
      'CFB/1001': '01715550101',
      'DND/1001': 'YES',
      'AMPUSER/1001/answermode': 'intercom',
      'AMPUSER/1001/dialopts': 'TtrW',
      'AMPUSER/1001/cidnum': '4930555',
      'AMPUSER/1001/screen': 'memory',
      'AMPUSER/1001/pinless': 'NOPASSWD',
      'AMPUSER/1001/vmx/unavail/state': 'enabled',
      'AMPUSER/1001/vmx/unavail/0/ext': '600',
    })
    pbx.fake.database.get('1001')!.user.ringtimer = 25
    put({ 'AMPUSER/1001/ringtimer': '25' })
    const before = stored()
    await apply(account('1001', 2))
    expect(pbx.fake.asked.get('updateExtension')).toBe(2)
    expect(stored()).toEqual(before)
    expect(await login('1001')).toMatchObject([{ generation: 2 }])
  })

  test('a forward that goes with the extension, whatever version of FreePBX does that', async () => {
    put({ 'CF/1001': '01715550100', 'CFU/1001': '01715550101', 'DND/1001': 'YES' })
    const before = stored()
    pbx.fake.afterUpdating = () => {
      for (const family of ['CF', 'CFU', 'DND']) pbx.fake.asterisk.database.delete(`${family}/1001`)
    }
    await apply(account('1001', 2))
    expect(stored()).toEqual(before)
  })

  test('the follow-me where FreePBX makes one for every new extension', async () => {
    put({ 'AMPUSER/1001/followme/ddial': 'DIRECT', 'AMPUSER/1001/followme/grplist': '1001-01715550100#' })
    const before = stored()
    pbx.fake.afterUpdating = () => put({ 'AMPUSER/1001/followme/ddial': 'EXTENSION' })
    await apply(account('1001', 2))
    expect(stored()).toEqual(before)
  })

  test('all of it too when FreePBX fails on the way: the next try puts it back', async () => {
    pbx.fake.database.get('1001')!.user.busyDestination = 'ext-group,600,1'
    put({ 'AMPUSER/1001/answermode': 'intercom' })
    const before = stored()
    pbx.fake.faults.saysNo = { field: 'updateCoreUser', http: 200, as: 'error' }
    await expect(apply(account('1001', 2))).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    expect(stored()).not.toEqual(before)
    pbx.fake.faults.saysNo = null
    await apply(account('1001', 2))
    expect(stored()).toEqual(before)
    expect(pbx.fake.database.get('1001')!.user.busyDestination).toBe('ext-group,600,1')
  })
})

describe('what cannot be put back is named, without a value', () => {
  const losses = (words: string) => ({
    code: 'PBX_REFUSED',
    message: `FreePBX took settings away while it changed a password: extension 1001: ${words}`,
  })

  test('a follow-me, which needs more than Asterisk knows; nothing half of it stays', async () => {
    put({ 'AMPUSER/1001/followme/ddial': 'DIRECT', 'AMPUSER/1001/followme/grplist': '1001-01715550100#' })
    await expect(apply(account('1001', 2))).rejects.toMatchObject(losses('follow-me'))
    expect(stored().filter(([key]) => key.startsWith('AMPUSER/1001/followme'))).toEqual([])
    await apply(account('1001', 2))
  })

  test('options of the voicemail box, and the messages in it', async () => {
    const box = { ...newMailbox, AttachMessage: 'Yes', DeleteMessage: 'Yes', NewMessageCount: 2, OldMessageCount: 1 }
    Object.assign(pbx.fake.database.get('1001')!, { mailbox: box })
    pbx.fake.database.get('1001')!.user.voicemail = 'default'
    pbx.fake.apply()
    await expect(apply(account('1001', 2))).rejects.toMatchObject(
      losses('voicemail attachmessage, voicemail deletemessage, voicemail messages'),
    )
    await apply(account('1001', 2))
  })

  test('also when "Apply Config" failed in between', async () => {
    put({ 'AMPUSER/1001/followme/ddial': 'DIRECT' })
    pbx.fake.database.get('1001')!.endpoint.Context = 'home-office'
    pbx.fake.apply()
    pbx.fake.faults.reloadFails = true
    await expect(apply(account('1001', 2))).rejects.toMatchObject({
      message: expect.stringContaining('could not apply'),
    })
    pbx.fake.faults.reloadFails = false
    await expect(apply(account('1001', 2))).rejects.toMatchObject(losses('follow-me, context'))
  })
})

test('of a leaver nothing comes back to the next owner, also when shutting took two tries', async () => {
  pbx.fake.addByHand('1003')
  await apply(account('1003', 1, { adopted: true }))
  put({ 'AMPUSER/1003/vmx/unavail/state': 'enabled', 'AMPUSER/1003/followme/ddial': 'DIRECT' })
  pbx.fake.faults.reloadFails = true
  await expect(apply(shut('1003'))).rejects.toMatchObject({ message: expect.stringContaining('could not apply') })
  pbx.fake.faults.reloadFails = false
  await apply(shut('1003'))
  await apply(account('1003', 2, { adopted: true }))
  expect(stored().filter(([key]) => /1003\/(followme|vmx)/.test(key))).toEqual([])
})

test('a leaver whose extension stays gets nothing back that sends calls on, and no other number changes', async () => {
  pbx.fake.addByHand('1002')
  await apply(account('1002', 1, { adopted: true }))
  put({ 'AMPUSER/1002/followme/ddial': 'DIRECT', 'AMPUSER/1002/vmx/unavail/state': 'enabled' })
  const others = stored().filter(([key]) => !key.includes('/1002'))
  await apply(shut('1002'))
  expect(pbx.fake.database.has('1002')).toBe(true)
  expect(stored().filter(([key]) => /1002\/(followme|vmx)/.test(key))).toEqual([])
  expect(stored().filter(([key]) => !key.includes('/1002'))).toEqual(others)
})
