import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AsteriskLab, fileDriver, startAsterisk } from '../lab/asterisk.ts'
import { extensionLines } from '../pbx/held-extension.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

const secretPins = ['7311', '7322', '7333', '7344', '7355', '7366', '7377']
const dialplanWithPins = `[from-internal]
exten => 600,1,Answer()
 same => n,Echo()
[disa]
exten => 1,1,Answer()
 same => n,DISA(7311,from-internal)
exten => 2,1,DISA(/etc/asterisk/line-pins.conf)
exten => 3,1,Authenticate(/etc/asterisk/disa-1.conf)
 same => n,DISA(no-password,from-internal)
exten => 4,1,DISA(no-password,from-internal)
[long-distance]
exten => _00.,1,Authenticate(7322)
exten => _09.,1,ExecIf($["\${PAID}"=""]?Authenticate(7333))
exten => _08.,1,Authenticate(/pins,d)
[rooms]
exten => 8000,1,Set(CONFBRIDGE(user,pin)=7344)
 same => n,ConfBridge(8000)
exten => 8001,1,Set(CONFBRIDGE(user,pin)=)
 same => n,ConfBridge(8001)
exten => 8002,1,VMAuthenticate(3301@default)
exten => 8003,1,NoOp(DISA(7311))
`

describeLive('PINs that many know on Asterisk', ['asterisk', 'openssl'], () => {
  let lab: AsteriskLab
  const modules = ['app_disa.so', 'app_authenticate.so', 'app_confbridge.so']
  const write = (name: string, text: string) => writeFileSync(join(lab.etcDir, name), text)
  const driver = () => fileDriver(lab.driverOptions)
  const read = () => driver().readSharedPins!(limit())
  beforeAll(async () => {
    lab = await startAsterisk({
      modules,
      managerWrite: 'system,reporting',
      files: () => ({ 'confbridge.conf': '[general]\n[default_user]\ntype=user\n' }),
    })
  })
  afterAll(() => lab?.stop())

  test('where there are none, none are told', async () => {
    expect(await read()).toEqual([])
  })

  test('DISA, Authenticate and conferences are found with their places and files, and the PIN is never told', async () => {
    write('extensions.conf', dialplanWithPins)
    lab.cli('dialplan reload')
    write(
      'confbridge.conf',
      `[general]
[default_user]
type=user
[locked](!)
type=user
pin=7355
[managers](locked)
admin=yes
[guests]
type=user
`,
    )
    lab.cli('database put CONFERENCE 8010/userpin 7366')
    lab.cli('database put CONFERENCE 8011/adminpin 7377')
    lab.cli('database put CONFERENCE 8012/language en')
    const found = await read()
    expect(found.map(({ kind, words }) => `${kind}: ${words}`)).toEqual([
      'disa: DISA at 1@disa, 2@disa, 3@disa gives an outside line for a PIN, to be changed in /etc/asterisk/disa-1.conf, /etc/asterisk/line-pins.conf, the dialplan (which FreePBX writes: change it on its pages)',
      'disa: DISA at 4@disa gives an outside line and asks for no PIN itself: see who can reach it',
      "outside-line-pin: Authenticate at _00.@long-distance, _08.@long-distance, _09.@long-distance asks for a PIN, to be changed in Asterisk's database, the dialplan",
      'conference-pin: the dialplan sets the PIN of a conference at 8000@rooms, to be changed there',
      'conference-pin: conferences ask for the PIN of managers in confbridge.conf',
      'conference-pin: conference room 8010, 8011 has a PIN (in FreePBX: Applications, Conferences)',
    ])
    for (const pin of secretPins) expect(JSON.stringify(found)).not.toContain(pin)
  })

  test('of 100 what is its own is cleared and what its holder knows is a step; nothing of 1001 is touched', async () => {
    for (const extension of ['100', '1001']) {
      for (const family of ['CF', 'CFB', 'DND']) lab.cli(`database put ${family} ${extension} 01715550100`)
    }
    const closed = { kind: 'assignment', employeeId: 'e1', wanted: 'closed', generation: 2, pbxId: 'default' } as const
    const ofLeaver = { ...closed, id: 'a1', extension: '100', policy: null, hasNextHolder: false, leaving: true }
    const access = extensionLines(driver(), { subjects: async () => [ofLeaver] })
    expect(access.judge(ofLeaver, await access.read(limit()))).toMatchObject({
      state: 'differs',
      problem: expect.stringMatching(/forwarded to 01715550100; .*do not disturb/),
    })
    await access.apply([ofLeaver], limit())
    const finding = access.judge(ofLeaver, await access.read(limit()))
    expect(finding).toMatchObject({
      state: 'waiting',
      problem: expect.stringMatching(
        /^On the PBX, change what whoever leaves may know by heart: DISA at 1@disa.*room 8010/,
      ),
      evidence: { summary: expect.stringContaining('extension 100 is gone from Asterisk') },
    })
    for (const pin of secretPins) expect(JSON.stringify(finding)).not.toContain(pin)
    const left = await driver().readLeftovers!(['100', '1001'], limit())
    expect(left.map(({ extension, kind }) => `${extension} ${kind}`)).toEqual([
      '1001 call-forward',
      '1001 call-forward',
      '1001 do-not-disturb',
    ])
    // Once that is complete it is no matter of hers any more.
    const gone = { ...ofLeaver, leaving: false }
    expect(access.judge(gone, await access.readSome!([gone], limit())).state).toBe('as-desired')
  })

  test('what was taken out is gone from the next look', async () => {
    write('extensions.conf', '[from-internal]\nexten => 600,1,Answer()\n')
    lab.cli('dialplan reload')
    write('confbridge.conf', '[general]\n')
    lab.cli('database deltree CONFERENCE')
    expect(await read()).toEqual([])
  })

  test('while Asterisk is down nothing is said of PINs', async () => {
    await lab.halt()
    try {
      await expect(read()).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    } finally {
      await lab.start()
    }
  })
})

describeLive('an Asterisk that shows its dialplan to nobody', ['asterisk', 'openssl'], () => {
  test('says so instead of "no PINs"', async () => {
    const lab = await startAsterisk({ modules: ['app_disa.so'] })
    try {
      expect(await fileDriver(lab.driverOptions).readSharedPins!(limit())).toEqual([
        { kind: 'disa', words: expect.stringContaining('system,reporting') },
      ])
      expect((await fileDriver(lab.driverOptions).describe(limit())).problems).toEqual([
        { message: expect.stringContaining('DISA'), hint: expect.stringContaining('system,reporting') },
      ])
    } finally {
      await lab.stop()
    }
  })
})
