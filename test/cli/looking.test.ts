import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cells, safe, table } from '../../src/cli/terminal.ts'
import { owner } from '../http/doors.ts'
import { ada, commandLine, steady } from './command-line.ts'

const { doors, run } = commandLine()

describe('looking', () => {
  test('models, list, show and doctor print aligned tables; doctor ends with 1 while something is a problem', async () => {
    await run(['onboard', ...ada])
    for (const words of [['models'], ['list'], ['show', '1001'], ['doctor']]) {
      const { code, out, err } = await run(words)
      expect([code, err]).toEqual([words[0] === 'doctor' ? 1 : 0, ''])
      expect(steady(out)).toMatchSnapshot(words.join(' '))
      const json = JSON.parse((await run([...words, '--json'])).out) as Record<string, unknown>
      expect(Object.keys(json)).toContain(words[0] === 'doctor' ? 'checks' : words[0] === 'show' ? 'id' : 'items')
    }
    expect((await run(['list', '--lifecycle', 'offboarded'])).out).toBe(
      'nobody is in the state offboarded; `ringfence list` shows everybody\n',
    )
  })

  test('a single model tells in words what it can do, and what must be heard when it is handed out', async () => {
    const { code, out } = await run(['models', 't54w'])
    expect([code, out]).toMatchSnapshot('models t54w')
    expect((await run(['models', 'linphone-mobile'])).out).not.toContain('linphone-desktop')
    const none = await run(['models', 'nokia'])
    expect([none.code, none.err]).toEqual([
      4,
      'error: no model is called "nokia"\nhint: `ringfence models` lists them all\n',
    ])
    const wide = (await run(['models', 'linphone'], { terminal: true })).out.replace(/\u001b\[[0-9;]*m/g, '')
    for (const line of wide.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })

  test('the password for a PBX that is operated by hand is shown to who asks for it', async () => {
    await run(['onboard', ...ada, '--extension', '4002'])
    const { code, out } = await run(['secret', '4002'])
    expect([code, out]).toEqual([
      0,
      'extension  login name  password\n4002       4002        a-sip-secret-of-the-tests\n',
    ])
    expect(doors().application.deeds.at(-1)!.deed).toBe('showSecrets')
  })

  test('steps that wait for a person are listed with what to do and how to tick them', async () => {
    doors().application.closing = { 'sip-account': 'waiting' }
    await run(['onboard', ...ada, '--extension', '4003'])
    await run(['offboard', '4003'])
    const { code, out } = await run(['steps'])
    expect(code).toBe(0)
    expect(out).toContain('4003')
    expect(out).toContain('sip-account, to be shut')
    expect(out).toContain('ringfence acknowledge 4003 sip-account')
    expect(JSON.parse((await run(['steps', '--json'])).out)).toMatchObject({ items: [{ extension: '4003' }] })
    expect(out).not.toContain('site of')
    await run(['onboard', ...ada, '--extension', '4005', '--pbx', 'branch', '--email', 'p4005@example.com'])
    await run(['offboard', 'p4005@example.com', '--wait', '0'])
    const branch = (await run(['steps'])).out
    expect(branch).toContain('\n  PBX branch, site of branch, 10.90.1.2\n')
    expect(branch).toContain('ringfence acknowledge 4005@branch sip-account')
    await run(['acknowledge', 'p4005@example.com', 'sip-account'])
    await run(['acknowledge', '4003', 'sip-account'])
    expect((await run(['steps'])).out).toBe('no step waits for anybody\n')
    doors().application.closing = {}
  })

  test('a name that tries to move the cursor or turn the line around is shown harmless', async () => {
    const name = 'Eve\u001b[2J\u202etxt\u0007\u2028\u009b31m'
    await run(['onboard', ...ada, '--extension', '4001', '--name', name])
    for (const words of [['list'], ['show', '4001'], ['offboard', '4001']]) {
      const { out } = await run(words)
      expect(out).toContain('Eve\ufffd[2J\ufffdtxt\ufffd\ufffd\ufffd31m')
      expect(out).not.toMatch(/[\u001b\u202e\u0007\u2028\u009b]/)
    }
  })

  test('whatever is typed, a cell stays one line of visible text and columns stay aligned', () => {
    const terminal = { colour: true, outIsTerminal: false, width: 80 }
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }), (names) => {
        const texts = names.map(safe)
        expect(texts.join('')).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u)
        for (const line of table(
          terminal,
          ['name', 'x'],
          texts.map((text) => [text, 'x']),
        ))
          expect(cells(line)).toBe(
            cells(
              table(
                terminal,
                ['name', 'x'],
                texts.map((text) => [text, 'x']),
              )[0]!,
            ),
          )
      }),
    )
    expect(cells('김 👩‍💻 é')).toBe(7)
  })
})

