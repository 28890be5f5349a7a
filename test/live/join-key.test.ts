import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { publicKeyOf } from '../../src/tunnels/wireguard-key.ts'
import { scanned, startChromium } from '../browser/chromium.ts'
import { type Visit, visit } from '../browser/invitee.ts'
import { tunnelNeeds, until } from '../lab/network.ts'
import { realPeers } from '../lab/records.ts'
import { type CreatedEmployee, openSpine, type Spine, type SpineHome, untilShown } from '../lab/spine.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive(
  'an employee at home with a browser and WireGuard',
  [...tunnelNeeds, 'asterisk', 'openssl', 'chromium'],
  () => {
    let spine: Spine
    let home: SpineHome
    let person: CreatedEmployee
    let browser: Browser
    let visitor: Visit

    beforeAll(async () => {
      spine = await openSpine()
      person = await spine.newcomer({
        name: 'Kim Sato',
        email: 'kim@example.com',
        extension: '1040',
        handsets: [{ model: 'linphone-desktop' }],
      })
      home = await spine.home()
      // Chromium in the home's own network, where names lead as they do there.
      const inside = join(spine.folder('browser'), 'chromium')
      writeFileSync(inside, `#!/bin/sh\nexec ip netns exec ${home.name} /usr/bin/chromium "$@"\n`)
      chmodSync(inside, 0o755)
      browser = await startChromium(inside)
      visitor = await visit(browser, person.invite.url, {
        script: true,
        width: 'desk',
        more: { ignoreHTTPSErrors: true },
      })
    })
    afterAll(async () => {
      await visitor?.[Symbol.asyncDispose]()
      await browser?.close()
      await spine?.[Symbol.asyncDispose]()
    })

    test('scans a tunnel that the browser made, switches it on, and the page turns green by itself', async () => {
      const { page, requests, complaints } = visitor
      const line = page.locator('#check .lines li').first()
      expect(await line.textContent()).toContain('waiting for its first word')
      await page.getByRole('button', { name: 'Make my tunnel' }).click()
      await page.locator('.made .qr svg').waitFor()
      const configuration = (await scanned(page.locator('.made .qr')))!
      const privateKey = /^PrivateKey = (\S{44})$/m.exec(configuration)![1]!
      const publicKey = publicKeyOf(new Secret(privateKey))

      // The hub knows this key and no longer the one that the server had made.
      await until(async () => (await realPeers(spine)).some((peer) => peer.startsWith(publicKey)))
      await until(async () => !(await realPeers(spine)).some((peer) => peer.startsWith(person.tunnels[0]!.publicKey!)))
      const tunnel = await home.useConfiguration(configuration)
      expect(tunnel.publicKey).toBe(publicKey)
      // An app that dials the PBX; its first packet is what makes the tunnel speak.
      const app = await home.agent()
      const { address, port } = spine.asterisk
      await app.probe({ protocol: 'tcp', address, port, waitMs: 1_000 })
      await page.locator('#check li.done', { hasText: 'connected' }).waitFor({ timeout: 30_000 })
      const shown = await untilShown(spine, person.id, ({ tunnels }) => tunnels[0]!.lastHandshakeAt !== null)
      expect(shown.tunnels).toMatchObject([{ publicKey, keyOrigin: 'browser' }])
      expect(requests.join('\n')).not.toContain(privateKey)
      expect(requests.join('\n')).not.toContain(encodeURIComponent(privateKey))
      expect(complaints).toEqual([])
    })

    test('makes no other key once the tunnel has spoken', async () => {
      const { page } = visitor
      await page.reload()
      expect(await page.getByText('This tunnel has been handed over.').isVisible()).toBe(true)
      expect(await page.getByRole('button').count()).toBe(0)
    })
  },
)
