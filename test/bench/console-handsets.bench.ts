/** The console's pages about handsets, ledger, hub and audit log with 10,000 handsets, as in console.bench.ts. */
import { type ConsoleWorld, openConsoleWorld } from '../journeys/console-world.ts'
import type { BenchRow } from './bench-row.ts'
import { fill, fleetSize, pageRow } from './console.bench.ts'
import { type Fleet, seedFleet } from './fleet.ts'

export async function rows(): Promise<readonly BenchRow[]> {
  await using desk = await openConsoleWorld({ pbx: 'manual', begin: false })
  const { world } = desk
  const fleet = await seedFleet(world.store, world.context.vault, fleetSize)
  await fill(desk, fleet)
  await hearHub(desk, fleet)
  const cookie = await desk.signIn('owner')
  const { handsets } = await world.app.handsets.page({ search: 'person7777', limit: 1 })
  const { id } = handsets[0]!.handset
  const pages: readonly (readonly [string, string])[] = [
    ['Handsets, first page', '/handsets'],
    ['Handsets, last page', `/handsets?page=${Math.ceil(fleetSize / 50)}`],
    ['Handsets, by last handshake', '/handsets?sort=heard&down=1'],
    ['Handsets, search that finds one', '/handsets?q=person7777'],
    ['Handsets, search that finds all', '/handsets?q=linphone'],
    ['Handsets, online', '/handsets?tunnel=online'],
    ['Handsets, doors that need a look', '/handsets?attention=open-doors'],
    ['Handsets, not as handed out', '/handsets?attention=warnings'],
    ['a handset', `/handsets/${id}`],
    ['why a handset is silent', `/handsets/${id}/why`],
    ['a file of a handset', `/handsets/${id}/files/linphone.xml`],
    ['Phone door, first page', '/ledger'],
    ['Phone door, a reason that nobody had', '/ledger?reason=nothing'],
    ['Hub, first page', '/hub'],
    ['Hub, quiet peers', '/hub?show=quiet&page=3'],
    ['Audit log, first page', '/audit'],
    ['Audit log, one person', '/audit?who=person7777@example.com'],
    ['Audit log, a kind that is rare', '/audit?kind=stranger'],
    ['Settings', '/settings'],
    ['About', '/about'],
    ['a guide', '/guides/phones'],
  ]
  const found: BenchRow[] = []
  for (const [what, path] of pages) found.push(await pageRow(desk, cookie, what, path))
  // 1,111 handsets.
  const all = { which: 'all', filter: '?q=person1' }
  found.push(await pageRow(desk, cookie, 'preview of telling all that match', '/bulk/resync/preview', all))
  found.push(await trafficRow(desk, fleet))
  return found
}

/** As upkeep would have listed it: every peer, a third of them never heard. */
async function hearHub({ world }: ConsoleWorld, { publicKeys }: Fleet): Promise<void> {
  const { context, hub, hubWatch } = world
  const now = context.system.now().toISOString()
  const listed = publicKeys.map((publicKey, index) => ({
    publicKey,
    allowedIps: [`10.77.${128 + Math.floor(index / 256)}.${index % 256}/32`],
    lastHandshakeAt: index % 3 === 0 ? null : now,
    receivedBytes: index * 1_000,
    sentBytes: index * 900,
    endpoint: '198.51.100.7:51820',
  }))
  await hubWatch.around({ ...hub, listPeers: async () => listed }).listPeers(AbortSignal.timeout(1_000))
}

/** What each listing of the hub costs beside asking for it. */
async function trafficRow({ world }: ConsoleWorld, { publicKeys }: Fleet): Promise<BenchRow> {
  const { traffic } = world.hubWatch
  const times = 20
  const from = world.context.system.now().getTime()
  const before = process.memoryUsage().arrayBuffers
  const started = performance.now()
  for (let time = 1; time <= times; time++)
    traffic.note(
      publicKeys.map((publicKey) => ({ publicKey, receivedBytes: time * 5_000, sentBytes: time * 4_000 })),
      new Date(from + time * 30_000),
    )
  const ms = (performance.now() - started) / times
  const grown = (process.memoryUsage().arrayBuffers - before) / 2 ** 20
  return {
    what: `console: counting the traffic of ${fleetSize} tunnels, each listing`,
    target: '≤ 20 ms, ≤ 5 MB more',
    measured: `${ms.toFixed(1)} ms, ${Math.max(0, grown).toFixed(1)} MB more`,
    anchor: 'none',
    met: ms <= 20 && grown <= 5,
  }
}