describe('in a terminal', () => {
  test('a step for a person stands as a paragraph under the table, in a pipe it stays in its line', async () => {
    const step =
      'On the PBX, block the extension or delete it, give it a new password, then end its calls and clear its call forwards.'
    const views = doors().application
    const { employee } = await views.onboard(
      { name: 'Bo', email: 'bo@example.com', extension: '4100', handsets: [{ model: 'linphone-mobile' }] },
      owner,
    )
    const employeeBefore = views.employee
    const access = employee.access.map((line) =>
      line.system === 'tunnel' ? { ...line, verdict: 'waiting' as const, problem: step } : line,
    )
    Object.assign(views, { employee: async () => ({ ...employee, access }) })
    const [shown, piped] = [await run(['show', '4100'], { terminal: true }), await run(['show', '4100'])]
    Object.assign(views, { employee: employeeBefore })
    const lines = shown.out.replace(/\u001b\[[0-9;]*m/g, '').split('\n')
    expect(lines.find((line) => line.includes('! waiting'))).toMatch(/a step for you, below$/)
    const at = lines.indexOf('  tunnel: do this, then tick it')
    expect(lines.slice(at + 1, at + 3).map((line) => line.slice(0, 4))).toEqual(['    ', '    '])
    expect(`${lines[at + 1]!.trim()} ${lines[at + 2]!.trim()}`).toBe(step)
    expect(piped.out).toMatch(new RegExp(`! waiting .*${step}`))
  })

  test('a long explanation is wrapped into its own column, in a pipe it stays one line', () => {
    const text = 'On the PBX, block extension 1001 or delete it, and give it a new SIP password. Then end its calls.'
    const rows = [['! waiting', text]]
    expect(table({ colour: false, outIsTerminal: true, width: 62 }, [], rows)).toEqual([
      '! waiting  On the PBX, block extension 1001 or delete it, and',
      '           give it a new SIP password. Then end its calls.',
    ])
    expect(table({ colour: false, outIsTerminal: false, width: 60 }, [], rows)).toEqual([`! waiting  ${text}`])
  })
})

describe('the server and its address', () => {
  test('without a server every command says how to start it, and ends with 1', async () => {
    const empty = await mkdtemp(join(tmpdir(), `ringfence-cli-${process.pid}-`))
    for (const words of [['list'], ['doctor'], ['offboard', '1001'], ['list', '--url', 'http://127.0.0.1:1']]) {
      const { code, out, err } = await run(words, { environment: { RINGFENCE_DATA: empty } })
      expect([code, out]).toEqual([1, ''])
      expect(err).toMatch(/^error: no server answers (on|at) \S+( \(ECONNREFUSED\))?\nhint: /)
    }
    expect((await run(['list'], { environment: { RINGFENCE_DATA: empty } })).err).toContain('npm start')
    // From another folder only the whole path shows the mistake.
    expect((await run(['list'], { environment: { RINGFENCE_DATA: 'no-such-data' } })).err).toContain(
      `no server answers on ${join(process.cwd(), 'no-such-data', 'admin.sock')}\n`,
    )
    await rm(empty, { recursive: true })
  })

  test('a remote server is asked with the token of the environment', async () => {
    const url = `http://127.0.0.1:${doors().consolePort}`
    const auditor = { RINGFENCE_TOKEN: doors().application.tokenFor('auditor') }
    expect((await run(['list', '--json', '--url', url], { environment: auditor })).code).toBe(0)
    const refused = await run(['offboard', '1001', '--url', url], { environment: auditor })
    expect([refused.code, refused.err]).toEqual([
      1,
      'error: the role auditor may not do this\nhint: it takes a token whose role may revoke; ask an owner\n',
    ])
    expect((await run(['list', '--url', url])).err).toMatch(/^error: a token is needed\n/)
    expect((await run(['list', '--url', 'ftp://x'])).code).toBe(2)
    // Refused before anything is sent: the name need not even exist.
    const plain = await run(['list', '--url', 'http://ringfence.invalid'], { environment: auditor })
    expect([plain.code, plain.err]).toEqual([
      2,
      'error: the token would travel readable to ringfence.invalid\nhint: use https://, or a tunnel to localhost\n',
    ])
    expect((await run(['list', '--url', `${url}/nowhere`], { environment: auditor })).code).toBe(4)
  })

  test('tokens are made, listed without their text, and revoked', async () => {
    const { code, out, err } = await run(['token', 'create', '--role', 'helpdesk', '--label', 'front desk'])
    expect([code, /^[A-Za-z0-9_-]{43}\n$/.test(out)]).toEqual([0, true])
    expect(err).not.toContain(out.trim())
    const list = await run(['token', 'list'])
    expect(list.out).toMatch(/helpdesk +front desk .*live/)
    expect(list.out).not.toContain(out.trim())
    const id = /\S+(?= +helpdesk)/.exec(list.out)![0]
    expect((await run(['token', 'revoke', id])).out).toBe('token front desk is revoked\n')
    expect((await run(['token', 'create', '--role', 'king'])).code).toBe(2)
  })

  test('wrong words end with 2 and help with 0', async () => {
    for (const words of [
      [],
      ['offbord', '1001'],
      ['offboard'],
      ['offboard', '1001', '--wait', 'long'],
      ['onboard', '--name', 'x'],
      ['list', '--nonsense'],
    ]) {
      const { code, err } = await run(words)
      expect([words, code]).toEqual([words, 2])
      expect(err).not.toBe('')
    }
    expect((await run(['offbord', '1'])).err).toContain('offboard')
    expect((await run(['--help'])).code).toBe(0)
    expect((await run(['offboard', '--help'])).out).toContain('--wait')
    const needed = async (...words: string[]) =>
      [...(await run([...words, '--help'])).out.matchAll(/--(\S+) [^\n]*(?:\n {10,}[^\n]*)*?\(needed\)/g)].length
    expect([await needed('onboard'), await needed('dial-plan', 'set')]).toEqual([4, 4])
    expect((await run(['--version'])).out).toBe('0.0.0-test\n')
  })

  test('every command is described in docs/cli.md', async () => {
    const { readFile } = await import('node:fs/promises')
    const page = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8')
    const help = (await run(['--help'])).out
    const names = [...help.matchAll(/^ {2}([a-z]+)[ |]/gm)].map(([, name]) => name!).filter((name) => name !== 'help')
    expect(names.length).toBeGreaterThan(13)
    for (const name of names) expect(page).toMatch(new RegExp(`ringfence ${name}\\b`))
  })
})
