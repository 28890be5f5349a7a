// `npm run bench`: all benchmarks one after the other, as one table. `npm run bench -- --markdown` for a document,
// `npm run bench -- hub store` for some of them. Exit code 1 when one could not measure; a missed target is a result.
import { globSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { basename, join } from 'node:path'
import type { BenchRow } from './bench-row.ts'
import { type BenchResult, markdownTable, plainTable, summary } from './table.ts'

const args = process.argv.slice(2)
const markdown = args.includes('--markdown')
const chosen = args.filter((arg) => !arg.startsWith('--'))

process.exitCode = await main()

async function main(): Promise<number> {
  const names = globSync('*.bench.ts', { cwd: import.meta.dirname })
    .map((file) => basename(file, '.bench.ts'))
    .sort()
  const unknown = chosen.filter((name) => !names.includes(name))
  if (unknown.length > 0) {
    console.error(`bench: there is no ${unknown.join(', ')}; there are ${names.join(', ')}`)
    return 1
  }
  const results: BenchResult[] = []
  const before = load()
  for (const name of chosen.length > 0 ? chosen : names) {
    console.error(`bench: ${name} …`)
    results.push(await measure(name))
  }
  console.log(markdown ? markdownTable(results) : plainTable(results))
  console.log(`\n${machine()}; load ${before} before, ${load()} after`)
  console.log(summary(results))
  return results.length > 0 && results.every(({ error }) => error === null) ? 0 : 1
}

async function measure(name: string): Promise<BenchResult> {
  try {
    const module: { rows: () => Promise<readonly BenchRow[]> } = await import(
      join(import.meta.dirname, `${name}.bench.ts`)
    )
    return { name, rows: await module.rows(), error: null }
  } catch (error) {
    console.error(error)
    return { name, rows: [], error: error instanceof Error ? error.message : String(error) }
  }
}

function load(): string {
  return (loadavg()[0] ?? 0).toFixed(2)
}

function machine(): string {
  const [first] = cpus()
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
}
