import { monotonicMs } from '../lab/agent.ts'
import type { SipPhoneOptions } from '../lab/sip-client.ts'
import { type CreatedEmployee, openSpine, untilShown } from '../lab/spine.ts'
import type { BenchRow } from './bench-row.ts'
import { load, percentile } from './measuring.ts'
import { registerPhones } from './registered-phones.ts'

const accounts = 1_000
const rounds = 60

type Place = NonNullable<NonNullable<Parameters<typeof openSpine>[1]>['accounts']>

/**
 * From one offboarding to the moment when every system is proved shut: a desk phone with a certificate, among 1,000.
 * @param seedMs how long the 1,000 may take to be made
 */
export async function convergenceRow(
  where: string,
  { place, seedMs = 120_000 }: { readonly place?: Place; readonly seedMs?: number } = {},
): Promise<BenchRow> {
  const settings = { TEST_SWEEP_MS: '60000', LOG_LEVEL: 'warn' }
  await using spine = await openSpine(settings, place ? { accounts: place } : {})
  const call = async <T>(method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
    const answer = await spine.server.api(method, `/api/v1${path}`, body, headers)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body as T
  }
  const staying: string[] = []
  let next = 0
  const work = async () => {
    while (next < accounts - 1) {
      const index = next++
      const { id } = await spine.newcomer({
        name: `Person ${index}`,
        email: `person${index}@example.com`,
        extension: String(200_000 + index),
        handsets: [{ model: 'linphone-mobile' }],
      })
      staying.push(id)
    }
  }
  await Promise.all(Array.from({ length: 20 }, work))
  const phoneOf = async (id: string): Promise<SipPhoneOptions> => {
    const { items } = await call<{ items: { extension: string; username: string; secret: string }[] }>(
      'POST',
      `/employees/${id}/sip-secrets`,
      {},
    )
    const { extension, username, secret } = items[0]!
    return { host: spine.asterisk.address, port: spine.asterisk.port, extension, username, secret }
  }
  for (const id of staying) await untilShown(spine, id, ({ access }) => access.every(isConverged), seedMs)
  const phones: SipPhoneOptions[] = []
  for (const id of staying) phones.push(await phoneOf(id))
  // Over ARI, Asterisk goes through all endpoints for each AOR that is new, and refuses phones for minutes meanwhile
  // (res/res_pjsip/pjsip_options.c). A year later nothing of that is left.
  await spine.asterisk.restart()
  // From the office's own network: what is measured is a PBX that has them all to look through.
  await registerPhones(spine.office.pbx, spine.folder('phones'), phones)
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
    const leaver = await registerPhones(spine.office.pbx, spine.folder(`leaver-${round}`), [await phoneOf(person.id)])
    const startedAt = monotonicMs()
    const left = await spine.offboard(person.id, 20)
    const tookMs = monotonicMs() - startedAt
    leaver.stop()
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
  const contacts = /Objects found: (\d+)/.exec(spine.asterisk.cli('pjsip show contacts'))?.[1] ?? 'unknown'
  const p99 = percentile(times, 99)
  return {
    what: `one offboard request → every system converged, ${spine.asterisk.version.split('+')[0]} with 1,000 registered accounts ${where}`,
    target: '≤ 2 s p99',
    measured:
      `p50 ${percentile(times, 50).toFixed(0)}, p95 ${percentile(times, 95).toFixed(0)}, p99 ${p99.toFixed(0)} ms (${rounds} rounds, slowest in ${slowest}; ` +
      `Asterisk lists ${endpoints} endpoints, ${contacts} contacts; ${load()})`,
    anchor: 'none found',
    met: p99 <= 2_000,
  }
}

function isConverged({ verdict }: { readonly verdict: string }): boolean {
  return verdict === 'converged'
}
