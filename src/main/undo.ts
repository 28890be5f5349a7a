import type { Log } from '../journeys/context.ts'

/** What was started, to be taken down in reverse order; a start that fails half-way leaves nothing behind. */
export interface Undo {
  push(step: () => Promise<unknown> | unknown): void
  all(): Promise<void>
}

export function undoList(log: Log): Undo {
  const steps: (() => Promise<unknown> | unknown)[] = []
  return {
    push: (step) => void steps.push(step),
    async all() {
      for (const step of steps.splice(0).reverse()) {
        try {
          await step()
        } catch (error) {
          log.error({ err: error }, 'something could not be stopped cleanly')
        }
      }
    },
  }
}
