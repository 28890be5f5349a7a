/** All lanes together: routes what changed to those that it concerns. */
import type { Subject, SubjectKind } from '../domain/access.ts'
import type { Lane } from './lane.ts'

export interface Loop {
  readonly lanes: readonly Lane[]
  /** Every lane of the subject's kind shuts it, each in its own time; returns at once. */
  close(subjects: readonly Subject[]): void
  nudge(kind: SubjectKind, ids: readonly string[]): void
  sweep(): void
  /** Resolves when no lane has anything queued. */
  idle(): Promise<void>
  stop(): Promise<void>
}

export function loopOver(lanes: readonly Lane[]): Loop {
  return {
    lanes,
    close(subjects) {
      for (const lane of lanes) {
        const own = subjects.filter((subject) => subject.kind === lane.subjectKind)
        if (own.length > 0) lane.close(own)
      }
    },
    nudge(kind, ids) {
      if (ids.length > 0) for (const lane of lanes) if (lane.subjectKind === kind) lane.nudge(ids)
    },
    sweep() {
      for (const lane of lanes) lane.sweep()
    },
    async idle() {
      await Promise.all(lanes.map((lane) => lane.idle()))
    },
    async stop() {
      await Promise.all(lanes.map((lane) => lane.stop()))
    },
  }
}
