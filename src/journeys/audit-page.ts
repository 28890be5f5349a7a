import type { AuditKind } from '../domain/audit.ts'
import { tellEvent, toldKinds } from './audit-words.ts'
import type { JourneyContext } from './context.ts'
import { factsOf } from './event-facts.ts'
import type { AuditLine, AuditPage, AuditQuery } from './records-view.ts'

export async function auditPage({ store, catalogue }: JourneyContext, query: AuditQuery): Promise<AuditPage> {
  const { who, subject, kind, limit, ...rest } = query
  const length = await store.auditLength()
  const person = who === undefined ? undefined : await store.employeeBy(who)
  if (who !== undefined && !person) return { events: [], next: null, groups, length, unknown: true }
  const found = await store.auditPage({
    ...rest,
    ...(person && { employeeId: person.id }),
    ...(subject !== undefined && { subjectId: subject }),
    ...(kind !== undefined && { kinds: kindsOf(kind) }),
    limit: limit + 1,
  })
  const events = found.slice(0, limit).map(({ employeeId, name, model, detail, ...event }): AuditLine => {
    const facts = factsOf(detail)
    const itself = facts.via === 'system' && facts.actor === 'ringfence'
    return {
      ...event,
      employee: employeeId === null ? null : { id: employeeId, name },
      text: `${tellEvent(event.kind, { detail: facts, subject: model && (catalogue.model(model)?.name ?? model) })}${detail === null ? ' (particulars erased)' : ''}`,
      by: !itself && typeof facts.actor === 'string' ? facts.actor : null,
      via: typeof facts.via === 'string' ? facts.via : null,
      detail,
    }
  })
  return {
    events,
    next: found.length > limit ? (events.at(-1)?.position ?? null) : null,
    groups,
    length,
    unknown: false,
  }
}

const groups = [...new Set(toldKinds.map((kind) => kind.split('.')[0]!))]

function kindsOf(asked: string): readonly AuditKind[] {
  return toldKinds.filter((kind) => kind === asked || kind.startsWith(`${asked}.`)) as AuditKind[]
}
