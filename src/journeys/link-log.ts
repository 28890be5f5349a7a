/** Who looked at links of others: whoever has one can set up a phone in that person's name. */
import type { Actor } from '../domain/token.ts'
import { auditEvent, type JourneyContext } from './context.ts'

/** Pages look again by themselves and the command line polls: within this time the same look is told once. */
const onceInMs = 3_600_000
const mostRemembered = 10_000

export interface Look {
  readonly employeeId?: string
  /** The run of a roster. */
  readonly subjectId?: string
  /** Of the same subject, when more is shown than before. */
  readonly part?: string
  readonly links: number
}

export type LinkLog = (look: Look, actor: Actor) => Promise<void>

/** Recorded before anything is shown. */
export function linkLog(context: Pick<JourneyContext, 'store' | 'system'>): LinkLog {
  const told = new Map<string, number>()
  return async ({ employeeId, subjectId, part = '', links }, actor) => {
    if (links === 0) return
    const now = context.system.now().getTime()
    const key = JSON.stringify([employeeId, subjectId, part, actor.name, actor.via])
    if (now - (told.get(key) ?? Number.NEGATIVE_INFINITY) < onceInMs) return
    await context.store.transaction((tx) =>
      tx.record(
        auditEvent(
          context,
          'invite.shown',
          { employeeId: employeeId ?? null, subjectId: subjectId ?? null, actor },
          { links },
        ),
      ),
    )
    // Forgetting all of it tells a look twice, which is better than not at all.
    if (told.size >= mostRemembered) told.clear()
    told.set(key, now)
  }
}
