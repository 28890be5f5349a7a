import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { SubjectKind } from '../../src/domain/access.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'
import * as cast from '../contracts/store-cast.ts'
import type { BenchRow } from './bench-row.ts'

const run = promisify(execFile)
const people = 10_000

/** 10,000 people with one handset each, a tenth of them leavers, in the embedded database. CPU of this process. */
export async function rows(): Promise<readonly BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-store-'))
  const sqlite = join(folder, 'ringfence.db')
  try {
    await fill(sqlite)
    // In a fresh process, so that memory is what a start takes and not what the filling left behind.
    const script = `const { measure } = await import(${JSON.stringify(import.meta.filename)})
      console.log(JSON.stringify(await measure(${JSON.stringify(sqlite)})))`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
    return JSON.parse(stdout)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export async function measure(sqlite: string): Promise<readonly BenchRow[]> {
  const before = process.memoryUsage.rss()
  let store: Store | undefined
  try {
    const opening = await cpuOf(async () => {
      store = await openStore({ sqlite })
    })
    const opened = store
    if (opened === undefined) throw new Error('the store did not open')
    const found: BenchRow[] = [row(`store: open with ${people} handsets`, 200, opening)]
    const kinds: readonly SubjectKind[] = ['tunnel', 'certificate', 'sip-credential', 'phone-door']
    for (const kind of kinds) {
      // The first read compiles the statements and warms the file cache: it is what a start pays.
      found.push(
        row(`store: all ${kind} subjects of ${people}, first read`, 300, await cpuOf(() => opened.subjects(kind))),
      )
    }
    const fetches = 2_000
    const perFetch =
      (await cpuOf(async () => {
        for (let n = 0; n < fetches; n++) await opened.handsetByTokenHash(`steady-${(n % people) + 1}`)
      })) / fetches
    found.push(row('store: handset by token', 0.05, perFetch))
    const grown = (process.memoryUsage.rss() - before) / 2 ** 20
    found.push({
      what: `store: memory after reading all doors of ${people}`,
      target: '≤ 100 MB more',
      measured: `${grown.toFixed(0)} MB more`,
      anchor: 'wazo-provd 122 MB in all',
      met: grown <= 100,
    })
    return found
  } finally {
    await store?.close()
  }
}

function row(what: string, targetMs: number, measuredMs: number): BenchRow {
  const digits = targetMs < 1 ? 3 : 0
  return {
    what,
    target: `≤ ${targetMs} ms CPU`,
    measured: `${measuredMs.toFixed(digits)} ms CPU`,
    anchor: 'none',
    met: measuredMs <= targetMs,
  }
}

async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1_000
}

async function fill(sqlite: string): Promise<void> {
  const store = await openStore({ sqlite })
  try {
    await cast.seed(store)
    const all = Array.from({ length: people }, (_, n) => n + 1)
    await store.transaction((tx) => cast.onboard(tx, ...all))
    await store.transaction(async (tx) => {
      for (let n = 10; n <= people; n += 10) await cast.offboard(tx, n, 5)
    })
  } finally {
    await store.close()
  }
}
