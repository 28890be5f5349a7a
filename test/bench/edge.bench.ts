import { setTimeout as pause } from 'node:timers/promises'
import { reconcile } from '../../src/access/reconcile.ts'
import { edgeAccess } from '../../src/pbx/edge/edge-access.ts'
import { type EdgeHandset, type EdgeWorld, edgeWorld, limit } from '../lab/edge-world.ts'
import type { SipPhone } from '../lab/sip-client.ts'
import type { BenchRow } from './bench-row.ts'
import { load, percentile } from './measuring.ts'

const staying = 200
const leaving = 20
const atOnce = 20

/**
 * A real Kamailio as the edge, which reads with one process, before a real Asterisk: phones with client certificates that
 * register and refresh without a pause while one after the other is revoked. All of it on this machine, phones included.
 */
export async function rows(): Promise<readonly BenchRow[]> {
  const world = await edgeWorld()
  try {
    return [await revocationRow(world)]
  } finally {
    await world.stop()
  }
}

async function revocationRow(world: EdgeWorld): Promise<BenchRow> {
  const { edge } = world
  const places = Array.from(
    { length: staying + leaving },
    (_, at) => [String(5000 + at), `127.7.${at >> 7}.${(at & 127) + 1}`] as const,
  )
  const handsets = await world.handsets(places)
  const startedAt = performance.now()
  const phones = await registered(handsets)
  const registeredMs = performance.now() - startedAt

  const others = phones.slice(0, staying)
  const refreshing = refreshWithoutPause(others)
  const system = edgeAccess(edge.keeper)
  const [cutMs, provedMs] = [[] as number[], [] as number[]]
  for (const [round, leaver] of handsets.slice(staying).entries()) {
    const phone = phones[staying + round]!
    edge.wanted.revoke(leaver.issued)
    // Each time with a new list: more than a server hands over, which does so every ten minutes at most.
    await edge.signList()
    const requestedAt = performance.now()
    const cut = untilCut(phone).then(() => cutMs.push(performance.now() - requestedAt))
    const subject = world.subject(leaver, 'closed')
    const { outcomes } = await reconcile(system, [subject], { actFirst: true, whole: false, signal: limit() })
    provedMs.push(performance.now() - requestedAt)
    if (outcomes[0]!.finding.state !== 'as-desired') throw new Error(JSON.stringify(outcomes[0]!.finding))
    await cut
  }
  const { tookMs, failed } = await refreshing.stop()
  const lost = others.filter(({ connected }) => !connected).length
  const ms = (values: readonly number[], percent: number) => percentile(values, percent).toFixed(0)
  return {
    what: `one of ${staying} phones at a real edge revoked while all others refresh: its connection cut, theirs kept`,
    target: 'no other phone notices',
    measured:
      `${lost} connections of others lost, ${failed} of ${tookMs.length} refreshes failed; cut p50 ${ms(cutMs, 50)}, max ${ms(cutMs, 100)} ms, ` +
      `proved p50 ${ms(provedMs, 50)}, max ${ms(provedMs, 100)} ms (${leaving} rounds, a new list in each); refresh p50 ${ms(tookMs, 50)}, ` +
      `p99 ${ms(tookMs, 99)} ms, ${atOnce} at a time; all connected and registered in ${(registeredMs / 1000).toFixed(1)} s (${load()})`,
    anchor: 'none found',
    met: lost === 0 && failed === 0,
  }
}

async function registered(handsets: readonly EdgeHandset[]): Promise<readonly SipPhone[]> {
  const phones: SipPhone[] = []
  await inParallel(handsets.keys(), async (at) => {
    const phone = await handsets[at]!.connect({ timeoutMs: 20_000 })
    const { status } = await phone.register()
    if (status !== 200) throw new Error(`a phone could not register: ${status}`)
    phones[at] = phone
  })
  return phones
}

function refreshWithoutPause(phones: readonly SipPhone[]) {
  const tookMs: number[] = []
  let failed = 0
  let isOver = false
  const endless = (function* () {
    for (let at = 0; !isOver; at = (at + 1) % phones.length) yield at
  })()
  const work = inParallel(endless, async (at) => {
    const startedAt = performance.now()
    const status = await phones[at]!.register().then((answer) => answer.status, String)
    tookMs.push(performance.now() - startedAt)
    if (status !== 200) failed++
  })
  return {
    async stop() {
      isOver = true
      await work
      return { tookMs, failed }
    },
  }
}

async function inParallel(places: Iterator<number>, deed: (at: number) => Promise<void>): Promise<void> {
  const work = async () => {
    for (let next = places.next(); !next.done; next = places.next()) await deed(next.value)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

/** @throws Error when it still has its connection after 10 s. */
async function untilCut({ ended }: SipPhone): Promise<void> {
  const isLate = await Promise.race([ended.then(() => false), pause(10_000, true, { ref: false })])
  if (isLate) throw new Error('the revoked phone still has its connection')
}
