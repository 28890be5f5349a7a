import { afterAll, beforeAll, expect, test } from 'vitest'
import { asteriskDriver } from '../../src/pbx/asterisk.ts'
import type { Leftover } from '../../src/pbx/pbx-driver.ts'
import { type AsteriskLab, startAsterisk } from '../lab/asterisk.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

const voicemail = {
  modules: ['res_adsi.so', 'res_smdi.so', 'app_voicemail.so'],
  files: () => ({
    'voicemail.conf': `[general]
format = wav
[default]
3301 => 4711,Ana,,,dialout=from-internal
33011 => 0815,Bo
[elsewhere]
3302 => 1234,Cy
`,
    'followme.conf': '[3303]\nnumber => 01715550100,20\n[33031]\nnumber => 0171,20\n',
  }),
}

describeLive('what outlives a password on Asterisk', ['asterisk', 'openssl'], () => {
  let lab: AsteriskLab
  const driver = () => asteriskDriver(lab.driverOptions)
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
    ])
    expect(found.map(({ words }) => words).join('\n')).toMatch(/to 01715550100\n.*busy.*0101\n.*answers.*0102\n.*0103/)
    await driver().clearLeftovers!(['330'], limit())
    expect(await read('330')).toEqual([])
    expect(await read('3300', '33')).toHaveLength(8)
    const after = new Set(entries())
    expect(before.filter((line) => !after.has(line)).map((line) => line.split(/\s+/)[0])).toEqual([
      '/AMPUSER/330/followme/ddial',
      '/CF/330',
      '/CFB/330',
      '/CFU/330',
    ])
    expect(lab.cli('database get AMPUSER 330/followme/ddial')).toContain('EXTENSION')
  })

  test('a follow-me that is switched off is no leftover', async () => {
    put('AMPUSER', '3304/followme/ddial', 'EXTENSION')
    put('AMPUSER', '3304/followme/grplist', '01715550103#')
    expect(await read('3304')).toEqual([])
  })

  test('what a feature code wrote is shown as one short line', async () => {
    put('CF', '3305', `0171${'5'.repeat(200)}`)
    expect((await read('3305'))[0]!.words.length).toBeLessThan(140)
  })

  test('a voicemail box is a step for a person, its PIN is never told, and calling out of it is named', async () => {
    const found = await read('3301')
    expect(kindsOf(found)).toEqual(['3301 voicemail-pin false', '3301 voicemail-dial-out false'])
    expect(found[0]!.words).toContain('3301@default')
    expect(JSON.stringify(found)).not.toContain('4711')
    expect(kindsOf(await read('33011'))).toEqual(['33011 voicemail-pin false'])
    expect(await read('330110')).toEqual([])
    await driver().clearLeftovers!(['3301'], limit())
    expect(await read('3301')).toHaveLength(2)
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
    expect(await read('3300')).toHaveLength(4)
  })
})

describeLive('an Asterisk that shows its voicemail to nobody', ['asterisk', 'openssl'], () => {
  test('says so instead of "no voicemail", and doctor names the right that is missing', async () => {
    const lab = await startAsterisk(voicemail)
    try {
      const driver = asteriskDriver(lab.driverOptions)
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
      ])
    } finally {
      await lab.stop()
    }
  })
})
