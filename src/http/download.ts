/** Exports: sent piece by piece, so that ten thousand rows fill no memory and keep nobody else waiting. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Response } from 'express'
import { csvLine } from './csv-line.ts'
import { written } from './written.ts'

export const chunk = 250

interface Download<Piece> {
  readonly response: Response
  readonly signal: AbortSignal
  readonly name: string
  readonly pieces: AsyncIterable<Piece>
}

export async function download({ response, signal, name, pieces }: Download<string>, type: string): Promise<void> {
  response.type(type).set('Content-Disposition', `attachment; filename="${name}"`)
  for await (const text of pieces) {
    if (signal.aborted) break
    await written(response, text, signal)
    await nextTurn()
  }
  response.end()
}

export function csvDownload<Row>(
  { pieces, ...rest }: Download<readonly Row[]>,
  columns: readonly string[],
  cells: (row: Row) => readonly string[],
): Promise<void> {
  async function* lines() {
    // UTF-8 with a mark at the beginning: what spreadsheets need to take it for that.
    yield `\uFEFF${csvLine(columns)}`
    for await (const rows of pieces) yield rows.map((row) => csvLine(cells(row))).join('')
  }
  return download({ ...rest, pieces: lines() }, 'text/csv; charset=utf-8')
}

/** A counted list, from page to page until one is not full. */
export async function* pagesOf<Row>(
  page: (part: { readonly offset: number; readonly limit: number }) => Promise<readonly Row[]>,
): AsyncGenerator<readonly Row[]> {
  for (let offset = 0; ; offset += chunk) {
    const rows = await page({ offset, limit: chunk })
    yield rows
    if (rows.length < chunk) return
  }
}
