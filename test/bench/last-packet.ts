import { monotonicMs } from '../lab/agent.ts'
import { type Office, until } from '../lab/network.ts'
import type { BenchRow } from './bench-row.ts'
import { load, percentile, silent } from './measuring.ts'
import { atRest, type OfficePhone, type OfficeServer, officePhone } from './office-server.ts'

const rounds = 24
const port = 10_000
// wg-easy 15.4 at the same sizes, from its DELETE call to the last datagram (p50), measured on a machine of this kind.
const anchors: Readonly<Record<number, string>> = { 10: '132 ms', 500: '1,016 ms', 2000: '2,540 ms' }

/**
 * From the request on the admin socket to the last datagram that reaches the PBX: one phone sends a datagram each
 * millisecond through its tunnel. Each round is a new employee, onboarded through the API.
 */
export async function lastPacketRow(office: Office, server: OfficeServer, size: number): Promise<BenchRow> {
  const sink = await office.pbx.agent()
  await sink.listen({ protocol: 'udp', address: office.pbxAddress, port })
  const lastPacketMs: number[] = []
  const answerMs: number[] = []
  let phone: OfficePhone | null = null
  for (let round = 0; round < rounds; round++) {
    const person = await server.onboard(round)
    await atRest(server, person.id)
    const configuration = await server.configurationOf(person)
    if (phone) await phone.use(configuration)
    else phone = await officePhone(office, configuration)
    const before = (await sink.received(port)).count
    await phone.agent.stream({ protocol: 'udp', address: office.pbxAddress, port, everyMs: 1 })
    await until(async () => (await sink.received(port)).count > before + 200)

    const startedAt = monotonicMs()
    await server.call('POST', `/api/v1/employees/${person.id}/offboard`, {})
    answerMs.push(monotonicMs() - startedAt)
    const { lastAtMs } = await silent(sink, port)
    lastPacketMs.push(Math.max(0, lastAtMs - startedAt))
    await phone.agent.stopStreams(null)
  }
  await sink.close()
  const p95 = percentile(lastPacketMs, 95)
  return {
    what: `offboard request → last packet, ${size.toLocaleString('en')} tunnels`,
    target: '≤ 20 ms p95',
    measured:
      `p50 ${percentile(lastPacketMs, 50).toFixed(1)}, p95 ${p95.toFixed(1)}, max ${percentile(lastPacketMs, 100).toFixed(1)} ms ` +
      `(answer p50 ${percentile(answerMs, 50).toFixed(0)}, p95 ${percentile(answerMs, 95).toFixed(0)} ms; ${rounds} rounds; ${load()})`,
    anchor: anchors[size] === undefined ? 'none' : `wg-easy 15.4: ${anchors[size]} p50`,
    met: p95 <= 20,
  }
}
