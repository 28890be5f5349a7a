import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { footprint, leftoversOf, type TestRun } from './leftovers.ts'
import { describeLive } from './requirements.ts'

let run: TestRun
let child: ChildProcess | null = null

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-leftovers-'))
  run = { mark: randomBytes(8).toString('hex'), folder, before: footprint() }
})

afterEach(() => {
  child?.kill('SIGKILL')
  child = null
  rmSync(run.folder, { recursive: true, force: true })
})

describe('what a test run leaves behind', () => {
  test('nothing is found after a run that took everything away', async () => {
    expect(await leftoversOf(run, 0)).toEqual([])
  })

  test('a process is found by the mark that it inherited', async () => {
    child = await started({ env: { RINGFENCE_TEST_RUN: run.mark } })
    expect(await found()).toEqual([`process ${child.pid} (sleep 300)`])
  })

  test('a process that wiped its environment is found by its folder', async () => {
    child = await started({ cwd: run.folder, env: {} })
    expect(await found()).toEqual([`process ${child.pid} (sleep 300)`])
  })

  test("another run's process is not blamed", async () => {
    child = await started({ env: { RINGFENCE_TEST_RUN: 'another' } })
    expect(await found()).toEqual([])
  })

  test('a forgotten file is found and can be removed', async () => {
    writeFileSync(join(run.folder, 'forgotten.db'), 'x')
    const [file] = await leftoversOf(run, 0)
    expect(file?.what).toBe(`file ${join(run.folder, 'forgotten.db')}`)
    file?.remove()
    expect(await found()).toEqual([])
  })
})

describeLive('network namespaces that a test run leaves behind', ['namespaces'], () => {
  test("a dead test's namespace is found and can be removed, a living one's is left alone", async () => {
    // Another process than the test's own, which would count as what started the run.
    child = await started({ program: process.execPath, args: ['-e', 'setInterval(() => undefined, 1000)'], env: {} })
    // Capitals only, in which no process number can hide by accident.
    const chance = run.mark.toUpperCase().replace(/\d/g, (digit) => 'GHIJKLMNOP'.charAt(Number(digit)))
    const living = `rf-hub-${child.pid?.toString(36)}${chance}`
    const dead = `ringfence-${chance}`
    try {
      for (const name of [living, dead]) expect(spawnSync('ip', ['netns', 'add', name]).status).toBe(0)
      const mine = (await leftoversOf(run, 0)).filter(({ what }) => what.includes(chance))
      expect(mine.map(({ what }) => what)).toEqual([`network namespace ${dead}`])
      mine[0]?.remove()
      expect((await found()).filter((what) => what.includes(chance))).toEqual([])
    } finally {
      for (const name of [living, dead]) spawnSync('ip', ['netns', 'delete', name])
    }
  })
})

async function found(): Promise<readonly string[]> {
  return (await leftoversOf(run, 0)).map(({ what }) => what)
}

interface Start {
  readonly program?: string
  readonly args?: readonly string[]
  readonly cwd?: string
  readonly env: Readonly<Record<string, string>>
}

/** A process that does nothing, once it is up. */
function started({ program = 'sleep', args = ['300'], ...options }: Start): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const idle = spawn(program, args, { stdio: 'ignore', ...options })
    idle.once('spawn', () => resolve(idle))
    idle.once('error', reject)
  })
}
