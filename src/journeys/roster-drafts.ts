/** Rosters that somebody is still mending. They hold names and addresses and are kept in memory alone, for an hour. */
import type { Problem } from '../domain/parse.ts'
import { columnOf, type RosterRecord } from '../domain/roster.ts'
import { AppError } from '../errors.ts'
import { newId } from '../system.ts'
import type { JourneyContext } from './context.ts'
import { examineRoster, rosterRecords, widened } from './read-roster.ts'
import type { CellChange, DraftPage, DraftView } from './roster-view.ts'

const keepMs = 3_600_000
/** The oldest gives way: a roster can be pasted again. */
const mostDrafts = 10
/** Two ids each. */
const mostRuns = 1_000

interface Draft {
  readonly id: string
  rows: readonly RosterRecord[]
  readonly expiresAt: string
}

export interface RosterDrafts {
  add(csv: Uint8Array): Promise<DraftView>
  look(id: string, page: DraftPage): Promise<DraftView>
  mend(id: string, changes: readonly CellChange[], page: DraftPage): Promise<DraftView>
  /** The rows, for a run. */
  rows(id: string): readonly RosterRecord[]
  /** It was brought in by this run: whoever comes back to it is led there. */
  done(id: string, runId: string): void
  runOf(id: string): string | null
}

export function rosterDrafts(context: JourneyContext): RosterDrafts {
  const drafts = new Map<string, Draft>()
  const runs = new Map<string, string>()

  function add(csv: Uint8Array): Promise<DraftView> {
    const rows = widened(rosterRecords(csv), context)
    const now = context.system.now()
    for (const [id, { expiresAt }] of drafts) if (expiresAt <= now.toISOString()) drafts.delete(id)
    for (const id of [...drafts.keys()].slice(0, Math.max(0, drafts.size - mostDrafts + 1))) drafts.delete(id)
    const draft = { id: newId(context.system), rows, expiresAt: new Date(now.getTime() + keepMs).toISOString() }
    drafts.set(draft.id, draft)
    return view(draft, { offset: 0, limit: 50, onlyWrong: false })
  }

  function demand(id: string): Draft {
    const draft = drafts.get(id)
    if (draft && draft.expiresAt > context.system.now().toISOString()) return draft
    throw new AppError('NOT_FOUND', 'this roster is not here any more', {
      hint: 'it is kept for an hour and not over a restart; paste or choose it again',
    })
  }

  async function view(draft: Draft, { offset, limit, onlyWrong }: DraftPage): Promise<DraftView> {
    const [header, ...body] = draft.rows
    const { people, problems } = await examineRoster(context, draft.rows)
    const byRow = Map.groupBy(problems, ({ row }) => row)
    const lines = new Set(body.map(({ line }) => line))
    const listed = onlyWrong ? body.filter(({ line }) => byRow.has(line)) : body
    return {
      id: draft.id,
      columns: header?.cells.map(columnOf) ?? [],
      header: { line: header?.line ?? 1, cells: header?.cells ?? [], problems: byRow.get(header?.line) ?? noProblems },
      problems: problems.filter(({ row }) => row === undefined || !lines.has(row)),
      rows: listed
        .slice(offset, offset + limit)
        .map(({ line, cells }) => ({ line, cells, problems: byRow.get(line) ?? noProblems })),
      total: body.length,
      wrong: body.filter(({ line }) => byRow.has(line)).length,
      listed: listed.length,
      people: people.length,
      expiresAt: draft.expiresAt,
    }
  }

  return {
    add,
    look: async (id, page) => view(demand(id), page),
    async mend(id, changes, page) {
      const draft = demand(id)
      const byLine = Map.groupBy(changes, ({ line }) => line)
      draft.rows = draft.rows.map((row) => changed(row, byLine.get(row.line) ?? [], draft.rows[0]?.cells.length ?? 0))
      return view(draft, page)
    },
    rows: (id) => demand(id).rows,
    done(id, runId) {
      drafts.delete(id)
      runs.set(id, runId)
      for (const old of [...runs.keys()].slice(0, Math.max(0, runs.size - mostRuns))) runs.delete(old)
    },
    runOf: (id) => runs.get(id) ?? null,
  }
}

const noProblems: readonly Problem[] = []

/** Whoever mends a row has seen it under the columns that there are: it gets as many cells as these. */
function changed(row: RosterRecord, changes: readonly CellChange[], columns: number): RosterRecord {
  const different = changes.filter(({ column, value }) => column < columns && (row.cells[column] ?? '') !== value)
  if (different.length === 0) return row
  const cells = Array.from({ length: columns }, (_, index) => row.cells[index] ?? '')
  for (const { column, value } of different) cells[column] = value
  return { ...row, cells }
}
