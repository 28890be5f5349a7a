import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { nftFirewall } from '../../src/hub/firewall.ts'
import { hubSettingsSchema } from '../../src/hub/hub-settings.ts'
import type { System } from '../../src/system.ts'
import { workFolder } from '../../src/tunnels/hand-over-files.ts'
import { labSettings } from '../lab/hub.ts'

test('a kernel that cannot count connections gets the firewall without that limit, and it is said', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'rf-firewall-'))
  const settings = hubSettingsSchema.parse(labSettings(dataFolder, {}))
  await mkdir(workFolder(settings.dataFolder), { recursive: true })
  const taken: string[] = []
  const nft = (counts: boolean): Pick<System, 'run'> => ({
    async run(_program, [flag, file]) {
      if (flag !== '-f') return { stdout: '{"nftables":[]}', stderr: '' }
      const script = readFileSync(file!, 'utf8')
      if (!counts && script.includes('ct count')) throw new AppError('COMMAND_FAILED', 'Operation not supported')
      taken.push(script)
      return { stdout: '', stderr: '' }
    },
  })
  const install = (counts: boolean) => nftFirewall(settings, nft(counts)).install(AbortSignal.timeout(5_000))
  expect(await install(true)).toEqual({ limited: true })
  expect(await install(false)).toEqual({ limited: false })
  expect(taken).toHaveLength(2)
  expect(taken[0]).toContain('ct count over 64')
  expect(taken[1]).not.toContain('ct count')
  expect(taken[1]).toContain('dport { 5061, 5062 } counter accept')
  await rm(dataFolder, { recursive: true })
})
