import { describe, expect, test } from 'vitest'
import { account, freepbxOfEachTest, limit, shut } from './freepbx-bench.ts'

const pbx = freepbxOfEachTest()
const { apply } = pbx

test('its DISA and the PINs of its conferences are steps while somebody leaves, and no PIN is told', async () => {
  // As its modules disa, conferences and pinsets write them.
  const step = (Context: string, Extension: string, Application: string, AppData: string) =>
    pbx.fake.asterisk.dialplan.push({ Context, Extension, Application, AppData })
  step('disa', '1', 'Authenticate', '/etc/asterisk/disa-1.conf')
  step('disa', '1', 'DISA', 'no-password,disa-dial')
  step('from-internal', '1001', 'Dial', 'PJSIP/1001')
  pbx.fake.asterisk.database.set('CONFERENCE/8000/userpin', '4711')
  pbx.fake.asterisk.database.set('CONFERENCE/8000/adminpin', '0815')
  pbx.fake.asterisk.database.set('CONFERENCE/8001/userpin', '')
  pbx.fake.asterisk.database.set('CONFERENCE/8001/options', 'o')
  const found = await pbx.driver.readSharedPins!(limit())
  expect(found.map(({ words }) => words)).toEqual([
    'DISA at 1@disa gives an outside line for a PIN, to be changed in /etc/asterisk/disa-1.conf (which FreePBX writes: change it on its pages)',
    'conference room 8000 has a PIN (in FreePBX: Applications, Conferences)',
  ])
  expect(JSON.stringify(found)).not.toMatch(/4711|0815/)
})

test('do not disturb is cleared like a forward, and stays on the longer number', async () => {
  for (const extension of ['100', '1001']) pbx.fake.asterisk.database.set(`DND/${extension}`, 'YES')
  await pbx.driver.clearLeftovers!(['100'], limit())
  expect(await pbx.driver.readLeftovers!(['100', '1001'], limit())).toEqual([
    { extension: '1001', kind: 'do-not-disturb', words: 'do not disturb is on: no call rings', clearable: true },
  ])
})

describe('logins that FreePBX gives to the person behind an extension', () => {
  const other = async (...extensions: string[]) =>
    (await pbx.driver.readLeftovers!(extensions, limit())).filter(({ kind }) => kind === 'other-login')

  test('of one that was taken over, the login to its pages is always a step, also after a restart', async () => {
    pbx.fake.addByHand('1001')
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
      pbx.restart()
    }
  })

  test('the phone in the browser is named with its endpoint, unless that number is an extension of Ringfence', async () => {
    await apply(account('1001'))
    pbx.fake.addByHand('991001')
    pbx.fake.addByHand('99100')
    pbx.fake.apply()
    expect(await other('1001')).toMatchObject([
      { extension: '1001', words: expect.stringContaining('endpoint 991001') },
    ])
    expect(await other('1002')).toEqual([])
    await apply(account('991001', 1, { adopted: true }))
    expect(await other('1001')).toEqual([])
  })
})

test('a voicemail greeting that sends callers on is a step, with where to, and of that number alone', async () => {
  const put = (key: string, value: string) => pbx.fake.asterisk.database.set(`AMPUSER/${key}`, value)
  for (const extension of ['100', '1001']) {
    put(`${extension}/vmx/unavail/state`, 'enabled')
    put(`${extension}/vmx/unavail/1/ext`, '01715550100')
    put(`${extension}/vmx/busy/state`, 'blocked')
    put(`${extension}/vmx/busy/2/ext`, '01715550999')
  }
  put('1002/vmx/temp/state', 'disabled')
  expect(await pbx.driver.readLeftovers!(['100', '1002'], limit())).toEqual([
    {
      extension: '100',
      kind: 'voicemail-dial-out',
      words: expect.stringMatching(/\(1 → 01715550100\).*VmX Locator/),
      clearable: false,
    },
  ])
})
