/** What a door is called and what state it is in, for pages and exports alike. */
import type { AccessLine } from '../journeys/application.ts'
import { capital } from './capital.ts'

/** `ticked`: a person vouched for it by name, which is not the same as seen. */
export type DoorState = 'open' | 'opening' | 'shut' | 'closing' | 'stuck' | 'waiting' | 'unverifiable' | 'ticked'

export type DoorLine = Pick<AccessLine, 'system' | 'wanted' | 'verdict' | 'nextTryAt' | 'at'> & {
  readonly acknowledged: unknown
}

const doorNames: Readonly<Record<string, string>> = {
  edge: 'SIP edge',
  'sip-account': 'SIP account',
  administrator: 'Console',
}

/** Tried for longer than this, a door is not "closing" any more. */
const stuckAfterMs = 10_000

export function doorName(system: string): string {
  return doorNames[system] ?? capital(system.replaceAll('-', ' '))
}

export function doorState({ wanted, verdict, acknowledged, nextTryAt, at }: DoorLine): DoorState {
  if (verdict === 'converged') return wanted === 'open' ? 'open' : 'shut'
  if (verdict !== 'retrying') return acknowledged ? 'ticked' : verdict
  // Tries come ever further apart, so the next one tells how long it has been wrong.
  if (nextTryAt !== null && Date.parse(nextTryAt) - Date.parse(at) > stuckAfterMs) return 'stuck'
  return wanted === 'open' ? 'opening' : 'closing'
}

/** `Phone door: open, Tunnel: closing` */
export function doorsInWords(lines: readonly DoorLine[]): string {
  return lines.map((line) => `${doorName(line.system)}: ${doorState(line)}`).join(', ')
}
