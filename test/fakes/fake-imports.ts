import type { Actor } from '../../src/domain/token.ts'
import { AppError } from '../../src/errors.ts'
import type { Application } from '../../src/journeys/application.ts'
import type { ImportView } from '../../src/journeys/roster-view.ts'

/** Imports in memory; each look at one does one more person, so that a reader sees it go on. */
export function fakeImports(
  imports: Map<string, ImportView>,
  id: () => string,
  did: (deed: string, actor: Actor) => void,
): Pick<Application, 'importRoster' | 'importRun'> {
  return {
    async importRoster(csv, actor) {
      did('importRoster', actor)
      const rows = Buffer.from(csv).toString().trim().split('\n').slice(1)
      const problems = rows.flatMap((row, index) =>
        row.split(',').length < 4 ? [{ row: index + 2, message: 'this row has too few columns' }] : [],
      )
      if (problems.length > 0)
        throw new AppError('INVALID_INPUT', 'nothing was imported', {
          hint: 'correct the rows and import again',
          problems,
        })
      const run: ImportView = {
        id: id(),
        total: rows.length,
        done: 0,
        finished: false,
        people: rows.map((row) => ({
          email: row.split(',')[1]!,
          extension: row.split(',')[2]!,
          state: 'queued',
          employeeId: null,
          inviteUrl: null,
          problem: null,
        })),
      }
      imports.set(run.id, run)
      return run
    },
    async importRun(runId) {
      const run = imports.get(runId)
      if (!run) throw new AppError('NOT_FOUND', 'there is no such import', { hint: 'it may be too long ago' })
      // Each look does one more person, so that a reader sees it go on.
      const done = Math.min(run.done + 1, run.total)
      const next: ImportView = {
        ...run,
        done,
        finished: done === run.total,
        people: run.people.map((entry, index) =>
          index >= done
            ? entry
            : entry.extension === '666'
              ? { ...entry, state: 'failed', problem: 'extension 666 is taken' }
              : {
                  ...entry,
                  state: 'onboarded',
                  employeeId: id(),
                  inviteUrl: `https://phones.example.com:8443/join/${'x'.repeat(43)}`,
                },
        ),
      }
      imports.set(runId, next)
      return next
    },
  }
}
