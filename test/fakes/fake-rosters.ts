import type { Actor } from '../../src/domain/token.ts'
import { AppError } from '../../src/errors.ts'
import type { Application } from '../../src/journeys/application.ts'
import type { ImportView } from '../../src/journeys/roster-view.ts'
import { type DraftRow, type RosterDeeds, type RunView, type Stage, stages } from '../../src/journeys/roster-view.ts'

/** Rosters in memory; a row with fewer than four cells is the one thing that can be wrong with it. */
export function fakeRosters(
  imports: ReadonlyMap<string, ImportView>,
  application: () => Pick<Application, 'importRoster' | 'importRun'>,
  did: (deed: string, actor: Actor) => void,
  now: string,
): RosterDeeds {
  const drafts = new Map<string, DraftRow[]>()
  const columns = ['name', 'email', 'extension', 'model', 'mac']
  const judged = (line: number, cells: readonly string[]): DraftRow => ({
    line,
    cells,
    problems: cells.length < 4 ? [{ row: line, message: 'this row has too few columns' }] : [],
  })
  const demand = (id: string): DraftRow[] => {
    const rows = drafts.get(id)
    if (!rows) throw new AppError('NOT_FOUND', 'this roster is not here any more')
    return rows
  }
  const view = (id: string, offset = 0, limit = 50, onlyWrong = false) => {
    const rows = demand(id)
    const wrong = rows.filter(({ problems }) => problems.length > 0)
    const listed = onlyWrong ? wrong : rows
    return {
      id,
      columns,
      header: { line: 1, cells: columns, problems: [] },
      problems: [],
      rows: listed.slice(offset, offset + limit),
      total: rows.length,
      wrong: wrong.length,
      listed: listed.length,
      people: rows.length - wrong.length,
      expiresAt: now,
    }
  }
  const run = ({ id, total, done, finished, people }: ImportView): RunView => {
    const rows = people.map((entry, index) => ({
      row: index + 2,
      name: entry.email,
      email: entry.email,
      extension: entry.extension,
      stage: (entry.state === 'onboarded' ? 'keys made' : entry.state) as Stage,
      employeeId: entry.employeeId,
      problem: entry.problem,
      mail: null,
    }))
    const counts = Object.fromEntries(
      stages.map((stage) => [stage, rows.filter((row) => row.stage === stage).length]),
    ) as Record<Stage, number>
    const summary = { id, total, done, createdAt: now, createdBy: 'test', finishedAt: finished ? now : null }
    return { ...summary, cancelled: null, counts, steps: 0, mailsFailed: 0, people: rows }
  }
  return {
    async draft(csv, actor) {
      did('draftRoster', actor)
      const id = `01939d2c-0000-7000-8000-8${String(drafts.size).padStart(11, '0')}`
      const lines = Buffer.from(csv).toString().trim().split('\n').slice(1)
      drafts.set(
        id,
        lines.map((line, index) => judged(index + 2, line.split(','))),
      )
      return view(id)
    },
    lookAtDraft: async (id, { offset, limit, onlyWrong }) => view(id, offset, limit, onlyWrong),
    async mendDraft(id, changes, { offset, limit, onlyWrong }) {
      const mended = demand(id).map(({ line, cells }) =>
        judged(
          line,
          columns.map(
            (_, column) =>
              changes.find((one) => one.line === line && one.column === column)?.value ?? cells[column] ?? '',
          ),
        ),
      )
      drafts.set(id, mended)
      return view(id, offset, limit, onlyWrong)
    },
    async startDraft(id, _mail, actor) {
      const text = [columns, ...demand(id).map(({ cells }) => cells)].map((cells) => cells.join(',')).join('\n')
      return application().importRoster(Buffer.from(text), actor)
    },
    runOf: () => null,
    progress: async (id) => run(await application().importRun(id)),
    async cancel(id, actor) {
      did('cancelImport', actor)
      return run(await application().importRun(id))
    },
    recent: async () => [...imports.values()].map(run),
  }
}
