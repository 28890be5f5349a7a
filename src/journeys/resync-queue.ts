import { setTimeout as pause } from 'node:timers/promises'
import type { Actor } from '../domain/token.ts'
import { type ResyncContext, resync } from './resync.ts'

export interface ResyncQueue {
  /** A handset that waits already is told once. */
  add(handsetIds: readonly string[], actor: Actor): void
  /** When nobody waits any more. */
  idle(): Promise<void>
  stop(): Promise<void>
}

/**
 * For changes that concern many phones: so many at a time with a pause between, or 500 of them would fetch their files in
 * the same second. Who waits is in memory only; whom a stop or a crash leaves out fetches at the next poll.
 */
export function openResyncQueue(context: ResyncContext, { atOnce = 20, pauseMs = 2_000 } = {}): ResyncQueue {
  const waiting = new Map<string, Actor>()
  const stopped = new AbortController()
  let running: Promise<void> | null = null

  async function run(): Promise<void> {
    for (;;) {
      const batch = [...waiting].slice(0, atOnce)
      for (const [id] of batch) waiting.delete(id)
      for (const [actor, entries] of Map.groupBy(batch, ([, one]) => one)) {
        const ids = entries.map(([id]) => id)
        await resync(context, ids, actor).catch((error: unknown) =>
          context.log.error({ err: error }, 'some phones could not be told of a change; they fetch at their next poll'),
        )
      }
      if (waiting.size > 0)
        await pause(pauseMs, undefined, { signal: stopped.signal, ref: false }).catch(() => undefined)
      if (waiting.size === 0 || stopped.signal.aborted) break
    }
    running = null
  }

  return {
    add(handsetIds, actor) {
      if (stopped.signal.aborted) return
      for (const id of handsetIds) if (!waiting.has(id)) waiting.set(id, actor)
      if (waiting.size > 0) running ??= run()
    },
    idle: () => running ?? Promise.resolve(),
    async stop() {
      stopped.abort()
      await running
    },
  }
}
