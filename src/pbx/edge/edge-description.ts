import { freeMemory } from '../kamailio/kamailio-memory.ts'
import type { KamailioRpc } from '../kamailio/kamailio-rpc.ts'
import type { Problem } from '../pbx-problem.ts'
import { type EdgeKeeper, scarceMemory } from './edge-keeper.ts'
import type { EdgeOptions } from './edge-options.ts'
import { pbxCertificateProblem } from './pbx-certificate.ts'

export interface EdgeDescription {
  readonly summary: string
  readonly problems: readonly Problem[]
}

export interface DescribedEdge {
  readonly keeper: EdgeKeeper
  readonly rpc: KamailioRpc
  readonly fingerprint: string
  readonly pbx: EdgeOptions['pbx']
}

/** A list is put out each day; one that is older than this did not get here. */
const staleMs = 3 * 86_400_000

/** For `doctor`: what the running edge has loaded, long before any of it keeps a phone out. */
export async function describeEdge(
  { keeper, rpc, fingerprint, pbx }: DescribedEdge,
  signal: AbortSignal,
): Promise<EdgeDescription> {
  const running = await rpc.get('configuration', signal)
  const { inForce, rows, readAt, hindrance } = await keeper.read(signal)
  const problems: Problem[] = []
  const free = await freeMemory(rpc, signal)
  if (free < 2 * scarceMemory)
    problems.push({
      message: `the edge has ${Math.floor(free / 1024 / 1024)} MB of shared memory left; without any it refuses every phone`,
      hint: 'restart Kamailio there when few are talking, with a larger -m',
    })
  if (running !== fingerprint)
    problems.push({
      message: 'the edge runs another configuration than the settings of Ringfence give now',
      hint: 'write it again with `ringfence edge --out DIR`, and restart Kamailio',
    })
  // One of before Kamailio ran says nothing now that it has answered.
  if (hindrance !== null && hindrance.code !== 'PBX_UNREACHABLE')
    problems.push({ message: hindrance.message, hint: hindrance.hint ?? '' })
  else if (inForce === null)
    problems.push({
      message: 'it is not known which revocation list the edge has loaded',
      hint: 'Kamailio has just started: Ringfence hands it one within a quarter of a minute',
    })
  if (inForce !== null && readAt.getTime() - inForce.thisUpdate.getTime() > staleMs)
    problems.push({
      message: `revocation list ${inForce.number} at the edge is older than three days; at ${inForce.nextUpdate.toISOString()} it locks out every phone`,
      hint: 'look in the server log for why no new one could be signed or handed over',
    })
  const certificate = await pbxCertificateProblem(pbx, signal)
  if (certificate !== null) problems.push(certificate)
  const { bind, deny, source } = rows
  const list = inForce === null ? 'no list' : `list ${inForce.number}`
  return {
    summary: `${count(bind.size, 'certificate')} and ${count(source.size, 'phone')} without one are bound, ${deny.size} denied, ${list} loaded`,
    problems,
  }
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`
}
