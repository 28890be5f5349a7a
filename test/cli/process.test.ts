import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ada, commandLine } from './command-line.ts'

const { doors, run } = commandLine()
const entry = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

/** The real process; `terminal` runs it inside a pseudo-terminal of script(1). */
function start(
  words: readonly string[],
  { terminal = false, env = {} }: { terminal?: boolean; env?: Record<string, string> } = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const line = [process.execPath, entry, ...words]
  const [program = '', ...args] = terminal
    ? ['script', '-qec', line.map((word) => `'${word}'`).join(' '), '/dev/null']
    : line
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, TERM: 'xterm', RINGFENCE_DATA: doors().folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

describe('the command as a process', () => {
  test('a pipe gets plain text and the exit codes of the documentation', async () => {
    await run(['onboard', ...ada])
    doors().application.closing = { tunnel: 'unverifiable' }
    const [shown, nobody, wrong] = await Promise.all([
      start(['show', '1001']),
      start(['show', '1999']),
      start(['show']),
    ])
    expect([shown.code, shown.err]).toEqual([0, ''])
    expect(shown.out).not.toContain('\u001b')
    expect([nobody.code, nobody.out, nobody.err]).toEqual([
      4,
      '',
      'error: there is no such employee\nhint: `ringfence list` shows everybody\n',
    ])
    expect(wrong.code).toBe(2)
    expect((await start(['offboard', '1001', '--wait', '0'])).code).toBe(3)
  })

  test('a terminal gets colour, and none with NO_COLOR', async () => {
    const [coloured, plain] = await Promise.all([
      start(['doctor'], { terminal: true }),
      start(['doctor'], { terminal: true, env: { NO_COLOR: '1' } }),
    ])
    expect(coloured.out).toContain('\u001b[32m✓ ok\u001b[0m')
    expect(plain.out).toContain('✓ ok')
    expect(plain.out).not.toContain('\u001b')
    expect([coloured.code, plain.code]).toEqual([1, 1])
  })
})
