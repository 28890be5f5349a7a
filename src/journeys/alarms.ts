/** What nobody asked for, of the last day: one line for each cause, however many doors it moved. */
import type { AuditKind } from '../domain/audit.ts'
import type { AuditEntry } from '../store/store.ts'
import { tellEvent } from './audit-words.ts'
import type { JourneyContext } from './context.ts'
import { factsOf } from './event-facts.ts'
import type { Alarm } from './people-view.ts'

export const alarmKinds: readonly AuditKind[] = [
  'access.drift',
  'access.half-done',
  'stranger.seen',
  'handset.mismatch',
  'journal.replayed',
  'leaving.suspended',
  'step.overdue',
]
const mostEvents = 500
const mostLines = 20

export async function alarmsSince({ store }: JourneyContext, since: Date): Promise<readonly Alarm[]> {
  // Ids are in order of time: the first six bytes are milliseconds (RFC 9562 section 5.7).
  const hex = since.getTime().toString(16).padStart(12, '0')
  const sinceId = `${hex.slice(0, 8)}-${hex.slice(8)}`
  const entries = await store.eventsSince({ kinds: alarmKinds, sinceId, limit: mostEvents })
  return byCause(entries.flatMap(alarmsIn)).slice(0, mostLines)
}

/** Newest first, as they come: the newest stands for those like it. */
export function byCause(newestFirst: readonly Alarm[]): readonly Alarm[] {
  const groups = Map.groupBy(newestFirst, ({ kind, text }) => `${kind} ${causeIn(text)}`)
  return [...groups.values()].map((alarms) => {
    const [newest] = alarms
    const people = new Set(alarms.map(({ employeeId }) => employeeId))
    return {
      ...newest!,
      text: withShortKeys(newest!.text),
      count: alarms.length,
      since: alarms.at(-1)!.at,
      employeeId: people.size === 1 ? newest!.employeeId : null,
    }
  })
}

/** Strangers that were found together are as many alarms. */
function alarmsIn({ at, kind, employeeId, detail }: AuditEntry): Alarm[] {
  const facts = factsOf(detail)
  const each = Array.isArray(facts.strangers) && facts.strangers.length > 0 ? facts.strangers : [null]
  return each.map((stranger) => {
    const told = stranger === null ? facts : { ...facts, strangers: [stranger] }
    const text = tellEvent(kind, { detail: told, subject: null })
    return { at, since: at, kind, employeeId, count: 1, text }
  })
}

const wholeKey = /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=/g

/** The sentence without what tells one door from the next: keys, and words with a digit such as addresses and extensions. */
function causeIn(text: string): string {
  return text
    .replace(wholeKey, '0')
    .replace(/\S*\d\S*/g, '0')
    .replace(/0( 0)+/g, '0')
}

function withShortKeys(text: string): string {
  return text.replace(wholeKey, (key) => `${key.slice(0, 12)}…`)
}
