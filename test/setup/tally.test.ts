import { describe, expect, test } from 'vitest'
import { closingLine, tallyOf } from './tally.ts'

describe('the closing line of a test run', () => {
  test('counts what passed, failed and was skipped over all files', () => {
    const report = reportOf(
      { status: 'failed', tests: ['passed', 'failed', 'pending'] },
      { status: 'passed', tests: ['passed', 'skipped', 'todo'] },
    )
    expect(closingLine(tallyOf(report))).toBe('2 passed, 1 failed, 3 skipped')
  })

  test('a file that could not be loaded counts as one failure', () => {
    expect(tallyOf(reportOf({ status: 'failed', tests: [] }))).toMatchObject({ passed: 0, failed: 1 })
  })

  test('a file whose clean-up failed counts as one failure beside its passed tests', () => {
    expect(tallyOf(reportOf({ status: 'failed', tests: ['passed', 'passed'] }))).toMatchObject({ passed: 2, failed: 1 })
  })

  test('names each reason for skipping once', () => {
    const title = 'the hub [skipped: wg is missing (package wireguard-tools): run `sudo npm test`]'
    const report = reportOf({ status: 'passed', tests: ['skipped', 'skipped'], title })
    expect(tallyOf(report).reasons).toEqual(['wg is missing (package wireguard-tools): run `sudo npm test`'])
  })

  test('a report that is not one is an error, not a count of zero', () => {
    expect(() => tallyOf('{"testResults":[{}]}')).toThrow()
    expect(() => tallyOf('')).toThrow()
  })
})

interface File {
  readonly status: string
  readonly tests: readonly string[]
  readonly title?: string
}

function reportOf(...files: readonly File[]): string {
  return JSON.stringify({
    testResults: files.map(({ status, tests, title }, index) => ({
      name: `/test/${index}.test.ts`,
      status,
      assertionResults: tests.map((each) => ({ status: each, fullName: each, ancestorTitles: title ? [title] : [] })),
    })),
  })
}
