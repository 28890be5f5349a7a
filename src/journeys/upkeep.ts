/** What must happen again and again without anybody asking. Each task runs alone; one that fails is tried again. */
import type { Log } from './context.ts'

export interface UpkeepTask {
  readonly name: string
  /** Milliseconds until it runs again, asked after each run: some tasks pace themselves. */
  readonly everyMs: number | (() => number)
  readonly run: () => Promise<void>
}

/** Starts every task at once and then in its own rhythm. */
export function startUpkeep(tasks: readonly UpkeepTask[], log: Log): { stop(): Promise<void> } {
  let stopped = false
  const timers = new Set<NodeJS.Timeout>()
  const running = new Set<Promise<void>>()

  function launch(task: UpkeepTask): void {
    const run = task
      .run()
      .catch((error: unknown) =>
        log.warn({ err: error, task: task.name }, `upkeep: ${task.name} failed and is tried again`),
      )
      .finally(() => {
        running.delete(run)
        if (stopped) return
        const timer = setTimeout(
          () => {
            timers.delete(timer)
            launch(task)
          },
          typeof task.everyMs === 'number' ? task.everyMs : task.everyMs(),
        )
        timers.add(timer)
      })
    running.add(run)
  }

  for (const task of tasks) launch(task)
  return {
    async stop() {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}
