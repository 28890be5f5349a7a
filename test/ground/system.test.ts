import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { AppError, asAppError } from '../../src/errors.ts'
import { newId, realSystem } from '../../src/system.ts'

const node = (program: string, options: Parameters<typeof realSystem.run>[2] = {}, ...args: string[]) =>
  realSystem.run(process.execPath, ['-e', program, ...args], options)
const failure = (attempt: Promise<unknown>): Promise<AppError> =>
  attempt.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error as AppError,
  )

describe('another program', () => {
  test('gets its arguments as they are, without a shell in between', async () => {
    const hostile = ['$(id)', '`id`', '; id', '"', "'", '*', '', '\n', '-n']
    const { stdout } = await node('console.log(JSON.stringify(process.argv.slice(1)))', {}, '--', ...hostile)
    expect(JSON.parse(stdout).slice(-hostile.length)).toEqual(hostile)
  })

  test('gets a secret through its standard input, and an end when there is none', async () => {
    const echo = 'process.stdin.pipe(process.stdout)'
    expect((await node(echo, { input: 'key\n' })).stdout).toContain('key')
    expect((await node(echo)).stdout).toBe('')
  })

  test('that fails is told with its own last words and without its command line', async () => {
    const error = await failure(
      node(`console.error('1\\n2\\nthe device\\nis busy\\nsorry'); process.exit(3)`, {}, 'PrivateKey=hunter2'),
    )
    expect(error).toMatchObject({ code: 'COMMAND_FAILED', retryable: true })
    expect(error.message).toMatch(/failed: the device; is busy; sorry$/)
    expect(inspect(error, { depth: 9 })).not.toContain('hunter2')
  })

  test('that repeats a key of its input does not bring it into the error', async () => {
    const key = randomBytes(32).toString('base64')
    const error = await failure(
      node(
        `let t = ''; process.stdin.on('data', (d) => { t += d }).on('end', () => { console.error("Key is not correct: '" + t.split(' = ')[1].trim() + "'"); process.exit(1) })`,
        { input: `PresharedKey = ${key}\n` },
      ),
    )
    expect(error.message).toContain("Key is not correct: '[secret]")
    expect(inspect(error, { depth: 9 })).not.toContain(key.slice(0, 43))
  })

  test('that is not installed is told as such', async () => {
    expect(await failure(realSystem.run('ringfence-no-such-program', [], {}))).toMatchObject({
      code: 'COMMAND_FAILED',
      message: 'ringfence-no-such-program is not installed',
      hint: expect.stringContaining('doctor'),
    })
  })

  test('that takes too long is ended', async () => {
    const folder = mkdtempSync(join(tmpdir(), `ringfence-system-${process.pid}-`))
    try {
      const file = join(folder, 'pid')
      const program = `require('node:fs').writeFileSync(process.argv[1], String(process.pid)); setInterval(() => {}, 1000)`
      const error = await failure(node(program, { timeoutMs: 1_000 }, file))
      expect(error).toMatchObject({ code: 'COMMAND_FAILED', retryable: true })
      expect(error.message).toContain('did not finish in time')
      expect(existsSync(`/proc/${readFileSync(file, 'utf8')}`)).toBe(false)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('is not started, or is ended, when nobody waits for it any more', async () => {
    expect(await failure(node('setInterval(() => {}, 1000)', { signal: AbortSignal.timeout(200) }))).toMatchObject({
      code: 'COMMAND_FAILED',
    })
    expect(await failure(node('', { signal: AbortSignal.abort() }))).toMatchObject({ code: 'COMMAND_FAILED' })
  })
})

describe('an id', () => {
  test('is a UUID of version 7 that sorts by time', () => {
    const at = (time: string) => newId({ now: () => new Date(time), randomBytes })
    const ids = ['1970-01-01T00:00:00.001Z', '2026-03-10T12:00:00.000Z', '2026-03-10T12:00:00.001Z'].map(at)
    expect(ids.toSorted()).toEqual(ids)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test('is never the same twice, also in one millisecond', () => {
    const now = new Date()
    const ids = Array.from({ length: 10_000 }, () => newId({ now: () => now, randomBytes }))
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.slice(0, 4_000).toSorted()).toEqual(ids.slice(0, 4_000))
  })
})

describe('an error', () => {
  test('of ours passes as it is', () => {
    const error = new AppError('CONFLICT', 'taken', { hint: 'choose another', problems: [{ message: 'x' }] })
    expect(asAppError(error)).toBe(error)
    expect(error).toMatchObject({ name: 'AppError', retryable: false, hint: 'choose another' })
    expect('cause' in error).toBe(false)
  })

  test.each([new Error('password=hunter2'), 'hunter2', { message: 'hunter2' }, null, undefined])(
    'of anybody else (%j) keeps its words to itself',
    (thrown) => {
      const { code, message, hint, cause, problems } = asAppError(thrown)
      expect(code).toBe('INTERNAL')
      expect(`${message} ${hint} ${JSON.stringify(problems)}`).not.toContain('hunter2')
      expect(cause).toBe(thrown)
    },
  )
})
