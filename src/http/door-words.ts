/** What a door is called and what state it is in, for pages and exports alike. */
import { systemName } from '../domain/system-name.ts'
import type { AccessLine, ModelView } from '../journeys/application.ts'
import { capital } from './capital.ts'

/** `ticked`: a person vouched for it by name, which is not the same as seen. */
export type DoorState = 'open' | 'opening' | 'shut' | 'closing' | 'stuck' | 'waiting' | 'unverifiable' | 'ticked'

export type DoorLine = Pick<AccessLine, 'system' | 'wanted' | 'verdict' | 'nextTryAt' | 'at'> & {
  readonly acknowledged: unknown
}

/** Tried for longer than this, a door is not "closing" any more. */
const stuckAfterMs = 10_000

export function doorName(system: string): string {
  return capital(systemName(system))
}

export function doorState({ wanted, verdict, acknowledged, nextTryAt, at }: DoorLine): DoorState {
  if (verdict === 'converged') return wanted === 'open' ? 'open' : 'shut'
  if (verdict !== 'retrying') return acknowledged ? 'ticked' : verdict
  // Tries come ever further apart, so the next one tells how long it has been wrong.
  if (nextTryAt !== null && Date.parse(nextTryAt) - Date.parse(at) > stuckAfterMs) return 'stuck'
  return wanted === 'open' ? 'opening' : 'closing'
}

/** Whose door it is, and what it is known by there: `Yealink T54W …bb01, 10.77.0.3`. Null where there is only one. */
export function doorOwners(models: readonly Pick<ModelView, 'id' | 'name'>[]) {
  const names = new Map(models.map(({ id, name }) => [id, name]))
  return ({ name = null, mark = null }: AccessLine['subject']): string | null => {
    // Beginning with the id of a model, as scripts know it.
    const owner = name
      ?.replace(/^[a-z0-9-]+/, (id) => names.get(id) ?? id)
      .replace(/^the (\S+) gateway/, 'home gateway ($1)')
    return [owner, mark].filter(Boolean).join(', ') || null
  }
}

/** `Phone door of yealink-t54w …bb01: open; Tunnel: closing`; whose where one door has several lines. */
export function doorsInWords(lines: readonly AccessLine[]): string {
  const of = ({ system, subject: { name, mark } }: AccessLine) => {
    const owner = [name, mark].filter(Boolean).join(' ')
    return owner && lines.filter((line) => line.system === system).length > 1 ? ` of ${owner}` : ''
  }
  return lines.map((line) => `${doorName(line.system)}${of(line)}: ${doorState(line)}`).join(', ')
}
