/** The whole server as a process of its own in a hub's namespace, on real wireguard-go and, where named, a real Asterisk. */
import { monotonicMs } from '../lab/agent.ts'
import { type Office, openOffice, until } from '../lab/network.ts'
import type { BenchRow } from './bench-row.ts'
import { lastPacketRow } from './last-packet.ts'
import { load, minuteOfMemory, residentMb, restingMb } from './measuring.ts'
import { type OfficeServer, officeServer, settledFleet } from './office-server.ts'
import { stormRow } from './storm.ts'

const sizes = [10, 500, 2_000]
const most = 10_000
export async function rows(): Promise<BenchRow[]> {
  const found: BenchRow[] = []
  for (const size of sizes) {
    await using office = await openOffice()
    await using server = await officeServer(office, size - 1)
    await server.process.start()
    await settledFleet(server)
    found.push(await lastPacketRow(office, server, size))
  }
  {
    await using office = await openOffice()
    await using server = await officeServer(office, most - 1)
    found.push(...(await startRows(office, server)))
    found.push(await lastPacketRow(office, server, most))
    found.push(await stormRow(office, server))
  }
  return found
}

/** The first start, as after a reboot of an old host, and one more, as after an update: the interface is empty in both. */
async function startRows(office: Office, server: OfficeServer): Promise<BenchRow[]> {
  const answerMs: number[] = []
  const fullMs: number[] = []
  const starts = 3
  for (let round = 1; round <= starts; round++) {
    const startedAt = monotonicMs()
    await server.process.start()
    answerMs.push(monotonicMs() - startedAt)
    await until(async () => (await peerCount(office, server)) === server.fleet.publicKeys.length, 60_000)
    fullMs.push(monotonicMs() - startedAt)
    await settledFleet(server)
    if (round < starts) await server.process.stop()
  }
  const parts = await server.parts()
  // What the start needed is given back once nothing moves; then the rhythm of looks at everything.
  await restingMb(server.process.pid()!)
  const { least, median, most } = await minuteOfMemory(server.process.pid()!)
  const worst = Math.max(...answerMs)
  return [
    {
      what: 'start with 10,000 handsets: process → /healthz answers',
      target: '≤ 2 s',
      measured:
        `first ${seconds(answerMs[0]!)}, again ${answerMs.slice(1).map(seconds).join(' and ')}; the empty interface was full ` +
        `after ${fullMs.map(seconds).join(', ')} (${load()})`,
      anchor: 'none',
      met: worst <= 2_000,
    },
    {
      what: 'memory of the server process at rest, 10,000 handsets',
      target: '≤ 200 MB',
      measured:
        `${median.toFixed(0)} MB, median of a minute (${least.toFixed(0)} between two looks at everything, ${most.toFixed(0)} ` +
        `while it looks; ${load()}; apart: hub ${(await residentMb(parts.hub)).toFixed(0)}, ` +
        `wireguard-go ${(await residentMb(parts.wireguard)).toFixed(0)} MB)`,
      anchor: 'wazo-provd 122 MB, wg-easy 293 MB at 100',
      met: median <= 200,
    },
  ]
}

async function peerCount(office: Office, server: OfficeServer): Promise<number> {
  const listing = await office.hub.run('wg', 'show', server.interface, 'peers')
  return listing.split('\n').filter(Boolean).length
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`
}
