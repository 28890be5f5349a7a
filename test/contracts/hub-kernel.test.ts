/**
 * The kernel's WireGuard is not to be had on every machine that runs these tests, so the programs `wg` and `ip` are stood
 * in for by test/fixtures/bin: what is shown is that we speak to them as their manual pages say, not that the kernel obeys.
 * nft is the real one, in a namespace.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { runHub } from '../../src/hub/hub-main.ts'
import { hubSettingsSchema } from '../../src/hub/hub-settings.ts'
import { realSystem, type System } from '../../src/system.ts'
import { hubClient } from '../../src/tunnels/hub-client.ts'
import { labSettings } from '../lab/hub.ts'
import { openNetwork } from '../lab/network.ts'
import { describeLive } from '../setup/requirements.ts'
import { hubContract, newKey, newPresharedKey } from './hub.contract.ts'

const fixtures = fileURLToPath(new URL('../fixtures/bin/', import.meta.url))
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const signal = () => AbortSignal.timeout(10_000)

interface FixtureState {
  readonly links: Readonly<
    Record<string, { up: boolean; addresses: string[]; peers: Record<string, { presharedKey: string }> }>
  >
  readonly calls: readonly (readonly string[])[]
}

async function openKernelHub() {
  const network = await openNetwork()
  const place = await network.namespace('kernel')
  const folder = await mkdtemp(join(tmpdir(), `ringfence-kernel-${process.pid}-`))
  const statePath = join(folder, 'state.json')
  await writeFile(statePath, JSON.stringify({ kernel: true, links: {}, calls: [] }))
  const system: System = {
    ...realSystem,
    run: (command, args, options) =>
      command === 'nft'
        ? realSystem.run('ip', [...place.prefix.slice(1), command, ...args], options)
        : realSystem.run(process.execPath, [join(fixtures, command), ...args], {
            ...options,
            env: { FIXTURE_STATE: statePath },
          }),
  }
  const settings = hubSettingsSchema.parse(labSettings(folder, { mode: 'kernel' }))
  const tidyUp = async () => {
    await network[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
  const running = await runHub(settings, log, system).catch(async (error: unknown) => {
    await tidyUp()
    throw error
  })
  const client = hubClient(settings.socketPath)
  return {
    client,
    settings,
    system,
    running,
    place,
    state: async () => JSON.parse(await readFile(statePath, 'utf8')) as FixtureState,
    async close() {
      client.close()
      await running.stop(true)
      await tidyUp()
    },
  }
}

describeLive('a hub over the wg program', ['namespaces', 'nft'], () => {
  describe('the contract', () => {
    hubContract(async () => {
      const { client, settings, system, close } = await openKernelHub()
      return {
        hub: client,
        addForeignPeer: async (publicKey, allowedIps) => {
          const words = ['set', settings.interface, 'peer', publicKey, 'allowed-ips', allowedIps.join(',')]
          await system.run('wg', words, {})
        },
        close,
      }
    })
  })

  test('keys reach wg in files that are gone afterwards, never in its arguments', async () => {
    const opened = await openKernelHub()
    try {
      const spec = { publicKey: newKey(), presharedKey: newPresharedKey(), allowedIps: ['10.77.0.5/32'] }
      await opened.client.applyPeers({ revision: { lease: 1, number: 1 }, put: [spec], remove: [] }, signal())
      const { links, calls } = await opened.state()
      expect(links[opened.settings.interface]!.peers[spec.publicKey]!.presharedKey).toBe(spec.presharedKey.reveal())
      const hubKey = (await readFile(join(opened.settings.dataFolder, 'hub.key'), 'utf8')).trim()
      const words = JSON.stringify(calls)
      expect(words).not.toContain(spec.presharedKey.reveal())
      expect(words).not.toContain(hubKey)
      const work = join(opened.settings.dataFolder, 'work')
      expect(calls.flat().filter((word) => word.startsWith(work)).length).toBeGreaterThan(0)
      expect(await readdir(work)).toEqual([])
    } finally {
      await opened.close()
    }
  }, 30_000)

  test('the next hub takes the interface over without setting its key again, and taking away removes interface and table', async () => {
    const opened = await openKernelHub()
    try {
      await opened.running.stop(false)
      const before = (await opened.state()).calls.length
      const next = await runHub(opened.settings, log, opened.system)
      const since = (await opened.state()).calls.slice(before).map((words) => words.join(' '))
      expect(next.description.mode).toBe('kernel')
      expect(since.filter((call) => call.includes('link add') || call.includes('wg set'))).toEqual([])
      await next.stop(true)
      expect((await opened.state()).links).toEqual({})
      expect(await opened.place.run('nft', 'list', 'tables')).toBe('')
    } finally {
      await opened.close()
    }
  }, 30_000)
})
