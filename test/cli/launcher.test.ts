import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { realSystem } from '../../src/system.ts'

const launcher = fileURLToPath(new URL('../../ringfence', import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `ringfence-launcher-${process.pid}-`))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

const start = (command: string, path: string) =>
  realSystem.run(command, ['--version'], { env: { PATH: path }, timeoutMs: 30_000 })

describe('the launcher', () => {
  test('it starts through links from anywhere, with an old Node or none in PATH', async () => {
    await symlink(launcher, join(folder, 'one'))
    await symlink('one', join(folder, 'two words'))
    expect((await start(join(folder, 'two words'), '/usr/bin:/bin')).stdout).toMatch(/^[0-9]+\.[0-9]+\.[0-9]+/)

    await writeFile(join(folder, 'node'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    expect((await start(launcher, `${folder}:/usr/bin:/bin`)).stdout).toMatch(/^[0-9]/)
  })

  test('it keeps memory within bounds, and what is set outside wins', async () => {
    const limitWith = async (own: string) => {
      await writeFile(
        join(folder, 'node'),
        `#!/bin/sh\n[ "$1" = -e ] || exec '${process.execPath}' -p 'require("v8").getHeapStatistics().heap_size_limit / 2 ** 20'\n`,
        { mode: 0o755 },
      )
      const env = { PATH: `${folder}:/usr/bin:/bin`, NODE_OPTIONS: own }
      return Number((await realSystem.run(launcher, [], { env, timeoutMs: 30_000 })).stdout)
    }
    expect(await limitWith('')).toBeLessThan(600)
    expect(await limitWith('--max-old-space-size=2000')).toBeGreaterThan(2_000)
  })

  test('without any Node that is new enough it says what to do', async () => {
    const alone = join(folder, 'alone')
    await writeFile(alone, await (await import('node:fs/promises')).readFile(launcher), { mode: 0o755 })
    await writeFile(join(folder, 'node'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    await expect(start(alone, `${folder}:/usr/bin:/bin`)).rejects.toMatchObject({
      message: expect.stringContaining('npm ci'),
    })
  })
})
