import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { z } from 'zod'

const checkout = join(import.meta.dirname, '../..')

const answerSchema = z.object({ failures: z.array(z.string()), busy: z.array(z.string()) })

/**
 * Imports modules (paths from the checkout's top) in a process that may read code and nothing else. `failures`: what they
 * tried and were refused; `busy`: timers, listeners and the like that went on afterwards; `said`: words on stderr.
 */
export function importEffects(modules: readonly string[]): {
  readonly failures: readonly string[]
  readonly busy: readonly string[]
  readonly said: string
} {
  const readable = ['src', 'node_modules', 'package.json', 'test/fixtures/architecture']
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--permission',
      ...readable.map((path) => `--allow-fs-read=${join(checkout, path)}`),
      '--input-type=module',
      '--eval',
      programImporting(modules),
    ],
    { cwd: checkout, encoding: 'utf8', timeout: 25_000, env: {} },
  )
  return { ...answerSchema.parse(JSON.parse(stdout || '{}')), said: stderr }
}

function programImporting(modules: readonly string[]): string {
  // The three streams are made when they are first looked at, and count as resources then: look at them first.
  return `
    for (const stream of [process.stdin, process.stdout, process.stderr]) stream.on('error', () => undefined)
    const before = process.getActiveResourcesInfo()
    const failures = []
    for (const path of ${JSON.stringify(modules)}) {
      try { await import(${JSON.stringify(`file://${checkout}/`)} + path) } catch (error) { failures.push(path + ': ' + error.message) }
    }
    // What was begun while importing has begun for good one turn later.
    await new Promise((resolve) => setImmediate(resolve))
    const busy = process.getActiveResourcesInfo().filter((kind) => !before.includes(kind))
    process.stdout.write(JSON.stringify({ failures, busy }), () => process.exit(0))
  `
}
