/**
 * What the machine alone does to a stream of packets: a home, a tunnel, a hub and a PBX like those of the test, which nobody
 * touches. Its longest gap is the measure for the gaps of a phone that must not be disturbed.
 */
import { newPrivateKey, publicKeyOf } from '../../src/tunnels/wireguard-key.ts'
import { startLabHub } from './hub.ts'
import { openOffice, until } from './network.ts'

export interface ControlStream extends AsyncDisposable {
  /** Begins a stream on a port of its own; the answer tells its longest gap so far. */
  begin(everyMs: number): Promise<() => Promise<number>>
}

const address = '10.77.0.9'
const firstPort = 15_000

export async function openControlStream(): Promise<ControlStream> {
  const office = await openOffice()
  const deeds = [() => office[Symbol.asyncDispose]()]
  const dispose = async () => {
    for (const deed of deeds.splice(0).reverse()) await deed()
  }
  try {
    const hub = await startLabHub(office.hub)
    deeds.push(() => hub[Symbol.asyncDispose]())
    const signal = AbortSignal.timeout(20_000)
    const privateKey = newPrivateKey()
    const prefix = `${address}/32`
    const peer = { publicKey: publicKeyOf(privateKey), presharedKey: null, allowedIps: [prefix] }
    await hub.client.applyPeers({ revision: hub.nextRevision(), put: [peer], remove: [] }, signal)
    await hub.client.applyFirewall({ revision: hub.nextRevision(), admit: [prefix], expel: [] }, signal)
    const home = await office.home()
    await home.connect({
      hubKey: (await hub.client.describe(signal)).publicKey,
      port: hub.settings.listenPort,
      address: prefix,
      allowedIps: [`${office.pbxAddress}/32`],
      privateKey,
    })
    const pbx = await office.pbx.agent()
    const agent = await home.agent()
    let port = firstPort
    return {
      async begin(everyMs) {
        const target = { protocol: 'udp', address: office.pbxAddress, port: port++ } as const
        await pbx.listen(target)
        await agent.stream({ ...target, everyMs })
        await until(async () => (await agent.received(target.port)).count > 50)
        return async () => (await agent.received(target.port)).longestGapMs
      },
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}
