/** The console's pages with 10,000 handsets: from the request to the last byte, in this process, over loopback. */
import type { Subject, SubjectKind } from '../../src/domain/access.ts'
import { type Verdict, verdictId } from '../../src/domain/condition.ts'
import type { StoreWriter } from '../../src/store/store.ts'
import { newId, realSystem } from '../../src/system.ts'
import { ask } from '../http/http-client.ts'
import { type ConsoleWorld, openConsoleWorld } from '../journeys/console-world.ts'
import type { BenchRow } from './bench-row.ts'
import { type Fleet, seedFleet } from './fleet.ts'
import { percentile } from './measuring.ts'

export const fleetSize = 10_000
const targetMs = 100
const targetBytes = 200_000
const times = 15

export async function rows(): Promise<readonly BenchRow[]> {
  await using desk = await openConsoleWorld({ pbx: 'manual', begin: false })
  const { world } = desk
  const fleet = await seedFleet(world.store, world.context.vault, fleetSize)
  await fill(desk, fleet)
  const cookie = await desk.signIn('admin')
  const last = Math.ceil(fleetSize / 50)
  const person = `/people/${fleet.employeeIds[5_000]}`
  const pages: readonly (readonly [string, string])[] = [
    ['Today', '/'],
    ['People, first page', '/people'],
    ['People, last page', `/people?page=${last}`],
    ['People, by extension', '/people?sort=extension'],
    ['People, by last handshake', '/people?sort=heard&down=1'],
    ['People, search that finds one', '/people?q=person7777'],
    ['People, search that finds all', '/people?q=example'],
    ['People, online', '/people?tunnel=online'],
    ['People, doors that need a look', '/people?attention=open-doors'],
    ['a person', person],
    ['before the offboarding of a person', `${person}/offboard`],
  ]
  const found: BenchRow[] = [await firstLoadRow(desk, cookie)]
  for (const [what, path] of pages) found.push(await pageRow(desk, cookie, what, path))
  // 112 people: those whose number begins so.
  const all = { which: 'all', filter: '?q=person77' }
  found.push(await pageRow(desk, cookie, 'preview of offboarding all that match', '/bulk/offboard/preview', all))
  return found
}

/** The heaviest list and all that it loads, as a browser asks for it the first time. */
async function firstLoadRow({ port }: ConsoleWorld, cookie: string): Promise<BenchRow> {
  const weight = async (path: string) => {
    const url = `http://127.0.0.1:${port}${path}`
    const { headers } = await ask(port, { path, headers: { cookie, 'accept-encoding': 'gzip' } })
    const body = await (await fetch(url, { headers: { cookie } })).text()
    return { bytes: Number(headers['content-length'] ?? Buffer.byteLength(body)), body }
  }
  const page = await weight('/people')
  const assets = [...new Set([...page.body.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!))]
  const loaded = await Promise.all(assets.map(weight))
  const bytes = loaded.reduce((sum, asset) => sum + asset.bytes, page.bytes)
  return {
    what: `console: first load of People with ${assets.length} assets`,
    target: `≤ ${targetBytes / 1_000} kB`,
    measured: `${(bytes / 1_000).toFixed(0)} kB`,
    anchor: 'none',
    met: bytes <= targetBytes,
  }
}

/** @param form sent with POST, as a browser would */
export async function pageRow(
  { port }: ConsoleWorld,
  cookie: string,
  what: string,
  path: string,
  form?: Readonly<Record<string, string>>,
): Promise<BenchRow> {
  const took: number[] = []
  let bytes = 0
  for (let time = 0; time <= times; time++) {
    const from = performance.now()
    const headers = { cookie, accept: 'text/html' }
    const { status, text } = await (form === undefined
      ? ask(port, { path, headers })
      : ask(port, {
          method: 'POST',
          path,
          headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams(form).toString(),
        }))
    if (status !== 200) throw new Error(`${path} answers ${status}`)
    bytes = Buffer.byteLength(text)
    // The first compiles the statements.
    if (time > 0) took.push(performance.now() - from)
  }
  const ms = percentile(took, 95)
  return {
    what: `console: ${what}, ${fleetSize} handsets, p95`,
    target: `≤ ${targetMs} ms, ≤ ${targetBytes / 1_000} kB`,
    measured: `${ms.toFixed(0)} ms, ${(bytes / 1_000).toFixed(0)} kB`,
    anchor: 'none',
    met: ms <= targetMs && bytes <= targetBytes,
  }
}

const systemsOf: Readonly<Partial<Record<SubjectKind, readonly string[]>>> = {
  tunnel: ['tunnel', 'firewall'],
  'phone-door': ['phone-door'],
  'sip-credential': ['sip-account'],
}

/** A verdict for every door, two thirds of the phones online, and what happened in a year. */
export async function fill({ world }: ConsoleWorld, fleet: Fleet): Promise<void> {
  const { store, context } = world
  const inParts = async <T>(items: readonly T[], write: (tx: StoreWriter, part: readonly T[]) => Promise<void>) => {
    for (let from = 0; from < items.length; from += 2_000)
      await store.transaction((tx) => write(tx, items.slice(from, from + 2_000)))
  }
  const now = realSystem.now().toISOString()
  const heard = context.handshakes as Map<string, string>
  for (const [index, key] of fleet.publicKeys.entries()) if (index % 3 !== 0) heard.set(key, now)
  for (const kind of ['tunnel', 'phone-door', 'sip-credential'] as const) {
    const subjects = await store.subjects(kind)
    const lines = context.systems
      .filter(({ subjectKind, kind: system }) => subjectKind === kind && systemsOf[kind]?.includes(system))
      .flatMap(({ kind: system, instance }) =>
        subjects.map((subject, n) => verdictOf(system, instance, subject, n, now)),
      )
    await inParts(lines, (tx, part) => tx.put('verdict', part))
  }
  await inParts(
    fleet.employeeIds.flatMap((id) => [id, id, id]),
    async (tx, part) => {
      for (const employeeId of part)
        await tx.record({
          id: newId(realSystem),
          at: now,
          kind: 'tunnel.first-handshake',
          employeeId,
          subjectId: null,
          salt: 'a0',
          detail: { actor: 'ringfence', via: 'system' },
        })
    },
  )
  await inParts(
    Array.from({ length: 60_000 }, (_, n) => ({
      id: newId(realSystem),
      at: now,
      handsetId: null,
      employeeId: fleet.employeeIds[n % fleetSize]!,
      remoteAddress: `198.51.100.${n % 7}`,
      userAgent: 'phone',
      fileName: 'linphone.xml',
      outcome: 'not-modified',
      reason: 'steady link',
      contentHash: null,
    })),
    (tx, part) => tx.insert('doorFetch', part),
  )
}

function verdictOf(
  system: string,
  instance: string,
  { kind, id, employeeId, generation }: Subject,
  n: number,
  at: string,
): Verdict {
  const open = n % 200 === 0
  return {
    id: verdictId(system, instance, kind, id),
    system,
    instance,
    subjectKind: kind,
    subjectId: id,
    employeeId,
    wanted: 'open',
    generation,
    state: open ? 'waiting' : 'converged',
    evidence: JSON.stringify({ summary: 'peer present on ringfence0 with 10.77.0.2/32', facts: { revision: 7 } }),
    problem: open ? 'a step for a person' : null,
    hint: null,
    nextTryAt: null,
    attempts: 0,
    at,
    acknowledgedBy: null,
    acknowledgedAt: null,
    acknowledgedClaim: null,
    waitingSince: null,
  }
}
