import { spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const command = join(import.meta.dirname, '../../ringfence')
/** Somebody who is not root and owns nothing. */
const nobody = 65_534
const isRoot = process.getuid?.() === 0
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), `ringfence-data-${process.pid}-`))
  chmodSync(folder, 0o755)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** The server as it is started, with this data folder: what it says, and how it ends. */
function started(dataFolder: string, as?: number): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, ['serve'], {
      env: { PATH: process.env.PATH, RINGFENCE_DATA: dataFolder, RINGFENCE_HUB_INTERFACE: `rf-t${process.pid}` },
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(as === undefined ? {} : { uid: as, gid: as }),
      timeout: 20_000,
      killSignal: 'SIGKILL',
    })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, said }))
  })
}

describe('a data folder that cannot be used', () => {
  test('because it can never be made, ends the start with an error', async () => {
    const { code, said } = await started('/proc/ringfence/data')
    expect(said).toBe('error: /proc/ringfence cannot be made: /proc takes no folder\nhint: choose another path\n')
    expect(code).toBe(2)
  }, 25_000)

  test.runIf(isRoot)(
    'because its database was put back as root, is told with the command that mends it',
    async () => {
      const data = join(folder, 'data')
      mkdirSync(data, { mode: 0o700 })
      chownSync(data, nobody, nobody)
      writeFileSync(join(data, 'ringfence.db'), '', { mode: 0o600 })
      const { code, said } = await started(data, nobody)
      expect(said).toBe(
        `error: ${data}/ringfence.db cannot be used by the user that runs Ringfence (EACCES)\n` +
          `hint: all in the data folder must be that user's. As root: chown -R ${nobody} ${data}\n`,
      )
      expect(code).toBe(2)
    },
    25_000,
  )

  test.runIf(isRoot)(
    'because a folder above it lets nobody in, or is not to be written to, says so',
    async () => {
      mkdirSync(join(folder, 'shut'), { mode: 0o700 })
      for (const data of [join(folder, 'shut', 'data'), join(folder, 'new', 'data')]) {
        const { code, said } = await started(data, nobody)
        expect(said).toBe(
          `error: the data folder ${data} cannot be reached or made by the user that runs Ringfence (EACCES)\n` +
            `hint: let that user (${nobody}) into every folder above it, or name another one in RINGFENCE_DATA; \`namei -l ${data}\` shows them\n`,
        )
        expect(code).toBe(2)
      }
    },
    45_000,
  )
})
