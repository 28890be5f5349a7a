import type { BenchRow } from './bench-row.ts'

/** The rows of one file, or the error that kept it from measuring. */
export interface BenchResult {
  /** The file's name without `.bench.ts`. */
  readonly name: string
  readonly rows: readonly BenchRow[]
  readonly error: string | null
}

type Line = readonly [verdict: string, what: string, target: string, measured: string, anchor: string]

const headings: Line = ['', 'what', 'target', 'measured', 'anchor']

/** Aligned columns; what failed stands in the table too, so that nothing is missing without being missed. */
export function plainTable(results: readonly BenchResult[]): string {
  const lines = [headings, ...linesOf(results)]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => width(line[column] ?? ''))))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function markdownTable(results: readonly BenchResult[]): string {
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [row(headings), row(headings.map(() => '---')), ...linesOf(results).map(row)].join('\n')
}

/** One sentence: how many targets there are, how many were met, which benchmarks gave no number. */
export function summary(results: readonly BenchResult[]): string {
  const rows = results.flatMap((result) => result.rows).filter(({ met }) => met !== null)
  const met = rows.filter((row) => row.met).length
  const broken = results.filter(({ error }) => error !== null).length
  return `${met} of ${rows.length} targets met${broken > 0 ? `, ${broken} ${broken === 1 ? 'benchmark' : 'benchmarks'} failed` : ''}`
}

function linesOf(results: readonly BenchResult[]): readonly Line[] {
  return results.flatMap(({ name, rows, error }) => [
    ...rows.map(({ what, target, measured, anchor, met }): Line => [verdictOf(met), what, target, measured, anchor]),
    ...(error === null ? [] : [['FAILED', name, '', oneLine(error), ''] as const]),
  ])
}

function verdictOf(met: boolean | null): string {
  if (met === null) return '-'
  return met ? 'met' : 'MISSED'
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, 120)
}

/** In characters as a reader counts them, not in UTF-16 units. */
function width(text: string): number {
  return [...new Intl.Segmenter('en').segment(text)].length
}
