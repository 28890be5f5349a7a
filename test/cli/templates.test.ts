import { describe, expect, test } from 'vitest'
import { commandLine } from './command-line.ts'

const { doors, run } = commandLine()

async function phone(extension: string, ...handsets: readonly string[]): Promise<readonly string[]> {
  const words = ['--name', 'Ada Byron', '--email', `a${extension}@example.com`, '--extension', extension]
  const made = await run(['onboard', ...words, ...handsets.flatMap((model) => ['--handset', model]), '--json'])
  return (JSON.parse(made.out) as { handsets: { id: string }[] }).handsets.map(({ id }) => id)
}

describe('ringfence preview', () => {
  test('shows a file, the settings that won and what changed, in colour in a terminal only', async () => {
    const [id] = await phone('5001', 'yealink-t54w=805ec0aabbcc')
    const piped = await run(['preview', id!, '805ec0aabbcc.cfg'])
    expect(piped.code).toBe(0)
    expect(piped.out).toBe(
      [
        '805ec0aabbcc.cfg  the account',
        'made from         phones/yealink/phone.cfg (your own)',
        'setting language  de  (of the model)',
        '',
        '[account]',
        'name    = Eve\ufffd[2J',
        'password = masked-sip-secret-g2',
        '',
        'The phone has another version, of 2026-11-20 08:00:00 UTC. With its next fetch:',
        '',
        '--- last fetched',
        '+++ now',
        '@@ -3 +3 @@',
        '-password = masked-sip-secret-g1',
        '+password = masked-sip-secret-g2',
        '',
      ].join('\n'),
    )
    const shown = await run(['preview', id!, '805ec0aabbcc.cfg'], { terminal: true })
    expect(shown.out).toContain('\u001b[32m+password = masked-sip-secret-g2\u001b[0m')
    expect(shown.out.replace(/\u001b\[[0-9;]*m/g, '')).toBe(piped.out)
    expect(JSON.parse((await run(['preview', id!, '805ec0aabbcc.cfg', '--json'])).out)).toMatchObject({ differs: true })
  })

  test('without a file shows the only one, and lists several', async () => {
    const [id] = await phone('5002', 'yealink-t54w=805ec0aabbcd')
    expect((await run(['preview', id!])).out).toContain('password = masked-sip-secret-g2')
    expect(JSON.parse((await run(['preview', id!, '--json'])).out)).toMatchObject({ items: [{ differs: true }] })
    const { application } = doors()
    const [file] = await application.handsetFiles(id!)
    const { handsetFiles } = application
    const certificate = { ...file!, fileName: 'ca.pem', template: null, fetchedAt: null, differs: null }
    Object.assign(application, { handsetFiles: async () => [file!, certificate] })
    const listed = await run(['preview', id!])
    Object.assign(application, { handsetFiles })
    expect(listed.out).toBe(
      [
        'file              made from                            since the last fetch  what it is',
        '805ec0aabbcd.cfg  phones/yealink/phone.cfg (your own)  changed               the account',
        'ca.pem            -                                    -                     the account',
        '',
      ].join('\n'),
    )
  })

  test('of a handset or file that is not there ends with 4', async () => {
    const [id] = await phone('5003', 'linphone-mobile')
    expect((await run(['preview', 'nobody'])).code).toBe(4)
    expect((await run(['preview', id!, 'other.xml'])).code).toBe(4)
  })
})

describe('ringfence templates reload', () => {
  test('says whose files change, and in a dry run that nothing is in use yet', async () => {
    await phone('5004', 'linphone-mobile')
    const dry = await run(['templates', 'reload', '--dry-run'])
    expect(dry.code).toBe(0)
    expect(dry.out).toContain('your own stand in for phones/yealink/phone.cfg\nnothing uses phones/yealink/phone.cgf\n')
    expect(dry.out).toMatch(/^model +handsets +such as$/m)
    expect(dry.out).toMatch(/^linphone-mobile +2 +linphone\.xml of \S+$/m)
    expect(dry.out).toContain('4 handsets get another file\na dry run: nothing is in use yet')
    expect(doors().application.deeds.at(-1)!.deed).toBe('reloadTemplates:dry run')
    expect((await run(['templates', 'reload'])).out).toMatch(/\nthe templates are in use\n$/)
    expect(doors().application.deeds.at(-1)!.deed).toBe('reloadTemplates:in earnest')
  })
})
