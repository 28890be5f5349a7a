import { readFile } from 'node:fs/promises'
import { newPrivateKey, publicKeyOf } from '../../src/tunnels/wireguard-key.ts'
import { monotonicMs } from '../lab/agent.ts'
import type { Agent } from '../lab/agent-client.ts'
import { type LabHub, startLabHub } from '../lab/hub.ts'
import { type Client, type Office, openOffice, until } from '../lab/network.ts'
import type { BenchRow } from './bench-row.ts'
import { load, percentile, residentMb, silent } from './measuring.ts'

const size = 10_000
const rounds = 24
const targetMs = 20
const port = 10_000
const address = '10.77.0.5/32'
const signal = () => AbortSignal.timeout(60_000)

/**
 * From the request at the hub's socket to the last datagram that reaches the PBX: one phone sends a datagram each
 * millisecond through its tunnel, the hub's firewall and the hub's forwarding. What the hub's part is of the way that
 * server.bench.ts times from the click, and what becomes of it when the hub is busy.
 */
export async function rows(): Promise<BenchRow[]> {
  await using office = await openOffice()
  await using hub = await startLabHub(office.hub)
  const phone = await sendingPhone(office, hub)
  const fillMs = await fill(hub, 1, size)
  const alone = await removalRow(hub, phone, `fill ${fillMs.toFixed(0)} ms`)
  const busy = import500(hub)
  try {
    return [alone, await removalRow(hub, phone, 'while 500 others come and go without a pause')]
  } finally {
    await busy.stop()
  }
}

/** What an import does to the hub: 500 tunnels in one change, again and again, taken away in between. */
function import500(hub: LabHub): { stop(): Promise<void> } {
  let stopped = false
  const put = newPeers(20_000, 20_500)
  const remove = put.map(({ publicKey }) => publicKey)
  const running = (async () => {
    while (!stopped) {
      await hub.client.applyPeers({ revision: hub.nextRevision(), put, remove: [] }, signal())
      await hub.client.applyPeers({ revision: hub.nextRevision(), put: [], remove }, signal())
    }
  })()
  return {
    stop() {
      stopped = true
      return running
    },
  }
}

interface SendingPhone {
  readonly client: Client
  readonly sink: Agent
}

async function sendingPhone(office: Office, hub: LabHub): Promise<SendingPhone> {
  const sink = await office.pbx.agent()
  await sink.listen({ protocol: 'udp', address: office.pbxAddress, port })
  await hub.client.applyFirewall({ revision: hub.nextRevision(), admit: [address], expel: [] }, signal())
  const home = await office.home()
  const { publicKey: hubKey } = await hub.client.describe(signal())
  const tunnel = { hubKey, port: 51_820, address, allowedIps: [`${office.pbxAddress}/32`] }
  const client = await home.connect(tunnel)
  const sender = await home.agent()
  await sender.stream({ protocol: 'udp', address: office.pbxAddress, port, everyMs: 1 })
  return { client, sink }
}

async function removalRow(hub: LabHub, phone: SendingPhone, circumstance: string): Promise<BenchRow> {
  const lastPacketMs: number[] = []
  const answerMs: number[] = []
  for (let round = 0; round < rounds; round++) {
    // A key of its own for each round: a peer that is removed and added again is silent for 15 s.
    const privateKey = newPrivateKey()
    const publicKey = publicKeyOf(privateKey)
    const spec = { publicKey, presharedKey: null, allowedIps: [address] }
    await hub.client.applyPeers({ revision: hub.nextRevision(), put: [spec], remove: [] }, signal())
    const before = (await phone.sink.received(port)).count
    await phone.client.replaceKey(privateKey)
    await until(async () => (await phone.sink.received(port)).count > before + 30)

    const startedAt = monotonicMs()
    await hub.client.applyPeers({ revision: hub.nextRevision(), put: [], remove: [publicKey] }, signal())
    answerMs.push(monotonicMs() - startedAt)
    const { lastAtMs } = await silent(phone.sink, port)
    lastPacketMs.push(Math.max(0, lastAtMs - startedAt))
  }
  const p95 = percentile(lastPacketMs, 95)
  const busy = circumstance.startsWith('while')
  return {
    what: `offboard request at the hub → last packet, ${size.toLocaleString('en')} tunnels${busy ? ', during an import' : ''}`,
    // wireguard-go holds its lock while it lists all peers for a put, and a removal waits for that.
    target: busy ? 'none set' : `≤ ${targetMs} ms p95`,
    measured:
      `p50 ${percentile(lastPacketMs, 50).toFixed(1)}, p95 ${p95.toFixed(1)}, max ${percentile(lastPacketMs, 100).toFixed(1)} ms ` +
      `(answer p95 ${percentile(answerMs, 95).toFixed(1)} ms; ${rounds} rounds; ${circumstance}; ` +
      `wireguard-go ${await memoryOfWireguard(hub)} MB; ${load()})`,
    anchor: 'none at this size',
    met: busy ? null : p95 <= targetMs,
  }
}

async function fill(hub: LabHub, from: number, to: number): Promise<number> {
  const put = newPeers(from, to)
  const startedAt = monotonicMs()
  await hub.client.applyPeers({ revision: hub.nextRevision(), put, remove: [] }, signal())
  return monotonicMs() - startedAt
}

function newPeers(from: number, to: number) {
  return Array.from({ length: to - from }, (_, at) => ({
    publicKey: publicKeyOf(newPrivateKey()),
    presharedKey: newPrivateKey(),
    allowedIps: [`10.77.${1 + ((from + at) >> 8)}.${(from + at) & 255}/32`],
  }))
}

async function memoryOfWireguard({ settings }: LabHub): Promise<string> {
  const pid = (await readFile(`${settings.dataFolder}/${settings.interface}.pid`, 'utf8')).trim()
  return (await residentMb(Number(pid))).toFixed(0)
}
