import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { requires } from './requirements.ts'
import { tallyOf } from './tally.ts'

describe('what the live tests need', () => {
  test('nothing asked for is never missing', () => {
    expect(requires()).toEqual({ missing: null })
  })

  test('a machine that lacks something skips those tests and says what would help', () => {
    const { exitCode, tally } = runWithoutAsterisk({})
    expect(tally).toMatchObject({ passed: 0, failed: 0, skipped: 1 })
    expect(tally.reasons).toHaveLength(1)
    expect(tally.reasons[0]).toContain('sudo')
    expect(exitCode).toBe(0)
  })

  test('where live tests are required the same gap is a failure', () => {
    const { exitCode, tally } = runWithoutAsterisk({ REQUIRE_LIVE: '1' })
    expect(tally).toMatchObject({ passed: 0, failed: 1, skipped: 0 })
    expect(exitCode).not.toBe(0)
  })
})

function runWithoutAsterisk(env: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-requirements-'))
  try {
    const checkout = join(import.meta.dirname, '../..')
    const report = join(folder, 'report.json')
    // A worker's environment carries vitest's own settings; the inner run must not inherit them.
    const inherited = Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|REQUIRE_LIVE$)/.test(name))
    const { status } = spawnSync(
      process.execPath,
      [
        join(checkout, 'node_modules/vitest/vitest.mjs'),
        'run',
        `--config=${join(checkout, 'test/fixtures/harness/vitest.config.ts')}`,
        '--reporter=json',
        `--outputFile=${report}`,
      ],
      {
        env: { ...Object.fromEntries(inherited), RINGFENCE_TEST_CACHE: join(folder, 'empty'), ...env },
        encoding: 'utf8',
        timeout: 25_000,
      },
    )
    return { exitCode: status, tally: tallyOf(readFileSync(report, 'utf8')) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
