import { chown, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
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
    const boundsWith = async (own: Record<string, string>) => {
      const asked = 'require("v8").getHeapStatistics().heap_size_limit / 2 ** 20 + " " + process.env.MALLOC_ARENA_MAX'
      const script = `#!/bin/sh\n[ "$1" = -e ] || exec '${process.execPath}' -p '${asked}'\n`
      await writeFile(join(folder, 'node'), script, { mode: 0o755 })
      const settings = Object.entries(own).map(([name, value]) => `${name}=${value}`)
      const args = ['-u', 'NODE_OPTIONS', '-u', 'MALLOC_ARENA_MAX', ...settings, launcher]
      const env = { PATH: `${folder}:/usr/bin:/bin` }
      const [limit, pools] = (await realSystem.run('env', args, { env, timeoutMs: 30_000 })).stdout.trim().split(' ')
      return { limit: Number(limit), pools }
    }
    const usual = await boundsWith({})
    expect(usual.limit).toBeLessThan(600)
    expect(usual.pools).toBe('2')
    const own = await boundsWith({ NODE_OPTIONS: '--max-old-space-size=2000', MALLOC_ARENA_MAX: '8' })
    expect(own.limit).toBeGreaterThan(2_000)
    expect(own.pools).toBe('8')
  })

  test('a Node that does not know an option of memory starts without it', async () => {
    const script = `#!/bin/sh\ncase "$*" in *--gc-*) exit 9 ;; esac\n[ "$1" = -e ] || echo "$@"\n`
    await writeFile(join(folder, 'node'), script, { mode: 0o755 })
    expect((await start(launcher, `${folder}:/usr/bin:/bin`)).stdout.trim()).toMatch(/^\S+\/src\/cli\.ts --version$/)
    await writeFile(join(folder, 'node'), '#!/bin/sh\n[ "$1" = -e ] || echo "$@"\n', { mode: 0o755 })
    expect((await start(launcher, `${folder}:/usr/bin:/bin`)).stdout.trim()).toMatch(
      /^--gc-\S+ \S+\/src\/cli\.ts --version$/,
    )
  })

  test('what was compiled is kept only in a folder of whoever runs it, and where it is told to', async () => {
    const [home, path] = [join(folder, 'home'), join(folder, 'path')]
    const packages = join(home, 'node_modules')
    for (const one of [packages, path]) await mkdir(one, { recursive: true })
    await copyFile(launcher, join(home, 'ringfence'))
    const printing = `#!/bin/sh\n[ "$1" = -e ] || echo "\${NODE_COMPILE_CACHE-none}"\n`
    await writeFile(join(path, 'node'), printing, { mode: 0o755 })
    const keptIn = async (...setting: readonly string[]) => {
      const env = { PATH: `${path}:/usr/bin:/bin` }
      const args = ['-u', 'NODE_COMPILE_CACHE', ...setting, join(home, 'ringfence')]
      return (await realSystem.run('env', args, { env, timeoutMs: 30_000 })).stdout.trim()
    }
    expect(await keptIn()).toBe(join(packages, '.cache/ringfence'))
    expect(await keptIn('NODE_COMPILE_CACHE=/elsewhere')).toBe('/elsewhere')
    expect(await keptIn('NODE_COMPILE_CACHE=')).toBe('')
    // Only root can give a folder away, or run what is another's with a power that the other lacks.
    if (process.getuid?.() === 0) {
      await chown(packages, 65_534, 65_534)
      expect(await keptIn()).toBe('none')
    }
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
