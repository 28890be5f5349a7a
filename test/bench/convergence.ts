import { monotonicMs } from '../lab/agent.ts'
import { type CreatedEmployee, openSpine, untilShown } from '../lab/spine.ts'
import type { BenchRow } from './bench-row.ts'
import { load, percentile } from './measuring.ts'

const accounts = 1_000
const rounds = 60

/** From one offboarding to the moment when every system is proved shut: a desk phone with a certificate, among 1,000. */
export async function convergenceRow(): Promise<BenchRow> {
  await using spine = await openSpine({ TEST_SWEEP_MS: '60000', LOG_LEVEL: 'warn' })
  const call = async <T>(method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
    const answer = await spine.server.api(method, `/api/v1${path}`, body, headers)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body as T
  }
  let next = 0
  const work = async () => {
    while (next < accounts - 1) {
      const index = next++
      await spine.newcomer({
        name: `Person ${index}`,
        email: `person${index}@example.com`,
        extension: String(200_000 + index),
        handsets: [{ model: 'linphone-mobile' }],
      })
    }
  }
  await Promise.all(Array.from({ length: 20 }, work))
  const times: number[] = []
  let slowest = ''
  for (let round = 0; round < rounds; round++) {
    const person = await call<CreatedEmployee>('POST', '/employees', {
      name: `Leaver ${round}`,
      email: `leaver${round}@example.com`,
      extension: String(300_000 + round),
      handsets: [{ model: 'yealink-t54w', mac: `805ec0${(0xd00000 + round).toString(16)}` }],
    })
    await untilShown(spine, person.id, ({ access }) => access.length >= 5 && access.every(isConverged), 60_000)
    const startedAt = monotonicMs()
    const left = await spine.offboard(person.id, 20)
    const tookMs = monotonicMs() - startedAt
    const open = left.access.filter((line) => !isConverged(line) || line.wanted !== 'closed')
    if (open.length > 0 || left.access.length < 5)
      throw new Error(
        `not every system converged: ${JSON.stringify(open.map(({ system, problem }) => ({ system, problem })))}`,
      )
    if (tookMs >= Math.max(0, ...times))
      slowest = left.access
        .map(({ system, at }) => ({ system, at }))
        .sort((a, b) => a.at.localeCompare(b.at))
        .at(-1)!.system
    times.push(tookMs)
  }
  const endpoints = /Objects found: (\d+)/.exec(spine.asterisk.cli('pjsip show endpoints'))?.[1] ?? 'unknown'
  const p99 = percentile(times, 99)
  return {
    what: `one offboard request → every system converged, ${spine.asterisk.version.split('+')[0]} with 1,000 accounts`,
    target: '≤ 2 s p99',
    measured:
      `p50 ${percentile(times, 50).toFixed(0)}, p99 ${p99.toFixed(0)} ms (${rounds} rounds, slowest in ${slowest}; ` +
      `Asterisk lists ${endpoints} endpoints; ${load()})`,
    anchor: 'none found',
    met: p99 <= 2_000,
  }
}

function isConverged({ verdict }: { readonly verdict: string }): boolean {
  return verdict === 'converged'
}
