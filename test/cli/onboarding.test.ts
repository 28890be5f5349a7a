import { writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { openDoors } from '../http/doors.ts'
import { ada, commandLine, steady } from './command-line.ts'

const { doors, run } = commandLine()

describe('handing out', () => {
  test('onboard prints the invite link, the URL for a desk phone, and warnings beside them', async () => {
    doors().application.demo = ['no PBX address is set']
    const { code, out, err } = await run(['onboard', ...ada, '--handset', 'yealink-t54w=80:5e:c0:11:22:33'])
    doors().application.demo = []
    expect(code).toBe(0)
    expect(steady(out)).toMatchInlineSnapshot(`
      "Ada Example <ada@example.com>  extension 1001  active

      Invite, until 2026-11-29 14:00:00 UTC:
        https://phones.example.com:8443/join/<token>

      Provisioning URL for yealink-t54w 80:5e:c0:11:22:33 (to type in, or for DHCP):
        https://phones.example.com:8443/p/<token>/

        verdict      door                state  seen (UTC)        evidence
        ✓ converged  tunnel 000003       open   2026-11-22 14:00  tunnel seen open
        ✓ converged  phone-door 000002   open   2026-11-22 14:00  phone-door seen open
        ✓ converged  sip-account 000002  open   2026-11-22 14:00  sip-credential seen open
        ✓ converged  tunnel 000005       open   2026-11-22 14:00  tunnel seen open
        ✓ converged  phone-door 000004   open   2026-11-22 14:00  phone-door seen open
        ✓ converged  sip-account 000004  open   2026-11-22 14:00  sip-credential seen open
      "
    `)
    expect(err).toBe('warning: demo mode: no PBX address is set\n')
    expect(doors().application.deeds.at(-1)!.actor).toEqual({
      name: userInfo().username,
      role: 'owner',
      via: 'local-socket',
    })
  })

  test('onboard says on which PBX, and the extension is then printed as it can be typed again', async () => {
    const { code, out } = await run(['onboard', ...ada, '--extension', '1088', '--pbx', 'branch', '--wait', '0'])
    expect([code, out.split('\n')[0]]).toEqual([0, 'Ada Example <ada@example.com>  extension 1088@branch  active'])
  })

  test('adopt takes over an extension, and needs no other option for it', async () => {
    const person = ['--name', 'Bo Berg', '--email', 'bo@example.com', '--handset', 'linphone-mobile', '--wait', '0']
    const { code, out } = await run(['adopt', '2001', '--pbx', 'branch', ...person])
    expect([code, out.split('\n')[0]]).toEqual([0, 'Bo Berg <bo@example.com>  extension 2001@branch  active'])
    expect(doors().application.adopted).toEqual(['2001'])
    expect((await run(['adopt', '2001', '--name', 'Bo'])).code).toBe(2)
  })

  test('pbx tells what each PBX can do, and what is on one that was there before', async () => {
    const list = await run(['pbx', 'list'])
    expect(list.out).toContain('branch  fake at 10.90.0.2, Branch <office>\n  can: show what is in force; ')
    expect(list.out).toContain('\n  cannot: demand client certificates; refuse revoked certificates\n')
    const { out } = await run(['pbx', 'existing', '--pbx', 'branch'])
    expect(out).toMatch(/2001 +Bo <b>Berg/)
    expect(out).toContain('not to be taken over: it is a fax line')
    expect(out).toContain('Nothing was touched. To take one over: ringfence adopt EXTENSION --pbx branch')
    expect((await run(['pbx', 'existing'])).out).toBe('PBX default shows no extension that Ringfence did not make.\n')
    expect(JSON.parse((await run(['pbx', 'existing', '--pbx', 'branch', '--json'])).out).items).toHaveLength(2)
    expect((await run(['pbx', 'existing', '--pbx', 'paris'])).code).toBe(2)
  })

  test('in a terminal the link comes with its QR code, elsewhere without', async () => {
    const { out } = await run(['onboard', ...ada, '--extension', '1010'], { terminal: true })
    expect(out).toContain('\u001b[38;5;16;48;5;231m')
    expect((await run(['invite', '1010'])).out).not.toContain('\u001b')
  })

  test('--json prints the body of the API and nothing else', async () => {
    const { code, out, err } = await run(['onboard', ...ada, '--extension', '1011', '--wait', '1', '--json'])
    expect([code, err]).toEqual([0, ''])
    expect(JSON.parse(out)).toMatchObject({
      extension: '1011',
      invite: { url: expect.stringMatching(/^https:/) },
      handsets: [{ provisioningUrl: expect.stringMatching(/\/$/) }],
    })
  })

  test('--wait shows the doors that were opened', async () => {
    const { code, out } = await run(['onboard', ...ada, '--extension', '1012', '--wait', '2'])
    expect(code).toBe(0)
    expect(out).toMatch(/✓ converged +tunnel +open/)
  })

  test('a wrong model and a wrong extension end with 2, every problem on a line and the hint last', async () => {
    const { code, out, err } = await run([
      'onboard',
      ...ada,
      '--extension',
      '1013',
      '--handset',
      'yealnik',
      '--handset',
      'x\u001b[2J',
    ])
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatchInlineSnapshot(`
      "error: this cannot be handed out
        handsets.1.model: "yealnik" is not a known model (did you mean yealink-t54w?)
        handsets.2.model: "x\\u001b[2J" is not a known model (did you mean yealink-t54w?)
      hint: \`ringfence models\` lists them
      "
    `)
  })

  test('one problem is said once, with one hint', async () => {
    const refuse = async () => {
      const hint = 'a gateway is chosen with --gateway openwrt'
      const problem = { field: 'model', message: 'gateway-openwrt is a home gateway and no phone', hint }
      throw new AppError('MODEL_UNKNOWN', problem.message, { hint, problems: [problem] })
    }
    const { onboard } = doors().application
    Object.assign(doors().application, { onboard: refuse })
    const { code, err } = await run(['onboard', ...ada])
    Object.assign(doors().application, { onboard })
    expect([code, err]).toEqual([
      2,
      'error: gateway-openwrt is a home gateway and no phone\nhint: a gateway is chosen with --gateway openwrt\n',
    ])
  })

  test('a misspelt option is named before one that is missing', async () => {
    const typo = await run(['onboard', ...ada.slice(0, -2), '--handsets', 'linphone-mobile'])
    expect([typo.code, typo.err]).toEqual([2, expect.stringContaining("unknown option '--handsets'")])
    const missing = await run(['onboard', ...ada.slice(0, -2)])
    expect([missing.code, missing.err]).toEqual([
      2,
      expect.stringContaining("required option '--handset <model[=mac]>'"),
    ])
  })

  test('a taken extension ends with 1; with --json the problem document is on standard output too', async () => {
    expect((await run(['onboard', ...ada])).code).toBe(1)
    const { code, out, err } = await run(['onboard', ...ada, '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ code: 'CONFLICT', status: 409, problems: [{ field: 'extension' }] })
    expect(err).toMatch(/^error: extension 1001 belongs to somebody\n {2}extension: taken\nhint: /)
  })

  test('the link goes by mail where that is asked for, and what became of it can be seen and changed', async () => {
    expect((await run(['onboard', ...ada, '--extension', '1020', '--mail'])).code).toBe(0)
    expect((await run(['invite', '1020', '--mail', 'de'])).code).toBe(0)
    expect((await run(['invite', '1020', '--mail', 'xx'])).code).toBe(2)
    const { out } = await run(['mail', 'list', '1020'])
    expect(out).toContain('on its way to the mail server')
    const { items } = JSON.parse((await run(['mail', 'list', '1020', '--json'])).out) as { items: { id: string }[] }
    expect(items.length).toBe(2)
    expect((await run(['mail', 'retry', items[0]!.id])).out).toContain('on its way')
    expect((await run(['mail', 'cancel', items[0]!.id])).out).toContain('not sent: cancelled')
    expect((await run(['mail', 'cancel', items[0]!.id])).code).toBe(1)
    expect((await run(['mail', 'test', 'me@example.com'])).out).toContain('took a letter')
    expect((await run(['mail', 'test', 'nonsense'])).code).toBe(2)
  })

  test('a handset is added and taken back', async () => {
    const added = await run(['handset', 'add', 'ada@example.com', 'yealink-t54w=805ec0445566', '--json'])
    const handset = (JSON.parse(added.out) as { handsets: { id: string }[] }).handsets.at(-1)!
    expect(added.code).toBe(0)
    expect((await run(['handset', 'remove', handset.id])).code).toBe(0)
    expect((await run(['handset', 'remove', 'nonsense'])).code).toBe(4)
    expect((await run(['show', '1001'])).out).toContain('access revoked; tombstone not fetched yet')
  })
})

describe('the key of a home gateway', () => {
  test('is entered by an admin who was told it on the telephone', async () => {
    await run(['onboard', ...ada, '--extension', '1901'])
    const key = `${'A'.repeat(43)}=`
    const { code, out, err } = await run(['gateway', 'key', '1901', key])
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain('the tunnel opens at its first word')
    expect(doors().application.deeds.at(-1)!.deed).toBe(`setGatewayKey:${key}`)
    expect((await run(['gateway', 'key', '1901'])).code).toBe(2)
  })
})

describe('a roster', () => {
  const rows = (extensions: readonly string[]) =>
    `name,email,extension,model,mac\n${extensions.map((extension) => `P${extension},p${extension}@example.com,${extension},linphone-mobile,\n`).join('')}`
  const roster = async (text: string): Promise<string> => {
    const file = join(doors().folder, 'roster.csv')
    await writeFile(file, text)
    return file
  }

  test('a log gets plain lines on standard error, the invites go to standard output', async () => {
    const { code, out, err } = await run(['import', await roster(rows(['2001', '2002', '2003', '2004']))])
    expect(code).toBe(0)
    expect(err).toBe('onboarded 0 of 4\nonboarded 1 of 4\nonboarded 2 of 4\nonboarded 3 of 4\nonboarded 4 of 4\n')
    expect(out.split('\n').filter((line) => line.startsWith('✓ onboarded'))).toHaveLength(4)
  })

  test('a terminal gets a bar that is drawn over itself', async () => {
    const { err } = await run(['import', await roster(rows(['2005', '2006']))], { terminal: true })
    expect(
      err
        .split('\r')
        .slice(1)
        .map((text) => text.trim().replace(/[█░]+/, (bar) => `${bar.length}`)),
    ).toEqual(['40  0 of 2  0 %', '40  1 of 2  50 %', '40  2 of 2  100 %'])
  })

  test('who could not be onboarded is named, and it ends with 1', async () => {
    const { code, out, err } = await run(['import', await roster(rows(['2007', '666']))])
    expect(code).toBe(1)
    expect(out).toMatch(/✗ failed +666 +p666@example\.com +extension 666 is taken/)
    expect(err).toContain('error: 1 of 2 could not be onboarded\nhint: ')
  })

  test('of a server that goes away meanwhile it says how far it was seen, and that it goes on by itself', async () => {
    const mortal = await openDoors()
    const { importRun } = mortal.application
    let looks = 0
    let gone: PromiseLike<void> | undefined
    Object.assign(mortal.application, {
      importRun(id: string) {
        if (++looks === 1) return importRun(id)
        gone = mortal[Symbol.asyncDispose]()
        return new Promise(() => undefined)
      },
    })
    const file = await roster(rows(['2008', '2009', '2010']))
    const { code, err } = await run(['import', file], { environment: { RINGFENCE_DATA: mortal.folder } })
    await gone
    expect(code).toBe(1)
    expect(err).toContain(
      'error: the server went away; 1 of 3 were seen done\nhint: it goes on by itself when it is started again',
    )
  })

  test('a bad roster ends with 2 and names every row; a file that is not there too', async () => {
    const bad = await run(['import', await roster('name,email\na,b\nc,d\n')])
    expect([bad.code, bad.err]).toEqual([
      2,
      'error: nothing was imported\n  row 2: this row has too few columns\n  row 3: this row has too few columns\nhint: correct the rows and import again\n',
    ])
    expect((await run(['import', '/nowhere/roster.csv'])).code).toBe(2)
  })
})
