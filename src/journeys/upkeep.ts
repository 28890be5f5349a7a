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

  // What goes wrong every quarter of a minute for the same reason is told once, and that it is over.
  const told = new Map<string, string>()
  function succeeded({ name }: UpkeepTask): void {
    if (told.delete(name)) log.info({ task: name }, `upkeep: ${name} works again`)
  }
  function failed({ name }: UpkeepTask, error: unknown): void {
    const words = error instanceof Error ? error.message : String(error)
    if (told.get(name) === words) return
    told.set(name, words)
    log.warn({ err: error, task: name }, `upkeep: ${name} failed and is tried again; told once until that changes`)
  }

  function launch(task: UpkeepTask): void {
    const run = task
      .run()
      .then(
        () => succeeded(task),
        (error: unknown) => failed(task, error),
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
