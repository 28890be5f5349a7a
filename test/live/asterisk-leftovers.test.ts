import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Leftover } from '../../src/pbx/pbx-driver.ts'
import { type AsteriskLab, fileDriver, startAsterisk } from '../lab/asterisk.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

const voicemail = {
  modules: ['res_adsi.so', 'res_smdi.so', 'app_voicemail.so', 'app_confbridge.so', 'app_sla.so'],
  files: () => ({
    'sla.conf': `[general]
[line1]
type=trunk
device=Local/line1@from-internal
[shared](!)
type=station
trunk=line1,ringdelay=5
[desk1](shared)
device=PJSIP/3307
[desk2](shared)
device=PJSIP/33070
`,
    'confbridge.conf':
      '[general]\n[default_bridge]\ntype=bridge\n[default_user]\ntype=user\n[default_menu]\ntype=menu\n',
    'voicemail.conf': `[general]
format = wav
[default]
3301 => 4711,Ana,ana@example.com,,dialout=from-internal
33011 => 0815,Bo
[elsewhere]
3302 => 1234,Cy
`,
    'followme.conf': '[3303]\nnumber => 01715550100,20\n[33031]\nnumber => 0171,20\n',
  }),
}

describeLive('what outlives a password on Asterisk', ['asterisk', 'openssl'], () => {
  let lab: AsteriskLab
  const driver = () => fileDriver(lab.driverOptions)
  const kindsOf = (leftovers: readonly Leftover[]) =>
    leftovers.map(({ extension, kind, clearable }) => `${extension} ${kind} ${clearable}`)
  const read = (...extensions: string[]) => driver().readLeftovers!(extensions, limit())
  const put = (family: string, key: string, value: string) => lab.cli(`database put ${family} ${key} "${value}"`)
  const entries = () =>
    lab
      .cli('database show')
      .split('\n')
      .filter((line) => line.startsWith('/'))
      .map((line) => line.trim())
  beforeAll(async () => {
    lab = await startAsterisk({ ...voicemail, managerWrite: 'system,reporting' })
  })
  afterAll(() => lab?.stop())

  test('call forwards and follow-me are told with where they lead, cleared, and nothing else is touched', async () => {
    for (const extension of ['330', '3300', '33']) {
      put('CF', extension, '01715550100')
      put('CFB', extension, '01715550101')
      put('CFU', extension, '01715550102')
      put('AMPUSER', `${extension}/followme/ddial`, 'DIRECT')
      put('AMPUSER', `${extension}/followme/grplist`, `${extension}-01715550103#`)
      put('AMPUSER', `${extension}/cidname`, 'somebody')
      put('DND', extension, 'YES')
    }
    const before = entries()
    const found = await read('330')
    expect(kindsOf(found)).toEqual([
      '330 call-forward true',
      '330 call-forward true',
      '330 call-forward true',
      '330 follow-me true',
      '330 do-not-disturb true',
    ])
    expect(found.map(({ words }) => words).join('\n')).toMatch(/to 01715550100\n.*busy.*0101\n.*answers.*0102\n.*0103/)
    await driver().clearLeftovers!(['330'], limit())
    expect(await read('330')).toEqual([])
    expect(await read('3300', '33')).toHaveLength(10)
    const after = new Set(entries())
    expect(before.filter((line) => !after.has(line)).map((line) => line.split(/\s+/)[0])).toEqual([
      '/AMPUSER/330/followme/ddial',
      '/CF/330',
      '/CFB/330',
      '/CFU/330',
      '/DND/330',
    ])
    expect(lab.cli('database get AMPUSER 330/followme/ddial')).toContain('EXTENSION')
  })

  test('a follow-me that is switched off is no leftover', async () => {
    put('AMPUSER', '3304/followme/ddial', 'EXTENSION')
    put('AMPUSER', '3304/followme/grplist', '01715550103#')
    expect(await read('3304')).toEqual([])
  })

  test('a voicemail greeting that sends callers on is a step, of that number alone, and stays', async () => {
    for (const extension of ['3341', '33410']) {
      put('AMPUSER', `${extension}/vmx/unavail/state`, 'enabled')
      put('AMPUSER', `${extension}/vmx/unavail/1/ext`, '01715550141')
      put('AMPUSER', `${extension}/vmx/busy/state`, 'blocked')
    }
    await driver().clearLeftovers!(['3341'], limit())
    const found = await read('3341', '334')
    expect(kindsOf(found)).toEqual(['3341 voicemail-dial-out false'])
    expect(found[0]!.words).toContain('1 → 01715550141')
  })

  test('what a feature code wrote is shown as one short line', async () => {
    put('CF', '3305', `0171${'5'.repeat(200)}`)
    expect((await read('3305'))[0]!.words.length).toBeLessThan(140)
  })

  test('a voicemail box is a step for a person, its PIN is never told, and calling out of it is named', async () => {
    const found = await read('3301')
    expect(kindsOf(found)).toEqual([
      '3301 voicemail-pin false',
      '3301 mail-address false',
      '3301 voicemail-dial-out false',
    ])
    expect(found[0]!.words).toContain('3301@default')
    expect(JSON.stringify(found)).not.toMatch(/4711|ana@/)
    expect(kindsOf(await read('33011'))).toEqual(['33011 voicemail-pin false'])
    expect(await read('330110')).toEqual([])
    await driver().clearLeftovers!(['3301'], limit())
    expect(await read('3301')).toHaveLength(3)
  })

  test('a profile of followme.conf is a step for a person', async () => {
    expect(kindsOf(await read('3303'))).toEqual(['3303 follow-me false'])
    expect(await read('33032')).toEqual([])
  })

  test('what is no extension is not looked up', async () => {
    for (const odd of ['', '33/../CF', '33 1', 'x\r\nAction: Logoff', '33*']) {
      await expect(read(odd)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
      await expect(driver().clearLeftovers!([odd], limit())).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
  })

  test('while Asterisk is down nothing is said to be clear', async () => {
    await lab.halt()
    try {
      await expect(read('3300')).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
      await expect(driver().clearLeftovers!(['3300'], limit())).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    } finally {
      await lab.start()
    }
    expect(await read('3300')).toHaveLength(5)
  })

  test('a shared line is a step for a person, of the station whose phone it is and no other', async () => {
    const found = await read('3307')
    expect(kindsOf(found)).toEqual(['3307 shared-line false'])
    expect(found[0]!.words).toContain('station desk1 with the shared lines line1:')
    expect(await read('330', '3308')).toEqual([])
    expect(kindsOf(await read('33070'))).toEqual(['33070 shared-line false'])
  })
})

describeLive(
  'an Asterisk that loads every voicemail module it has, as Debian configures it',
  ['asterisk', 'openssl'],
  () => {
    test('lost the action that shows boxes, and what doctor says brings it back', async () => {
      const twin = 'app_voicemail_odbc.so'
      const modules = [...voicemail.modules, 'res_odbc.so', twin]
      for (const without of [[], [twin]]) {
        const lab = await startAsterisk({ ...voicemail, modules, without, managerWrite: 'system,reporting' })
        try {
          const { problems } = await fileDriver(lab.driverOptions).describe(limit())
          const lost = {
            message: expect.stringContaining('does not know the action VoicemailUserStatus'),
            hint: expect.stringContaining(`noload => ${twin}`),
          }
          expect(problems).toEqual(without.length > 0 ? [] : [lost])
        } finally {
          await lab.stop()
        }
      }
    })
  },
)

describeLive('an Asterisk that shows its voicemail to nobody', ['asterisk', 'openssl'], () => {
  test('says so instead of "no voicemail", and doctor names the right that is missing', async () => {
    const lab = await startAsterisk(voicemail)
    try {
      const driver = fileDriver(lab.driverOptions)
      expect(await driver.readLeftovers!(['3399'], limit())).toEqual([
        {
          extension: '3399',
          kind: 'voicemail-pin',
          words: expect.stringContaining('system,reporting'),
          clearable: false,
        },
      ])
      expect((await driver.describe(limit())).problems).toEqual([
        { message: expect.stringContaining('voicemail'), hint: expect.stringContaining('system,reporting') },
        { message: expect.stringContaining('DISA'), hint: expect.stringContaining('system,reporting') },
      ])
    } finally {
      await lab.stop()
    }
  })
})
