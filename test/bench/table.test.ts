import { describe, expect, test } from 'vitest'
import { type BenchResult, markdownTable, plainTable, summary } from './table.ts'

const results: readonly BenchResult[] = [
  {
    name: 'pki',
    error: null,
    rows: [
      { what: 'certificate', target: '≤ 5 ms', measured: '2 ms', anchor: 'forge 85 ms', met: true },
      { what: 'list', target: '≤ 5 ms', measured: '9 ms', anchor: 'openssl | 140 ms', met: false },
      { what: 'pool', target: 'none', measured: '4 ms', anchor: '', met: null },
    ],
  },
  { name: 'hub', error: 'no /dev/net/tun\n  here', rows: [] },
]

describe('the table of benchmarks', () => {
  test('is aligned and marks a missed target and a failed benchmark plainly', () => {
    expect(plainTable(results).split('\n')).toEqual([
      '        what         target  measured              anchor',
      'met     certificate  ≤ 5 ms  2 ms                  forge 85 ms',
      'MISSED  list         ≤ 5 ms  9 ms                  openssl | 140 ms',
      '-       pool         none    4 ms',
      'FAILED  hub                  no /dev/net/tun here',
    ])
  })

  test('can be written as markdown, with its bars escaped', () => {
    const lines = markdownTable(results).split('\n')
    expect(lines[1]).toBe('| --- | --- | --- | --- | --- |')
    expect(lines[3]).toBe('| MISSED | list | ≤ 5 ms | 9 ms | openssl \\| 140 ms |')
  })

  test('is summed up without counting what has no target', () => {
    expect(summary(results)).toBe('1 of 2 targets met, 1 benchmark failed')
    expect(summary(results.slice(0, 1))).toBe('1 of 2 targets met')
  })
})
