import { readFile, rm, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { account, freepbxOfEachTest, limit, shut } from './freepbx-bench.ts'

const pbx = freepbxOfEachTest()
const { apply, login, register } = pbx

describe('whose extension it is', () => {
  test('an answer that came too late after the extension was made: the next try finishes it', async () => {
    pbx.fake.faults.answersLate.add('addExtension')
    await expect(apply(account('1001'))).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    pbx.fake.faults.answersLate.clear()
    await apply(account('1001'))
    expect(await login('1001')).toMatchObject([{ generation: 1 }])
  })

  test('one that somebody else made at the same moment stays theirs', async () => {
    pbx.fake.beforeAdding = () => pbx.fake.addByHand('1001')
    await expect(apply(account('1001'))).rejects.toMatchObject({ message: expect.stringContaining('already in use') })
    pbx.fake.beforeAdding = () => undefined
    const before = JSON.stringify(pbx.fake.database.get('1001'))
    await expect(apply(account('1001'))).rejects.toMatchObject({ message: expect.stringContaining('somebody else') })
    expect(JSON.stringify(pbx.fake.database.get('1001'))).toBe(before)
  })

  test('one that was deleted by hand is seen as gone, can be closed, and is made again when it should be open', async () => {
    await apply(account('1001'))
    pbx.fake.database.delete('1001')
    pbx.fake.apply()
    expect(await login('1001')).toEqual([])
    await apply(account('1001'))
    expect(await login('1001')).toMatchObject([{ generation: 1 }])
    pbx.fake.database.delete('1001')
    await apply(shut('1001'))
    expect(await login('1001')).toEqual([])
  })

  test('after it was closed, a new one of the same number is whoever made it', async () => {
    await apply(account('1001'))
    await apply(shut('1001'))
    pbx.fake.addByHand('1001')
    expect((await pbx.driver.readAccounts(limit())).foreign).toContain('1001')
    await expect(apply(account('1001'))).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    await apply(shut('1001'))
    expect(pbx.fake.database.has('1001')).toBe(true)
  })

  test('one that was taken over is shut and kept: mailbox and groups stay, nobody knows the password', async () => {
    pbx.fake.addByHand('1001', { secret: 'the-old-one' })
    await apply(account('1001', 1, { adopted: true }))
    expect(register('1001', 'the-old-one')).toBe(401)
    const { secret } = pbx.fake.database.get('1001')!
    await apply(shut('1001'))
    expect(await login('1001')).toEqual([])
    expect(pbx.fake.database.get('1001')!.secret).toMatch(/^[0-9a-f]{48}$/)
    expect(register('1001', secret)).toBe(401)
    const written = pbx.fake.asked.get('updateExtension')
    await apply(shut('1001'))
    expect(pbx.fake.asked.get('updateExtension')).toBe(written)
  })

  test('a password that somebody set on the pages of FreePBX shows as one that Ringfence does not know', async () => {
    await apply(account('1001'))
    pbx.fake.database.get('1001')!.secret = 'set-by-hand-1'
    pbx.fake.apply()
    expect(await login('1001')).toMatchObject([{ id: 'set-on-the-pbx', generation: 0 }])
    // It may be somebody else's by now: FreePBX gives an extension no identity beside its number.
    // Nor does a word that it was taken over once make it ours again.
    for (const adopted of [false, true])
      await expect(apply(account('1001', 1, { adopted }))).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    expect(pbx.fake.database.get('1001')!.secret).toBe('set-by-hand-1')
    pbx.fake.database.delete('1001')
    pbx.fake.apply()
    await apply(account('1001'))
    expect(await login('1001')).toMatchObject([{ id: 'c-1001', generation: 1 }])
  })

  test('one that somebody deleted and made anew is not deleted with the leaver who had the number', async () => {
    await apply(account('1001'))
    pbx.fake.addByHand('1001', { secret: 'of-the-reception' })
    await expect(apply(shut('1001'))).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: expect.stringContaining("somebody else's"),
    })
    expect(register('1001', 'of-the-reception')).toBe(200)
  })

  test("a leaver's extension that a backup brings back is seen as the leaver's and deleted again", async () => {
    await apply(account('1001'))
    const backup = structuredClone(pbx.fake.database.get('1001')!)
    await apply(shut('1001'))
    pbx.fake.database.set('1001', backup)
    pbx.fake.apply()
    expect(register('1001', '1001-generation-1-secret')).toBe(200)
    expect(await login('1001')).toMatchObject([{ id: 'c-1001', generation: 1 }])
    await apply(shut('1001'))
    expect(pbx.fake.database.has('1001')).toBe(false)
    expect(register('1001', '1001-generation-1-secret')).toBe(401)
  })

  test('one that was taken over and comes back from a backup, of before or after, is shut again', async () => {
    pbx.fake.addByHand('1001', { secret: 'of-the-former-holder' })
    const before = structuredClone(pbx.fake.database.get('1001')!)
    await apply(account('1001', 1, { adopted: true }))
    const after = structuredClone(pbx.fake.database.get('1001')!)
    await apply(shut('1001'))
    for (const [backup, id] of [
      [after, 'c-1001'],
      [before, 'before-ringfence'],
    ] as const) {
      pbx.fake.database.set('1001', structuredClone(backup))
      pbx.fake.apply()
      expect(await login('1001')).toMatchObject([{ id }])
      await apply(shut('1001'))
      expect(pbx.fake.database.get('1001')!.secret).toMatch(/^[0-9a-f]{48}$/)
      expect(await login('1001')).toEqual([])
    }
  })

  test('what somebody registered on an extension that is not ours is shown', async () => {
    await apply(account('1001'))
    await apply(shut('1001'))
    pbx.fake.addByHand('1001', { secret: 'of-the-reception' })
    register('1001', 'of-the-reception')
    const { accounts, foreign } = await pbx.driver.readAccounts(limit())
    expect(foreign).toEqual(['1001'])
    expect(accounts).toMatchObject([{ extension: '1001', credentials: [], registrations: [{ address: '127.0.0.1' }] }])
  })

  test('killed in the middle of making one, another that somebody made meanwhile is not taken for it', async () => {
    pbx.fake.faults.answersLate.add('addExtension')
    await expect(apply(account('1001'))).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    pbx.fake.faults.answersLate.clear()
    pbx.fake.addByHand('1001', { secret: 'of-the-reception' })
    await expect(apply(account('1001'))).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    await apply(shut('1001'))
    expect((await pbx.driver.readAccounts(limit())).foreign).toContain('1001')
    expect(pbx.fake.database.get('1001')!.secret).toBe('of-the-reception')
  })

  test('an extension that takes calls without a login is named', async () => {
    pbx.fake.addByHand('1009', { secret: '' })
    expect((await pbx.driver.readAccounts(limit())).othersWaysIn).toEqual([
      { extension: '1009', words: 'takes calls without a login' },
    ])
  })

  test('what is no PJSIP extension, or moves between users, cannot be taken over', async () => {
    pbx.fake.addByHand('1003', { tech: 'sip' })
    pbx.fake.addByHand('1004', { devicetype: 'adhoc' })
    const listed = await pbx.driver.listExisting!(limit())
    expect(listed.map(({ extension, obstacle }) => [extension, obstacle === null])).toEqual([
      ['1003', false],
      ['1004', false],
    ])
    await expect(apply(account('1003', 1, { adopted: true }))).rejects.toMatchObject({
      hint: expect.stringContaining('pjsip'),
    })
  })

  test('that the messages of a voicemail box would be lost is said before it is taken over', async () => {
    for (const extension of ['1003', '1004']) pbx.fake.addByHand(extension)
    pbx.fake.database.get('1003')!.user.voicemail = 'default'
    const [box, none] = await pbx.driver.listExisting!(limit())
    expect(box!.facts.voicemail).toMatch(/deletes the messages and greetings/)
    expect(Object.keys(none!.facts)).toEqual(['technology', 'device'])
  })

  test('the list of accounts holds no password, and one that cannot be read stops everything', async () => {
    await apply(account('1001'))
    const path = pbx.options.accountsFile
    expect(await readFile(path, 'utf8')).not.toContain('generation-1-secret')
    await writeFile(path, '{"1001":')
    await expect(apply(shut('1001'))).rejects.toMatchObject({ code: 'INTERNAL' })
    // Lost is not empty: the leaver's extension would pass for somebody else's.
    await rm(path)
    await expect(apply(shut('1001'))).rejects.toMatchObject({
      code: 'INTERNAL',
      hint: expect.stringContaining('backup'),
    })
    await expect(pbx.driver.readAccounts(limit())).rejects.toMatchObject({ code: 'INTERNAL' })
    expect(pbx.fake.database.has('1001')).toBe(true)
  })
})
