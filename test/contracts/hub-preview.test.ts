import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { rememberedFirewall } from '../../src/hub/firewall.ts'
import { createHub } from '../../src/hub/hub.ts'
import { runHub } from '../../src/hub/hub-main.ts'
import { hubSettingsSchema } from '../../src/hub/hub-settings.ts'
import { openRevisionFence } from '../../src/hub/revision-fence.ts'
import { hubClient } from '../../src/tunnels/hub-client.ts'
import { previewDriver } from '../../src/tunnels/preview.ts'
import { newPrivateKey, publicKeyOf } from '../../src/tunnels/wireguard-key.ts'
import { labSettings } from '../lab/hub.ts'
import { hubContract } from './hub.contract.ts'

const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const limit = () => AbortSignal.timeout(5_000)

const newFolder = () => mkdtemp(join(tmpdir(), `ringfence-preview-${process.pid}-`))

describe('a hub that only remembers', () => {
  hubContract(async () => {
    const folder = await newFolder()
    const settings = hubSettingsSchema.parse(labSettings(folder, { mode: 'preview' }))
    const driver = previewDriver()
    const key = newPrivateKey()
    await driver.setPrivateKey(key, limit())
    const fence = await openRevisionFence(folder)
    const description = {
      mode: 'preview',
      interface: settings.interface,
      publicKey: publicKeyOf(key),
      listenPort: settings.listenPort,
      addresses: ['10.77.0.1/16', 'fd77:77::1/64'],
      did: [],
      problems: [],
    } as const
    return {
      hub: createHub({ driver, firewall: rememberedFirewall(), fence, settings, description }),
      addForeignPeer: (publicKey, allowedIps) =>
        driver.apply([{ kind: 'put', publicKey, presharedKey: null, allowedIps }], limit()),
      async close() {
        await fence.settle()
        await rm(folder, { recursive: true, force: true })
      },
    }
  })

  test('its process says that it is a preview, keeps its key over a restart, and still knows a deposed writer', async () => {
    const folder = await newFolder()
    const settings = hubSettingsSchema.parse(labSettings(folder, { mode: 'preview' }))
    try {
      const first = await runHub(settings, log)
      const client = hubClient(settings.socketPath)
      await client.applyFirewall({ revision: { lease: 7, number: 1 }, admit: [], expel: [] }, limit())
      const { mode, publicKey } = await client.describe(limit())
      expect(mode).toBe('preview')
      await first.stop(true)

      const second = await runHub(settings, log)
      expect((await client.describe(limit())).publicKey).toBe(publicKey)
      const deposed = { revision: { lease: 6, number: 99 }, put: [], remove: [] }
      await expect(client.applyPeers(deposed, limit())).rejects.toMatchObject({ code: 'HUB_REFUSED' })
      client.close()
      await second.stop(true)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
