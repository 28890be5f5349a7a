/** Everything that happened around somebody: the audit trail and the phone door's ledger as one story, newest first. */
import type { AuditEntry, DoorFetch } from '../store/store.ts'
import { alarmKinds } from './alarms.ts'
import { tellEvent, tellFetch } from './audit-words.ts'
import type { JourneyContext } from './context.ts'
import { factsOf } from './event-facts.ts'
import type { Happening } from './people-view.ts'

const most = 200

type Names = ReadonlyMap<string, string>

export async function happenings(context: JourneyContext, employeeId: string): Promise<readonly Happening[]> {
  const names = await namesOf(context, employeeId)
  const trail = await context.store.auditTrail({ employeeId, limit: most })
  const { fetches, firstFromAddress } = await context.store.personLedger(employeeId, most)
  const events = trail.map((entry) => ofEvent(entry, names))
  const visits = fetches.map((fetch) => ofFetch(fetch, firstFromAddress.has(fetch.id), names))
  return inARow(
    [...events, ...visits].sort((one, other) => (one.at < other.at ? 1 : one.at > other.at ? -1 : 0)),
  ).slice(0, most)
}

/** Handsets by their own id, and by the ids of their tunnels. */
async function namesOf({ store, catalogue }: JourneyContext, employeeId: string): Promise<Names> {
  const [access] = await store.employeesWithAccess({ ids: [employeeId] })
  const models = new Map(catalogue.models.map(({ id, name }) => [id, name]))
  const handsets = (access?.handsets ?? []).map(({ id, model }) => [id, models.get(model) ?? model] as const)
  const byId = new Map(handsets)
  const tunnels = (access?.tunnels ?? []).flatMap(({ id, carrierId }) => {
    const name = byId.get(carrierId)
    return name === undefined ? [] : [[id, name] as const]
  })
  return new Map([...handsets, ...tunnels])
}

function ofEvent({ at, kind, employeeId, subjectId, detail }: AuditEntry, names: Names): Happening {
  const facts = factsOf(detail)
  const subject = subjectId === null ? null : (names.get(subjectId) ?? null)
  const by = facts.via === 'system' && facts.actor === 'ringfence' ? null : facts.actor
  return {
    at,
    text: `${tellEvent(kind, { detail: facts, subject })}${detail === null ? ' (particulars erased)' : ''}`,
    by: typeof by === 'string' ? by : null,
    kind: alarmKinds.includes(kind) ? 'alarm' : 'deed',
    employeeId,
    times: 1,
    since: at,
  }
}

function ofFetch(fetch: DoorFetch, isFirst: boolean, names: Names): Happening {
  return {
    at: fetch.at,
    text: tellFetch(fetch, isFirst, fetch.handsetId === null ? null : (names.get(fetch.handsetId) ?? 'a phone')),
    by: null,
    kind: 'visit',
    employeeId: fetch.employeeId,
    times: 1,
    since: fetch.at,
  }
}

/** A phone asks for the same file every day: that is one line. */
export function inARow(newestFirst: readonly Happening[]): readonly Happening[] {
  const told: Happening[] = []
  for (const one of newestFirst) {
    const last = told.at(-1)
    const same = last && one.kind === 'visit' && last.kind === 'visit' && last.text === one.text
    if (same) told[told.length - 1] = { ...last, times: last.times + 1, since: one.at }
    else told.push(one)
  }
  return told
}
