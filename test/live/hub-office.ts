import { afterAll, beforeAll } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { newPrivateKey, publicKeyOf } from '../../src/tunnels/wireguard-key.ts'
import type { Agent } from '../lab/agent-client.ts'
import { type ControlStream, openControlStream } from '../lab/control-stream.ts'
import { type LabHub, startLabHub } from '../lab/hub.ts'
import { type Client, type Home, type Office, openOffice, until } from '../lab/network.ts'

export const signal = () => AbortSignal.timeout(20_000)
export const hubAddress = '10.77.0.1'
export const branchAddress = '10.91.0.3'

export interface HubPhone {
  readonly address: string
  readonly home: Home
  readonly client: Client
  readonly agent: Agent
  readonly presharedKey: Secret
}

/** A real hub, a PBX behind it and homes before it, while the tests of one file run. */
export function hubOffice() {
  let office: Office
  let hub: LabHub
  let pbx: Agent
  let host: Agent
  let hubKey: string
  /** What this machine does to a stream that nobody touches: on a busy one, gaps are no sign of a disturbance. */
  let control: ControlStream
  let nextAddress = 10

  beforeAll(async () => {
    office = await openOffice()
    // Another service of the PBX host and of the hub's host that no handset has any business with.
    pbx = await office.pbx.agent()
    for (const port of [5061, 5062, 22, 8088]) await pbx.listen({ protocol: 'tcp', address: office.pbxAddress, port })
    for (const port of [10_000, 20_000, 5060]) await pbx.listen({ protocol: 'udp', address: office.pbxAddress, port })
    // A second PBX, with ports of its own.
    const device = /dev (\S+)/.exec(await office.pbx.run('ip', 'route', 'get', '10.91.0.1'))![1]!
    await office.pbx.run('ip', 'addr', 'add', `${branchAddress}/24`, 'dev', device)
    for (const port of [5061, 6061]) await pbx.listen({ protocol: 'tcp', address: branchAddress, port })
    for (const port of [10_000, 30_000]) await pbx.listen({ protocol: 'udp', address: branchAddress, port })
    hub = await startLabHub(office.hub, {
      pbxs: [
        { address: office.pbxAddress, ports: [5061, 5062], rtpFrom: 10_000, rtpTo: 20_000 },
        { address: branchAddress, ports: [6061, 6062], rtpFrom: 30_000, rtpTo: 30_100 },
      ],
    })
    host = await office.hub.agent()
    await host.listen({ protocol: 'tcp', address: hubAddress, port: 8443 })
    for (const port of [22, 8080]) await host.listen({ protocol: 'tcp', address: '0.0.0.0', port })
    hubKey = (await hub.client.describe(signal())).publicKey
    control = await openControlStream()
  }, 40_000)
  afterAll(async () => {
    await control?.[Symbol.asyncDispose]()
    await hub?.[Symbol.asyncDispose]()
    await office?.[Symbol.asyncDispose]()
  }, 30_000)

  async function newPhone(): Promise<HubPhone> {
    const address = `10.77.0.${nextAddress++}`
    const home = await office.home()
    const privateKey = newPrivateKey()
    const presharedKey = new Secret(newPrivateKey().reveal())
    const allowedIps = [`${address}/32`]
    await hub.client.applyPeers(
      {
        revision: hub.nextRevision(),
        put: [{ publicKey: publicKeyOf(privateKey), presharedKey, allowedIps }],
        remove: [],
      },
      signal(),
    )
    await admit(address)
    const client = await home.connect({
      hubKey,
      port: 51_820,
      address: `${address}/32`,
      // More than a real handset gets, so that it is the hub which says no.
      allowedIps: ['10.91.0.0/24', '10.77.0.0/16'],
      privateKey,
      presharedKey,
    })
    return { address, home, client, agent: await home.agent(), presharedKey }
  }

  const admit = (address: string) =>
    hub.client.applyFirewall({ revision: hub.nextRevision(), admit: [`${address}/32`], expel: [] }, signal())
  const expel = (address: string) =>
    hub.client.applyFirewall({ revision: hub.nextRevision(), admit: [], expel: [`${address}/32`] }, signal())
  const removePeer = (publicKey: string) =>
    hub.client.applyPeers({ revision: hub.nextRevision(), put: [], remove: [publicKey] }, signal())
  const media = { protocol: 'udp', address: '10.91.0.2' } as const
  const flows = (phone: HubPhone, port: number, more = 20) =>
    phone.agent.received(port).then(async ({ count }) => {
      await until(async () => (await phone.agent.received(port)).count >= count + more)
    })

  return {
    get office() {
      return office
    },
    get hub() {
      return hub
    },
    get pbx() {
      return pbx
    },
    get host() {
      return host
    },
    get hubKey() {
      return hubKey
    },
    get control() {
      return control
    },
    newPhone,
    admit,
    expel,
    removePeer,
    flows,
    media,
  }
}
