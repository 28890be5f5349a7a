/** What becomes of what the lanes report. */
import type { LaneEvent } from '../access/lane.ts'
import { completeOffboardings } from '../journeys/complete-offboarding.ts'
import { auditEvent, itself, type JourneyContext } from '../journeys/context.ts'

/** Looks once for all people that one turn of the event loop moved. */
export function completionOf(context: JourneyContext): (employeeIds: readonly string[]) => void {
  let moved = new Set<string>()
  return (employeeIds) => {
    if (moved.size === 0) {
      setImmediate(() => {
        const ids = [...moved]
        moved = new Set()
        completeOffboardings(context, ids).catch((error: unknown) =>
          context.log.error(
            { err: error },
            'an offboarding could not be completed; it is tried again with the next sign of life',
          ),
        )
      })
    }
    for (const id of employeeIds) moved.add(id)
  }
}

/** Strangers are drift: told once each, never touched. */
export function reporter(context: JourneyContext): (event: LaneEvent) => void {
  const told = new Set<string>()
  const record = (kind: 'stranger.seen' | 'access.half-done', detail: Readonly<Record<string, unknown>>) => {
    context.store
      .transaction((tx) => tx.record(auditEvent(context, kind, { actor: itself }, detail)))
      .catch((error: unknown) => context.log.error({ err: error }, 'the audit event could not be written'))
  }
  return (event) => {
    if (event.kind === 'broken') {
      context.log.error(
        { err: event.error, system: event.system },
        'a pass could not be finished; everything is looked at again',
      )
      return
    }
    if (event.kind === 'acts-failed') {
      const { system, instance, failedActs, givenUp } = event
      for (const { subjectId, error } of failedActs.slice(0, 20))
        context.log.warn(
          { err: error, system, instance, subject: subjectId, count: failedActs.length },
          'a change failed although what can be seen is as it should be; part of it may be undone',
        )
      for (const [summary, acts] of Map.groupBy(givenUp, ({ error }) => error.message))
        record('access.half-done', { system, summary, hint: acts[0]!.error.hint ?? null, doors: acts.length })
      return
    }
    const fresh = event.strangers.filter((stranger) => !told.has(`${event.system}/${stranger}`))
    if (fresh.length === 0) return
    for (const stranger of fresh) told.add(`${event.system}/${stranger}`)
    context.log.warn(
      { system: event.system, strangers: fresh.slice(0, 20), count: fresh.length },
      'something is there that Ringfence did not issue; it is left alone',
    )
    record('stranger.seen', { system: event.system, strangers: fresh.slice(0, 50) })
  }
}
