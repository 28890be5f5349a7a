/** Many people come and go at once while others are on the phone. */
import { setTimeout as pause } from 'node:timers/promises'
import type { EmployeeView } from '../../src/journeys/application.ts'
import { monotonicMs } from '../lab/agent.ts'
import type { Office } from '../lab/network.ts'
import type { BenchRow } from './bench-row.ts'
import { load, percentile } from './measuring.ts'
import { atRest, type OfficePhone, type OfficeServer, officePhone } from './office-server.ts'

const phoneCount = 5
const deeds = 1_000
const atOnce = 50
const everyMs = 20
const gapMs = 200
const [calmPort, stormPort] = [10_010, 10_020]
/** REKEY_AFTER_TIME of the WireGuard paper, section 6.1: a session this old may shake hands again by itself. */
const regularRekeyMs = 119_000

/**
 * Half of the deeds are leavers of the fleet, a quarter newcomers, a quarter newcomers who leave at once. Gaps are of the
 * echoes that come back to each phone; the control goes the same way outside the tunnel, on the same busy cores.
 */
export async function stormRow(office: Office, server: OfficeServer): Promise<BenchRow> {
  const echo = await office.pbx.agent()
  for (const port of [calmPort, stormPort]) await echo.listen({ protocol: 'udp', address: office.pbxAddress, port })
  const control = await office.hub.agent()
  const phones: OfficePhone[] = []
  for (let index = 0; index < phoneCount; index++) {
    const person = await server.onboard(10_000 + index)
    await atRest(server, person.id)
    phones.push(await officePhone(office, await server.configurationOf(person)))
  }
  const agents = [control, ...phones.map(({ agent }) => agent)]
  const streamTo = (port: number) =>
    Promise.all(agents.map((agent) => agent.stream({ protocol: 'udp', address: office.pbxAddress, port, everyMs })))
  const longestGaps = async (port: number) => {
    const seen = await Promise.all(agents.map((agent) => agent.received(port)))
    const now = monotonicMs()
    // What has not come back yet is a gap too.
    return seen.map(({ longestGapMs, lastAtMs }) => Math.max(longestGapMs, now - lastAtMs))
  }

  await streamTo(calmPort)
  await pause(10_000)
  const calm = await longestGaps(calmPort)
  await Promise.all(agents.map((agent) => agent.stopStreams(null)))

  await streamTo(stormPort)
  await pause(500)
  const handshakes = await watchHandshakes(phones)
  const console = watchConsole(server)
  const startedAt = monotonicMs()
  await storm(server)
  const tookMs = monotonicMs() - startedAt
  const answers = await console.stop()
  const stormy = await longestGaps(stormPort)
  const extra = await handshakes.stop()
  await Promise.all(agents.map((agent) => agent.stopStreams(null)))
  const differences = await compare(office, server)
  await echo.close()

  const [controlGap, ...gaps] = stormy
  const gapped = gaps.filter((gap) => gap > gapMs).length
  // Cores so busy that the stream beside the tunnel stumbles too say nothing of the hub.
  const blurred = gapped > 0 && controlGap! > gapMs
  return {
    what: `other phones disturbed by ${deeds.toLocaleString('en')} on- and offboardings, ${atOnce} at once, ${server.fleet.publicKeys.length.toLocaleString('en')} others`,
    target: '0, and interface = database',
    measured:
      `${gapped} of ${phoneCount} phones with a gap > ${gapMs} ms, ${extra} new handshakes, ` +
      `${differences.length} differences (longest gap ${Math.max(...gaps).toFixed(0)}, control ${controlGap!.toFixed(0)}; before the storm ` +
      `${Math.max(...calm.slice(1)).toFixed(0)}, control ${calm[0]!.toFixed(0)} ms; ${(tookMs / 1_000).toFixed(1)} s for all; ` +
      `console p50 ${percentile(answers, 50).toFixed(0)}, p99 ${percentile(answers, 99).toFixed(0)} ms; ${load()})`,
    anchor: 'wg-easy: all 504 peers gone in one of 20 rounds',
    met: blurred ? null : gapped + extra + differences.length === 0,
  }
}

async function storm(server: OfficeServer): Promise<void> {
  const offboard = (id: string) => server.call('POST', `/api/v1/employees/${id}/offboard`, {})
  const work: (() => Promise<unknown>)[] = Array.from({ length: deeds / 4 }, (_, index) => [
    () => offboard(server.fleet.employeeIds[index * 2]!),
    () => server.onboard(20_000 + index),
    () => offboard(server.fleet.employeeIds[index * 2 + 1]!),
    async () => offboard((await server.onboard(30_000 + index)).id),
  ]).flat()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let deed = work.shift(); deed; deed = work.shift()) await deed()
    }),
  )
}

/** Counts handshakes that no session's age explains. */
async function watchHandshakes(phones: readonly OfficePhone[]): Promise<{ stop(): Promise<number> }> {
  const last = await Promise.all(phones.map(({ client }) => client.lastHandshakeAt()))
  let extra = 0
  let stopped = false
  const look = async () => {
    for (const [index, { client }] of phones.entries()) {
      const now = await client.lastHandshakeAt()
      if (now === last[index]) continue
      if (now === null || Date.parse(now) - Date.parse(last[index] ?? now) < regularRekeyMs) extra += 1
      last[index] = now
    }
  }
  const watching = (async () => {
    while (!stopped) {
      await look()
      await pause(1_000)
    }
  })()
  return {
    async stop() {
      stopped = true
      await watching
      await look()
      return extra
    },
  }
}

/** How long the console takes to answer the smallest question meanwhile. */
function watchConsole(server: OfficeServer): { stop(): Promise<readonly number[]> } {
  const answers: number[] = []
  let stopped = false
  const watching = (async () => {
    while (!stopped) {
      const at = monotonicMs()
      await server.process.api('GET', '/healthz')
      answers.push(monotonicMs() - at)
      await pause(20)
    }
  })()
  return {
    async stop() {
      stopped = true
      await watching
      return answers
    },
  }
}

/** What the interface has and the database does not want, and the other way round; after at most 60 s. */
async function compare(office: Office, server: OfficeServer): Promise<readonly string[]> {
  const end = monotonicMs() + 60_000
  for (;;) {
    const { items } = await server.call<{ items: EmployeeView[] }>('GET', '/api/v1/employees?lifecycle=active')
    const wanted = new Set(
      items.flatMap(({ tunnels }) =>
        tunnels.map((tunnel) => `${tunnel.publicKey} ${[...tunnel.addresses].sort().join(' ')}`),
      ),
    )
    const listing = await office.hub.run('wg', 'show', server.interface, 'allowed-ips')
    const present = new Set(
      listing
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/))
        .map(([key, ...prefixes]) => `${key} ${prefixes.sort().join(' ')}`),
    )
    const differences = [
      ...[...wanted].filter((line) => !present.has(line)).map((line) => `missing: ${line}`),
      ...[...present].filter((line) => !wanted.has(line)).map((line) => `too much: ${line}`),
    ]
    if (differences.length === 0 || monotonicMs() > end) return differences
    await pause(500)
  }
}
