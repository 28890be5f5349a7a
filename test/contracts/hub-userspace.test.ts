import { stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hubClient } from '../../src/tunnels/hub-client.ts'
import { type LabHub, startLabHub } from '../lab/hub.ts'
import { openNetwork, tunnelNeeds, until } from '../lab/network.ts'
import { describeLive } from '../setup/requirements.ts'
import { hubContract, newKey, newPresharedKey } from './hub.contract.ts'

const signal = () => AbortSignal.timeout(10_000)

async function openHub() {
  const network = await openNetwork()
  const place = await network.namespace('hub')
  const hub = await startLabHub(place)
  const close = async () => {
    await hub[Symbol.asyncDispose]()
    await network[Symbol.asyncDispose]()
  }
  return { hub, place, close }
}

describeLive('a hub process with wireguard-go and nftables, over its socket', tunnelNeeds, () => {
  describe('the contract', () => {
    hubContract(async () => {
      const { hub, place, close } = await openHub()
      return {
        hub: hub.client,
        addForeignPeer: async (publicKey, allowedIps) => {
          await place.run('wg', 'set', hub.settings.interface, 'peer', publicKey, 'allowed-ips', allowedIps.join(','))
        },
        close,
      }
    })
  })

  describe('its socket', () => {
    let opened: Awaited<ReturnType<typeof openHub>>
    let hub: LabHub
    beforeAll(async () => {
      opened = await openHub()
      hub = opened.hub
    }, 30_000)
    afterAll(() => opened?.close(), 30_000)

    function talk(words: string): Promise<string> {
      return new Promise((resolve) => {
        let heard = ''
        const socket = connect(hub.settings.socketPath, () => socket.write(words))
        socket.on('data', (bytes) => {
          heard += bytes
          if (heard.endsWith('\n')) socket.end()
        })
        socket.on('close', () => resolve(heard))
        // Being cut off is one of the answers.
        socket.on('error', () => undefined)
      })
    }

    test('is for its owner only', async () => {
      expect((await stat(hub.settings.socketPath)).mode & 0o777).toBe(0o600)
    })

    test('a preshared key reaches the interface, null leaves it, and no listing shows it', async () => {
      const spec = { publicKey: newKey(), presharedKey: newPresharedKey(), allowedIps: ['10.77.0.5/32'] }
      const set = () => opened.place.run('wg', 'show', hub.settings.interface, 'preshared-keys')
      await hub.client.applyPeers({ revision: hub.nextRevision(), put: [spec], remove: [] }, signal())
      expect(await set()).toBe(`${spec.publicKey}\t${spec.presharedKey.reveal()}`)
      const again = { ...spec, presharedKey: null, allowedIps: [] }
      await hub.client.applyPeers({ revision: hub.nextRevision(), put: [again], remove: [] }, signal())
      expect(await set()).toBe(`${spec.publicKey}\t${spec.presharedKey.reveal()}`)
      const answer = await talk('{"id":1,"operation":"listPeers","parameters":{}}\n')
      expect(answer).toContain(spec.publicKey)
      expect(answer).not.toContain(spec.presharedKey.reveal())
    })

    test('a request for anything else is refused without repeating what was said', async () => {
      const command = { id: 7, operation: 'applyPeers', parameters: { run: 'rm', put: [{ presharedKey: 'sesame' }] } }
      const answer = await talk(`${JSON.stringify(command)}\n`)
      expect(JSON.parse(answer)).toMatchObject({ id: 7, failure: { code: 'HUB_REFUSED' } })
      expect(answer).not.toContain('sesame')
      expect(await talk('{"id":1,"operation":"execute","parameters":{}}\n')).toBe('')
      expect(await talk('GET / HTTP/1.1\r\n\r\n')).toBe('')
      // It lives on.
      expect((await hub.client.describe(signal())).mode).toBe('userspace')
    })

    test('a second hub on the same socket or interface does not start and disturbs nothing', async () => {
      const { firewall, peers } = {
        firewall: await hub.client.readFirewall(signal()),
        peers: await hub.client.listPeers(signal()),
      }
      // Said at once and for good: trying again would say the same, and the interface is not to be deleted.
      await expect(
        startLabHub(opened.place, { interface: hub.settings.interface, listenPort: 51_821 }, 600_000),
      ).rejects.toMatchObject({
        code: 'HUB_REFUSED',
        message: expect.stringContaining(`interface ${hub.settings.interface} is not this hub's`),
        hint: expect.stringMatching(
          /RINGFENCE_HUB_INTERFACE.*RINGFENCE_HUB_PORT, RINGFENCE_LISTEN and RINGFENCE_PHONE_LISTEN(?!.*delete)/,
        ),
      })
      expect(await hub.client.readFirewall(signal())).toEqual(firewall)
      expect(new Set(await hub.client.listPeers(signal()))).toEqual(new Set(peers))
    }, 40_000)

    test('a client that nobody answers says so in time', async () => {
      const lonely = hubClient(`${hub.settings.socketPath}.none`)
      await expect(lonely.listPeers(signal())).rejects.toMatchObject({ code: 'HUB_UNREACHABLE', retryable: true })
      const late = AbortSignal.abort()
      await expect(hub.client.listPeers(late)).rejects.toMatchObject({ code: 'HUB_UNREACHABLE', retryable: true })
      lonely.close()
    })

    test('a key or table that somebody changed is an error or drift, never an empty hub', async () => {
      const { interface: name } = hub.settings
      const ownKey = (await hub.client.describe(signal())).publicKey
      await opened.place.run('nft', 'delete', 'table', 'inet', `ringfence_${name}`)
      expect(await hub.client.readFirewall(signal())).toEqual({ admitted: [], rulesIntact: false })
      await hub.client.applyFirewall({ revision: hub.nextRevision(), admit: [], expel: [] }, signal())
      expect((await hub.client.readFirewall(signal())).rulesIntact).toBe(true)
      await opened.place.run('ip', 'link', 'delete', 'dev', name)
      await expect(hub.client.listPeers(signal())).rejects.toMatchObject({ code: 'HUB_UNREACHABLE', retryable: true })
      // The hub notices, ends, and is started again with a new interface and the same key.
      await until(async () => (await hub.client.listPeers(signal()).catch(() => null)) !== null)
      expect((await hub.client.describe(signal())).publicKey).toBe(ownKey)
    })
  })
})
